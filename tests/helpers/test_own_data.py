"""Files as people have them are read, and what was recognised, chosen and left out is said."""

import io
import json
import sys

import openpyxl
import pytest

from helpers.check import check_file
from helpers.prepare import UnreadableFile, main, read_rows, to_chat

WORDS = "kettle lamp chair table mirror carpet curtain pillow blanket basket candle vase"
PAIRS = [
    (f"Where is the {word}?", f"The {word} from Köln is on shelf {number}.")
    for number, word in enumerate(WORDS.split())
]


def lines(template):
    return "".join(template.format(question=q, answer=a) for q, a in PAIRS)


def turns(asks, answers):
    return [[{"from": asks, "value": q}, {"from": answers, "value": a}] for q, a in PAIRS]


def workbook(*rows):
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.create_sheet("Prices")
    book.save(file)
    return file.getvalue()


PHONE = "[12.03.24, 09:14:59] \u200eMessages are encrypted.\n" + lines(
    "[12.03.24, 09:15:02] Ana: {question}\n\u200e[12.03.24, 09:15:10] Ana: \u200eimage omitted\n"
    "[12.03.24, 09:16:00] Shop Support: {answer}\n"
)
OTHER_PHONE = "12/03/2024, 09:14 - Messages are encrypted.\n" + lines(
    "12/03/2024, 09:15 - Ana: {question}\n12/03/2024, 09:16 - Ben: <Media omitted>\n"
    "12/03/2024, 9:17 pm - Ben: {answer}\n"
)
MARKDOWN = "# Our shop\nWelcome!\n" + lines("## {question}\n\n{answer}\n\n") + "## Else?\n"
CHINESE = "客户问题,回答\n" + "".join(f"第{n}个在哪里？,在第{n}个架子上。\n" for n in range(12))
TABLE = "question,answer\n" + lines("{question},{answer}\n")

# What a file is called and holds, and the words that say how it was read.
FILES = {
    "export": (
        "t.csv",
        "Frage;Antwort;Kategorie\n" + lines("{question};{answer};x\n"),
        ["column 'Frage' taken for 'prompt'", "columns left out: Kategorie"],
    ),
    "workbook": (
        "t.xlsx",
        workbook(
            ["Ticket", "Customer ID", "Customer message", "Agent reply"],
            *([number, "c7", *pair] for number, pair in enumerate(PAIRS)),
        ),
        [
            "column 'Customer message' taken for 'prompt'",
            "'Agent reply' taken",
            "columns left out: Ticket, Customer ID",
            "left out: Prices",
        ],
    ),
    "alpaca": (
        "t.json",
        json.dumps([{"instruction": q, "input": "", "output": a} for q, a in PAIRS]),
        ["column 'instruction' taken for 'prompt'", "column 'input' put below it"],
    ),
    "sharegpt": (
        "t.json",
        json.dumps([{"id": "1", "conversations": each} for each in turns("human", "gpt")]),
        ["turns of 'human' taken for the user's: 12", "columns left out: id"],
    ),
    "data": (
        "t.json",
        json.dumps({"version": 1, "data": [{"query": q, "response": a} for q, a in PAIRS]}),
        ["the list under 'data' is read; left out: version", "'response' taken"],
    ),
    "marks": (
        "t.txt",
        "Our shop\n" + lines("Q: {question}\nA: {answer}\n\n") + "Q: And now?\n",
        ["'q' is the prompt", "left out, in no pair of question and answer: 2"],
    ),
    "phone": ("t.txt", PHONE, ["'Shop Support' is the assistant", "left out: 13 notices"]),
    "other phone": ("t.txt", OTHER_PHONE, ["'Ben' is the assistant", "Ana", "13 notices"]),
    "headings": (
        "t.md",
        MARKDOWN,
        ["headings of level 2", "in no pair of question and answer: 3"],
    ),
    "Windows-1252": ("t.csv", TABLE.encode("cp1252"), ["encoding: Windows-1252 (Western"]),
    "Chinese": ("t.csv", CHINESE.encode("gb18030"), ["encoding: GB18030", "'客户问题' taken"]),
    "unnamed": (
        "t.tsv",
        "no\tsaid\tdone\n" + lines("7\t{question}\t{answer}\n"),
        ["'said' taken for 'prompt', by what", "left out: no"],
    ),
    "lists": ("t.json", json.dumps(PAIRS), ["12 lists of texts"]),
}


@pytest.fixture
def prepare(tmp_path, capsys, monkeypatch):
    """Write a file and run the program on it; return its status, its words and the examples."""

    def run(name, content, *options, answers=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        status = main([str(path), *options])
        made = sorted(tmp_path.glob("*_prepared*.jsonl"))
        together = tmp_path / "together.jsonl"
        together.write_bytes(b"".join(each.read_bytes() for each in made))
        assert not made or check_file(together).ok
        return status, "".join(capsys.readouterr()), read_rows(together)

    return run


@pytest.mark.parametrize("name", FILES)
def test_a_file_as_people_have_it_is_read(prepare, name):
    file, content, words = FILES[name]
    options = ["--assistant", "Ben"] if name == "other phone" else []
    options += ["--to", "chat", "--yes", "--split", "0.2"]
    status, said, examples = prepare(file, content, *options)
    assert status == 0 and len(examples) == 12, said
    assert [each for each in words if each not in said] == [], said
    assert "the first three" in said
    if name != "Chinese":
        made = {tuple(m["content"] for m in each["messages"]) for each in examples}
        assert made == set(PAIRS)
