"""A Ray cluster of one machine, and a practice server whose jobs train on it."""

import sys
from importlib.util import find_spec

import pytest

from tests.cluster.head import running_head, settings
from tests.server.conftest import *  # noqa: F403
from tests.server.conftest import Server, models_folder
from tests.transformers_model import save_random_model

__all__ = ["models_folder"]


@pytest.fixture(scope="session")
def head():
    """A running cluster, and in the environment what its drivers need."""
    if sys.platform == "win32":
        pytest.skip("Ray on Windows is not tried")
    if find_spec("ray") is None:
        pytest.skip("needs ray, of requirements-ray.txt")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings().items():
            patch.setenv(name, value)
        with running_head() as running:
            yield running


@pytest.fixture(scope="module")
def on_ray(head, tmp_path_factory, models_folder):
    """A server that trains on the cluster."""
    running = Server(tmp_path_factory.mktemp("on-ray"), models_folder, "--ray", head.address)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def real_models(tmp_path_factory):
    """A base model of the transformers engine, with random weights."""
    for name in ("torch", "transformers", "peft"):
        pytest.importorskip(name, reason=f"needs {name}, of requirements-transformers.txt")
    folder = tmp_path_factory.mktemp("real-models")
    save_random_model(folder / "tiny", learning_rate=3e-2)
    return folder
