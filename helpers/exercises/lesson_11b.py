"""What is right in lesson 11b."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from openai.types.fine_tuning import FineTuningJob

from helpers import evaluate
from helpers.exercises import marv
from helpers.exercises.judging import require, require_results
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows
from helpers.service import ROOT, connect

FOLDER = ROOT / "data" / "weak_spots"
WAYS = ("aimed", "aimed and old", "anew")
WEAK = 2
MOST_PLAIN, MOST_GOOD = 20, 12


def exercise_1(weak: Any) -> None:
    """The kinds in which fewer than half of Marv's answers are good."""
    named = set(weak) if isinstance(weak, Iterable) and not isinstance(weak, str) else set()
    good = good_by_kind(marv_model())
    require(named and named <= set(good), f"it should be a list of {', '.join(good)}.")
    for kind, n in good.items():
        is_weak = n < WEAK
        told = f"of the four answers about {kind}, {n} are good"
        require(is_weak == (kind in named), f"{told}, so it is {'' if is_weak else 'not '}weak.")


def exercise_2(predicted: Any) -> None:
    """The model that has fewest good answers in the old kinds, over all seeds."""
    require(predicted in WAYS, f"it should be one of {', '.join(WAYS)}.")
    old = set(marv.category_of().values())
    kept = dict.fromkeys(WAYS, 0)
    for row in read_rows(FOLDER / "results.csv"):
        is_meant = row["asked"] == "valid" and row["measured"] in old
        if row["model"] in WAYS and is_meant:
            kept[row["model"]] += int(row["count"])
    require(
        kept[predicted] == min(kept.values()),
        f"of three times 24 good answers {predicted!r} keeps {kept[predicted]}; another, fewer.",
    )


def exercise_3(swap: Any) -> None:
    """A function that exchanges the two names."""
    texts = (
        "This is {}. My lamp is broken.",
        "This is {}. {} broke it, says {}.",
        "{} or Anabel?",
    )
    pairs = [
        (text.format("Ana", "Ben", "Ana"), text.format("Ben", "Ana", "Ben")) for text in texts
    ]
    cases = [((text,), other) for pair in pairs for text, other in (pair, pair[::-1])]
    require_results(swap, cases, "Only whole words are names.")


def exercise_4(mine: Any) -> None:
    """A job that goes on from Marv, leaves general questions alone, and keeps his style."""
    require(isinstance(mine, FineTuningJob), "it should be what create_once gives.")
    require(mine.model == marv_model(), "it should go on from model=marv.fine_tuned_model.")
    job = wait(connect(), mine)
    require(job.status == "succeeded", f"the job has {job.status}.")
    model = job.fine_tuned_model or ""
    texts = marv.answers(model, [row["question"] for row in of_set("general")])
    plain = sum(not evaluate.has_style(text, signs()) for text in texts)
    require(plain >= MOST_PLAIN, f"{plain} general answers are plain; mix in general examples.")
    old = set(marv.category_of().values())
    good = sum(n for kind, n in good_by_kind(model).items() if kind in old)
    require(good >= MOST_GOOD, f"only {good} answers are good Marv; mix in some of his examples.")


def marv_model() -> str:
    """The name of the lesson's Marv."""
    service = connect()
    job = create_once(service, marv.FOLDER / "train.jsonl", n_epochs=3, seed=1)
    return wait(service, job).fine_tuned_model or ""


@cache
def good_by_kind(model: str) -> dict[str, int]:
    """How many validation answers are right and have a remark that fits, by kind of question."""
    asked = of_set("valid")
    system = marv.system_message()
    texts = marv.answers(model, [row["question"] for row in asked], system=system)
    table = evaluate.score(asked, texts, signs=signs())
    good = (table["fact"] & table["fit"]).groupby([row["category"] for row in asked]).sum()
    return {str(kind): int(n) for kind, n in good.items()}


def of_set(name: str) -> list[dict[str, str]]:
    """The questions of one set."""
    return [row for row in read_rows(FOLDER / "asked.csv") if row["set"] == name]


def signs() -> dict[str, str]:
    """The category of each sign, of the old kinds and the new."""
    new = {row["sign"]: row["category"] for row in read_rows(FOLDER / "signs.csv")}
    return marv.category_of() | new
