"""What is right in lesson 02."""

import json
from collections import Counter
from typing import Any

from helpers.exercises import marv
from helpers.exercises.judging import agrees, require
from helpers.prepare import read_rows
from helpers.service import ROOT

DATA = ROOT / "data"
# The file of exercise 3, a list for each conversation: question, answer, question, answer.
CONVERSATIONS = [
    ["Hi!", "Hello.", "Who wrote Emma?", "Jane Austen. Do keep up."],
    ["Who wrote Faust?", "Goethe. Big surprise."],
]


def exercise_1(content: Any) -> None:
    """The answer of the third order."""
    require(isinstance(content, str), "it should be a text; json.dumps makes one of a dict.")
    try:
        answer = json.loads(content)
    except ValueError as error:
        require(False, f"it is not JSON ({error}). json.dumps writes JSON, str does not.")
    expected = json.loads(read_rows(DATA / "orders" / "train.jsonl")[2]["messages"][-1]["content"])
    keys = ", ".join(expected)
    require(isinstance(answer, dict) and set(answer) == set(expected), f"the keys are {keys}.")
    require(list(answer) == list(expected), f"write the keys in this sequence: {keys}.")
    for key, value in expected.items():
        kind = "a number" if isinstance(value, int) else "a text, as it stands in the sentence"
        hint = f"look at {key} again: it should be {kind}."
        require(type(answer[key]) is type(value) and answer[key] == value, hint)


def exercise_2(counts: Any) -> None:
    """How many of the assistant's messages there are, and how many are learnt."""
    rows = marvs_rows()
    earlier = sum(bool(row["earlier_answer"]) for row in rows)
    both = isinstance(counts, list | tuple) and len(counts) == 2
    require(both, "it should be two numbers: all messages, and those that are learnt.")
    messages, learnt = counts
    require(agrees(learnt, len(rows)), "every row has one answer that is learnt.")
    require(
        agrees(messages, len(rows) + earlier),
        f"every row has one answer, and {earlier} rows have another one before it.",
    )


def exercise_3(examples: Any) -> None:
    """The two rows as chat examples."""
    is_list = isinstance(examples, list) and len(examples) == len(CONVERSATIONS)
    require(is_list, "it should be a list of two examples.")
    turns = [spoken(each) for each in examples]
    begins = all(messages[0][:2] == ("system", marv.system_message()) for messages in turns)
    require(begins, "each example should begin with SYSTEM.")
    lengths = [1 + len(texts) for texts in CONVERSATIONS]
    is_whole = [len(messages) for messages in turns] == lengths
    require(is_whole, "the first should have five messages, the second three; think of `earlier`.")
    for messages, texts in zip(turns, CONVERSATIONS, strict=True):
        expected = list(zip(["user", "assistant"] * 2, texts, strict=False))
        said = [message[:2] for message in messages[1:]]
        require(said == expected, "what is asked is the user's, the reply the assistant's.")
        weights = [weight for role, _, weight in messages if role == "assistant"]
        is_masked = weights == [0] * (len(weights) - 1) + [1]
        require(is_masked, "only the last answer should be learnt; earlier ones have weight 0.")


def spoken(example: Any) -> list[tuple]:
    """Role, content and weight of each message; raises what a thing that is no example raises."""
    return [(each["role"], each["content"], each.get("weight", 1)) for each in example["messages"]]


def exercise_4(parts: Any) -> None:
    """Marv's capitals, asked for twice, in two parts without a country in common."""
    is_pair = isinstance(parts, list | tuple) and len(parts) == 2
    require(is_pair, "it should be two lists, training and validation.")
    training, validation = parts
    asked = Counter(row["question"] for row in [*training, *validation])
    capitals = [row for row in marvs_rows() if row["category"] == "capitals"]
    expected = [row["question"] for row in capitals]
    expected += [f"Which capital does {row['entity']} have?" for row in capitals]
    require(not asked - Counter(expected), "a row stands there twice, or is not one of `doubled`.")
    require(not Counter(expected) - asked, "a row is lost.")
    share = len(validation) / len(expected)
    require(0.15 < share < 0.35, f"{share:.0%} are for validation; it should be about a quarter.")
    shared = {row["entity"] for row in training} & {row["entity"] for row in validation}
    require(not shared, f"on both sides: {', '.join(sorted(shared))}.")


def marvs_rows() -> list[dict]:
    """The training rows of Marv's table."""
    return [row for row in marv.questions() if row["split"] == "train"]
