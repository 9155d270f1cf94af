"""Files as people have them are read, and what was recognised, chosen and left out is said."""

import io
import json
import sys

import openpyxl
import pytest

from helpers.check import check_file
from helpers.prepare import main, read_rows, to_chat

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
MESSAGES = [
    {"from": name, "text": [text[:5], {"type": "bold", "text": text[5:]}]}
    for pair in PAIRS
    for name, text in zip(("Ana", "Shop Support"), pair, strict=True)
]
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
    "titles": (
        "t.xlsx",
        workbook(["All questions"], [], ["Question", "Answer", "n"], *([*p, 7] for p in PAIRS)),
        ["line 3 names the columns; left out above it: 1"],
    ),
    "separator": ("t.csv", "sep=;\nfrage;antwort\n" + lines("{question};{answer}\n"), ["line 2"]),
    "support": (
        "t.csv",
        "subject,description,public reply\n" + lines("x,{question},{answer}\n"),
        ["'description' taken for 'prompt'", "columns left out: subject"],
    ),
    "messenger": (
        "t.json",
        json.dumps({"name": "Shop", "messages": [{"actor": "Ana", "text": ""}, *MESSAGES]}),
        ["'Shop Support' is the assistant, the user is Ana; left out: 1 notices"],
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
        ["left out beside 'data': version", "'response' taken"],
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
        ["headings with ## are", "in no pair of question and answer: 2"],
    ),
    "Windows-1252": ("t.csv", TABLE.encode("cp1252"), ["encoding: Windows-1252 (Western"]),
    "Chinese": ("t.csv", CHINESE.encode("gb18030"), ["encoding: GB18030", "'客户问题' taken"]),
    "unnamed": (
        "t.tsv",
        "no\tsaid\tdone\n" + lines("7\t{question}\t{answer}\n"),
        ["'said' taken for 'prompt', by what", "left out: no"],
    ),
    "other marks": ("t.txt", lines("F: {question}\nA: {answer}\n"), ["'f' is the prompt"]),
    "bold": ("t.md", "# Ours\n" + lines("**{question}**\n{answer}\n"), ["headings with **"]),
    "lists": ("t.json", json.dumps(PAIRS), ["of a list of texts the first is the prompt"]),
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


def test_overruled_columns_are_taken(prepare):
    table = "prompt,question,note,answer\n" + lines("x,{question},at noon,{answer}\n")
    options = ["--prompt", "Question", "note", "--completion", "answer", "--yes"]
    status, said, examples = prepare("t.csv", table, *options)
    asked = examples[0]["messages"][0]["content"]
    assert status == 0 and asked == "Where is the kettle?\n\nat noon"
    assert "columns left out: prompt" in said
    status, said, _ = prepare("t.csv", table, "--prompt", "Fragen")
    assert status == 1 and "no column 'Fragen'; the columns are prompt, question" in said


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "t.txt",
            OTHER_PHONE,
            "who is the assistant? There are: Ana, Ben. Name one with --assist",
        ),
        ("t.csv", "who,what,where\n" + "A b,c d,e f\n" * 2, "There are: who, what, where. Name"),
        (
            "t.csv",
            b"question,answer\nhi,\x81\n",
            "line 2: the byte 0x81 is no text in Windows-1252",
        ),
        (
            "t.csv",
            TABLE.encode() + b"caf\xe9,x\n",
            "line 14: not UTF-8; it looks like text in UTF-8 but for the byte 0xE9",
        ),
        ("t.csv", "вопрос,ответ\n".encode("cp1251"), "text in another encoding, or no text"),
        ("t.csv", "pytanie\nGdzie stoi półka?\n".encode("cp1250"), "or name it with --encoding"),
        ("t.csv", "質問\nランプはどこですか\n".encode("shift_jis"), "text in another encoding"),
        ("t.csv", b"a,b\nc\0,d\n", "zero bytes in it"),
        ("t.md", "no heading\n", "no questions with answers found"),
        ("t.json", '{"train": [{}], "test": [{}]}', "found train, test"),
    ],
)
def test_what_cannot_be_told_is_refused(prepare, tmp_path, name, content, words):
    status, said, _ = prepare(name, content, "--yes")
    assert status == 1 and words in said and not list(tmp_path.glob("*_prepared*")), said


def test_a_person_is_asked_and_heeded(prepare, tmp_path):
    status, said, _ = prepare("t.txt", OTHER_PHONE, answers="Eve\nBen\nn\n")
    assert status == 1 and "who is the assistant? (Ana, Ben)" in said
    assert not list(tmp_path.glob("*_prepared*"))
    status, _, examples = prepare("t.txt", OTHER_PHONE, answers="Ana\ny\n")
    assert status == 0 and examples[0]["messages"][1]["content"] == PAIRS[1][0]
    assert prepare("t.txt", OTHER_PHONE)[0] == 1


def test_a_named_encoding_is_taken(prepare):
    table = "вопрос,ответ\n" + "".join(f"Где лампа {n}?,Вот она.\n" for n in range(12))
    options = ["--encoding", "cp1251", "--yes"]
    _, said, examples = prepare("t.csv", table.encode("cp1251"), *options)
    assert examples[0]["messages"][1]["content"] == "Вот она." and "'вопрос' taken" in said


def test_lines_that_go_on_belong_to_what_came_before(tmp_path):
    texts = {
        "t.txt": "**Q1:** One\n\ntwo?\n**A:** Yes.\nText: no\nText: no",
        "phone.txt": "1/2/24, 9:15\u202fPM - A: One\n\ntwo?\n"
        "1/2/24, 9:16\u202fPM - B: Yes.\nText: no\nText: no",
        "t.md": "# FAQ\n## One?\nYes.\n### x\n```\n## no\n```\n# Else\n## Two?\nNo.",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    row = {"prompt": "One\n\ntwo?", "completion": "Yes.\nText: no\nText: no"}
    assert read_rows(tmp_path / "t.txt") == [row]
    assert read_rows(tmp_path / "phone.txt", assistant="B") == [row]
    assert read_rows(tmp_path / "t.md") == [
        {"prompt": "One?", "completion": "Yes.\n### x\n```\n## no\n```"},
        {"prompt": "Two?", "completion": "No."},
    ]


def test_conversations_that_cannot_be_used_are_counted(prepare):
    several = turns("human", "gpt")
    several[0].insert(0, {"from": "system", "value": "Be kind."})
    several[1].append({"from": "human", "value": "Thanks!"})
    several[2][1]["from"] = "observation"
    several[3][1]["value"] = None
    status, said, examples = prepare("t.json", json.dumps(several), "--yes")
    assert status == 0 and len(examples) == 10
    assert [m["role"] for m in examples[0]["messages"]] == ["system", "user", "assistant"]
    assert "left out for the role 'observation': 1" in said and "no text of 'gpt': 1" in said
    assert "left out after the last answer of a conversation: 1" in said


def test_what_looks_like_turns_in_a_table_stays(tmp_path, capsys):
    rows = [{"prompt": "a", "completion": "b", "notes": [{"author": "user", "text": "c"}]}]
    rows += [{"prompt": "a", "completion": "b", "notes": [{"author": "Ana", "text": "c"}]}]
    (tmp_path / "t.json").write_text(json.dumps(rows), encoding="utf-8")
    assert read_rows(tmp_path / "t.json") == rows
    rows = [{"author": "user", "text": "a"}, {"author": "Ana", "text": "b"}]
    (tmp_path / "t.json").write_text(json.dumps({"data": rows, "tags": ["x"]}), encoding="utf-8")
    assert read_rows(tmp_path / "t.json") == rows
    assert capsys.readouterr().out == "left out beside 'data': tags\n"
    one = turns("user", "assistant")[0]
    (tmp_path / "t.json").write_text(json.dumps({"turns": one, "id": 3}), encoding="utf-8")
    assert [m["role"] for m in read_rows(tmp_path / "t.json")[0]["messages"]] == [
        "user",
        "assistant",
    ]


def test_the_functions_choose_alike_and_say_so(capsys):
    rows = [{"Customer": "Bob", "Customer message": q, "Answer to customer": a} for q, a in PAIRS]
    assert to_chat(rows)[0]["messages"][1]["content"] == PAIRS[0][1]
    assert "'Answer to customer' taken for 'completion', by what" in capsys.readouterr().out
    rows = [{"instruction": "Say", "input": q, "output": None} for q, _ in PAIRS]
    with pytest.raises(ValueError, match="row 1: a question or an answer is empty"):
        to_chat(rows)
