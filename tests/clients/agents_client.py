"""openai-agents, which asks the Responses API unless told otherwise."""

import asyncio

from agents import Agent, ModelSettings, Runner
from steps import MODEL, QUESTION, end, equal, step

agent = Agent(name="Guide", instructions="Answer briefly.", model=MODEL)
sure = agent.clone(model_settings=ModelSettings(temperature=0))


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


asyncio.run(main())
end()
