"""A work folder of its own for each test file, and the end of every server that was started."""

import pytest

from helpers.service import connect
from tests.surroundings import stop_server


@pytest.fixture
def work(tmp_path, monkeypatch):
    """An empty work folder for one test."""
    monkeypatch.setenv("FINE_TUNING_WORK", str(tmp_path))
    yield tmp_path
    stop_server(tmp_path)


@pytest.fixture(scope="module")
def module_work(tmp_path_factory):
    """The work folder of a test file that shares one practice server."""
    work = tmp_path_factory.mktemp("work")
    yield work
    stop_server(work)


@pytest.fixture(scope="module")
def service(module_work):
    """The practice server, started as a lesson starts it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FINE_TUNING_WORK", str(module_work))
        yield connect()
