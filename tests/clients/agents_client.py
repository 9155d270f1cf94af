"""openai-agents, which asks the Responses API unless told otherwise."""

import asyncio
from typing import Literal

from agents import Agent, ModelSettings, Runner, function_tool
from steps import MODEL, QUESTION, Place, end, equal, step

agent = Agent(name="Guide", instructions="Answer briefly.", model=MODEL)
sure = agent.clone(model_settings=ModelSettings(temperature=0))


@function_tool
def people(city: Literal["Paris", "Rome"]) -> int:
    """How many people live in a city."""
    return 2_000_000


async def main():
    with step("POST /responses", "ask, with all defaults"):
        first = await Runner.run(agent, QUESTION)
        assert first.final_output
        equal(first.context_wrapper.usage.requests, 1)

    with step("POST /responses", "go on with a conversation"):
        question = {"role": "user", "content": QUESTION}
        second = await Runner.run(sure, [*first.to_input_list(), question])
        assert "Paris" in second.final_output, second.final_output

    with step("POST /responses", "streamed"):
        result = Runner.run_streamed(sure, QUESTION)
        pieces = [
            event.data.delta
            async for event in result.stream_events()
            if event.type == "raw_response_event"
            and event.data.type == "response.output_text.delta"
        ]
        equal("".join(pieces), result.final_output)

    with step("POST /responses", "an object of a class"):
        result = await Runner.run(agent.clone(output_type=Place), QUESTION)
        assert isinstance(result.final_output, Place), result.final_output

    with step("POST /responses", "call a function, and go on with what it gives"):
        must = ModelSettings(tool_choice="required")
        result = await Runner.run(agent.clone(tools=[people], model_settings=must), QUESTION)
        kinds = ["ToolCallItem", "ToolCallOutputItem", "MessageOutputItem"]
        equal([type(item).__name__ for item in result.new_items], kinds)

    with step("POST /responses", "the same streamed"):
        result = Runner.run_streamed(agent.clone(tools=[people], model_settings=must), QUESTION)
        events = [event.name async for event in result.stream_events() if "item" in event.type]
        equal(events, ["tool_called", "tool_output", "message_output_created"])


asyncio.run(main())
end()
