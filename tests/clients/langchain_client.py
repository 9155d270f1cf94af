"""LangChain's package for OpenAI's API."""

import functools
import operator
from typing import Literal

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from steps import MODEL, QUESTION, Place, end, equal, step


@tool
def people(city: Literal["Paris", "Rome"]) -> int:
    """How many people live in a city."""
    return 2_000_000


model = ChatOpenAI(model=MODEL, temperature=0)

with step("POST /chat/completions", "ask, with all defaults"):
    answer = ChatOpenAI(model=MODEL).invoke(QUESTION)
    equal(answer.response_metadata["model_name"], MODEL)
    assert answer.content and answer.usage_metadata["total_tokens"] > 0

with step("POST /chat/completions", "go on with a conversation"):
    answer = model.invoke([("user", QUESTION), answer, ("user", QUESTION)])
    assert "Paris" in answer.content, answer.content

with step("POST /chat/completions", "streamed"):
    pieces = [chunk.content for chunk in model.stream(QUESTION)]
    assert "Paris" in "".join(pieces) and len(pieces) > 2, pieces

with step("POST /chat/completions", "with all numbers that change how it speaks"):
    numbers = {"top_p": 0.9, "frequency_penalty": 0.5, "presence_penalty": 0.5, "seed": 1}
    assert ChatOpenAI(model=MODEL, max_tokens=20, **numbers).invoke(QUESTION).content

with step("POST /responses", "ask by the newer call"):
    answer = ChatOpenAI(model=MODEL, temperature=0, use_responses_api=True).invoke(QUESTION)
    assert "Paris" in answer.text, answer

with step("no call", "count tokens by the model's name, and by that of a tuned one"):
    tuned = ChatOpenAI(model=f"ft:{MODEL}:practice::AbCdEfGh")
    equal([each.get_num_tokens(QUESTION) for each in (model, tuned)], [7, 7])

with step("POST /chat/completions", "call a function, and go on with what it gives"):
    called = model.bind_tools([people], tool_choice="any").invoke(QUESTION)
    results = [people.invoke(call) for call in called.tool_calls]
    equal([result.content for result in results], ["2000000"])
    answer = model.bind_tools([people]).invoke([("user", QUESTION), called, *results])
    assert answer.content, answer

with step("POST /chat/completions", "a call, streamed"):
    chunks = model.bind_tools([people], tool_choice="people").stream(QUESTION)
    (call,) = functools.reduce(operator.add, chunks).tool_calls
    assert call["name"] == "people" and call["args"].keys() == {"city"}, call

with step("POST /chat/completions", "an object of a class, by a schema and by a call"):
    for method in ("json_schema", "function_calling"):
        place = model.with_structured_output(Place, method=method).invoke(QUESTION)
        assert isinstance(place, Place), place

end()
