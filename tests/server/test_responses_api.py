"""The Responses API: texts, whole and streamed."""

import json
from typing import Literal

import openai
import pytest
from openai.types.responses import Response
from pydantic import BaseModel

CALL = {"type": "function_call", "call_id": "a", "name": "say", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "3!"}
ANSWER = dict(temperature=0, max_output_tokens=30)


@pytest.fixture(scope="module")
def tuned(finished_job):
    return finished_job.fine_tuned_model


def test_an_answer_is_that_of_a_chat(client, tuned, strict):
    options = dict(model=tuned, instructions="Count.", input="Say 3.", **ANSWER)
    raw = client.responses.with_raw_response.create(**options, metadata={"a": "b"}, store=True)
    answer = strict(Response, raw.http_response.json())
    messages = [{"role": "system", "content": "Count."}, {"role": "user", "content": "Say 3."}]
    chat = client.chat.completions.create(
        model=tuned, messages=messages, temperature=0, max_tokens=30
    )
    assert answer.output_text == chat.choices[0].message.content
    assert (answer.model, answer.status) == (tuned, "completed")
    assert (answer.instructions, answer.metadata) == ("Count.", {"a": "b"})
    assert answer.usage.input_tokens == chat.usage.prompt_tokens
    assert answer.usage.output_tokens == chat.usage.completion_tokens


def test_the_events_of_a_stream_tell_the_whole(client, tuned):
    options = dict(model=tuned, input="Say 3.", **ANSWER)
    events = list(client.responses.create(**options, stream=True))
    kinds = [event.type.removeprefix("response.") for event in events]
    middle = ["output_text.delta"] * kinds.count("output_text.delta")
    assert len(middle) > 1
    begin = ["created", "in_progress", "output_item.added", "content_part.added"]
    end = ["output_text.done", "content_part.done", "output_item.done", "completed"]
    assert kinds == begin + middle + end
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type.endswith("text.delta"))
    assert (
        text == events[-1].response.output_text == client.responses.create(**options).output_text
    )


def test_the_official_packages_helper_reads_the_stream(client, tuned):
    with client.responses.stream(model=tuned, input="Say 3.", **ANSWER) as stream:
        *_, last = stream
        assert last.response.output_text == stream.get_final_response().output_text != ""


def test_an_answer_that_is_cut_is_incomplete(client):
    question = "Say 3. " * 3
    answer = client.responses.create(
        model="tiny", input=question, max_output_tokens=16, temperature=0
    )
    assert answer.status == "incomplete"
    assert answer.incomplete_details.reason == "max_output_tokens"


def test_a_conversation_goes_on_with_what_was_answered(client, tuned):
    said = [{"role": "user", "content": [{"type": "input_text", "text": "Say 3."}]}]
    first = client.responses.create(model=tuned, input=said, **ANSWER)
    said += [item.model_dump() for item in first.output]
    said.append({"role": "user", "content": "Say 4."})
    assert client.responses.create(model=tuned, input=said, **ANSWER).output_text


def test_log_probabilities(client, tuned):
    answer = client.responses.create(
        model=tuned,
        input="Say 3.",
        include=["message.output_text.logprobs"],
        top_logprobs=2,
        **ANSWER,
    )
    part = answer.output[0].content[0]
    assert "".join(entry.token for entry in part.logprobs) == part.text
    assert all(len(entry.top_logprobs) == 2 for entry in part.logprobs)


@pytest.mark.parametrize(
    ("asked", "param", "words"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id", "has no"),
        ({"reasoning": {"effort": "low"}}, "reasoning", "has no"),
        ({"background": True}, "background", "at once"),
        ({"truncation": "auto"}, "truncation", "has no"),
        ({"max_output_tokens": 3}, "max_output_tokens", "minimum of 16"),
        ({"temperature": 3}, "temperature", "maximum of 2"),
        ({"tools": [{"type": "web_search"}]}, "tools[0]", "no 'web_search'"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0].type", "item_reference"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role", "robot"),
        ({"input": [CALL]}, "input", "No tool output found for function call a."),
        ({"input": [OUTPUT]}, "input", "No tool call found for function call output"),
        ({"input": []}, "input", "list of items"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]},
         "input[0].content[0]", "not a text"),
        ({"include": ["file_search_call.results"]}, "include[0]", "file_search_call"),
        ({"input": "x" * 2000}, "input", "maximum context length"),
        ({"messages": []}, "messages", "Unrecognized"),
    ],
)  # fmt: skip
def test_what_is_refused(client, asked, param, words):
    options = {"model": "tiny", "input": "Say 3."} | asked
    with pytest.raises(openai.BadRequestError, match=words) as error:
        client.post("/responses", body=options, cast_to=object)
    assert error.value.param == param


LEVEL = {
    "type": "object",
    "properties": {"level": {"enum": [1, 2]}},
    "required": ["level"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "name": "set_light", "parameters": LEVEL, "strict": True}


def test_a_function_is_called_and_its_result_is_read(client, strict):
    asked = {"model": "tiny", "tools": [TOOL], "temperature": 0}
    said = [{"role": "user", "content": "Light!"}]
    raw = client.responses.with_raw_response.create(
        **asked, input=said, tool_choice="required", parallel_tool_calls=False
    )
    (call,) = strict(Response, raw.http_response.json()).output
    assert (call.type, call.name, call.status) == ("function_call", "set_light", "completed")
    assert json.loads(call.arguments)["level"] in (1, 2)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "done"}
    said += [call.model_dump(exclude_none=True), result]
    answer = client.responses.create(**asked, input=said, max_output_tokens=16, tool_choice="none")
    assert answer.output[0].type == "message"


def test_the_events_of_a_call(client):
    asked = {"model": "tiny", "tools": [TOOL], "input": "Light!", "temperature": 0}
    forced = {"tool_choice": {"type": "function", "name": "set_light"}, "stream": True}
    events = list(client.responses.create(**asked, **forced))
    kinds = [event.type.removeprefix("response.") for event in events]
    begin = ["created", "in_progress", "output_item.added"]
    end = ["function_call_arguments.done", "output_item.done", "completed"]
    assert (kinds[:3], kinds[-3:]) == (begin, end)
    told = "".join(event.delta for event in events[3:-3])
    assert told == events[-3].arguments == events[-1].response.output[0].arguments


def test_an_answer_by_a_schema_is_parsed(client):
    class Light(BaseModel):
        level: Literal[1, 2]

    answer = client.responses.parse(model="tiny", input="Light!", text_format=Light, temperature=0)
    assert answer.output_parsed.level in (1, 2)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"tools": [TOOL | {"name": "a b"}]}, "tools[0].name"),
        ({"tools": [TOOL | {"parameters": {"type": "x"}}]}, "tools[0].parameters"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "name": "x"}}, "tool_choice"),
        ({"text": {"format": {"type": "json_schema", "name": "a b", "schema": LEVEL}}},
         "text.format.name"),
        ({"text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "x"}}}},
         "text.format"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
    ],
)  # fmt: skip
def test_a_refused_form_is_named_as_here(client, asked, param):
    with pytest.raises(openai.BadRequestError) as error:
        client.responses.create(model="tiny", input="Light!", **asked)
    assert error.value.param == param
    assert "response_format" not in str(error.value) and ".function" not in str(error.value)
