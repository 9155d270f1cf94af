"""Which models the answering child keeps in memory."""

import shutil
from pathlib import Path

import pytest

from practice_server.asking import answering


@pytest.fixture
def folders(tmp_path, models_folder, data):
    """Three models in folders of the same size."""
    copies = [tmp_path / str(number) for number in range(3)]
    return [str(shutil.copytree(models_folder / data.base, copy)) for copy in copies]


def allow(n_models, folder, monkeypatch):
    size = sum(file.stat().st_size for file in Path(folder).iterdir())
    monkeypatch.setattr(answering, "MOST_BYTES", n_models * size)


def test_the_models_used_last_stay_loaded(folders, monkeypatch):
    allow(2, folders[0], monkeypatch)
    models = answering.Models()
    first, second = models.get(folders[0]), models.get(folders[1])
    assert models.get(folders[0]) is first
    models.get(folders[2])  # takes the place of the second
    assert models.get(folders[0]) is first
    assert models.get(folders[1]) is not second


def test_a_model_larger_than_allowed_answers_too(folders, monkeypatch):
    allow(0, folders[0], monkeypatch)
    models = answering.Models()
    first = models.get(folders[0])
    assert models.get(folders[0]) is first
    assert models.get(folders[1]) and models.get(folders[0]) is not first
