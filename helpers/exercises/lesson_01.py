"""What is right in lesson 01."""

import json
from typing import Any

from helpers import evaluate
from helpers.exercises import marv
from helpers.exercises.judging import agrees, require
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows
from helpers.service import ROOT, connect

ORDERS = ROOT / "data" / "orders" / "valid.jsonl"
SHOP = ROOT / "data" / "shop"
RIGHT_ORDERS, FOUND, NEAR, OWN_WORDS = 16, 34, 3, 5
TOOLS = ("prompt", "retrieval", "fine-tuning")
# For each situation what fits, and what to think of.
SITUATIONS = (
    ("retrieval", "what does the museum change each month, and who would tell a tuned model?"),
    ("prompt", "what would be better than what does it well already, for twenty reports?"),
    ("fine-tuning", "the long prompt was tried: what did it reach, and what does each call cost?"),
    ("retrieval", "an answer must name where it stands; the pages are amended each year."),
    ("prompt", "what has nobody measured yet, and how many examples are there?"),
    ("fine-tuning", "is the knowledge in rules that one can write down, or in the examples?"),
)


def exercise_1(mine: Any) -> None:
    """A system message that gets enough validation orders right without an example."""
    require(isinstance(mine, str), "it should be a text, in quotation marks.")
    orders = [row["messages"] for row in read_rows(ORDERS)]
    texts = marv.answers(connect().base_model, [order[1]["content"] for order in orders],
                         system=mine)  # fmt: skip
    pairs = zip(texts, orders, strict=True)
    right = sum(to_json(text) == order[2]["content"] for text, order in pairs)
    told = f"{right} of {len(orders)} are right; the first answer is {texts[0]!r}."
    require(right >= RIGHT_ORDERS, told)


def exercise_2(smallest: Any) -> None:
    """The fewest paragraphs among which the right one is, for nearly all validation questions."""
    require(isinstance(smallest, int | float), "it should be a whole number.")
    asked, page = questions("valid"), paragraphs()
    hits = [n_found(asked, page, k) for k in range(1, len(page) + 1)]
    expected = next(k for k, n in enumerate(hits, 1) if n >= FOUND)
    require(1 <= smallest <= len(page), f"it should be between 1 and {len(page)}.")
    n = hits[int(smallest) - 1]
    require(n >= FOUND, f"with {smallest} the right one is among them for {n}.")
    require(agrees(smallest, expected), f"{FOUND} are reached with fewer.")


def exercise_3(predicted: Any) -> None:
    """How many answers of the model that was tuned on the page are right when it has changed."""
    require(isinstance(predicted, int | float), "it should be a whole number.")
    right = right_after_the_change()
    other = "fewer" if predicted > right else "more"
    hint = f"it is {other}: the model answers as before. How many facts have stayed?"
    require(abs(predicted - right) <= NEAR, hint)


def exercise_4(choices: Any) -> None:
    """What fits six situations, and a seventh of the learner's own."""
    is_list = isinstance(choices, list | tuple) and len(choices) == len(SITUATIONS) + 1
    require(is_list, f"it should be a list of {len(SITUATIONS)} words and one pair.")
    *six, own = choices
    for number, (choice, (expected, hint)) in enumerate(zip(six, SITUATIONS, strict=True), 1):
        require(choice in TOOLS, f"{choice!r} should be one of {', '.join(TOOLS)}.")
        require(choice == expected, f"situation {number}: {hint}")
    is_pair = isinstance(own, list | tuple) and len(own) == 2 and own[1] in TOOLS
    require(is_pair, "the last should be a pair: your situation, and one of the three words.")
    require(len(str(own[0]).split()) >= OWN_WORDS, "say more of your own situation.")


def right_after_the_change() -> int:
    """How many test answers of the lesson's tuned model are right by the changed page."""
    service = connect()
    job = create_once(service, SHOP / "train.jsonl", n_epochs=10, batch_size=5,
                      learning_rate_multiplier=3, suffix="shop", seed=7)  # fmt: skip
    asked = questions("test")
    model = wait(service, job).fine_tuned_model or ""
    texts = marv.answers(model, [row["question"] for row in asked])
    facts = [row["fact_changed"] for row in asked]
    return sum(map(evaluate.has_fact, texts, facts))


def to_json(answer: str) -> str:
    """A note such as "name: …; item: …" as JSON; digits become a number."""
    pairs = [part.split(": ", 1) for part in answer.split("; ")]
    values = dict(pair for pair in pairs if len(pair) == 2)
    return json.dumps({k: int(v) if v.isdigit() else v for k, v in values.items()})


def questions(split: str) -> list[dict[str, str]]:
    """The shop's questions of a split."""
    return [row for row in read_rows(SHOP / "questions.csv") if row["split"] == split]


def paragraphs() -> list[str]:
    """The shop's page, without its title."""
    return (SHOP / "page.md").read_text(encoding="utf-8").strip().split("\n\n")[1:]


def n_found(asked: list[dict[str, str]], page: list[str], k: int) -> int:
    """For how many questions BM25 finds the right paragraph among the first k."""
    import bm25s  # type: ignore[import-untyped]  # the lesson must first forbid its bars

    index = bm25s.BM25()
    index.index(bm25s.tokenize(page, stopwords=[], show_progress=False), show_progress=False)
    words = bm25s.tokenize([row["question"] for row in asked], stopwords=[], show_progress=False)
    found, _ = index.retrieve(words, k=k, show_progress=False)
    named = [int(row["paragraph"]) - 1 for row in asked]
    return sum(number in places for number, places in zip(named, found, strict=True))
