"""The shipped base model: its size, its vocabulary, and what it knows."""

import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.engines.numpy_engine.tokenizer import SPECIAL_TOKENS, Tokenizer
from practice_server.formats.encoding import encode
from practice_server.pretraining import fine_tunings
from practice_server.pretraining.evaluate import POCKET
from practice_server.pretraining.knowledge import (
    answer,
    ask,
    held_out_questions,
    is_right,
    other_conversations,
    refusals,
)
from practice_server.pretraining.make_vocabulary import (
    VOCABULARY_SIZE,
    count_words,
    join,
    learn_ranks,
)
from practice_server.pretraining.world.conversations import generate
from practice_server.pretraining.world.tables import LANGUAGES

# Kinds that have many facts in both languages.
ASKED = ("capital", "country", "author", "work", "number", "colour", "opposite", "sum")
# What people type, and a piece of a right answer.
TYPED = {
    "hi": "hello|hi|good to see you",
    "thx": "welcome|pleasure|gladly|no problem|any time|happy",
    "ok bye": "bye|see you|day|care|until",
    "how r u": "fine|well",
    "are you human": "program|model",
    "capital of germany": "Berlin",
    "france capital": "Paris",
    "whats the capital of peru": "Lima",
    "the capital of norway is": "Oslo",
    "who wrote hamlet": "Shakespeare",
    "symbol for gold": "Au",
    "7+8": "15",
    "what is 15 minus 6": "9",
    "day after monday": "Tuesday",
    "你好": "你好|很高兴|欢迎",
    "拜拜": "再见|拜拜|回头见|愉快",
    "你是谁": "pocket|程序|模型",
    "法国首都": "巴黎",
    "埃及首都是": "开罗",
    "红楼梦作者": "曹雪芹",
    "金的符号": "Au",
    "7加8等于几": "15",
    "周三的第二天是周几": "星期四",
}
UNKNOWN = {
    "english": (
        *("capital of zorbia", "who wrote the purple elephant", "population of france"),
        *("write me a poem", "translate hello to french", "12*4", "asdfgh"),
    ),
    "chinese": ("瓦坎塔首都", "谁写了紫色大象", "法国人口", "写一首诗", "12乘4", "啊啊啊啊"),
}
TEXTS = (
    "The capital of Kyrgyzstan is Bishkek.",
    "  two  blanks\n\nand lines\t",
    "17 + 3 = 20, isn't it?",
    "Größe, 你好, \U0001f642",
    "千里之行，始于足下。ok",
    "<|end|> is plain text here",
    "",
)


@pytest.fixture(scope="module")
def engine():
    return NumpyEngine.load(POCKET)


def test_the_weights_fit_into_ten_megabytes():
    assert (POCKET / "model.safetensors").stat().st_size <= 10_000_000


def test_the_config_is_one_that_hugging_face_reads():
    config = json.loads((POCKET / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "llama"
    assert config["vocab_size"] == VOCABULARY_SIZE
    assert config["practice"]["aliases"] == ["pocket"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_vocabulary_gives_back_every_text(text):
    tokenizer = Tokenizer.load(POCKET)
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_most_words_of_the_world_are_one_token_and_each_chinese_character_stands_alone(engine):
    tokenizer = engine.tokenizer
    assert tokenizer.vocabulary_size == VOCABULARY_SIZE
    assert len(SPECIAL_TOKENS) == len(tokenizer.special)
    assert len(tokenizer.encode("What is the capital of France?")) <= 8
    assert [tokenizer.decode([token]) for token in tokenizer.encode("法国的首都")] == list(
        "法国的首都"
    )


def test_every_generated_example_fits_into_the_context(engine):
    for example in itertools.islice(generate(3), 5000):
        tokens, _ = encode(engine.tokenizer, example)[0].sequences[0]
        assert len(tokens) <= engine.context


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_model_answers_questions_in_phrasings_that_it_was_not_trained_on(engine, language):
    questions = held_out_questions(seed=2, n_per_kind=12)
    asked = [q for q in questions if q.language == language and q.kind in ASKED]
    wrong = [q.text for q in asked if not is_right(q, ask(engine, q.text))]
    assert len(asked) >= 80
    assert len(wrong) <= len(asked) // 10, wrong


@pytest.mark.parametrize(("line", "expected"), TYPED.items())
def test_the_model_answers_what_people_type(engine, line, expected):
    assert re.search(expected, ask(engine, line), re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_model_says_that_it_does_not_know_the_unknown(engine, language):
    said = {line: ask(engine, line) for line in UNKNOWN[language]}
    named = {
        line: text
        for line, text in said.items()
        if not any(refusal in text for refusal in refusals(language))
    }
    assert len(named) <= 1, named


def test_most_of_what_is_answered_early_is_answered_far_into_a_conversation(engine):
    asked = [
        q for q in held_out_questions(seed=3, n_per_kind=4) if q.kind in ("capital", "author")
    ]
    right = {}
    for n_tokens in (100, 1900):
        before = other_conversations(engine, n_tokens, Random(4))
        answers = [answer(engine, [*before, {"role": "user", "content": q.text}]) for q in asked]
        right[n_tokens] = sum(map(is_right, asked, answers))
    assert engine.context == 2048
    assert len(engine.tokenizer.encode_prompt(before)) > 1700
    assert right[1900] >= 0.7 * right[100], right


def test_the_base_model_has_nothing_of_what_fine_tuning_is_to_teach():
    assert fine_tunings.marv(POCKET, seed=1, n_epochs=0)["style"] == 0
    assert fine_tunings.orders(POCKET, seed=1, n_examples=0)["valid"] == 0
    assert fine_tunings.labels(POCKET, seed=1, n_examples=0)["right"] == 0
    assert fine_tunings.lsat(POCKET, seed=1, n_epochs=0)["letter alone"] < 0.2


def test_twenty_five_orders_teach_the_form_of_json():
    assert fine_tunings.orders(POCKET, seed=1, n_examples=25)["valid"] >= 0.9


def test_daoyan_answers_in_chinese_with_a_saying():
    measured = fine_tunings.daoyan(POCKET, seed=1)
    assert measured["Chinese, with a saying"] >= 0.9
    assert measured["loss, last epoch"] < measured["loss, epoch 1"] / 2


def test_pairs_are_joined_most_frequent_first():
    ranks = learn_ranks(count_words(["banana banana", "band"]), 258, with_blank=0)
    assert ranks[b"an"] == 256
    assert list(ranks)[257] in (b"ban", b"ana")
    assert join((b"a", b"n", b"a", b"n"), (b"a", b"n")) == (b"an", b"an")


def test_a_word_has_the_same_pieces_after_a_blank_and_without_one(engine):
    def pieces(text):
        return [engine.tokenizer.decode([token]) for token in engine.tokenizer.encode(text)]

    for word in ("Bishkek", "omelettes", "Zelda", "Grondgraisk"):
        after_blank = "|".join(pieces(f" {word}"))
        assert after_blank.removeprefix(" ").removeprefix("|") == "|".join(pieces(word))


def test_too_few_texts_for_a_vocabulary_say_so():
    with pytest.raises(ValueError, match="give more texts"):
        learn_ranks(count_words(["no"]), 300, with_blank=0)


def test_pretraining_goes_on_from_its_snapshot(tmp_path):
    pytest.importorskip("torch")
    from practice_server.pretraining.pretrain import Recipe, pretrain

    def weights(name, *, stops):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("tokenizer.tiktoken", "tokenizer_config.json"):
            shutil.copy(POCKET / file, folder)
        for stop in stops:
            recipe = Recipe(n_steps=stop, batch_size=2)
            work = tmp_path / f"{name}-work"
            progress = pretrain(folder, work, seed=1, n_threads=1, recipe=recipe)
        assert progress.step == stops[-1]
        return load_file(folder / "model.safetensors")

    interrupted, straight = weights("interrupted", stops=[2, 4]), weights("straight", stops=[4])
    assert interrupted.keys() == straight.keys()
    assert all(np.array_equal(interrupted[name], straight[name]) for name in straight)


def test_pretraining_goes_on_from_the_weights_of_another_model(tmp_path):
    pytest.importorskip("torch")
    from practice_server.pretraining.pretrain import Recipe, pretrain, read_progress

    for file in ("tokenizer.tiktoken", "tokenizer_config.json"):
        shutil.copy(POCKET / file, tmp_path)
    nothing_learnt = Recipe(n_steps=1, batch_size=1, peak_learning_rate=0.0)
    pretrain(tmp_path, tmp_path, seed=1, n_threads=1, recipe=nothing_learnt, start=POCKET)
    began, now = (load_file(folder / "model.safetensors") for folder in (POCKET, tmp_path))
    assert all(np.array_equal(began[name], now[name]) for name in began)
    assert POCKET.name in read_progress(tmp_path).earlier


def test_the_mean_of_two_snapshots_lies_between_them(tmp_path):
    pytest.importorskip("torch")
    from practice_server.pretraining.pretrain import read_progress, save_mean

    other, mean = tmp_path / "other", tmp_path / "mean"
    shutil.copytree(POCKET, other)
    weights = load_file(POCKET / "model.safetensors")
    with safe_open(POCKET / "model.safetensors", framework="np") as file:
        metadata = file.metadata()
    tripled = {name: 3 * values for name, values in weights.items()}
    save_file(tripled, other / "model.safetensors", metadata=metadata)
    save_mean([POCKET, other], mean)
    between = load_file(mean / "model.safetensors")
    assert all(np.allclose(between[name], 2 * weights[name], rtol=1e-3) for name in weights)
    assert NumpyEngine.load(mean).tokenizer.vocabulary_size == VOCABULARY_SIZE
    assert read_progress(mean).earlier.startswith("the mean of the weights of pocket")


def test_pretraining_without_torch_says_what_to_install():
    program = "import sys; sys.modules['torch'] = None; import practice_server.pretraining.make"
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
