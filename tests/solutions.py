"""Make the notebooks with the solutions from the lessons and the answers.

    python -m tests.solutions          every lesson
    python -m tests.solutions 03 09    those whose file names start so

The answers to a lesson stand in `notebooks/solutions/`, in a Markdown file of the lesson's name:

    ## 09.2            the exercise
    text               comes before or after the answer, as it stands
    ```python ... ```  the answer, in place of the lesson's starter cell

A notebook with solutions holds the exercises with their answers, and of the lesson's code only
what these need. `python -m tests.renew_outputs` makes and runs it.
"""

import ast
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
FENCE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CHECK = re.compile(r'^check\("(\d\db?\.\d)", ', re.MULTILINE)


def solution(lesson: Path) -> NotebookNode:
    """The notebook with the solutions to a lesson, not yet run.

    Raises `KeyError` when an exercise of the lesson has no answer.
    """
    answers = read_answers(NOTEBOOKS / "solutions" / f"{lesson.stem}.md")
    kept: list[NotebookNode] = []
    needed: set[str] = set()
    cells = nbformat.read(lesson, as_version=4).cells
    places = [place for place, cell in enumerate(cells) if cell.cell_type == "code"]
    starters = {
        before: number
        for before, place in zip(places, places[1:], strict=False)
        if (number := exercise_of(cells[place]))
    }
    for place in reversed(places):
        cell = cells[place]
        if place in starters:
            task, answer = cells[place - 1], answers[starters[place]]
            used = [made_and_used(each.source)[1] for each in answer if each.cell_type == "code"]
            needed = needed.union(*used)
            kept = [new_markdown_cell(task.source.split("\n")[0]), *answer, *kept]
        elif exercise_of(cell) or place == places[0] or is_needed(cell, needed):
            needed |= made_and_used(cell.source)[1]
            kept = [new_code_cell(cell.source, metadata=cell.metadata), *kept]
    title = cells[0].source.split("\n")[0].removeprefix("# ")
    name = f"{lesson.name.partition('_')[0]} {title}"
    kept = [
        new_markdown_cell(
            f"# Solutions: {title}\n\nThe exercises are in [{name}](../{lesson.name})."
        ),
        *kept,
    ]
    for number, cell in enumerate(kept):
        cell.id = f"cell-{number}"
    return new_notebook(cells=kept)


def read_answers(path: Path) -> dict[str, list[NotebookNode]]:
    """The cells of each answer in a file, by the number of the exercise."""
    parts = re.split(r"^## (\d\db?\.\d)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], map(as_cells, parts[2::2]), strict=True))


def as_cells(text: str) -> list[NotebookNode]:
    """The text as cells: what is fenced as code, the rest as Markdown."""
    make = (new_markdown_cell, new_code_cell)
    pieces = enumerate(piece.strip() for piece in FENCE.split(text))
    return [make[number % 2](piece) for number, piece in pieces if piece]


def exercise_of(cell: NotebookNode) -> str:
    """The number of the exercise that a cell checks, or an empty text."""
    found = CHECK.search(cell.source)
    return found[1] if found else ""


def is_needed(cell: NotebookNode, needed: set[str]) -> bool:
    """Whether a cell of the lesson makes something that the answers use."""
    return not is_meant_to_fail(cell) and bool(made_and_used(cell.source)[0] & needed)


def is_meant_to_fail(cell: NotebookNode) -> bool:
    """Whether a cell shows an error on purpose."""
    return "raises-exception" in cell.metadata.get("tags", [])


def made_and_used(source: str) -> tuple[set[str], set[str]]:
    """The names that the code of a cell makes or changes, and those that it uses."""
    made, used = set(), set()
    lines = ("" if line.startswith(("%", "!")) else line for line in source.split("\n"))
    for node in ast.walk(ast.parse("\n".join(lines))):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name):
                made.add(name)
            case ast.alias(name=name, asname=other_name):
                made.add(other_name or name.split(".")[0])
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                made.add(name)
    return made, used


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook in the form in which all of them are stored."""
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def main(prefixes: list[str]) -> None:
    for lesson in sorted(NOTEBOOKS.glob("*.ipynb")):
        if lesson.name.startswith(tuple(prefixes) or ""):
            write(solution(lesson), NOTEBOOKS / "solutions" / lesson.name)


if __name__ == "__main__":
    main(sys.argv[1:])
