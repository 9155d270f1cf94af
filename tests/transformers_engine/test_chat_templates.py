"""What is learnt of a conversation, by whichever template the model has."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from practice_server.engines.engine import ChatRefused
from tests.transformers_model import byte_tokenizer

CALL = {"name": "look_up", "arguments": '{"city": "Rome"}'}
CALLING = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "abcdef123", "type": "function", "function": CALL}],
}
FOUND = {"role": "tool", "tool_call_id": "abcdef123", "name": "look_up", "content": "sunny"}
PARAMETERS = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Which one."}},
    "required": ["city"],
}
LOOK_UP = {"name": "look_up", "description": "The weather.", "parameters": PARAMETERS}
TOOLS = [{"type": "function", "function": LOOK_UP}]
# How templates mark roles and ends; a real model's tokenizer has them as tokens.
MARKS = re.compile(
    r"<[|｜][^<>\s]{1,30}[|｜]>|</?\w+_of_\w+>|</?s>|<\|?turn\|?>|<end_of_utterance>"
)


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **others):
    return {"role": "assistant", "content": text, **others}


CONVERSATIONS = {
    "one turn": ([user("Hi there"), assistant("Good day.")], None),
    "many": ([user("Hi there"), assistant("Good day."), user("So?"), assistant("Well.")], None),
    "weight 0": (
        [user("Hi there"), assistant("Good day.", weight=0), user("So?"), assistant("Well.")],
        None,
    ),
    "tools": ([user("How is Rome?"), CALLING, FOUND, assistant("It is sunny.")], TOOLS),
}


def tokenizer_with(template, others=()):
    """With the marks of a template as special tokens, and other tokens that are not special."""
    from practice_server.engines.transformers_engine.tokenizer import Tokenizer

    tokenizer = byte_tokenizer(template)
    tokenizer.add_special_tokens(
        {"additional_special_tokens": sorted(set(MARKS.findall(template)))}
    )
    tokenizer.add_tokens(list(others))
    return Tokenizer(tokenizer, {tokenizer.eos_token_id})


def learnt(tokenizer, sequence):
    """The pieces of a sequence that are trained on, each with the tokens before it."""
    pieces, start = [], None
    for place, on in enumerate([*sequence.trained_on, False]):
        if on and start is None:
            start = place
        if not on and start is not None:
            text = tokenizer.decode_bytes(sequence.tokens[start:place]).decode()
            pieces.append((text, sequence.tokens[:start], sequence.tokens[place - 1]))
            start = None
    return pieces


def all_learnt(tokenizer, sequences):
    return [piece for sequence in sequences for piece in learnt(tokenizer, sequence)]


def _templates():
    """Those that trl ships by name, read where it is installed: it is not imported."""
    found = find_spec("trl")
    folder = Path(found.origin).parent / "chat_templates" if found else None
    files = sorted(folder.glob("*.jinja")) if folder else []
    # Those of its own making, for training, are no model's.
    files = [file for file in files if not file.stem.endswith("_training")]
    return {file.stem: file.read_text(encoding="utf-8") for file in files}


TEMPLATES = _templates()
NEEDS_TRL = pytest.mark.skipif(
    not TEMPLATES, reason="needs trl (install it with --no-deps): its templates"
)


# Why some cannot be trained at all, as their prompts or their contents are others.
REFUSED = {
    "deepseek_r1_distill": "does not begin answers as it asks for them",
    "deepseekv3": "does not begin answers as it asks for them",
    "idefics3": "no place for a plain text",
    "smolvlm": "no place for a plain text",
    "llava_next": "refuses it: 'str object' has no attribute 'text'",
}
WITHOUT_CALLS = (
    *("cohere", "cohere2", "gemma", "gemma3", "lfm2", "llama3", "phi3", "phi3_5"),
    "qwen2_5_vl",
)
REFUSED_WITH_TOOLS = {
    **REFUSED,
    **dict.fromkeys(("idefics3", "smolvlm", "llava_next"), "refuses it: str object has no"),
    **dict.fromkeys(WITHOUT_CALLS, "no place for calls of tools"),
    "deepseekv3": "refuses it: can only concatenate str",
}


@NEEDS_TRL
def test_there_are_seventeen_families():
    """One is a name with its generation: gemma, gemma3, llama3, qwen2, qwen3."""
    families = {re.match(r"[a-z]+\d*", name)[0] for name in TEMPLATES}
    assert len(families) >= 17
    assert set(REFUSED_WITH_TOOLS) < set(TEMPLATES)


@NEEDS_TRL
@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_what_is_learnt_is_what_will_be_asked_for(conversation):
    """With every template: after the very tokens of the prompt, the whole answer and its end."""
    messages, tools = CONVERSATIONS[conversation]
    answers = [m for m in messages if m["role"] == "assistant" and m.get("weight") != 0]
    refused = {}
    for name, template in TEMPLATES.items():
        tokenizer = tokenizer_with(template)
        try:
            sequences = tokenizer.encode_chat(messages, tools)
        except ChatRefused as error:
            refused[name] = str(error)
            continue
        pieces = all_learnt(tokenizer, sequences)
        assert len(pieces) == len(answers), name
        for message, (text, before, _) in zip(answers, pieces, strict=True):
            assert (message["content"] or CALL["name"]) in text, name
            place = messages.index(message)
            assert tokenizer.encode_prompt(messages[:place], tools) == before, name
        for sequence in sequences:
            assert learnt(tokenizer, sequence)[-1][2] in tokenizer.ends, name
    expected = REFUSED_WITH_TOOLS if tools else REFUSED
    assert set(refused) == set(expected)
    assert all(expected[name] in reason for name, reason in refused.items())


@NEEDS_TRL
@pytest.mark.parametrize(
    ("name", "conversation", "sequences"),
    [
        ("qwen2_5", "many", [["Good day.<|im_end|>", "Well.<|im_end|>"]]),
        ("qwen3", "many", [["Good day.<|im_end|>"], ["Well.<|im_end|>"]]),
        ("phi3_5", "many", [["Good day.<|end|>"], ["Well.<|end|>"]]),
        ("llama3_2", "weight 0", [["Well.<|eot_id|>"]]),
        (
            "llama3_2",
            "tools",
            [
                [
                    '{"name": "look_up", "parameters": {"city": "Rome"}}<|eot_id|>',
                    "It is sunny.<|eot_id|>",
                ]
            ],
        ),
        (
            "gptoss",
            "many",
            [
                ["<|channel|>final<|message|>Good day.<|return|>"],
                ["<|channel|>final<|message|>Well.<|return|>"],
            ],
        ),
    ],
)
def test_the_masks_of_some_families(name, conversation, sequences):
    tokenizer = tokenizer_with(TEMPLATES[name])
    found = tokenizer.encode_chat(*CONVERSATIONS[conversation])
    assert [[text for text, _, _ in learnt(tokenizer, each)] for each in found] == sequences


@pytest.mark.parametrize(
    ("template", "messages", "reason"),
    [
        (
            "{{ raise_exception('No system, please') }}",
            "one turn",
            "refuses it: No system, please",
        ),
        ("{{ messages[0].content.parts[0] }}", "one turn", "refuses it"),
        (
            "{% for m in messages %}{{ m.content }}{% endfor %}"
            "{% if add_generation_prompt %}[assistant]{% endif %}",
            "one turn",
            "does not begin answers",
        ),
        (
            "{% for m in messages %}[{{ m.role }}]{% endfor %}"
            "{% if add_generation_prompt %}[assistant]{% endif %}",
            "one turn",
            "no place for a plain text",
        ),
        (
            "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
            "{% if add_generation_prompt %}[assistant]{% endif %}",
            "tools",
            "no place for calls of tools",
        ),
        (None, "one turn", "no chat template"),
    ],
)
def test_what_a_template_cannot_write_is_refused(template, messages, reason):
    from practice_server.engines.transformers_engine.tokenizer import Tokenizer

    tokenizer = Tokenizer(byte_tokenizer(template), set())
    with pytest.raises(ChatRefused, match=re.escape(reason)):
        tokenizer.encode_chat(*CONVERSATIONS[messages])


def test_arguments_must_be_a_json_object():
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "[1"}}
    chat = [user("Hi"), {"role": "assistant", "tool_calls": [call]}]
    from practice_server.engines.transformers_engine.tokenizer import Tokenizer

    with pytest.raises(ChatRefused, match="arguments of the call of f are no JSON object"):
        Tokenizer(byte_tokenizer(), set()).encode_chat(chat)


def test_every_token_has_its_bytes():
    """Those of byte-level vocabularies, and those that write a space as a mark."""
    from tokenizers import Tokenizer as Backend
    from tokenizers import decoders, models
    from transformers import PreTrainedTokenizerFast

    from practice_server.engines.transformers_engine.tokenizer import Tokenizer

    text = "Ünï 道\n<|end|>"
    tokenizer = Tokenizer(byte_tokenizer(), set())
    tokens = tokenizer.encode_text_prompt(text)
    assert tokenizer.decode_bytes(tokens) == b"<|text|>" + text.encode()

    vocabulary = {"<unk>": 0, "\u2581a": 1, "b": 2, "<0xC3>": 3, "<0x9C>": 4}
    backend = Backend(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    backend.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback()])
    metaspace = Tokenizer(PreTrainedTokenizerFast(tokenizer_object=backend), set())
    assert metaspace.decode_bytes([1, 2, 3, 4]) == " abÜ".encode()
