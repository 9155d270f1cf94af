"""The shipped base model: its size, its vocabulary, and what it knows."""

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from practice_server.base_models.evaluate import POCKET, ask, held_out_questions, is_right
from practice_server.base_models.make_vocabulary import count_words, join, learn_ranks
from practice_server.base_models.world.conversations import generate
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.engines.numpy_engine.tokenizer import SPECIAL_TOKENS, Tokenizer

# The kinds of facts of which the model card says that nearly all are known.
KNOWN_WELL = ("capital", "author", "symbol", "number", "young", "opposite")
TEXTS = (
    "The capital of Kyrgyzstan is Bishkek.",
    "  two  blanks\n\nand lines\t",
    "17 + 3 = 20, isn't it?",
    "Größe, 你好, \U0001f642",
    "<|end|> is plain text here",
    "",
)
# The model card tells how little it knows of the other kinds.
WELL_KNOWN = {"capital", "country", "author", "symbol", "number", "young"}


@pytest.fixture(scope="module")
def engine():
    return NumpyEngine.load(POCKET)


def test_the_weights_fit_into_ten_megabytes():
    assert (POCKET / "model.safetensors").stat().st_size <= 10_000_000


def test_the_config_is_one_that_hugging_face_reads():
    config = json.loads((POCKET / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "llama"
    assert config["vocab_size"] == 2048
    assert config["practice"]["aliases"] == ["pocket"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_vocabulary_gives_back_every_text(text):
    tokenizer = Tokenizer.load(POCKET)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_vocabulary_has_2048_entries_and_most_words_of_the_world_are_one(engine):
    assert engine.tokenizer.vocabulary_size == 2048
    assert len(SPECIAL_TOKENS) == len(engine.tokenizer.special)
    assert len(engine.tokenizer.encode("What is the capital of France?")) <= 8


def test_every_generated_example_fits_into_the_context(engine):
    for example in itertools.islice(generate(3), 2000):
        if "messages" in example:
            tokens, _ = engine.tokenizer.encode_chat(example["messages"])
            assert len(tokens) <= engine.context


def test_the_model_answers_questions_in_phrasings_that_it_was_not_trained_on(engine):
    asked = [q for q in held_out_questions(seed=2, n_per_kind=8) if q.kind in KNOWN_WELL]
    wrong = [q.text for q in asked if not is_right(q, ask(engine, q.text))]
    assert len(asked) >= 40
    assert len(wrong) <= len(asked) // 10, wrong


def test_pairs_are_joined_most_frequent_first():
    words = count_words(["banana banana", "band"])
    ranks = learn_ranks(words, 258)
    assert ranks[b"an"] == 256
    assert list(ranks)[257] in (b"ban", b"ana")
    assert join((b"a", b"n", b"a", b"n"), (b"a", b"n")) == (b"an", b"an")


def test_too_few_texts_for_a_vocabulary_say_so():
    with pytest.raises(ValueError, match="give more texts"):
        learn_ranks(count_words(["no"]), 300)


def test_pretraining_goes_on_from_its_snapshot(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    from practice_server.base_models import pretrain

    def weights(name, *, stops):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("tokenizer.tiktoken", "tokenizer_config.json"):
            shutil.copy(POCKET / file, folder)
        for stop in stops:
            monkeypatch.setattr(pretrain, "N_STEPS", stop)
            progress = pretrain.pretrain(folder, tmp_path / f"{name}-work", seed=1, n_threads=1)
        assert progress.step == stops[-1]
        return (folder / "model.safetensors").read_bytes()

    monkeypatch.setattr(pretrain, "BATCH_SIZE", 2)
    assert weights("interrupted", stops=[2, 4]) == weights("straight", stops=[4])


def test_pretraining_without_torch_says_what_to_install():
    program = "import sys; sys.modules['torch'] = None; import practice_server.base_models.make"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 1
    assert "pip install -r requirements-dev.txt" in done.stderr
    assert "Traceback" not in done.stderr
