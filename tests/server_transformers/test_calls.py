"""Calls of functions, by a model whose template writes them as JSON among other texts."""

import openai
import pytest

from tests.server.conftest import BASE, Server
from tests.server.test_responses_api import (
    test_a_function_is_called_and_its_result_is_read,
    test_the_events_of_a_call,
)
from tests.server.test_tools_api import (
    ask,
    test_streamed_calls_are_the_whole_ones,
    test_what_each_choice_allows,
)
from tests.transformers_model import save_random_model

__all__ = [
    "ask",
    "test_a_function_is_called_and_its_result_is_read",
    "test_streamed_calls_are_the_whole_ones",
    "test_the_events_of_a_call",
    "test_what_each_choice_allows",
]
CALLING = """
{%- if tools %}<|system|>{{ tools | tojson }}<|end|>{% endif -%}
{%- for message in messages -%}
<|{{ message.role }}|>{{ message.content }}
{%- for call in message.tool_calls or [] -%}
{{- '\n' if message.content or not loop.first -}}
<call>{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson -}}
}</call>
{%- endfor -%}<|end|>
{%- endfor -%}
{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}
"""
SILENT = """
{%- for message in messages -%}<|{{ message.role }}|>{{ message.content }}<|end|>{%- endfor -%}
{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}
"""
SET_LIGHT = {
    "type": "object",
    "properties": {"on": {"type": "boolean"}},
    "required": ["on"],
}


def function(name):
    return {"name": name, "description": name, "parameters": SET_LIGHT}


TOOLS = [{"type": "function", "function": function(name)} for name in ("lamp", "radio")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """With two base models: one that calls functions, and one whose template knows of none."""
    models = tmp_path_factory.mktemp("models")
    sizes = {"learning_rate": 3e-2, "max_position_embeddings": 1024}
    save_random_model(models / BASE, template=CALLING, aliases=["tiny"], **sizes)
    save_random_model(models / "silent", template=SILENT)
    running = Server(tmp_path_factory.mktemp("home"), models)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(server):
    return server.client


def test_the_model_is_shown_what_it_may_call(ask):
    plain, *shown = (
        ask(max_tokens=1, **options).usage.prompt_tokens
        for options in ({}, {"tools": TOOLS}, {"tools": TOOLS, "tool_choice": "none"})
    )
    assert shown[0] == shown[1] > plain + 200


def test_a_model_that_was_tuned_on_calls_makes_them_as_its_template_does(server, ask, data):
    lines = []
    for name in ("lamp", "radio"):
        for word, on in (("on", "true"), ("off", "false")):
            call = {"name": name, "arguments": f'{{"on": {on}}}'}
            called = [{"id": "call_1", "type": "function", "function": call}]
            asked = {"role": "user", "content": f"{name} {word}"}
            answer = {"role": "assistant", "content": None, "tool_calls": called}
            lines.append({"messages": [asked, answer], "tools": TOOLS})
    refused = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "No {."}]
    lines.append({"messages": refused, "tools": TOOLS})
    uploaded = server.upload(2 * lines)
    method = data.epochs(20, lora=False, learning_rate_multiplier=0.2)
    job = server.wait(server.create(training_file=uploaded, method=method))
    assert job.status == "succeeded", job.error
    options = {"model": job.fine_tuned_model, "tools": TOOLS, "temperature": 0}
    for line in lines:
        asked, expected = line["messages"]
        answer = ask(**options, messages=[asked]).choices[0]
        calls = [call.function.model_dump() for call in answer.message.tool_calls or ()]
        assert calls == [call["function"] for call in expected.get("tool_calls", ())]
        assert answer.message.content == expected["content"]
        assert answer.finish_reason == ("tool_calls" if calls else "stop")


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_whose_template_knows_no_calls_says_so(client, ask, stream):
    with pytest.raises(openai.BadRequestError, match="cannot call functions") as error:
        ask(model="silent", tools=TOOLS, stream=stream)
    assert error.value.param == "tools"
    tools = [{"type": "function", **tool["function"]} for tool in TOOLS]
    with pytest.raises(openai.BadRequestError, match="its chat template writes no calls") as error:
        client.responses.create(model="silent", input="Hi", tools=tools, stream=stream)
    assert error.value.param == "tools"
    assert ask(model="silent", tools=TOOLS, tool_choice="none", stream=stream, max_tokens=1)
