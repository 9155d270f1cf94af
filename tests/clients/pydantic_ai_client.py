"""pydantic-ai, which asks the Responses API unless told otherwise."""

import asyncio

from pydantic_ai import Agent, NativeOutput
from steps import MODEL, QUESTION, Place, end, equal, step

agent = Agent(f"openai:{MODEL}", instructions="Answer briefly.")

with step("POST /responses", "ask, with all defaults"):
    first = agent.run_sync(QUESTION)
    assert first.output
    usage = first.usage
    equal((usage.requests, usage.total_tokens), (1, usage.input_tokens + usage.output_tokens))
    equal(first.response.model_name, MODEL)

with step("POST /responses", "go on with a conversation"):
    settings = {"temperature": 0.0, "max_tokens": 50}
    messages = first.all_messages()
    second = agent.run_sync(QUESTION, message_history=messages, model_settings=settings)
    assert "Paris" in second.output, second.output


async def streamed():
    async with agent.run_stream(QUESTION, model_settings=settings) as result:
        pieces = [piece async for piece in result.stream_text(delta=True, debounce_by=None)]
        return pieces, result.response.finish_reason


with step("POST /responses", "streamed"):
    pieces, finish_reason = asyncio.run(streamed())
    assert "Paris" in "".join(pieces) and len(pieces) > 1, pieces
    equal(finish_reason, "stop")

with step("POST /responses", "an object of a class, by a call of a tool and by a schema"):
    for wanted in (Place, NativeOutput(Place)):
        result = Agent(f"openai:{MODEL}", output_type=wanted).run_sync(QUESTION)
        assert isinstance(result.output, Place), result.output

with step("POST /responses", "go on after a call"):
    caller = Agent(f"openai:{MODEL}", output_type=Place)
    messages = caller.run_sync(QUESTION).all_messages()
    again = caller.run_sync("And of Italy?", message_history=messages)
    assert isinstance(again.output, Place), again.output

end()
