"""What is right in lesson 14, computed without the trainer that the lesson takes apart."""

import json
import math
from typing import Any

import numpy as np

from helpers.exercises import marv
from helpers.exercises.judging import agrees, require
from helpers.jobs import create_once, results, wait
from helpers.service import ROOT, connect

CONFIG = ROOT / "practice_server" / "base_models" / "pocket-2026-11-21" / "config.json"
# The chat of the exercise: who speaks, how many pieces the content has, the weight.
CHAT = (("user", 1, 1), ("assistant", 2, 0), ("user", 1, 1), ("assistant", 3, 1))
SETTINGS = ("batch_size", "learning_rate_multiplier", "seed")


def exercise_1(by_hand: Any) -> None:
    """The mask of a chat whose first assistant message has weight 0."""
    right, unweighted = mask(), mask(weighted=False)
    require(len(list(by_hand)) == len(right), f"the chat has {len(right)} tokens, roles included.")
    require(not agrees(by_hand, unweighted), "the message with weight 0 is masked whole.")
    require(not agrees(by_hand, mask(end=0)), "the <|end|> of what is learnt counts, too.")
    require(not agrees(by_hand, mask(role=1)), "the role is given; the model does not say it.")
    hint = "only what the assistant says with weight 1 counts, and its <|end|>."
    require(agrees(by_hand, right), hint)


def mask(*, weighted: bool = True, role: int = 0, end: int = 1) -> list[int]:
    """For each token 1 if it counts. role, end: 1 if these tokens of what is learnt count."""
    counts: list[int] = []
    for who, n_pieces, weight in CHAT:
        learnt = int(who == "assistant" and (weight or not weighted))
        counts += [role * learnt, *[learnt] * n_pieces, end * learnt]
    return counts


def exercise_2(know_nothing: Any) -> None:
    """-log of the probability of one token, when all of the vocabulary have the same."""
    n_tokens = json.loads(CONFIG.read_text(encoding="utf-8"))["vocab_size"]
    require(not agrees(know_nothing, 1 / n_tokens), "that is the probability; take -log of it.")
    require(not agrees(know_nothing, -math.log(n_tokens), within=0.006), "mind the sign: -log.")
    require(not agrees(know_nothing, math.log10(n_tokens), within=0.006), "take the natural log.")
    hint = "each token gets 1 divided by the size of the vocabulary, which stands at the top."
    require(agrees(know_nothing, math.log(n_tokens), within=0.006), hint)


def exercise_3(moved: Any) -> None:
    """Two weights of 0 after the first step of AdamW, with small and large slopes."""
    rate, slopes = 0.0003, np.array([0.5, -0.0005])
    first, second = 0.1 * slopes / (1 - 0.9), 0.001 * slopes**2 / (1 - 0.999)
    right = -rate * first / (np.sqrt(second) + 1e-8)
    require(len(list(moved)) == len(right), "it should be two numbers, one a weight.")
    for named, wrong in (
        ("that is rate * g; AdamW divides by sqrt(v_hat), too.", -rate * slopes),
        ("mind the sign: a step goes against the slope.", -right),
        ("correct m and v: at step 1, divide by 1 - 0.9 and 1 - 0.999.",
         -rate * 0.1 * slopes / (np.sqrt(0.001 * slopes**2) + 1e-8)),
    ):  # fmt: skip
        require(not agrees(moved, wrong.tolist(), within=1e-6), named)
    hint = "m_hat is the slope, v_hat its square: what is one divided by the other's root?"
    require(agrees(moved, right.tolist(), within=1e-7), hint)


def exercise_4(own: Any) -> None:
    """The losses of an epoch in batches, as the service has them in a job with these settings."""
    wanted = {*SETTINGS, "losses"}
    is_whole = isinstance(own, dict) and wanted <= set(own)
    require(is_whole, f"it should be a dictionary with {', '.join(sorted(wanted))}.")
    settings = {name: own[name] for name in SETTINGS}
    require(settings["batch_size"] >= 2, "batch_size should be 2 or more.")
    service, losses = connect(), list(own["losses"])
    n_steps = math.ceil(len(marv.examples()) / settings["batch_size"])
    told = f"one epoch in such batches has {n_steps} steps; there are {len(losses)} losses."
    require(len(losses) == n_steps, told)
    job = create_once(service, marv.FOLDER / "train.jsonl", n_epochs=1, suffix="own", **settings)
    job = wait(service, job)
    require(job.status == "succeeded", f"the service's job is {job.status}.")
    theirs = results(service, job)["train_loss"].tolist()
    pairs = enumerate(zip(losses, theirs, strict=True), start=1)
    other = next((step for step, pair in pairs if not agrees(*pair, within=0.002)), None)
    if other:
        where = {
            1: "The mean is over all tokens of a batch, and the order follows the seed.",
            2: "Look at the rate and at the gradient of the first step.",
        }.get(other, "Does the rate fall to 0 over all steps?")
        told = f"{losses[other - 1]:.3f}, the service has {theirs[other - 1]:.3f}"
        require(False, f"at step {other} you have {told}. {where}")
