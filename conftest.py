"""What every test stands on: no key, no hosted service, an empty work folder for each lesson."""

import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.surroundings import HOSTED, OPTIONAL, ROOT, stop_server

_lesson_work: dict[str, Path] = {}
_failed_lessons: set[str] = set()


def pytest_configure(config):
    for name in HOSTED:
        os.environ.pop(name, None)
    # Relative in pyproject.toml; absolute here, so that pytest may be started from any folder.
    config.option.nbval_sanitize_with = str(ROOT / "tests" / "sanitize.cfg")


def is_lesson_cell(item) -> bool:
    return type(item).__name__ == "IPyNbCell"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before a lesson's kernel starts: give it a work folder of its own, so that it runs alone."""
    if not is_lesson_cell(item):
        return
    if missing := [name for name in OPTIONAL.get(item.path.name, ()) if find_spec(name) is None]:
        pytest.skip(f"needs {', '.join(missing)}, of the optional requirements")
    lesson = item.parent.nodeid
    if lesson in _failed_lessons:
        pytest.skip("an earlier cell of this lesson failed")
    if lesson not in _lesson_work:
        end_lessons()
        _lesson_work[lesson] = Path(tempfile.mkdtemp(prefix="lesson-"))
        os.environ["FINE_TUNING_WORK"] = str(_lesson_work[lesson])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and is_lesson_cell(item):
        _failed_lessons.add(item.parent.nodeid)
    return report


def pytest_sessionfinish():
    end_lessons()


def end_lessons():
    """Stop the practice servers that lessons have started, and remove what they made."""
    for work in _lesson_work.values():
        stop_server(work)
        shutil.rmtree(work, ignore_errors=True)
