"""Some of the server's own tests once more, with a model of the transformers engine behind their
names: those in which the engine itself has to do something, and only once for each thing that it
does: learn, be saved, stop and go on, score, say, end. What the server decides without an engine
(fields, ids, pages, files, turns) is tested in `tests/server` alone; what the engine does without
a server, as the going on with preferences or QLoRA, in `tests/transformers_engine`.

A file here names the tests that it takes over; each job costs some ten seconds for imports.
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
    save_random_model(folder / BASE, learning_rate=4e-3, aliases=["tiny"])
    return folder
