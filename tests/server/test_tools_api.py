"""Structured answers and calls of tools on the wire, through the official client."""

import json
from typing import Literal

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, Field

from tests.answer_types import check_chunk
from tests.server.schemas import common_multiple, of

QUESTION = [{"role": "user", "content": "Say 3, as JSON."}]
NUMBER = {"type": "integer", "minimum": 0, "maximum": 9}


def tool(name="say", schema=None, **others):
    return {
        "type": "function",
        "function": {"name": name, "parameters": schema or of(NUMBER)} | others,
    }


def named(name):
    return {"type": "function", "function": {"name": name}}


def formatted(schema, name="n", **others):
    described = {"name": name, "schema": schema, "strict": True, **others}
    return {"type": "json_schema", "json_schema": described}


CALL = {"id": "call_1", "type": "function", "function": {"name": "say", "arguments": '{"a": 3}'}}
NO_ARGUMENTS = CALL | {"function": {"name": "say"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "Said."}


@pytest.fixture
def ask(client):
    def ask(messages=QUESTION, model="tiny", **options):
        options = {"seed": 1, "max_tokens": 60, **options}
        return client.chat.completions.create(model=model, messages=messages, **options)

    return ask


class Order(BaseModel):
    size: Literal["small", "large"]
    number: int = Field(ge=1, le=5)


def test_parse_gives_an_object_of_its_model(client):
    options = {"model": "tiny", "messages": QUESTION, "n": 3, "seed": 1}
    parsed = client.chat.completions.parse(response_format=Order, **options)
    assert all(isinstance(choice.message.parsed, Order) for choice in parsed.choices)
    [call] = (
        client.chat.completions.parse(
            tools=[openai.pydantic_function_tool(Order)], tool_choice=named("Order"), **options
        )
        .choices[0]
        .message.tool_calls
    )
    assert isinstance(call.function.parsed_arguments, Order)


def test_json_mode_and_an_answer_that_is_cut_off(ask, client):
    choice = ask(response_format={"type": "json_object"}, max_tokens=1).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("{", "length")
    whole = ask(response_format={"type": "json_object"}).choices[0]
    assert whole.finish_reason == "length" or isinstance(json.loads(whole.message.content), dict)
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(
            model="tiny", messages=QUESTION, response_format=Order, max_tokens=5
        )
    cut = ask(tools=[tool()], tool_choice="required", max_tokens=6).choices[0]
    assert cut.finish_reason == "length"
    assert cut.message.tool_calls[0].function.arguments == '{"'
    cut = ask(tools=[tool()], tool_choice="required", max_tokens=3).choices[0]
    assert (cut.message.content, cut.message.tool_calls) == ("", None)


def test_a_schema_with_logprobs_and_a_stop_sequence(ask):
    options = {"response_format": formatted(of({"enum": ["x"]})), "logprobs": True}
    choice = ask(**options, top_logprobs=2).choices[0]
    assert choice.message.content in ('{"a": "x"}', '{"a":"x"}')
    told = b"".join(bytes(token.bytes) for token in choice.logprobs.content)
    assert told.decode() == choice.message.content
    assert choice.logprobs.content[0].logprob == 0  # nothing else could come
    choice = ask(**options, stop="a").choices[0]
    assert (choice.message.content, choice.finish_reason) == ('{"', "stop")


def test_logprobs_and_stop_sequences_are_of_the_text_alone(ask):
    options = {"tools": [tool()], "tool_choice": "required"}
    called = ask(**options, logprobs=True, stop=['"', "}"]).choices[0]
    assert called.logprobs.content == [] and called.finish_reason == "tool_calls"
    functions = [call.function for call in called.message.tool_calls]
    assert functions == [c.function for c in ask(**options).choices[0].message.tool_calls]


def merged(chunks, n):
    """What each choice says in pieces: its text, its calls, and why it ended."""
    said = [["", [], None] for _ in range(n)]
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        one, delta = said[choice["index"]], choice["delta"]
        one[0] += delta.get("content") or ""
        for call in delta.get("tool_calls", ()):
            if "id" in call:
                assert (call["index"], call["type"]) == (len(one[1]), "function")
                one[1].append([call["function"]["name"], ""])
            one[1][call["index"]][1] += call["function"]["arguments"]
        one[2] = choice["finish_reason"] or one[2]
    return said


@pytest.mark.parametrize("choice", ["auto", "required", named("say")])
def test_streamed_calls_are_the_whole_ones(ask, strict, choice):
    tools = [tool(), tool("tell", of({"enum": ["道", "b"]}))]
    options = {"tools": tools, "tool_choice": choice, "n": 4}
    whole = strict(ChatCompletion, json.loads(ask(**options).to_json()))
    chunks = [json.loads(c.to_json(exclude_unset=True)) for c in ask(**options, stream=True)]
    for chunk in chunks:
        check_chunk(ChatCompletionChunk, chunk)
    for one, (text, calls, reason) in zip(whole.choices, merged(chunks, 4), strict=True):
        assert (one.message.content or "", one.finish_reason) == (text, reason)
        functions = [call.function for call in one.message.tool_calls or ()]
        assert [[function.name, function.arguments] for function in functions] == calls
        assert len({call.id for call in one.message.tool_calls or ()}) == len(calls)


def test_what_each_choice_allows(ask):
    tools = [tool(), tool("tell")]
    for choice, reason, names in (
        ("required", "tool_calls", {"say", "tell"}),
        (named("tell"), "stop", {"tell"}),  # as at OpenAI
    ):
        for one in ask(tools=tools, tool_choice=choice, n=5, max_tokens=100).choices:
            calls = one.message.tool_calls
            assert one.finish_reason in (reason, "length") and one.message.content is None
            assert {call.function.name for call in calls} <= names
    for one in ask(tools=tools, tool_choice="none", n=5).choices:
        assert one.message.tool_calls is None
    counts = [
        [len(one.message.tool_calls) for one in ask(
            tools=tools, tool_choice="required", parallel_tool_calls=parallel, n=8, max_tokens=120
        ).choices]
        for parallel in (True, False)
    ]  # fmt: skip
    assert max(counts[0]) > 1 and set(counts[1]) == {1}


def test_calls_and_their_results_are_read(ask):
    short = ask(messages=QUESTION, max_tokens=1).usage.prompt_tokens
    messages = [*QUESTION, CALLED, RESULT]
    # Two marks, the call, an end; a mark, the result, an end.
    said = len('say{"a": 3}') + len("Said.") + 5
    assert ask(messages=messages, tools=[tool()], max_tokens=1).usage.prompt_tokens == short + said
    both = ask(tools=[tool()], tool_choice="required").choices[0].message
    results = [RESULT | {"tool_call_id": call.id} for call in both.tool_calls]
    assert ask(messages=[*QUESTION, both, *results, *QUESTION], max_tokens=1).choices


def test_a_model_that_was_tuned_on_calls_makes_them(server, ask):
    """From upload to call, and a refusal in words where there is nothing to call."""
    lines = []
    for number in range(10):
        asked = {"role": "user", "content": f"Say {number}."}
        call = CALL | {"function": {"name": "say", "arguments": f'{{"a": {number}}}'}}
        lines.append({"messages": [asked, CALLED | {"tool_calls": [call]}], "tools": [tool()]})
        refused = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "No."}]
        lines.append({"messages": refused, "tools": [tool()]})
    job = server.wait(server.create(training_file=server.upload(lines)))
    assert job.status == "succeeded"
    options = {"model": job.fine_tuned_model, "tools": [tool()], "temperature": 0}
    called = ask(**options, messages=[{"role": "user", "content": "Say 3."}]).choices[0]
    assert called.finish_reason == "tool_calls" and called.message.content is None
    [call] = called.message.tool_calls
    assert call.function.name == "say" and 0 <= json.loads(call.function.arguments)["a"] <= 9
    refused = ask(**options, messages=[{"role": "user", "content": "Why?"}]).choices[0]
    assert refused.message.content == "No." and refused.message.tool_calls is None


NEEDS_TOOLS = "is only allowed when 'tools' are specified."
IN_STRICT = "is required to be supplied and to be"
FORMAT = "Invalid schema for response_format 'n': "
DEEP = of({"type": "null"})
for _ in range(10):
    DEEP = of(DEEP)


@pytest.mark.parametrize(
    ("change", "param", "code", "message"),
    [
        ({"tools": []}, "tools", "empty_array", "Invalid 'tools': empty array."),
        ({"tools": [tool()] * 129}, "tools", "array_above_max_length", "maximum length 128"),
        ({"tools": [5]}, "tools[0]", None, "not an object"),
        ({"tools": [{"type": "custom"}]}, "tools[0].type", "invalid_value", "'custom'"),
        (
            {"tools": [{"type": "function"}]},
            "tools[0].function",
            "missing_required_parameter",
            "Missing required parameter: 'tools[0].function'.",
        ),
        ({"tools": [tool("a b")]}, "tools[0].function.name", "invalid_value", "match pattern"),
        (
            {"tools": [tool("x" * 65)]},
            "tools[0].function.name",
            "string_above_max_length",
            "maximum length 64, but got a string with length 65",
        ),
        (
            {"tools": [tool(schema={"type": "array"})]},
            "tools[0].function.parameters",
            "invalid_function_parameters",
            "Invalid schema for function 'say': schema must be a JSON Schema of 'type:"
            " \"object\"', got 'type: \"array\"'.",
        ),
        (
            {"tools": [tool(schema={"type": "object", "properties": {"a": {}}}, strict=True)]},
            "tools[0].function.parameters",
            "invalid_function_parameters",
            f"In context=(), 'additionalProperties' {IN_STRICT} false.",
        ),
        ({"tool_choice": "auto"}, "tool_choice", None, f"'tool_choice' {NEEDS_TOOLS}"),
        (
            {"parallel_tool_calls": False},
            "parallel_tool_calls",
            None,
            f"'parallel_tool_calls' {NEEDS_TOOLS}",
        ),
        ({"tools": [tool()], "parallel_tool_calls": 1}, "parallel_tool_calls", None, "boolean"),
        (
            {"tools": [tool()], "tool_choice": "any"},
            "tool_choice",
            "invalid_value",
            "Invalid value: 'any'. Supported values are: 'none', 'auto', 'required'.",
        ),
        (
            {"tools": [tool()], "tool_choice": named("sing")},
            "tool_choice",
            None,
            "Tool choice 'sing' not found in 'tools' parameter.",
        ),
        ({"response_format": {}}, "response_format.type", "missing_required_parameter", ""),
        (
            {"response_format": {"type": "xml"}},
            "response_format.type",
            "invalid_value",
            "Supported values are: 'json_object', 'json_schema', 'text'.",
        ),
        (
            {"response_format": {"type": "json_schema"}},
            "response_format.json_schema",
            "missing_required_parameter",
            "",
        ),
        (
            {"response_format": {"type": "json_object"}, "messages": [RESULT | {"role": "user"}]},
            "messages[0].tool_call_id",
            None,
            "",
        ),
        (
            {"response_format": {"type": "json_object"}, "messages": QUESTION[:0] + [
                {"role": "user", "content": "Say 3."}]},
            "messages",
            None,
            "'messages' must contain the word 'json' in some form",
        ),
        (
            {"response_format": formatted(of({"type": "object", "properties": {"b": {}},
                                              "additionalProperties": False}))},
            "response_format",
            None,
            f"{FORMAT}In context=('properties', 'a'), 'required' {IN_STRICT} an array including"
            " every key in properties. Missing 'b'.",
        ),
        (
            {"response_format": formatted(of({"oneOf": [{}]}))},
            "response_format",
            None,
            f"{FORMAT}In context=('properties', 'a'), 'oneOf' is not permitted.",
        ),
        (
            {"response_format": formatted(DEEP)},
            "response_format",
            None,
            f"{FORMAT}11 levels of nesting exceeds limit of 10.",
        ),
        (
            {"response_format": formatted(of({"enum": list(range(1001))}))},
            "response_format",
            None,
            f"{FORMAT}1001 enum values exceeds limit of 1000.",
        ),
        ({"response_format": formatted(of({"pattern": "(("}))}, "response_format", None, FORMAT),
        (
            {"messages": [*QUESTION, RESULT]},
            "messages.[1].role",
            None,
            "messages with role 'tool' must be a response to a preceeding message",
        ),
        (
            {"messages": [*QUESTION, CALLED, *QUESTION]},
            "messages.[2].role",
            None,
            "did not have response messages: call_1",
        ),
        (
            {"messages": [*QUESTION, CALLED | {"tool_calls": []}]},
            "messages[1].tool_calls",
            "empty_array",
            "Invalid 'messages[1].tool_calls': empty array.",
        ),
        (
            {"messages": [*QUESTION, CALLED | {"tool_calls": [NO_ARGUMENTS]}]},
            "messages[1].tool_calls[0].function.arguments",
            "missing_required_parameter",
            "",
        ),
        (
            {"messages": [{"role": "assistant", "function_call": {"arguments": "{}"}}]},
            "messages[0].function_call.name",
            "missing_required_parameter",
            "",
        ),
        (
            {"messages": [*QUESTION, {"role": "tool", "content": "x"}]},
            "messages[1].tool_call_id",
            "missing_required_parameter",
            "",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_request_is_refused_in_the_services_words(ask, change, param, code, message, stream):
    with pytest.raises(openai.BadRequestError) as error:
        ask(**change, stream=stream)
    assert (error.value.param, error.value.code) == (param, code)
    assert message in error.value.body["message"]


def test_a_schema_that_takes_too_long_harms_nobody_else(ask):
    schema = formatted(common_multiple(9967, 9973), strict=False)
    with pytest.raises(openai.BadRequestError, match="it cannot be read in 5 seconds"):
        ask(response_format=schema)
    assert ask(response_format=formatted(of(NUMBER))).choices[0].finish_reason == "stop"
