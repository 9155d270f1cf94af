"""Whatever a table or list holds becomes a training file, or a sentence that says why not."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pytest

from helpers.check import check_file
from helpers.prepare import (
    UnreadableFile,
    UnusableRow,
    main,
    read_rows,
    split,
    to_chat,
    to_completion,
    write_jsonl,
)

ROOT = Path(__file__).resolve().parents[2]
MARV = ROOT / "data" / "marv"
ROWS = [{"prompt": "Who?", "completion": "Me."}, {"prompt": "道?", "completion": "非常, 道"}]


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


LAYOUTS = {
    "t.csv": 'prompt,completion\nWho?,Me.\n道?,"非常, 道"\n',
    "semicolon.csv": "prompt;completion\nWho?;Me.\n道?;非常, 道\n",
    "empty_end.csv": 'prompt,completion,,\r\nWho?,Me.,,\r\n,,,\r\n道?,"非常, 道",,\r\n',
    "t.tsv": "prompt\tcompletion\nWho?\tMe.\n道?\t非常, 道\n",
    "t.json": json.dumps(ROWS),
    "lines.json": "\n".join(json.dumps(row) for row in ROWS),
    "t.jsonl": "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS),
    "t.yaml": "conversations:\n- - Who?\n  - Me.\n- - 道?\n  - 非常, 道\n",
    "list.yml": '- {prompt: "Who?", completion: Me.}\n- prompt: 道?\n  completion: 非常, 道\n',
}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_every_layout_gives_the_same_rows(tmp_path, name, encoding):
    assert read_rows(written(tmp_path / name, LAYOUTS[name], encoding)) == ROWS


def test_a_workbook_gives_its_first_sheet_as_texts(tmp_path):
    workbook = openpyxl.Workbook()
    for cells in (["prompt", "completion", None], ["Who?", "Me."], [None, None], [7, 2.5]):
        workbook.active.append(cells)
    workbook.create_sheet("other").append(["x"])
    workbook.save(tmp_path / "t.xlsx")
    assert read_rows(tmp_path / "t.xlsx") == [
        {"prompt": "Who?", "completion": "Me."},
        {"prompt": "7", "completion": "2.5"},
    ]


def test_lines_of_text_become_completions(tmp_path):
    path = written(tmp_path / "t.txt", "one\n\n two\n")
    assert read_rows(path) == [
        {"prompt": "", "completion": "one"},
        {"prompt": "", "completion": " two"},
    ]


def test_conversations_keep_their_lines_and_their_words(tmp_path):
    path = written(tmp_path / "t.yaml", "conversations:\n- - I am sad\n  - no\n  - 'Breathe.'\n")
    assert read_rows(path) == [{"prompt": "I am sad", "completion": "no\nBreathe."}]


def test_strays_are_cleaned_but_emoji_and_outer_blanks_stay(tmp_path):
    rows = [{"prompt": " a\u00a0b\u200b\ufeff\x07\r\nc ", "completion": "👩\u200d🚀"}]
    path = written(tmp_path / "t.json", json.dumps(rows))
    assert read_rows(path) == [{"prompt": " a b\nc ", "completion": "👩\u200d🚀"}]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("t.pdf", b"x", "'.pdf' are not read; use one of .csv"),
        ("t.csv", "prompt\né\n".encode("latin-1"), "line 2: not UTF-8; .*Windows-1252"),
        ("t.csv", "prompt\n道可道非常道\n".encode("gb18030"), "line 2: not UTF-8; .*GB18030"),
        ("t.csv", "prompt\nx\n".encode("utf-16"), "UTF-16"),
        ("t.csv", b"a,b\n1,2,3\n", "line 2: 3 fields, but the first line names 2 columns"),
        ("t.csv", b'a,b\n1,"2\n', "line 2: .*quotation mark"),
        ("t.csv", b"a,a\n1,2\n", "line 1: the first line must name every column"),
        ("t.csv", b"", "must name every column"),
        ("t.json", b'{"a": 1', "broken JSON"),
        ("t.json", b"[1]", "item 1: expected an object"),
        ("t.json", b"3", "expected a list of objects"),
        ("t.jsonl", b'{"a": 1}\n\n{"a": 1\n', "line 3: broken JSON.*helpers.check"),
        ("t.yaml", b"a: [", "broken YAML"),
        (
            "t.yaml",
            b"conversations:\n- - only a question\n",
            "conversation 1: expected a question",
        ),
        ("t.xlsx", b"no workbook", "not a readable XLSX"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableFile, match=f"(?s){words}"):
        read_rows(tmp_path / name)


def test_marvs_questions_become_his_training_file(tmp_path):
    """The whole road, with multi-turn rows: table to chat lines, byte for byte."""
    system = read_rows(MARV / "train.jsonl")[0]["messages"][0]["content"]
    rows = [row for row in read_rows(MARV / "questions.csv") if row["split"] == "train"]
    earlier = ("earlier_question", "earlier_answer")
    examples = to_chat(
        rows, system=system, prompt="question", completion="answer", earlier=earlier
    )
    path = write_jsonl(tmp_path / "train.jsonl", examples)
    assert path.read_bytes() == (MARV / "train.jsonl").read_bytes()
    assert check_file(path, valid=MARV / "valid.jsonl").findings == []


def test_earlier_turns_come_first_and_are_not_trained_on():
    row = {"q0": "Hi", "a0": "Hello", "prompt": "Who?", "completion": "Me."}
    without = row | {"q0": "", "a0": " "}
    one, other = to_chat([row, without], earlier=("q0", "a0"))
    assert [m.get("weight") for m in one["messages"]] == [None, 0, None, 1]
    assert other == to_chat([without])[0]


def test_chat_rows_stay_and_get_the_system_message_where_it_is_missing():
    chat = to_chat(ROWS)
    assert to_chat(chat) == chat
    once = to_chat(chat, system="Be brief.")
    assert to_chat(once, system="Other.") == once
    assert once[0]["messages"][0] == {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "x"}, "row 2: no text in column 'completion'; the columns are prompt"),
        ({"prompt": "x", "completion": " "}, "row 2: .* empty"),
        ({"prompt": 1, "completion": "x"}, "row 2: no text in column 'prompt'"),
    ],
)
def test_a_row_that_makes_no_example_is_named(row, words):
    with pytest.raises(UnusableRow, match=words):
        to_chat([ROWS[0], row])


def test_pairs_end_and_begin_alike():
    pairs = to_completion([ROWS[0], {"prompt": "x ->", "completion": " y\n"}])
    assert pairs == [
        {"prompt": "Who? ->", "completion": " Me.\n"},
        {"prompt": "x ->", "completion": " y\n"},
    ]
    assert to_completion(to_chat(ROWS, system="Be brief."), separator="", ending="")[0] == {
        "prompt": "Be brief.\nWho?",
        "completion": " Me.",
    }


def questions(n, answer="Answer {}."):
    words = ["river", "mountain", "bridge", "harbour", "forest", "castle", "island"]
    return [
        {"prompt": f"{words[i % 7]} {words[i // 7 % 7]} {i * 7919}?",
         "completion": answer.format(i)}
        for i in range(n)
    ]  # fmt: skip


def test_a_split_is_the_same_for_the_same_seed_whatever_the_order():
    rows = questions(100)
    training, validation = split(rows, fraction=0.2, seed=1)
    assert len(validation) == 20 and sorted(map(str, training + validation)) == sorted(
        map(str, rows)
    )
    assert split(rows, fraction=0.2, seed=1) == (training, validation)
    assert split(rows[::-1], fraction=0.2, seed=1)[1] == validation[::-1]
    assert split(rows, fraction=0.2, seed=2)[1] != validation


def test_a_split_is_the_same_in_another_process():
    program = (
        "from helpers.prepare import split; "
        "print([r['prompt'] for r in split([{'prompt': f'{i * 7919} {i}'} for i in range(50)],"
        " fraction=0.3, seed=5)[1]])"
    )
    results = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(results) == 1


def test_equal_questions_stay_on_one_side():
    rows = questions(60)
    twins = [{**row, "prompt": row["prompt"].upper().replace("?", " !")} for row in rows]
    for seed in range(5):
        training, validation = split(rows + twins, fraction=0.2, seed=seed)
        numbers = [{row["prompt"].strip("?! ").split()[-1] for row in part}
                   for part in (training, validation)]  # fmt: skip
        assert validation and not numbers[0] & numbers[1]


def test_labels_keep_their_shares():
    rows = [row | {"completion": "rare" if i % 10 == 0 else "usual"}
            for i, row in enumerate(questions(100))]  # fmt: skip
    _, validation = split(rows, fraction=0.2, seed=3)
    labels = [row["completion"] for row in validation]
    assert (labels.count("rare"), labels.count("usual")) == (2, 18)


def test_a_split_takes_a_column_as_the_question():
    rows = [{"q": row["prompt"]} for row in questions(20)]
    assert len(split(rows, fraction=0.25, seed=1, key="q")[1]) == 5
    with pytest.raises(ValueError, match="between 0 and 1"):
        split(rows, fraction=1.5, seed=1, key="q")


@pytest.mark.parametrize("prompt", ["", "Tell me a joke.", "{}"])
def test_rows_without_words_to_tell_them_apart_are_held_out_too(prompt):
    """Lines of text, one prompt for all, emoji."""
    rows = [{"prompt": prompt.format(chr(ord("😀") + i)), "completion": f"Line {i * 7919}."}
            for i in range(20)]  # fmt: skip
    training, validation = split(rows, fraction=0.2, seed=1)
    assert (len(training), len(validation)) == (16, 4)


def test_a_split_that_would_leave_a_part_empty_is_refused():
    rows = [{"prompt": "abc"[i % 3], "completion": f"Answer {i}."} for i in range(30)]
    with pytest.raises(ValueError, match="30 rows with 3 different questions"):
        split(rows, fraction=0.2, seed=1)
    assert [len(part) for part in split(rows, fraction=0.4, seed=1)] == [20, 10]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = write_jsonl(tmp_path / "new" / "t.jsonl", ROWS)
    assert path.read_bytes().decode("utf-8").split("\n")[1] == json.dumps(
        ROWS[1], ensure_ascii=False
    )
    before = path.read_bytes()
    for bad in (float("nan"), {1, 2}, "\ud800"):
        with pytest.raises((ValueError, TypeError)):
            write_jsonl(path, [ROWS[0], {"prompt": bad}])
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


@pytest.fixture
def program(capsys, monkeypatch):
    """Run the program, with answers to what it asks; return its status, output and errors."""

    def run(*arguments, answers=""):
        monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = end.code
        return SimpleNamespace(returncode=status, **capsys.readouterr()._asdict())

    return run


def test_the_program_shows_proposals_and_writes_both_parts(program, tmp_path):
    path = tmp_path / "t.csv"
    lines = [f"{row['prompt'].strip('?')},{row['completion']},x" for row in questions(40)]
    text = "Prompt,completion,note\n" + "\n".join([*lines, lines[0], "empty,,x"])
    written(path, text + "\n")
    done = program(path, "--to", "completion", "--split", "0.25", "--seed", "4", "--yes")
    assert done.returncode == 0, done.err
    for words in ("column 'Prompt' taken for 'prompt'", "left out: note", "42 rows", "drop 1 row",
                  "row 41: the same", "end every prompt with ' ->'"):  # fmt: skip
        assert words in done.out
    training, validation = (
        read_rows(tmp_path / f"t_prepared_{part}.jsonl") for part in ("train", "valid")
    )
    assert (len(training), len(validation)) == (30, 10)
    assert all(row["prompt"].endswith(" ->") for row in training)
    assert all(row["completion"].startswith(" ") for row in training)
    assert path.read_text(encoding="utf-8") == text + "\n"


def test_rows_keep_their_numbers_when_others_are_dropped(program, tmp_path):
    lines = ["Who am I?,", "Who am I?,You.", "Who are you?,Me.", "Who am I?,You."]
    path = written(tmp_path / "t.csv", "prompt,completion\n" + "\n".join(lines))
    shown = program(path, "--yes").out
    assert "row 1: the completion is empty" in shown and "row 4: the same" in shown
    assert len(read_rows(tmp_path / "t_prepared.jsonl")) == 2


@pytest.mark.parametrize(
    ("text", "words", "first"),
    [
        ("x ->,yes\ny ->,no", "the completions do not end alike", "x ->"),
        ("SHOUT,LOUD\nCRY,OUT", "100% of the letters are capitals", "shout ->"),
        ("Answer this please: a,1\nAnswer this please: b,2", "every prompt starts with", "a ->"),
        (
            "Translate into French: dog,1\nTranslate into Finnish: dog,2",
            "'Translate into '",
            "French: dog",
        ),
        (
            "请把下面的一句话翻译成法语：猫,1\n请把下面的一句话翻译成法语：狗,2",
            "every prompt starts",
            "猫 ->",
        ),
        ("a,The answer is 1\nb,The answer is 2", "every completion starts with", "a ->"),
        ("a ->,1\nb,2", "the prompts do not end alike", "a ->\n\n###\n\n"),
        (",one\n,two", "open-ended generation", ""),
        ("\n".join(f"{n},{'yes' if n % 2 else 'no'}" for n in range(9)), "classification", "0 ->"),
    ],
)
def test_each_finding_is_shown_and_mended(program, tmp_path, text, words, first):
    path = written(tmp_path / "t.csv", f"prompt,completion\n{text}\n")
    done = program(path, "--to", "completion", "--yes")
    assert words in done.out, done.out + done.err
    rows = read_rows(tmp_path / "t_prepared.jsonl")
    assert rows[0]["prompt"] == first and rows[0]["completion"].startswith(" ")


def test_prompts_that_are_all_the_same_teach_nothing(program, tmp_path):
    path = written(tmp_path / "t.csv", "prompt,completion\nx,1\nx,2\n")
    done = program(path, "--to", "completion", "--yes")
    assert done.returncode == 1 and "all prompts are the same" in done.err


def test_the_program_asks_and_heeds_the_answer(program, tmp_path):
    path = written(tmp_path / "t.csv", "prompt,completion\n" + "Who am I?,You.\n" * 2)
    assert program(path, answers="n\n").returncode == 0
    assert len(read_rows(tmp_path / "t_prepared.jsonl")) == 2
    assert program(path, answers="\n").returncode == 0
    assert len(read_rows(tmp_path / "t_prepared.jsonl")) == 1
    unanswered = program(path)
    assert unanswered.returncode == 1 and "--yes" in unanswered.err


def test_the_program_makes_chat_with_system_and_earlier_turns(tmp_path):
    arguments = ["--prompt", "question", "--completion", "answer", "--system", "You are Marv."]
    out = tmp_path / "marv.jsonl"
    status = main(
        [str(MARV / "questions.csv"), *arguments, "--out", str(out), "--yes"]
        + ["--earlier", "earlier_question", "earlier_answer"]
    )
    examples = read_rows(out)
    assert status == 0 and len(examples) == 64 + 24
    assert any(len(example["messages"]) == 5 for example in examples)


def test_the_program_never_overwrites_its_input(program, tmp_path):
    path = write_jsonl(tmp_path / "t.jsonl", ROWS)
    before = path.read_bytes()
    done = program(path, "--out", path, "--yes")
    assert done.returncode == 2 and "never overwritten" in done.err
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        (
            "place,time\nHere,Now\n",
            1,
            "which column holds the prompts? There are: place, time. Name",
        ),
        ("prompt,completion\n", 1, "no rows"),
        ("prompt,completion\nWho?,\n", 1, "no row is left"),
        ("prompt,completion\nWho?,Me.\n", 1, "cannot be held out"),
    ],
)
def test_the_program_says_why_it_writes_nothing(program, tmp_path, text, status, words):
    path = written(tmp_path / "t.csv", text)
    done = program(path, "--yes", "--split", "0.2")
    assert done.returncode == status and words in done.err
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("option", ["--split=0.5", "--system=Be brief.", "--to=completion"])
@pytest.mark.parametrize("messages", ['"hello"', '["hello"]', "null"])
def test_messages_that_are_none_are_named(program, tmp_path, option, messages):
    path = written(tmp_path / "t.jsonl", f'{{"messages": {messages}}}\n' * 2)
    done = program(path, "--yes", option)
    assert done.returncode == 1 and "row 1: `messages` is not a list of objects" in done.err


def test_a_missing_file_is_an_unusable_argument(tmp_path):
    command = [sys.executable, "-m", "helpers.prepare", str(tmp_path / "nowhere.csv")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 2 and "nowhere.csv" in done.stderr
