"""What is right in lesson 04."""

import math
from typing import Any

from helpers.exercises.judging import agrees, require, require_results
from helpers.service import ROOT
from helpers.tokens import count_tokens, default_epochs, estimate_cost, price_of, total_steps

MARV = ROOT / "data" / "marv" / "train.jsonl"
MODEL = "gpt-4o-mini"
# Dollars for a million tokens of the untuned model, price lists of April 2026.
UNTUNED_INPUT, UNTUNED_OUTPUT = 0.15, 0.60


def exercise_1(word: Any) -> None:
    """Any long word that the vocabulary has as one piece."""
    require(isinstance(word, str), "it should be a text, in quotation marks.")
    letters = word.strip()
    require(letters.isalpha(), "it should be one word, of letters only.")
    require(len(letters) >= 13, f"{letters!r} has {len(letters)} letters.")
    tokens = count_tokens([{"prompt": "", "completion": word}], model=MODEL).total
    require(tokens == 1, f"{word!r} is {tokens} tokens; see pieces({word!r}).")


def exercise_2(share: Any) -> None:
    """Of all tokens of the file, those trained on."""
    count = count_tokens(MARV, model=MODEL)
    is_share = isinstance(share, int | float) and 0 <= share <= 1
    require(is_share, "it should be a number between 0 and 1: learnt divided by billed.")
    require(
        agrees(share, count.trained_on / count.total, within=0.05),
        "the other examples are much like the first: what is 17 of 59?",
    )


def exercise_3(steps: Any) -> None:
    """The epochs by the rule, and one rounding."""
    jobs = [(46, 1), (10, 1), (20, 3), (10_000, 20), (101, 4)]
    require_results(
        steps,
        [((n, size), total_steps(n, n_epochs=default_epochs(n), batch_size=size))
         for n, size in jobs],
        "Take the default epochs, and round up once, at the end.",
    )  # fmt: skip


def exercise_4(cases: Any) -> None:
    """What two cases cost, with the training and the tuned prompt of the lesson."""
    require(all(map(_is_case, cases)), "a case is three numbers from 1: prompt, answer, calls.")
    paid, never_paid = cases
    needed, calls = _calls_until_paid(*paid[:2]), paid[2]
    require(needed, "paid: a tuned call costs no less than an untuned one, so it never pays.")
    require(needed <= calls, f"paid: it takes {needed} calls, and a month has only {calls}.")
    require(never_paid[0] > 500, "never_paid: the prompt should have more than 500 tokens.")
    needed = _calls_until_paid(*never_paid[:2])
    require(
        needed is None,
        f"never_paid: it is paid for after {needed} calls. What makes a tuned call dear?",
    )


def _is_case(case: Any) -> bool:
    is_triple = isinstance(case, list | tuple) and len(case) == 3
    return is_triple and all(isinstance(each, int | float) and each >= 1 for each in case)


def _calls_until_paid(prompt: float, answer: float) -> int | None:
    """The calls after which the training is paid for; None if a tuned call costs no less.

    prompt: tokens that the untuned model needs. answer: tokens of either model's answer.
    """
    price, training = price_of(MODEL), estimate_cost(MARV, model=MODEL).usd or 0.0
    untuned = (prompt * UNTUNED_INPUT + answer * UNTUNED_OUTPUT) / 1_000_000
    tuned = (_short_prompt() * price.input + answer * price.output) / 1_000_000
    return math.ceil(training / (untuned - tuned)) if untuned > tuned else None


def _short_prompt() -> int:
    """Tokens of Marv's system message and a question, on average."""
    count = count_tokens(MARV, model=MODEL)
    tokens = count.per_role["system"] + count.per_role["user"]
    return round(tokens / len(count.per_example))
