"""A work folder of its own for each test file, and the end of every server that was started."""

import contextlib
import json
import os
import signal
from pathlib import Path

import pytest

from helpers.service import connect


def end_server(work: Path) -> None:
    """End the practice server that has its home in this work folder, if there is one."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        server = json.loads((work / "practice" / "server.json").read_text(encoding="utf-8"))
        os.kill(server["pid"], signal.SIGTERM)


@pytest.fixture
def work(tmp_path, monkeypatch):
    """An empty work folder for one test."""
    monkeypatch.setenv("FINE_TUNING_WORK", str(tmp_path))
    yield tmp_path
    end_server(tmp_path)


@pytest.fixture(scope="module")
def module_work(tmp_path_factory):
    """The work folder of a test file that shares one practice server."""
    work = tmp_path_factory.mktemp("work")
    yield work
    end_server(work)


@pytest.fixture(scope="module")
def service(module_work):
    """The practice server, started as a lesson starts it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINE_TUNING_WORK", str(module_work))
        yield connect()
