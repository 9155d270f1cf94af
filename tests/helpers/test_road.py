"""The road with a file of one's own: from the file to a report, on the practice server."""

import csv
import json

import pytest

from helpers import road

WORDS = "kettle lamp chair table mirror carpet curtain pillow blanket basket candle vase"
THINGS = WORDS.split()
ROWS = [(f"Where is the <b>{thing}</b>?", f"The {thing} & co: <i>shelf</i>.") for thing in THINGS]


@pytest.fixture
def table(tmp_path):
    """Write rows of questions and answers as a table."""

    def table(rows, name="own.csv"):
        path = tmp_path / name
        with open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("question", "answer"), *rows])
        return path

    return table


@pytest.fixture
def go(service, tmp_path, capsys):
    """Go the road with a file; return the exit code, what was said, and the report."""

    def go(path, *options):
        out = tmp_path / "report.html"
        code = road.main([str(path), "--yes", "--out", str(out), *options])
        said = capsys.readouterr()
        page = out.read_text(encoding="utf-8") if out.exists() else ""
        return code, said.out + said.err, page

    return go


def count_jobs(service):
    return len(list(service.client.fine_tuning.jobs.list()))


def test_twelve_rows_are_learnt_and_what_two_cannot_tell_is_said(go, table, service, tmp_path):
    path = table(ROWS)
    before = path.read_bytes()
    code, said, page = go(path)
    assert code == 0
    assert "10 of 10 examples are trained on" in said
    assert said.endswith(f"report: {tmp_path / 'report.html'}\n")
    assert "2 questions are too few to tell" in page
    for part in ("nats a token", "<svg", "pricing page, copies of"):
        assert part in page
    assert path.read_bytes() == before
    jobs = count_jobs(service)
    assert go(path)[2] == page
    assert count_jobs(service) == jobs


def test_texts_of_the_data_are_no_html_and_nothing_is_loaded(go, table):
    _, _, page = go(table(ROWS, "a&b.csv"))
    assert "<b>" not in page and "<i>" not in page
    assert "&lt;b&gt;" in page and "&amp; co" in page and "a&amp;b.csv" in page
    assert "src=" not in page and "<script" not in page and "<link" not in page


def test_of_fifty_thousand_rows_a_share_is_taken_and_said(go, table, monkeypatch):
    monkeypatch.setattr(road, "MOST_TRAINED", 1_500)  # as the machine of a test bears
    monkeypatch.setattr(road, "MOST_HELD_OUT", 300)
    rows = [
        (f"What is the price of number {n}?", f"Number {n} is {n % 97} €.") for n in range(50_000)
    ]
    code, said, page = go(table(rows))
    assert code == 0
    n_learnt = int(said.split(" of 40000 examples")[0].split()[-1])
    assert 10 <= n_learnt <= 200
    assert f"Of the 40,000 training examples {n_learnt} were drawn" in page


def test_labels_are_counted_as_right_or_wrong(go, table):
    rows = [(f"{thing} {n}", "even" if n % 2 else "odd") for thing in THINGS for n in range(4)]
    _, _, page = go(table(rows), "--n-epochs", "1")
    assert "answers are exactly right" in page and "95 % interval" in page


def test_conversations_of_several_turns_are_asked_as_they_were(go, tmp_path):
    talks = [
        {
            "conversations": [
                {"from": "human", "value": "Hello!"},
                {"from": "gpt", "value": "Hello."},
                {"from": "human", "value": q},
                {"from": "gpt", "value": a},
            ]
        }
        for q, a in ROWS
    ]
    path = tmp_path / "talks.json"
    path.write_text(json.dumps(talks), encoding="utf-8")
    code, _, page = go(path, "--n-epochs", "1", "--system", "You know every shelf.")
    assert code == 0 and "Where is the &lt;b&gt;" in page


def test_pairs_without_roles_are_completed(go, table):
    code, said, page = go(table(ROWS), "--to", "completion", "--n-epochs", "1")
    assert code == 0 and "every prompt starts with" in said and "chrF" in page


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('question,answer\n"a,b\nc,d\n', "quotation mark"),
        ("question,answer\n" + "".join(f"{q},{a}\n" for q, a in ROWS[:11]), "needs 10 examples"),
        ("", "column"),
    ],
    ids=["broken", "eleven rows", "empty"],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(go, tmp_path, content, word):
    path = tmp_path / "own.csv"
    path.write_text(content, encoding="utf-8")
    code, said, page = go(path)
    assert code == 1 and page == "" and word in said


def test_a_file_of_ones_own_is_not_overwritten(go, table, tmp_path, capsys):
    mine = tmp_path / "report.html"
    mine.write_text("<p>my page", encoding="utf-8")
    for missing in (table(ROWS), tmp_path / "nowhere.csv"):
        with pytest.raises(SystemExit) as end:
            go(missing)
        assert end.value.code == 2
    assert mine.read_text(encoding="utf-8") == "<p>my page"
    assert "choose another --out" in capsys.readouterr().err
