"""`pocket` through both engines: written independently, they must come to the same losses."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from practice_server.engines.engine import Example, Plan, Preference
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.store.catalogue import SHIPPED

POCKET = max(SHIPPED.glob("pocket-*"))
MARV = Path(__file__).resolve().parents[2] / "data" / "marv" / "train.jsonl"
WHOLE = Plan(n_epochs=3, batch_size=1, learning_rate_multiplier=1.0, seed=11, lora=False)


@pytest.fixture
def engines():
    """The same weights and the same tokenizer in both, all in double precision: in single, AdamW's
    first steps turn the last digit of a small gradient into a whole step up or down.
    transformers' own norms and rotations stay in single precision."""
    from practice_server.engines.transformers_engine.engine import TransformersEngine
    from practice_server.engines.transformers_engine.network import Network, base

    numpy = NumpyEngine.load(POCKET, np.float64)
    base.cache_clear()
    network = Network(POCKET)
    network.model.double()
    yield numpy, TransformersEngine(network, numpy.tokenizer, numpy.context)
    base.cache_clear()


def metrics(engine, examples, plan):
    return [step.metrics for step in engine.train(examples, examples[:6], plan)]


def marv(tokenizer, n):
    lines = MARV.read_text(encoding="utf-8").splitlines()[:n]
    return [Example(tokenizer.encode_chat(json.loads(line)["messages"])) for line in lines]


def test_sixty_examples_three_times(engines):
    examples = marv(engines[0].tokenizer, 60)
    numpy, torch_ = (metrics(engine, examples, WHOLE) for engine in engines)
    assert len(numpy) == len(torch_) == 180
    for ours, theirs in zip(numpy, torch_, strict=True):
        assert ours.keys() == theirs.keys()
        for name in ours:
            tolerance = 2e-5 if "loss" in name else 1e-9
            assert theirs[name] == pytest.approx(ours[name], abs=tolerance), name


def test_preferences_in_batches(engines):
    tokenizer = engines[0].tokenizer
    answers = marv(tokenizer, 24)
    pairs = [Preference(*both) for both in zip(answers[::2], answers[1::2], strict=True)]
    plan = replace(WHOLE, batch_size=5, beta=0.2, learning_rate_multiplier=0.1)
    numpy, torch_ = (metrics(engine, pairs, plan) for engine in engines)
    for name in numpy[0]:
        ours, theirs = ([step[name] for step in steps] for steps in (numpy, torch_))
        np.testing.assert_allclose(theirs, ours, atol=1e-5)
