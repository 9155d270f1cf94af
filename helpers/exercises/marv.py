"""Marv as the lessons use him: his data, the course's job, and what its models answer."""

from openai.types.fine_tuning import FineTuningJob

from helpers import evaluate
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows
from helpers.service import ROOT, connect

FOLDER = ROOT / "data" / "marv"


def job() -> FineTuningJob:
    """The job of lessons 00, 08 and 09, ended: three epochs on the whole training file."""
    service = connect()
    job = create_once(
        service,
        FOLDER / "train.jsonl",
        validation_path=FOLDER / "valid.jsonl",
        n_epochs=3,
        suffix="marv",
        seed=7,
    )
    return wait(service, job)


def examples() -> list[dict]:
    """The examples of the training file."""
    return read_rows(FOLDER / "train.jsonl")


def system_message() -> str:
    """What every training example begins with."""
    return examples()[0]["messages"][0]["content"]


def questions() -> list[dict[str, str]]:
    """All rows of the table of questions."""
    return read_rows(FOLDER / "questions.csv")


def category_of() -> dict[str, str]:
    """The kind of question that each sign of his style fits."""
    return {row["sign"]: row["category"] for row in read_rows(FOLDER / "style.csv")}


def answers(model: str, asked: list[str], *, system: str | None = None) -> list[str]:
    """What a model answers; a check shows no bar."""
    return evaluate.answers(connect(), model, asked, system=system, progress=False)
