"""Measure the lessons: `python -m tests.anatomy` prints a table."""

import re
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

import nbformat

from tests.solutions import NOTEBOOKS, exercise_of

WORDS_PER_MINUTE = 150
CODE_LINES_PER_MINUTE = 10
MINUTES_PER_EXERCISE = 5
DIAGRAM = re.compile(r"^```mermaid.*?^```", re.DOTALL | re.MULTILINE)
MINUTES = re.compile(r"\*\*(\d+) minutes")


@dataclass(frozen=True)
class Anatomy:
    """What a lesson is made of; `minutes` is what its header says, `expected` what the rule says.

    The rule: 150 words a minute, ten lines of code a minute, five minutes an exercise; to five.
    """

    lesson: str
    minutes: int
    expected: int
    cells: int
    words: int
    median_lines: float
    longest_lines: int
    exercises: int
    diagrams: int
    ignored: int
    code_cells: int


def anatomy(lesson: Path) -> Anatomy:
    """Measure one lesson."""
    cells = nbformat.read(lesson, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    lengths = [len(cell.source.splitlines()) for cell in code]
    words = len(DIAGRAM.sub("", text).split())
    exercises = sum(bool(exercise_of(cell)) for cell in code)
    minutes = (
        words / WORDS_PER_MINUTE
        + sum(lengths) / CODE_LINES_PER_MINUTE
        + exercises * MINUTES_PER_EXERCISE
    )
    header = MINUTES.search(text)
    return Anatomy(
        lesson=lesson.stem,
        minutes=int(header[1]) if header else 0,
        expected=5 * round(minutes / 5),
        cells=len(cells),
        words=words,
        median_lines=median(lengths),
        longest_lines=max(lengths),
        exercises=exercises,
        diagrams=len(DIAGRAM.findall(text)),
        ignored=sum("nbval-ignore-output" in cell.metadata.get("tags", []) for cell in code),
        code_cells=len(code),
    )


def table(rows: list[Anatomy]) -> str:
    """The measures in Markdown."""
    names = [field.name for field in fields(Anatomy)]
    lines = [names, ["---"] + ["---:"] * (len(names) - 1)]
    lines += [[str(getattr(row, name)) for name in names] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    print(table([anatomy(lesson) for lesson in sorted(NOTEBOOKS.glob("*.ipynb"))]))
