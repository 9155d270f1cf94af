"""The Responses API: texts, whole and streamed."""

import re

import openai
import pytest
from openai.types.responses import Response

ANSWER = dict(temperature=0, max_output_tokens=30)
TOOL = {"type": "function", "name": "say", "parameters": {"type": "object", "properties": {}}}
CALL = {"type": "function_call", "call_id": "a", "name": "say", "arguments": "{}"}
CALLED = ("function_call", "say", "{}")
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "3!"}


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


def test_a_call_of_a_function_whole_and_streamed_and_its_output(client, strict):
    options = dict(model="tiny", input="Say 3.", tools=[TOOL], tool_choice="required", **ANSWER)
    options["parallel_tool_calls"] = False
    raw = client.responses.with_raw_response.create(**options)
    (call,) = strict(Response, raw.http_response.json()).output
    assert (call.type, call.name, call.arguments, call.status) == (*CALLED, "completed")
    events = list(client.responses.create(**options, stream=True))
    pieces = [event.delta for event in events if event.type.endswith("arguments.delta")]
    assert "".join(pieces) == events[-1].response.output[0].arguments == call.arguments
    said = [{"role": "user", "content": "Say 3."}, call, OUTPUT | {"call_id": call.call_id}]
    assert client.responses.create(**options | {"input": said, "tool_choice": "none"}).output_text


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
        ({"tools": [TOOL | {"name": "a b"}]}, "tools[0].name", "Invalid 'tools[0].name'"),
        ({"tools": [TOOL | {"strict": True}]}, "tools[0].parameters", "additionalProperties"),
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
    with pytest.raises(openai.BadRequestError, match=re.escape(words)) as error:
        client.post("/responses", body=options, cast_to=object)
    assert error.value.param == param
