"""Every lesson keeps to the anatomy that readers rely on."""

import json
import re
from pathlib import Path

import pytest

from tests.anatomy import anatomy
from tests.solutions import solution

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("*.ipynb"))
ALL = LESSONS + sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))

SET_UP = """\
import sys
from pathlib import Path

folders = [Path.cwd(), *Path.cwd().parents]
ROOT = next((each for each in folders if (each / "helpers").is_dir()), None)
if ROOT is None:
    sys.exit("The course's other files are not beside this notebook.\\n"
             "Download the whole repository, and open it there.")
sys.path.insert(0, str(ROOT))"""


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell: dict) -> str:
    return "".join(cell["source"])


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == kind]


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def by_name(path: Path) -> str:
    return path.relative_to(NOTEBOOKS).as_posix()


each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=by_name)
each_notebook = pytest.mark.parametrize("notebook", ALL, ids=by_name)


def test_there_are_lessons():
    assert LESSONS


@each_lesson
def test_opens_with_title_and_conditions(lesson):
    first = source(cells(lesson, "markdown")[0])
    assert first.startswith("# ")
    for word in ("minutes", "network: no", "cost: 0", "Binder"):
        assert word in first


@each_lesson
def test_says_what_will_be_learnt_and_what_was(lesson):
    text = "\n".join(source(cell) for cell in cells(lesson, "markdown"))
    assert "By the end you will be able to" in text
    assert "## Recall" in text
    assert "## Key points" in text
    assert re.search(r"## (What comes next|Next)", text)


@each_notebook
def test_first_code_cell_is_the_set_up(notebook):
    assert source(cells(notebook, "code")[0]) == SET_UP


@each_lesson
def test_is_of_a_size_that_a_reader_bears(lesson):
    measured = anatomy(lesson)
    assert measured.cells <= 40
    assert measured.words <= 1300
    assert measured.median_lines <= 6
    assert measured.longest_lines <= 15
    assert 3 <= measured.exercises <= 5
    assert measured.minutes == measured.expected


@each_notebook
def test_lines_fit_a_narrow_window(notebook):
    lines = [line for cell in cells(notebook, "code") for line in source(cell).splitlines()]
    assert [line for line in lines if len(line) > 79] == []


@each_notebook
def test_every_cell_was_run(notebook):
    """nbval compares nothing for a cell whose execution count is missing."""
    counts = [cell["execution_count"] for cell in cells(notebook, "code")]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_no_cell_wrote_a_warning_or_an_unmeant_error(notebook):
    for cell in cells(notebook, "code"):
        assert all(output.get("name") != "stderr" for output in cell["outputs"]), source(cell)
        failed = any(output["output_type"] == "error" for output in cell["outputs"])
        assert failed == ("raises-exception" in tags(cell)), source(cell)


@each_notebook
def test_no_semicolon_hides_a_result(notebook):
    """nbval runs cells without history, where a closing semicolon hides nothing."""
    assert not [cell for cell in cells(notebook, "code") if source(cell).rstrip().endswith(";")]


@each_notebook
def test_can_be_run_anywhere(notebook):
    text = notebook.read_text(encoding="utf-8")
    assert read(notebook)["metadata"]["kernelspec"]["name"] == "python3"
    assert not re.search(r"/home/|/root/|/tmp/|/Users/|[A-Z]:\\\\\\\\", text)
    assert not re.search(r"sk-(proj-)?[A-Za-z0-9]{20,}", text)


@each_lesson
def test_every_figure_is_followed_by_its_sentence(lesson):
    """A screen reader gets nothing from a figure: the sentence beside it carries the numbers."""
    for cell in cells(lesson, "code"):
        if any("image/png" in output.get("data", {}) for output in cell["outputs"]):
            outputs = cell["outputs"]
            said = "nbval-ignore-output" in tags(cell) or any(
                output.get("name") == "stdout" for output in outputs
            )
            assert said, source(cell)


@each_lesson
def test_the_solutions_are_made_from_the_lesson_and_solve_it(lesson):
    path = NOTEBOOKS / "solutions" / lesson.name
    made = [cell.source for cell in solution(lesson).cells]
    assert [source(cell) for cell in read(path)["cells"]] == made, (
        f"python -m tests.renew_outputs {lesson.name.partition('_')[0]}_"
    )
    said = [
        "".join(output.get("text", ""))
        for cell in cells(path, "code")
        for output in cell["outputs"]
        if "check(" in source(cell)
    ]
    assert len(said) == anatomy(lesson).exercises
    assert all(each.startswith("✓ Correct") for each in said)


def test_nearly_all_outputs_are_compared():
    code = [cell for path in ALL for cell in cells(path, "code")]
    assert not [cell for cell in code if "nbval-skip" in tags(cell)]
    assert not [cell for cell in code if "NBVAL" in source(cell)]
    assert sum("nbval-ignore-output" in tags(cell) for cell in code) <= 0.05 * len(code)


# One word for one idea: style, correct, fix, space.
WORDS_THAT_ARE_OUT = re.compile(
    r"\b(manners?|sound|mend(s|ed|ing)?|cures?|cured|blanks?|repair(s|ed)?)\b", re.IGNORECASE
)


@each_notebook
def test_one_word_stands_for_one_idea(notebook):
    text = "\n".join(source(cell) for cell in read(notebook)["cells"])
    assert [found[0] for found in WORDS_THAT_ARE_OUT.finditer(text)] == []


NOT_OURS = {".venv", "node_modules", "work", ".git"}
TEXTS = [path for path in ROOT.rglob("*.md") if not set(path.relative_to(ROOT).parts) & NOT_OURS]


@pytest.mark.parametrize("path", ALL + TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_somewhere(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join(source(cell) for cell in cells(path, "markdown"))
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text):
        assert (path.parent / target).exists(), target


def test_the_readme_lists_every_lesson():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in LESSONS if f"(notebooks/{path.name})" not in readme] == []


GLOSSARY = NOTEBOOKS / "glossary.md"
WORDS = re.findall(r"^## (.+)$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_glossarys_words_make_the_same_anchors_everywhere():
    """JupyterLab keeps case and apostrophes in an anchor, code-hosting sites do not."""
    assert sorted(WORDS) == WORDS
    assert [word for word in WORDS if not re.fullmatch("[a-z0-9_ -]+", word)] == []


@each_lesson
def test_every_link_to_the_glossary_meets_a_word(lesson):
    text = "\n".join(source(cell) for cell in cells(lesson, "markdown"))
    linked = set(re.findall(r"\(glossary\.md#([^)]+)\)", text))
    assert linked - {word.replace(" ", "-") for word in WORDS} == set()
