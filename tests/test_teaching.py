"""What docs/teaching.md promises a teacher holds, and so do the programs beside it."""

import importlib.util
import math
import re
from pathlib import Path

import nbformat
import pytest

from docs.reset import reset
from docs.slides import page
from docs.wheelhouse import needed
from helpers.service import _started, connect
from tests.anatomy import MINUTES_PER_EXERCISE, anatomy
from tests.solutions import NOTEBOOKS

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
LESSONS = {path.name.partition("_")[0]: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


def rows(heading):
    """The cells of the first table under a heading, row by row."""
    section = GUIDE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = re.search(r"(^\|.*\n)+", section, re.MULTILINE)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]


@pytest.mark.parametrize("route", rows("Routes"), ids=lambda route: route[0])
def test_the_minutes_of_a_route_are_those_of_its_lessons(route):
    _, lessons, minutes, in_the_room, there_are = route
    total = 0
    for lesson in lessons.split(", "):
        number, _, shown = lesson.partition(" ")
        measured = anatomy(LESSONS[number])
        total += measured.minutes - MINUTES_PER_EXERCISE * measured.exercises * bool(shown)
    assert (int(minutes), int(in_the_room)) == (total, math.ceil(total * 1.5))
    assert int(in_the_room) <= int(there_are)


def printed(lesson):
    """What the cells of a lesson print that are compared whenever it is tested."""
    for cell in nbformat.read(LESSONS[lesson], as_version=4).cells:
        if "nbval-ignore-output" not in cell.metadata.get("tags", []):
            yield from (output.get("text", "") for output in cell.get("outputs", []))


@pytest.mark.parametrize("row", rows("Checkpoints"), ids=lambda row: row[0])
def test_a_checkpoint_stands_in_the_output_of_its_lesson(row):
    lesson, everyone_sees, _ = row
    assert everyone_sees.strip("`") in "\n".join(printed(lesson))


@pytest.mark.parametrize("heading", ["Checkpoints", "What learners misunderstand"])
def test_no_lesson_is_forgotten(heading):
    assert set(LESSONS) - {lesson for lesson, *_ in rows(heading)} == set()


def test_the_programs_that_are_named_are_there():
    named = set(re.findall(r"-m ((?:docs|helpers|practice_server|tests)[\w.]*)", GUIDE))
    assert {"docs.reset", "docs.slides", "docs.wheelhouse", "helpers.ready"} <= named
    assert [name for name in named if importlib.util.find_spec(name) is None] == []


def test_slides_need_no_network_and_give_nothing_away():
    html = page(LESSONS["08"])
    assert not re.search(r"""(src|href)=["']?(http|//)|@import|url\(""", html)
    assert html.count("<section>") > 20 and html.count("data:image/png") == 3
    assert "from 3.57 (mean of the first 10 steps)" in html  # the sentence of a figure
    for left_out in ("import sys", "Hint", "Not attempted", "mermaid", "plt.plot", "/glossary"):
        assert left_out not in html
    exercises = [slide for slide in html.split("<section>") if '<h2 id="Exercise' in slide]
    assert len(exercises) == 4 and not any("output_area" in slide for slide in exercises)


def test_the_wheelhouse_has_what_only_another_system_needs():
    """pip evaluates such conditions for the machine on which it runs."""
    windows, mac = set(needed("windows", "3.13")), set(needed("mac", "3.11"))
    assert any(name.startswith("pywinpty") for name in windows - mac)
    assert any(name.startswith("appnope") for name in mac - windows)
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").lower().splitlines()
    assert {line.split()[0] for line in lines if "==" in line} <= windows & mac


def test_a_reset_ends_the_server_and_deletes_what_was_made(tmp_path, monkeypatch):
    work = tmp_path / "work"
    monkeypatch.setenv("FINE_TUNING_WORK", str(work))
    connect()
    beside = tmp_path / "beside.txt"
    beside.touch()
    reset(work)
    assert _started[-1].wait(timeout=10) is not None
    assert not work.exists() and beside.exists()
    reset(work)  # where nothing was made, nothing is wrong


def test_the_two_boxes_of_who_may_fine_tune_are_of_the_same_day():
    day = r"(\d+ \w+ 20\d\d)"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lesson = LESSONS["00"].read_text(encoding="utf-8")
    assert re.search(rf"\(as of {day}\)", readme)[1] == re.search(rf"On \*\*{day}\*\*", lesson)[1]
