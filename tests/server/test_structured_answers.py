"""Answers are valid by their schemas, whatever the model would rather say."""

import json
import re
from collections import Counter

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from practice_server.asking import answering, constraint
from practice_server.asking.answer_form import read_form
from practice_server.web.errors import ApiError
from practice_server.web.fields import Fields
from tests.random_model import byte_tokenizer, random_engine
from tests.server.schemas import ODD, common_multiple, of, schemas

ANSWERS = settings(
    max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
STRING = re.compile(r'"(\\.|[^"\\])*"')
MESSAGES = [{"role": "user", "content": "Hi"}]


@pytest.fixture(scope="module")
def answer(tmp_path_factory):
    """The text and the calls of a model with random weights; None if it was cut off."""
    folder = tmp_path_factory.mktemp("model")
    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
    sizes |= {"num_attention_heads": 2, "max_position_embeddings": 900, "learning_rate": 1e-3}
    random_engine(byte_tokenizer(), scale=0.1, seed=1, **sizes).save(folder)
    models = answering.Models()

    def answer(seed=1, max_tokens=None, **fields):
        form = read_form(Fields({"messages": MESSAGES, **fields}))
        request = {"folder": str(folder), "messages": MESSAGES, "stop": [], **form.question()}
        request["sampling"] = {"seed": seed, "max_tokens": max_tokens}
        text, calls = "", []
        for part in answering.answer(request, models):
            text += part.get("text", "")
            if "name" in part:
                calls.append([part["name"], ""])
            elif "arguments" in part:
                calls[part["call"]][1] += part["arguments"]
        return (text, calls) if part["finish_reason"] == "stop" else None

    return answer


def response_format(schema, strict=True):
    described = {"name": "n", "schema": schema, "strict": strict}
    return {"type": "json_schema", "json_schema": described}


def tool(name, schema, strict=False):
    return {"type": "function", "function": {"name": name, "parameters": schema, "strict": strict}}


def named(name):
    return {"type": "function", "function": {"name": name}}


def check(text, schema):
    jsonschema.Draft202012Validator(schema).validate(json.loads(text))
    assert not re.search(r"\s\s|^\s|\s$", STRING.sub("", text))


def test_500_answers_are_valid_by_random_schemas(answer):
    found = Counter()

    @ANSWERS
    @given(
        st.booleans().flatmap(lambda s: st.tuples(st.just(s), schemas(strict=s))), st.integers(0)
    )
    def ask(drawn, seed):
        strict, schema = drawn
        given_answer = answer(seed, response_format=response_format(schema, strict))
        found[given_answer is not None] += 1
        if given_answer:
            check(given_answer[0], schema)

    ask()
    assert found[True] > 10 * found[False], found  # the others were cut off


def test_500_calls_are_valid_by_random_schemas(answer):
    found = Counter()

    @ANSWERS
    @given(st.lists(schemas(strict=False), min_size=1, max_size=3), st.integers(0), st.booleans())
    def ask(drawn, seed, parallel):
        parameters = {f"f-{number}": schema for number, schema in enumerate(drawn)}
        tools = [tool(name, schema) for name, schema in parameters.items()]
        given_answer = answer(
            seed, tools=tools, tool_choice="required", parallel_tool_calls=parallel
        )
        found[given_answer is not None] += 1
        if given_answer:
            text, calls = given_answer
            assert not text and calls and (parallel or len(calls) == 1)
            for name, arguments in calls:
                check(arguments, parameters[name])

    ask()
    assert found[True] > 10 * found[False], found  # the others were cut off


OPEN = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}


def test_keys_that_a_schema_does_not_name_are_not_made_up(answer):
    """So most programs send it: only schemas for `strict` must say that there are no others."""
    tools = [tool("f", {"type": "object", "properties": {"b": OPEN}, "required": ["b"]})]
    for seed in range(10):
        _, [(_, arguments)] = answer(seed, tools=tools, tool_choice=named("f"))
        called = json.loads(arguments)
        assert (called.keys(), called["b"].keys()) == ({"b"}, {"a"})


@pytest.mark.parametrize(
    "parts",
    [
        {"allOf": [OPEN, {"properties": {"b": {}}}]},
        {"properties": {"b": {}}, "anyOf": [OPEN]},
        {"properties": {"b": {"not": OPEN}}},
        {"properties": {"b": {}}, "required": ["a"]},
    ],
)
def test_an_object_held_by_several_schemas_may_have_the_keys_of_all(parts):
    schema = {"type": "object", **parts}
    wanted = response_format(schema, strict=False)
    assert read_form(Fields({"response_format": wanted})).text.content == schema


@pytest.mark.parametrize("name", ODD)
def test_no_odd_schema_does_harm(answer, name):
    """It is held to, or refused with a reason, and neither takes long."""
    schema, is_possible = ODD[name]
    try:
        for seed in range(3):
            given_answer = answer(seed, 300, response_format=response_format(schema, strict=False))
            assert given_answer is None or json.loads(given_answer[0]) is not None
    except ApiError as error:
        message, param = error.body["error"]["message"], error.body["error"]["param"]
    except answering.Refused as error:
        message, param = str(error), error.told["refused"]["param"]
    else:
        assert is_possible
        return
    assert not is_possible
    assert message.startswith("Invalid schema for response_format 'n': ")
    assert param == "response_format" and len(message) < 300


def test_a_schema_that_takes_too_long_is_given_up(answer, monkeypatch):
    monkeypatch.setattr(constraint, "MOST_SECONDS", 0.05)
    with pytest.raises(answering.Refused, match="cannot be read in 0.05 seconds") as refusal:
        answer(response_format=response_format(common_multiple(199, 211), strict=False))
    assert refusal.value.is_last


def test_the_function_at_fault_is_named(answer):
    tools = [tool("fine", of({"type": "null"})), tool("wrong", of({"pattern": "(("}))]
    with pytest.raises(answering.Refused, match="Invalid schema for function 'wrong'") as refusal:
        answer(tools=tools)
    told = refusal.value.told["refused"]
    assert told["param"] == "tools[1].function.parameters"
    assert told["code"] == "invalid_function_parameters"
