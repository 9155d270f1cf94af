"""Models of the transformers engine, small enough for every test to make its own."""

import pytest

from practice_server.engines.engine import Example
from tests.transformers_model import optional_packages, save_random_model

__all__ = ["optional_packages"]

QUESTIONS = {
    "How warm is it?": "Warm enough, Sherlock.",
    "Who are you?": "Nobody that you know.",
    "Say yes.": "Yes. Happy now?",
    "What is 2 + 2?": "4, since always.",
    "Is it late?": "Later than it was.",
    "道可道": "非常道。",
}


@pytest.fixture(autouse=True)
def one_thread(optional_packages):
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def make_folder(tmp_path):
    """A model folder, of transformers' Llama unless the test says otherwise."""

    def make(name="model", **options):
        return save_random_model(tmp_path / name, **{"learning_rate": 3e-2} | options)

    return make


@pytest.fixture
def load():
    """Read a folder as a new process would: with no base in memory."""
    from practice_server.engines.transformers_engine import network
    from practice_server.engines.transformers_engine.engine import TransformersEngine

    def load(folder):
        network.base.cache_clear()
        return TransformersEngine.load(folder)

    return load


@pytest.fixture
def chats():
    """Six conversations of different lengths."""
    return [
        [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        for question, answer in QUESTIONS.items()
    ]


@pytest.fixture
def as_examples(chats):
    """What an engine learns from them."""
    return lambda engine: [Example(engine.tokenizer.encode_chat(chat)) for chat in chats]
