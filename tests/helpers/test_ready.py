"""`python -m helpers.ready` says what is ready, and what to do about what is not."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKS = ["python", "memory", "disk", "port", "job"]


def ask(tmp_path, *options, work):
    """Run it with a temporary folder of its own; return its exit status and its lines."""
    places = {"FINE_TUNING_WORK": str(work), **dict.fromkeys(("TMPDIR", "TEMP"), str(tmp_path))}
    done = subprocess.run(
        [sys.executable, *options, "-m", "helpers.ready"],
        cwd=ROOT,
        env=os.environ | places,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def states(lines):
    """The word before each check."""
    return {line.split()[1]: line.split()[0] for line in lines if "->" not in line}


def test_a_machine_that_is_ready_and_what_is_left_on_it(tmp_path):
    work = tmp_path / "work"
    status, lines = ask(tmp_path, work=work)
    assert (status, states(lines)) == (0, dict.fromkeys(CHECKS, "ready"))
    assert lines[-1].endswith("three steps of training, and an answer")
    # The job was not done in the learner's folder, and its server has ended with all it made.
    assert list(work.iterdir()) == [] and list(tmp_path.iterdir()) == [work]


def test_a_python_without_packages(tmp_path):
    """-S leaves out all that pip has installed."""
    status, lines = ask(tmp_path, "-S", work=tmp_path)
    expected = dict.fromkeys(CHECKS, "NOT") | {"port": "ready"}
    assert (status, states(lines)) == (1, expected)
    assert "openai" in lines[0] and "pip install -r requirements.txt" in lines[1]


def test_a_work_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    status, lines = ask(tmp_path, work=tmp_path / "file" / "work")
    assert (status, states(lines)) == (1, dict.fromkeys(CHECKS, "ready") | {"disk": "NOT"})
    assert "   -> Set FINE_TUNING_WORK to a folder that you may write to" in "\n".join(lines)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a folder without any room")
def test_a_disk_without_room(tmp_path):
    """No byte is free in /proc, and nobody may write there."""
    status, lines = ask(tmp_path, work="/proc")
    assert (status, states(lines)["disk"]) == (1, "NOT")


def test_an_older_python_can_read_it_and_say_so():
    text = (ROOT / "helpers" / "ready.py").read_text(encoding="utf-8")
    assert ast.parse(text, feature_version=(3, 9))
