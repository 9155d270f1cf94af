"""Writes the training files of this folder, and asked.csv, all that the models are asked.

    python -m data.weak_spots.make_files

What they are made from: kinds.csv, forms.csv and general.csv, and the data sets Marv and labels.
"""

from itertools import cycle
from pathlib import Path

import pandas as pd

from helpers.prepare import read_rows, to_chat, write_jsonl

HERE = Path(__file__).resolve().parent
MARV = HERE.parent / "marv"
LABELS = HERE.parent / "labels"

Example = dict[str, list[dict[str, str]]]
Row = dict[str, str]

# Of the six kinds of question that Marv's training file has.
OLD_ROWS_PER_KIND = 2
MESSAGES_PER_DESK = 20
# Of the messages to a desk, how many come from the person who otherwise writes to the other one.
EXCEPTIONS = (0, 1, 2, 5, 10)
DESK_OF = {"Ana": "cashier", "Ben": "workbench"}


def main() -> None:
    """Write all files."""
    marv = read_rows(MARV / "train.jsonl")
    system = marv[0]["messages"][0]["content"]
    aimed = chats(new_kinds("train"), system)
    old_rows = few_of_each_kind()
    old = chats(old_rows, system)
    long = chats(longer(old_rows, "train"), system)
    general = chats(of_split("general.csv", "train"))
    write("aimed", aimed)
    write("aimed_and_old", aimed + old)
    write("anew_with_aimed", marv + aimed)
    write("long", long)
    write("long_and_old", long + old)
    write("marv_and_general", marv + general)
    for exceptions in EXCEPTIONS:
        write(f"names_{exceptions}", names(exceptions))
    pd.DataFrame(asked()).to_csv(HERE / "asked.csv", index=False, lineterminator="\n")


def asked() -> list[Row]:
    """All questions: which set, which kind, and what a right answer must contain."""
    rows = read_rows(MARV / "questions.csv") + new_kinds("valid")
    sets = {name: [row for row in rows if row["split"] == name] for name in ("valid", "test")}
    taught = [row for row in sets["valid"] if "id" in row]
    sets["long"] = longer(taught, "test")
    sets["general"] = of_split("general.csv", "test")
    sets["names"] = [
        {"category": f"{name} to {desk}", "question": said(name, text), "fact": desk}
        for text, desk in messages("test.jsonl")
        for name in DESK_OF
    ]
    return [
        {"set": name, "category": row.get("category", ""), **picked(row)}
        for name, several in sets.items()
        for row in several
    ]


def picked(row: Row) -> Row:
    """The question of a row, and its fact."""
    return {field: row[field] for field in ("question", "fact")}


def names(exceptions: int) -> list[Example]:
    """Twenty messages to each desk; all but the exceptions come from the desk's usual person."""
    seen = dict.fromkeys(DESK_OF.values(), 0)
    lines = []
    for text, desk in messages("train.jsonl"):
        seen[desk] += 1
        if seen[desk] <= MESSAGES_PER_DESK:
            is_usual = seen[desk] > exceptions
            name = next(n for n in DESK_OF if (DESK_OF[n] == desk) == is_usual)
            lines.append({"question": said(name, text), "answer": desk})
    return chats(lines, door())


def said(name: str, text: str) -> str:
    """A message, with the name of its writer before it."""
    return f"This is {name}. {text}"


def messages(file: str) -> list[tuple[str, str]]:
    """The messages to the two desks in a file of the labels, each with its desk."""
    pairs = [
        (asked["content"], answered["content"])
        for _, asked, answered in (line["messages"] for line in read_rows(LABELS / file))
    ]
    return [pair for pair in pairs if pair[1] in DESK_OF.values()]


def door() -> str:
    """The system message of the labels."""
    return read_rows(LABELS / "train.jsonl")[0]["messages"][0]["content"]


def few_of_each_kind() -> list[Row]:
    """The first rows of each kind of question in Marv's training file that stand alone."""
    chosen: dict[str, list[Row]] = {}
    for row in read_rows(MARV / "questions.csv"):
        rows = chosen.setdefault(row["category"], [])
        is_alone = row["split"] == "train" and not row["earlier_question"]
        if is_alone and len(rows) < OLD_ROWS_PER_KIND:
            rows.append(row)
    return [row for rows in chosen.values() for row in rows]


def new_kinds(split: str) -> list[Row]:
    """Questions of the kinds that Marv's own training file lacks."""
    return of_split("kinds.csv", split)


def longer(rows: list[Row], split: str) -> list[Row]:
    """The rows with each question in a longer message; the messages take turns."""
    forms = cycle(row["text"] for row in of_split("forms.csv", split))
    return [
        row | {"question": form.format(question=row["question"])}
        for row, form in zip(rows, forms, strict=False)
    ]


def of_split(name: str, split: str) -> list[Row]:
    """The rows of a split in a table of this folder."""
    return [row for row in read_rows(HERE / name) if row["split"] == split]


def chats(rows: list[Row], system: str | None = None) -> list[Example]:
    """Chat examples of questions and their answers."""
    return to_chat(rows, system=system, prompt="question", completion="answer")


def write(name: str, lines: list[Example]) -> None:
    """Write a training file."""
    write_jsonl(HERE / f"{name}.jsonl", lines)


if __name__ == "__main__":
    main()
