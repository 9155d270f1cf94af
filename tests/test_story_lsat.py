"""The story about LSAT, where AR-LSAT's own files are there, and what its figures stand on."""

import json
import math

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from data.lsat import steps
from data.lsat.generate import all_puzzles
from helpers.tokens import total_steps
from tests.puzzle_solver import right_letters
from tests.surroundings import ROOT, stop_server

LESSON = ROOT / "notebooks" / "23_story_lsat.ipynb"
LSAT = ROOT / "data" / "lsat"
FILES = ("AR_TrainingData.json", "AR_DevelopmentData.json", "AR_TestData.json")
N_QUESTIONS = 250


def test_twenty_examples_in_ten_epochs_of_batches_of_three_are_67_steps():
    assert total_steps(20, n_epochs=10, batch_size=3) == 67


def passage(name, number, **changes):
    """A passage with one question, in AR-LSAT's layout."""
    question = {
        "id": f"{name}_{number}_1",
        "question": "Who could be third?",
        "options": ["Ann", "Bo", "Cy", "Di", "Ed"],
        "answer": "ABCDE"[number % 5],
        "tags": [],
    }
    fields = {"id": f"{name}_{number}", "passage": f"{name}: line {number} has five people."}
    return {**fields, "questions": [question], **changes}


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A work folder with files as AR-LSAT has them, one odd and two long questions in each."""
    monkeypatch.setenv("FINE_TUNING_WORK", str(tmp_path))
    for name in FILES:
        passages = [passage(name, number) for number in range(N_QUESTIONS)]
        passages[0]["questions"][0]["options"].pop()
        for number in range(1, 21):
            passages[number]["passage"] += " Ann stands before Bo." * 1_000
        path = tmp_path / "lsat" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(passages), encoding="utf-8")
    yield tmp_path
    stop_server(tmp_path)


def test_the_files_of_ar_lsat_are_taken_where_they_are_there(work):
    """The lesson runs up to the cell that writes the training files."""
    notebook = nbformat.read(LESSON, as_version=4)
    last = next(n for n, cell in enumerate(notebook.cells) if cell.id == "cut")
    notebook.cells = notebook.cells[: last + 1]
    resources = {"metadata": {"path": str(LESSON.parent)}}
    NotebookClient(notebook, timeout=120, resources=resources).execute()
    said = "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert "files of AR-LSAT" in said
    for name in FILES:
        assert f"{name}_0_1: 4 options, not 5" in said
    sizes = {"train": 20, "train_100": 100, "valid": 20, "test": 100}
    for split, size in sizes.items():
        lines = (work / "lsat" / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
        assert len(lines) == size
        assert all("has five people." in line and "before Bo" not in line for line in lines)


def test_the_worked_steps_are_true():
    """The steps are held against a solver that reads nothing but the text."""
    lines = (LSAT / "train_steps.jsonl").read_text(encoding="utf-8").splitlines()
    puzzles = all_puzzles()["train_100"]
    assert [json.dumps(steps.example(puzzle)) for puzzle in puzzles] == lines
    for puzzle in puzzles:
        *reasons, answer = steps.worked(puzzle).split("\n")
        good = [line[1] for line in reasons if line.endswith(("breaks no clue.", "every order."))]
        good += [line[1] for line in reasons if ") fits the order " in line]
        assert good == right_letters(puzzle.passage, puzzle.question, puzzle.options)
        assert answer == f"The answer is {good[0]}."
        for line in reasons:
            _, found, order = line.rstrip(".").partition(" the order ")
            if found:
                names = tuple(order.split(", "))
                assert sorted(names) == sorted(puzzle.names)
                assert all(clue.holds(names) for clue in puzzle.clues)


def test_the_table_has_three_seeds_of_each_kind_of_training():
    table = pd.read_csv(LSAT / "steps.csv")
    counts = table.groupby(["answers", "puzzles", "n_epochs"])["seed"].nunique()
    assert set(counts) == {3}
    assert len(counts) == 5
    assert table[["form", "right"]].map(lambda n: 0 <= n <= 100).all(axis=None)
    assert (table["right"] <= table["form"]).all()


def test_the_stored_answers_are_those_that_the_table_counts():
    table, written = pd.read_csv(LSAT / "steps.csv"), pd.read_csv(LSAT / "steps_answers.csv")
    row = table.query("answers == 'steps' and n_epochs == 3 and seed == 1").iloc[0]
    complete = written["answer"].str.fullmatch(r"(?:\([A-E]\) .+\n){5}The answer is [A-E]\.")
    assert complete.sum() == row["form"]
    assert len(written) == 100


def test_who_guesses_among_five_letters_has_a_loss_of_0_80():
    assert round(math.log(5) / 2, 2) == 0.80
