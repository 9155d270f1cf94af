"""The kitchen of lesson 12b can do what the data set's functions promise."""

import json
import sys

import pytest

from helpers.prepare import read_rows
from tests.surroundings import ROOT

DATA = ROOT / "data" / "tools"


@pytest.fixture
def kitchen(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "notebooks" / "app"))
    monkeypatch.delitem(sys.modules, "kitchen", raising=False)
    import kitchen

    return kitchen


def test_every_call_in_the_data_can_be_carried_out(kitchen):
    described = json.loads((DATA / "tools.json").read_text(encoding="utf-8"))
    assert set(kitchen.DO) == {tool["function"]["name"] for tool in described}
    for split in ("train", "valid", "test"):
        for row in read_rows(DATA / f"{split}.jsonl"):
            for call in row["messages"][2].get("tool_calls", []):
                values = json.loads(call["function"]["arguments"])
                result = kitchen.DO[call["function"]["name"]](**values)
                assert all(str(value) in result for value in values.values())


def test_the_list_is_read_as_it_was_written(kitchen):
    assert kitchen.DO["read_list"]() == "nothing"
    for food, quantity in [("eggs", 6), ("lemons", 2), ("wraps", 4)]:
        kitchen.DO["add_to_list"](food=food, quantity=quantity)
    kitchen.DO["remove_from_list"](food="lemons")
    assert kitchen.DO["read_list"]() == "6 eggs and 4 wraps"
