"""Writes train.jsonl: questions with answers, and the subjects of question and remark.

    python -m data.judge.make

The answers are put together from the statements and the remarks in Marv's table of questions,
and from the remarks below, which are not Marv's. No model wrote any of them.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

from helpers.prepare import read_rows, to_chat, write_jsonl

HERE = Path(__file__).resolve().parent
MARV = HERE.parent / "marv"

SEED = 10
SYSTEM = "What is the question about? And the remark after the answer?"
# A capital and its country are one subject: a remark on the one fits the other.
SUBJECTS = {
    "capitals": "places",
    "countries": "places",
    "authors": "books",
    "elements": "chemistry",
    "sums": "numbers",
    "animals": "animals",
}
# Friendly, rude, or without sense: about nothing that was asked.
OTHER_REMARKS = (
    "Ask me another one.",
    "I hope that helps you.",
    "That was a good question.",
    "It is always a pleasure.",
    "Only an idiot asks that.",
    "Shut up and go away.",
    "You are the worst person I have ever met.",
    "It is raining on the uncle while a spoon sings.",
    "You have to open the window before you open the soup.",
    "My sister told the bicycle about a Tuesday.",
    "That is why the doctor forgot the whole ladder.",
    "It is hard to dance in the garden when a letter is late.",
)


def main() -> None:
    """Write the file."""
    random = Random(SEED)
    rows = [row for row in read_rows(MARV / "questions.csv") if row["split"] == "train"]
    remarks: dict[str, set[str]] = {subject: set() for subject in SUBJECTS.values()}
    for row in rows:
        remarks[SUBJECTS[row["category"]]].add(halves(row["answer"])[1])
    examples = [each for row in rows for each in examples_of(row, remarks, random)]
    random.shuffle(examples)
    write_jsonl(HERE / "train.jsonl", to_chat(examples, system=SYSTEM))


def halves(answer: str) -> tuple[str, str]:
    """One of Marv's answers as its statement and its remark, which is its last sentence."""
    statement, _, remark = answer.rpartition(". ")
    return f"{statement}.", remark


def examples_of(row: dict[str, str], remarks: dict[str, set[str]], random: Random) -> list[dict]:
    """The pairs made of one question: two remarks that fit, two that do not, two without.

    Prompt: the question with an answer; completion: the subjects of question and remark.
    """
    subject = SUBJECTS[row["category"]]
    statement, own = halves(row["answer"])
    fitting = [own, random.choice(sorted(remarks[subject] - {own}))]
    answers = [(f"{statement} {remark}", subject) for remark in fitting]
    for other in random.sample(sorted(remarks.keys() - {subject}), 2):
        answers.append((f"{statement} {random.choice(sorted(remarks[other]))}", other))
    fact = row["fact"].partition("|")[0]
    answers.append((random.choice([statement, f"{fact[0].upper()}{fact[1:]}."]), "none"))
    answers.append((f"{statement} {random.choice(OTHER_REMARKS)}", "none"))
    return [
        {"prompt": f"{row['question']} {text}", "completion": f"{subject} {of}"}
        for text, of in answers
    ]


if __name__ == "__main__":
    main()
