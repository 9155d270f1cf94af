"""AR-LSAT's layout is read; what is odd in it is named, and nothing is lost silently."""

import json
import warnings
from pathlib import Path

import pytest

from helpers.lsat import read, to_chat
from helpers.prepare import UnreadableFile

DATA = Path(__file__).resolve().parents[1] / "data" / "lsat"


def question(**changes):
    """A question with the fields that AR-LSAT's own files have."""
    fields = {
        "id": "201012_1-G_1_1",
        "fatherId": "201012_1-G_1",
        "questionId": "1",
        "question": "Who could be third?",
        "isExcept": "",
        "tags": ["", "", "simple ordering", ""],
        "options": ["Ann", "Bo", "Cy", "Di", "Ed"],
        "answer": "C",
    }
    return {**fields, **changes}


def written(folder, *questions, **changes):
    passage = {
        "id": "201012_1-G_1",
        "fatherId": "201012_1-G",
        "passageId": "1",
        "passage": "Five people stand in a line.",
        "questions": list(questions),
    }
    path = folder / "AR_DevelopmentData.json"
    path.write_text(json.dumps([{**passage, **changes}]), encoding="utf-8")
    return path


def test_every_question_of_a_passage_is_a_puzzle(tmp_path):
    path = written(tmp_path, question(), question(question="Who is first?", answer="E"))
    first, second = read(path)
    assert first == {
        "passage": "Five people stand in a line.",
        "question": "Who could be third?",
        "options": ["Ann", "Bo", "Cy", "Di", "Ed"],
        "answer": "C",
    }
    assert (second["question"], second["answer"]) == ("Who is first?", "E")


ODD = [
    ({"options": ["Ann", "Bo", "Cy", "Di"]}, "4 options"),
    ({"options": ["Ann", "Ann", "Cy", "Di", "Ed"]}, "two options are the same"),
    ({"options": "Ann, Bo, Cy, Di, Ed"}, "no list"),
    ({"options": ["Ann", "Bo", "Cy", "Di", None]}, "no list of texts"),
    ({"answer": "F"}, "'F'"),
    ({"answer": 2}, "2"),
    ({"answer": "AB"}, "'AB'"),
    ({"question": " "}, "no question"),
]


@pytest.mark.parametrize(("changes", "fault"), ODD)
def test_an_odd_question_is_named_and_the_others_are_kept(tmp_path, changes, fault):
    path = written(tmp_path, question(), question(id="odd-1", **changes))
    with pytest.warns(UserWarning, match=f"odd-1: .*{fault}"):
        assert len(read(path)) == 1


@pytest.mark.parametrize("odd", [None, "text", {"id": "p-2"}, {"id": "p-2", "questions": [3]}])
def test_an_odd_passage_is_named_by_its_id_or_its_place(tmp_path, odd):
    path = written(tmp_path, question())
    path.write_text(
        json.dumps([*json.loads(path.read_text(encoding="utf-8")), odd]), encoding="utf-8"
    )
    with pytest.warns(UserWarning, match="p-2" if isinstance(odd, dict) else "passage 2"):
        assert len(read(path)) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[", "no JSON"),
        (b"\xff\xfe[]", "no JSON in UTF-8"),
        (b"{}", "expected a list"),
        (b"[]", "the list is empty"),
        (b'[{"context": "", "answers": []}]', "no passage"),
    ],
)
def test_a_file_without_a_puzzle_is_refused_by_name(tmp_path, content, said):
    path = tmp_path / "puzzles.json"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=f"puzzles.json: .*{said}"):
        read(path)


@pytest.mark.parametrize("split", ["train", "train_100", "valid", "test"])
def test_our_own_puzzles_are_read_and_become_the_training_files(split):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        puzzles = read(DATA / f"{split}.json")
    lines = (DATA / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    system = json.loads(lines[0])["messages"][0]["content"]
    assert to_chat(puzzles, system=system) == [json.loads(line) for line in lines]
