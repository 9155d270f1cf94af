"""The data set data/tools is what its README says."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "data" / "tools"
README = (TOOLS / "README.md").read_text(encoding="utf-8")
SPLITS = {"train": 100, "valid": 36, "test": 60}
WORLD = "practice_server/pretraining/world/english"
DEFINED = json.loads((TOOLS / "tools.json").read_text(encoding="utf-8"))
PARAMETERS = {tool["function"]["name"]: tool["function"]["parameters"] for tool in DEFINED}


def lines(split):
    text = (TOOLS / f"{split}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def requests(split):
    return [line["messages"][1]["content"] for line in lines(split)]


def calls(line):
    return [call["function"] for call in line["messages"][2].get("tool_calls", ())]


def values(line):
    return [value for call in calls(line) for value in json.loads(call["arguments"]).values()]


def test_the_program_writes_the_same_files_again(tmp_path):
    for folder in ("data/tools", WORLD):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    written = [tmp_path / "data" / "tools" / f"{split}.jsonl" for split in SPLITS]
    for path in written:
        path.unlink()
    program = [sys.executable, written[0].with_name("generate.py")]
    subprocess.run(program, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    for path in written:
        assert path.read_bytes() == (TOOLS / path.name).read_bytes()


def test_the_readme_names_every_file_and_function_and_the_system_message():
    described = " ".join(README.split())
    for path in TOOLS.iterdir():
        assert path.name == "__pycache__" or path.name == "README.md" or f"`{path.name}`" in README
    assert len(DEFINED) == 12 and all(f"`{name}`" in README for name in PARAMETERS)
    for split, n in SPLITS.items():
        assert f"| {n} |" in next(row for row in README.splitlines() if f"`{split}.jsonl`" in row)
        assert len(lines(split)) == n
        for line in lines(split):
            assert line["messages"][0]["content"] in described


def test_no_request_stands_in_two_files_or_twice_in_one():
    asked = [request for split in SPLITS for request in requests(split)]
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("split", SPLITS)
def test_every_call_is_valid_and_its_values_stand_in_the_request(split):
    for line, request in zip(lines(split), requests(split), strict=True):
        assert ("tools" in line) == (split != "test")
        assert line.get("tools", DEFINED) == DEFINED
        for call in calls(line):
            arguments, schema = json.loads(call["arguments"]), PARAMETERS[call["name"]]
            jsonschema.validate(arguments, schema)
            assert list(arguments) == list(schema["properties"])
        assert [value for value in values(line) if str(value) not in request] == []


@pytest.mark.parametrize(("split", "least"), [("train", 6), ("valid", 2), ("test", 3)])
def test_every_function_is_called_and_some_requests_need_two_or_none(split, least):
    called = [[call["name"] for call in calls(line)] for line in lines(split)]
    assert all(called.count([name]) >= least for name in PARAMETERS)
    assert sum(len(names) == 2 for names in called) == called.count([])
    refusals = {line["messages"][2].get("content") for line in lines(split) if not calls(line)}
    assert len(refusals) == 1 and refusals.pop() in README


def test_the_test_has_names_food_and_phrases_of_its_own():
    def words(split):
        found = {value for line in lines(split) for value in values(line)}
        return {value for value in found if isinstance(value, str) and ":" not in value}

    fixed = {"small", "large", "tea", "coffee", "cocoa"}
    assert not words("test") & (words("train") | words("valid")) - fixed
    with (TOOLS / "phrases.csv").open(encoding="utf-8", newline="") as file:
        new = [row["phrase"] for row in csv.DictReader(file) if row["split"] == "test"]
    patterns = [re.sub(r"\\\{\w+\\\}", ".+", re.escape(phrase)) for phrase in new]

    def n_new(split):
        return sum(any(re.search(p, r, re.I) for p in patterns) for r in requests(split))

    assert n_new("train") == n_new("valid") == 0
    assert n_new("test") >= 20
