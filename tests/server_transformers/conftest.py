"""The server's own tests once more, with a model of the transformers engine behind their names.

A file here takes over the tests of its namesake in `tests/server`.
"""

import pytest

from tests.server.conftest import *  # noqa: F403
from tests.server.conftest import BASE
from tests.transformers_model import optional_packages, save_random_model

__all__ = ["optional_packages"]


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory, optional_packages):
    """One base model of 2 layers with random weights, whose tokens are single bytes."""
    folder = tmp_path_factory.mktemp("models")
    save_random_model(folder / BASE, learning_rate=3e-2, aliases=["tiny"])
    return folder
