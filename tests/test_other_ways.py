"""What lesson 14b builds upon the trainer: gradients, rounding, rewards, and its stored tables."""

import csv
from pathlib import Path

import numpy as np
import pytest

from notebooks.trainer.lora import LoRA, train_lora
from notebooks.trainer.reinforce import Judged, Reinforce, reinforce
from notebooks.trainer.rounding import BLOCK, round_model, rounded
from notebooks.trainer.sampling import sample
from practice_server.engines.engine import Example
from practice_server.engines.numpy_engine.parameters import Parameters
from practice_server.engines.numpy_engine.train import evaluate, loss_and_gradients
from tests.random_model import byte_tokenizer, random_engine

TABLES = Path(__file__).resolve().parents[1] / "data" / "other_ways"


@pytest.fixture
def engine():
    """A small model in float64."""
    sizes = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2)
    limits = dict(max_position_embeddings=64, learning_rate=3e-3)
    made = byte_tokenizer()
    return random_engine(made, scale=0.3, seed=1, dtype=np.float64, **sizes, **limits)


@pytest.fixture
def examples(engine):
    def answered(question, answer):
        chat = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return Example(engine.tokenizer.encode_chat(chat))

    return [answered("Who?", "Nobody."), answered("2 + 2?", "4, since always.")]


def loss(engine, examples):
    return evaluate(engine.model, examples).metrics("loss", "accuracy")["loss"]


def test_lora_changes_nothing_at_first_and_freezes_what_it_was_given(engine, examples):
    before = engine.model.weights.flat.copy()
    lora = LoRA(engine.model, rank=2, seed=1)
    lora.apply()
    assert np.array_equal(engine.model.weights.flat, before)
    list(train_lora(lora, examples, n_epochs=2, batch_size=1, rate=1e-2, seed=1))
    start = engine.model.weights.n_in_matrices
    assert np.array_equal(engine.model.weights.flat[start:], before[start:])
    name, frozen = next(iter(lora.frozen.items()))
    a, b = lora.pairs[name]
    change = engine.model.weights.tensors[name] - frozen
    assert np.linalg.matrix_rank(change, tol=1e-9) == 2
    assert a.shape == (2, frozen.shape[1]) and b.shape == (frozen.shape[0], 2)


def test_the_gradient_of_lora_is_that_of_finite_differences(engine, examples):
    lora = LoRA(engine.model, rank=2, seed=1)
    random = np.random.default_rng(2)
    lora.flat[:] += random.normal(scale=0.1, size=lora.flat.size)
    lora.apply()
    full = Parameters(engine.model.config, np.float64)
    loss_and_gradients(engine.model, examples, full)
    gradient = lora.gradient(full)
    for place in random.choice(lora.flat.size, 20, replace=False):
        around = []
        for change in (1e-5, -2e-5):
            lora.flat[place] += change
            lora.apply()
            around.append(loss(engine, examples))
        lora.flat[place] += 1e-5
        assert gradient[place] == pytest.approx((around[0] - around[1]) / 2e-5, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_rounding_keeps_few_values_near_to_what_they_were(bits):
    matrix = np.random.default_rng(1).normal(size=(4, BLOCK))
    n_steps = 2 ** (bits - 1) - 1
    for before, after in zip(matrix, rounded(matrix, bits), strict=True):
        assert len(np.unique(after)) <= 2 * n_steps + 1
        assert np.abs(after - before).max() <= np.abs(before).max() / n_steps / 2 + 1e-12


def test_rounding_a_model_leaves_embedding_and_norms(engine):
    weights = engine.model.weights
    before = {name: tensor.copy() for name, tensor in weights.tensors.items()}
    round_model(engine.model, 4)
    changed = {name for name in before if not np.array_equal(before[name], weights.tensors[name])}
    assert changed == {name for name in before if name.endswith("_proj.weight")}


def test_an_answer_is_learnt_by_its_advantage(engine, examples):
    """The gradient is the supervised one of each answer's summed loss, times its advantage."""
    judged = [Judged(e.sequences, a) for e, a in zip(examples, (0.75, -0.25), strict=True)]
    into = Parameters(engine.model.config, np.float64)
    loss_and_gradients(engine.model, judged, into, Reinforce())
    expected = np.zeros_like(into.flat)
    for each in judged:
        alone = Parameters(engine.model.config, np.float64)
        score = loss_and_gradients(engine.model, [each], alone)
        expected += alone.flat * score.n_tokens * each.advantage / len(judged)
    assert into.flat == pytest.approx(expected, abs=1e-12)


def test_what_is_rewarded_becomes_more_frequent(engine, monkeypatch):
    monkeypatch.setattr("notebooks.trainer.reinforce.RATE", 1e-2)

    def plain(text, row):
        """The share of characters that are small letters."""
        return sum("a" <= letter <= "z" for letter in text) / max(1, len(text))

    rows = [{"question": str(number)} for number in range(8)]
    steps = reinforce(engine, rows, plain, n_steps=60, batch_size=8, seed=1)
    means = [float(np.mean(rewards)) for rewards in steps]
    assert np.mean(means[-10:]) > 2 * np.mean(means[:10])


def test_what_is_sampled_is_trained_on_without_its_question(engine):
    example, text = sample(engine, "Who?", temperature=1, seed=1)
    [(tokens, trained_on)] = example.sequences
    answer = [token for token, learnt in zip(tokens, trained_on, strict=True) if learnt]
    prompt = engine.tokenizer.encode_prompt([{"role": "user", "content": "Who?"}])
    assert tokens[: -len(answer)] == prompt
    assert engine.tokenizer.decode(answer).startswith(text)


@pytest.mark.parametrize("name", ["marv", "sentences"])
def test_each_way_was_measured_with_three_seeds(name):
    with (TABLES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ["bits", "rank"] if name == "marv" else ["method"]
    seeds = {}
    for row in rows:
        seeds.setdefault(tuple(row[c] for c in columns), set()).add(row["seed"])
    assert len(seeds) >= 4 and all(found == {"1", "2", "3"} for found in seeds.values())
