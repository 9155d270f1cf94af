"""A model small enough for finite differences, with a vocabulary of single bytes."""

import numpy as np
import pytest

from practice_server.engines.engine import Example
from tests.random_model import byte_tokenizer, random_engine

QUESTIONS = {
    "How warm is it?": "Warm enough, Sherlock.",
    "Who are you?": "Nobody that you know.",
    "Say yes.": "Yes. Happy now?",
    "What is 2 + 2?": "4, since always.",
    "Is it late?": "Later than it was.",
    "道可道": "非常道。",
}


@pytest.fixture
def tokenizer():
    return byte_tokenizer()


@pytest.fixture
def make_engine(tokenizer):
    """An engine whose weights are drawn from a seed; large enough to make every gradient felt."""

    def make(*, dtype=np.float32, seed=1):
        return random_engine(
            tokenizer,
            scale=0.3,
            seed=seed,
            dtype=dtype,
            hidden_size=16,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=64,
            learning_rate=3e-3,
        )

    return make


@pytest.fixture
def engine(make_engine):
    return make_engine()


@pytest.fixture
def examples(tokenizer):
    """Six conversations of different lengths."""
    chats = (
        [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        for question, answer in QUESTIONS.items()
    )
    return [Example(tokenizer.encode_chat(chat)) for chat in chats]


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def as_transformers(torch, tmp_path):
    """The same weights in Hugging Face's LlamaForCausalLM."""
    transformers = pytest.importorskip("transformers")

    def convert(engine):
        engine.save(tmp_path)
        llama = transformers.LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float64)
        assert set(dict(llama.named_parameters())) == set(engine.model.weights.tensors)
        for name, parameter in llama.named_parameters():
            parameter.data[:] = torch.from_numpy(engine.model.weights.tensors[name])
        return llama

    return convert
