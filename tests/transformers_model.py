"""A Hugging Face folder with random weights, whose tokens are single bytes, for tests.

Its chat template writes what the tokenizer of the NumPy engine writes, token for token, so that
both engines can be held to the same tests.
"""

import json

import pytest

from practice_server.engines.numpy_engine.tokenizer import SPECIAL_TOKENS


@pytest.fixture(autouse=True, scope="session")
def optional_packages():
    """Without them, whoever imports this fixture is skipped."""
    for name in ("torch", "transformers", "peft"):
        pytest.importorskip(name, reason=f"needs {name}, of requirements-transformers.txt")


TEMPLATE = """\
{%- for message in messages -%}
{%- if message.role in ('system', 'developer') -%}<|system|>
{%- elif message.role == 'user' -%}<|user|>
{%- elif message.role == 'assistant' -%}<|assistant|>
{%- elif message.role == 'tool' -%}<|tool|>
{%- else -%}{{ raise_exception('no such role') }}
{%- endif -%}
{{ message.content }}
{%- for call in message.tool_calls or [] -%}
<|tool|>{{ call.function.name }}{{ call.function.arguments | tojson }}
{%- endfor -%}
<|end|>
{%- endfor -%}
{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}
"""


def byte_tokenizer(template=TEMPLATE):
    """Byte 0 is token 0, byte 255 token 255; then come the special tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    vocabulary = {character: byte for byte, character in bytes_to_unicode().items()}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(SPECIAL_TOKENS))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token="<|end|>",
        bos_token="<|text|>",
        pad_token="<|pad|>",
        chat_template=template,
    )


def save_random_model(
    folder, *, kind="llama", learning_rate=None, aliases=(), template=TEMPLATE, **sizes
):
    """A model of transformers' own making, with weights drawn from a seed."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    tokenizer = byte_tokenizer(template)
    sizes = {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
    } | sizes
    config = AutoConfig.for_model(
        kind,
        vocab_size=len(tokenizer),
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **sizes,
    )
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config)
    for name, weight in model.named_parameters():
        if "norm" not in name:
            torch.nn.init.normal_(weight, std=0.1)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    path = folder / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["practice"] = {"aliases": list(aliases)}
    if learning_rate:
        values["practice"]["learning_rate"] = learning_rate
    path.write_text(json.dumps(values), encoding="utf-8")
    return folder
