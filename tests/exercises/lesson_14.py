"""Attempts at the exercises of lesson 14."""

import math
from functools import cache

import numpy as np

from helpers.exercises import marv
from practice_server.engines.engine import Example, Plan
from practice_server.engines.model_folder import engine_of
from tests.surroundings import ROOT

POCKET = ROOT / "practice_server" / "base_models" / "pocket-2026-11-21"
MASK = [0] * 11 + [1] * 4


def right_1():
    return [MASK, tuple(MASK), [bool(each) for each in MASK], np.array(MASK)]


def wrong_1():
    learns_all_answers = [*[0] * 4, 1, 1, 1, *[0] * 4, 1, 1, 1, 1]
    return [
        (learns_all_answers, "weight 0"),
        ([0] * 11 + [1, 1, 1, 0], "end"),
        ([0] * 10 + [1] * 5, "role"),
        ([1] * 15, "only what the assistant"),
        ([1, 1, 1, 1], "15 tokens"),
        (4, "gave"),
    ]


def right_2():
    return [math.log(5120), 8.54, -math.log(1 / 5120), np.log(5120)]


def wrong_2():
    return [(1 / 5120, "probability"), (-8.54, "sign"), (3.71, "natural"), (5120, "vocabulary")]


def right_3():
    return [[-0.0003, 0.0003], (-3e-4, 3e-4), np.array([-0.0003, 0.0003])]


def wrong_3():
    return [
        ([-0.00015, 1.5e-7], "sqrt"),
        ([0.0003, -0.0003], "sign"),
        ([-0.00094868, 0.00094868], "correct m and v"),
        ([0.4997, -0.0008], "root"),
        (-0.0003, "gave"),
    ]


@cache
def trained(batch_size, seed):
    """An epoch of the engine's own: its settings and losses."""
    engine = engine_of(POCKET).load(POCKET)
    chats = [engine.tokenizer.encode_chat(each["messages"]) for each in marv.examples()]
    settings = {"batch_size": batch_size, "learning_rate_multiplier": 2.0, "seed": seed}
    steps = engine.train([Example(chat) for chat in chats], [], Plan(n_epochs=1, **settings))
    return settings | {"losses": [step.metrics["train_loss"] for step in steps]}


def right_4():
    own = trained(16, 3)
    return [own, own | {"losses": np.array(own["losses"])}]


def wrong_4():
    own = trained(16, 3)
    losses = own["losses"]
    shifted = [[loss + 0.1 * (i >= first) for i, loss in enumerate(losses)] for first in range(3)]
    return [
        (losses, "dictionary"),
        (own | {"batch_size": 1}, "2 or more"),
        (own | {"losses": losses[:-1]}, "4 steps"),
        (own | {"seed": 4}, "order"),
        (own | {"losses": shifted[0]}, "mean"),
        (own | {"losses": shifted[1]}, "rate"),
        (own | {"losses": shifted[2]}, "fall"),
    ]
