"""Calls of functions as each chat template writes them: the form is found, holds and is read."""

import json

import pytest

from practice_server.asking.answer_form import read_form
from practice_server.asking.call_stream import CallStream
from practice_server.asking.constraint import mask_of
from practice_server.web.fields import Fields
from tests.transformers_engine.test_chat_templates import (
    CALLING,
    NEEDS_TRL,
    TEMPLATES,
    TOOLS,
    assistant,
    learnt,
    tokenizer_with,
    user,
)

# The templates that write calls in a form that is no name and JSON between texts.
NOT_JSON = {
    "<parameter=": {
        *("nemotron_3_5_lightning", "nemotron_3_nano", "nemotron_3_super", "nemotron_3_ultra"),
        *("qwen3_5_nothink", "qwen3_5_think", "qwen3_6", "qwen3_8"),
    },
    "<arg_key>": {"glm4moe"},
    "<atem:parameter": {"muse_glimmer"},
    "look_up(city=": {"lfm2_2_5", "lfm2_2_5_v2", "lfm2_2_5_vl", "lfm2_v2"},
    "look_up{city:": {
        *("diffusion_gemma", "gemma4", "gemma4_v2", "gemma4_v3", "gemma4_v4", "gemma4_v5"),
    },
}
JSON = {
    *("gptoss", "llama3_1", "llama3_2", "qwen2_5", "qwen3", "qwen3_instruct_2507", "qwen3_vl"),
}
ONE_CALL = {"gptoss", "llama3_1", "llama3_2"}
# Others, in the style of models whose templates trl does not have.
LIST_WITH_IDS = """
{%- if tools %}[TOOLS]{{ tools | tojson }}{% endif -%}
{%- for m in messages -%}
{%- if m.role == 'user' -%}[INST]{{ m.content }}[/INST]{%- else -%}
{%- if m.tool_calls -%}[CALLS][
{%- for call in m.tool_calls -%}
{%- if call.id | length != 9 -%}{{ raise_exception('ids have nine characters') }}{%- endif -%}
{{ ', ' if not loop.first }}{{ (call.function | tojson)[:-1] }}, "id": "{{ call.id }}"}
{%- endfor -%}]{%- else -%}{{ m.content }}{%- endif -%}</s>
{%- endif -%}
{%- endfor -%}"""
TIGHT = """
{%- for m in messages -%}[{{ m.role }}]{{ '\n' if m.role == 'assistant' }}{{ m.content }}
{%- for call in m.tool_calls or [] %}
CALL {{ call.function.name }} {{ call.function.arguments | tojson(separators=(',', ':')) }};
{%- endfor -%}<|end|>
{%- endfor -%}
{%- if add_generation_prompt -%}[assistant]{%- endif -%}"""
OTHERS = {"a list with ids": LIST_WITH_IDS, "JSON without spaces": TIGHT}
# What real models have as tokens beside the marks of roles.
WITH_TOKENS = ["<tool_call>", "</tool_call>", "[CALLS]"]

ARGUMENTS = {"city": 'A "}" \\ 道', "more": {"days": [1, 2], "note": "{"}}
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "more": {
            "type": "object",
            "properties": {"days": {"type": "array"}, "note": {"type": "string"}},
        },
    },
}
FUNCTIONS = [
    {"type": "function", "function": {"name": name, "description": "", "parameters": SCHEMA}}
    for name in ("look", "look_up")
]


def calling(*names, text=None):
    calls = [
        {"id": f"call_{name}", "type": "function", "function": {"name": name, **said}}
        for name, said in zip(names, [{"arguments": json.dumps(ARGUMENTS)}] * 2, strict=False)
    ]
    return assistant(text, tool_calls=calls)


def said(tokenizer, answer):
    """The tokens of an answer without its end, as they are learnt."""
    [sequence] = tokenizer.encode_chat([user("How is it?"), answer], FUNCTIONS)
    _, before, _ = learnt(tokenizer, sequence)[0]
    tokens = sequence.tokens[len(before) :]
    return tokens[: next(place for place, token in enumerate(tokens) if token in tokenizer.ends)]


def read(tokenizer, tokens, choice="auto"):
    """The text and the calls of an answer that keeps to its form at every token."""
    fields = {"messages": [user("Hi")], "tools": FUNCTIONS, "tool_choice": choice}
    mask = mask_of(tokenizer, read_form(Fields(fields)).question()["form"])
    stream = CallStream(tokenizer.call, after_text=tokenizer.call.gap is not None)
    text, calls = b"", []
    for token in tokens:
        assert mask.allowed()[token >> 3] >> (token & 7) & 1, (text, calls)
        mask.take(token)
        for part in stream.add(tokenizer.decode_bytes([token])):
            text += part.get("text", b"")
            if "name" in part:
                calls.append([part["name"], ""])
            elif "arguments" in part:
                calls[part["call"]][1] += part["arguments"]
    end = min(tokenizer.ends)
    assert mask.allowed()[end >> 3] >> (end & 7) & 1, "it may not end here"
    return (text + stream.end()).decode(), [[name, json.loads(told)] for name, told in calls]


@NEEDS_TRL
def test_which_templates_write_calls_as_json():
    """Of the others, those that write calls write them in another form; the rest writes none."""
    tokenizers = {name: tokenizer_with(template) for name, template in TEMPLATES.items()}
    assert {name for name, tokenizer in tokenizers.items() if tokenizer.call} == JSON
    for sign, names in NOT_JSON.items():
        for name in names:
            tokens = tokenizers[name].encode_chat([user("How is it?"), CALLING], TOOLS)[0].tokens
            assert sign in tokenizers[name].decode_bytes(tokens).decode(), name


@pytest.mark.parametrize("tokens", [[], WITH_TOKENS], ids=["as text", "as tokens"])
@pytest.mark.parametrize("name", [*sorted(JSON), *OTHERS])
def test_what_is_learnt_is_held_and_read(name, tokens):
    if name not in TEMPLATES | OTHERS:
        pytest.skip("needs trl (install it with --no-deps): its templates")
    tokenizer = tokenizer_with((TEMPLATES | OTHERS)[name], tokens)
    form = tokenizer.call
    one = [["look_up", ARGUMENTS]]
    for choice in ("auto", "required"):
        assert read(tokenizer, said(tokenizer, calling("look_up")), choice) == ("", one)
    assert read(tokenizer, said(tokenizer, calling("look"))) == ("", [["look", ARGUMENTS]])
    assert bool(form.following) == (name not in ONE_CALL)
    if form.following and name != "a list with ids":  # the form has the first id only
        two = said(tokenizer, calling("look", "look_up"))
        assert read(tokenizer, two) == ("", [["look", ARGUMENTS], *one])
    if form.gap is not None:
        both = said(tokenizer, calling("look_up", text="Wait { <to [CA"))
        assert read(tokenizer, both) == ("Wait { <to [CA", one)
    if name != "gptoss":  # it writes tokens before each text
        plain = said(tokenizer, assistant("No {\n<tool"))
        assert read(tokenizer, plain)[0].strip() == "No {\n<tool"
