"""The tables of data/settings are whole, and a row of them can be made again."""

import itertools

import pytest

from data.settings import sweep
from helpers.prepare import read_rows
from helpers.tokens import total_steps
from tests.surroundings import stop_server


def table(name):
    return read_rows(sweep.HERE / f"{name}.csv")


@pytest.mark.parametrize("name", sweep.SWEEPS)
def test_every_value_was_tried_with_every_seed(name):
    tried = [(row["value"], row["seed"]) for row in table(name)]
    pairs = itertools.product(sweep.SWEEPS[name], sweep.SEEDS)
    assert tried == [(str(value), str(seed)) for value, seed in pairs]


@pytest.mark.parametrize("name", sweep.SWEEPS)
def test_rows_fit_their_data_and_settings(name):
    for row in table(name):
        value = float(row["value"])
        training, _, asked = sweep.examples(name, value, int(row["seed"]))
        settings = sweep.USUAL | ({name: value} if name in sweep.USUAL else {})
        n_epochs, batch_size = int(settings["n_epochs"]), int(settings["batch_size"])
        steps = total_steps(len(training), n_epochs=n_epochs, batch_size=batch_size)
        assert int(row["steps"]) == steps
        assert not {user(each) for each in training} & {user(each) for each in asked}


def user(example):
    return sweep.contents(example)[1]


def test_what_stands_in_its_table_is_not_made_again(monkeypatch):
    monkeypatch.setattr(sweep, "measure", None)
    sweep.main([])


def test_a_row_can_be_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("FINE_TUNING_WORK", str(tmp_path))
    try:
        row = sweep.measure("n_epochs", 1, 1)
    finally:
        stop_server(tmp_path)
    assert row["right"] == pytest.approx(float(table("n_epochs")[0]["right"]), abs=0.04)
    assert row["valid_loss"] == pytest.approx(float(table("n_epochs")[0]["valid_loss"]), abs=0.02)
