"""What every test stands on: no key, no hosted service, an empty work folder for each lesson.

Its solutions come after it in the same folder, as a reader opens them: what the lesson has trained
is not trained again. Run alone, they find an empty one.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.surroundings import HOSTED, ROOT, stop_server

_lesson_work: dict[str, Path] = {}
_failed_notebooks: set[str] = set()


def pytest_configure(config):
    for name in HOSTED:
        os.environ.pop(name, None)
    # Relative in pyproject.toml; absolute here, so that pytest may be started from any folder.
    config.option.nbval_sanitize_with = str(ROOT / "tests" / "sanitize.cfg")


def is_lesson_cell(item) -> bool:
    return type(item).__name__ == "IPyNbCell"


def pytest_collection_modifyitems(items):
    """Put each lesson's solutions behind it, and lessons behind all else."""
    items.sort(key=lambda i: (i.path.name, i.path.parts) if is_lesson_cell(i) else ("", ()))


class OneWorkerForALesson(LoadFileScheduling):
    """A file stays with one worker, for its tests share a server; so does a lesson with its
    solutions, for they share a work folder."""

    def _split_scope(self, nodeid):
        return super()._split_scope(nodeid).replace("/solutions/", "/")


def pytest_xdist_make_scheduler(config, log):
    return OneWorkerForALesson(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before a lesson's kernel starts: give it a work folder of its own, so that it runs alone."""
    if not is_lesson_cell(item):
        return
    if item.parent.nodeid in _failed_notebooks:
        pytest.skip("an earlier cell of this lesson failed")
    lesson = item.path.name
    if lesson not in _lesson_work:
        end_lessons()
        _lesson_work[lesson] = Path(tempfile.mkdtemp(prefix="lesson-"))
        os.environ["FINE_TUNING_WORK"] = str(_lesson_work[lesson])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and is_lesson_cell(item):
        _failed_notebooks.add(item.parent.nodeid)
    return report


def pytest_sessionfinish():
    end_lessons()


def end_lessons():
    """Stop the practice servers that lessons have started, and remove what they made."""
    for work in _lesson_work.values():
        stop_server(work)
        shutil.rmtree(work, ignore_errors=True)
