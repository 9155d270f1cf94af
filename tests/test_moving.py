"""docs/moving.md: the programs on the page are run as they stand there, at a server started so."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest

from practice_server.store.catalogue import SHIPPED
from tests.server.conftest import Server
from tests.solutions import FENCE
from tests.surroundings import ROOT

PAGE = (ROOT / "docs" / "moving.md").read_text(encoding="utf-8")
SAVE, SCRIPT = FENCE.findall(PAGE)
CHECK = "helpers.check train.jsonl"
(START,) = re.findall(r"^python -m practice_server (--.+)$", PAGE, re.MULTILINE)
NEW_NAME = re.compile(r"^(ft:gpt-4o-mini-2024-07-18:practice:helper:\w+) says: .", re.MULTILINE)
OLD_NAME = "ft:gpt-4o-mini-2024-07-18:my-company:helper:Ajo5kvNY"
QUESTION = [{"role": "user", "content": "What is the capital of Peru?"}]


def start(home, *options):
    """The page's own command, but at a port that is free."""
    return Server(home, SHIPPED, *shlex.split(START), "--port", "0", *options)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = start(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where somebody has a training file of theirs."""
    folder = tmp_path_factory.mktemp("theirs")
    lines = (ROOT / "data" / "marv" / "train.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "train.jsonl").write_bytes(b"".join(lines[:12]))
    return folder


@pytest.fixture(scope="module")
def printed(server, folder):
    return run(["-c", SCRIPT], folder, server)


def run(arguments, folder, server):
    """What Python prints in this folder, with the page's two variables."""
    there = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": server.api_key}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | there | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_script_for_openai_runs_as_it_is(printed):
    assert "\nsucceeded\n" in printed
    assert "The job has successfully completed" in printed
    assert NEW_NAME.search(printed)


def test_the_file_is_checked_as_the_page_says(server, folder):
    assert f"python -m {CHECK}\n" in PAGE
    assert " 0 errors" in run(["-m", *CHECK.split()], folder, server)


def test_what_is_there_is_saved(printed, server, folder):
    assert run(["-c", SAVE], folder, server) == ""
    (path,) = (folder / "saved").glob("ftjob-*.json")
    history = json.loads(path.read_text(encoding="utf-8"))
    job = history["job"]
    assert job["method"]["supervised"]["hyperparameters"]["n_epochs"] == 3
    assert sum(event["type"] == "metrics" for event in history["events"]) == 12 * 3
    assert len(history["checkpoints"]) == 3
    train, results = job["training_file"], job["result_files"][0]
    assert (folder / "saved" / train).read_bytes() == (folder / "train.jsonl").read_bytes()
    assert (folder / "saved" / results).read_bytes().startswith(b"step,")


def test_what_was_deleted_is_named_and_the_rest_is_saved(printed, server, folder):
    (job,) = server.client.fine_tuning.jobs.list()
    server.client.files.delete(job.training_file)
    (folder / "saved" / job.result_files[0]).unlink(missing_ok=True)
    assert f"{job.training_file}: Error code: 404" in run(["-c", SAVE], folder, server)
    assert (folder / "saved" / job.result_files[0]).exists()


def test_the_new_model_answers_to_the_old_name(printed, server):
    server.stop()
    new_name = NEW_NAME.search(printed)[1]
    again = start(server.home, "--alias", f"{OLD_NAME}={new_name}")
    answer = again.client.chat.completions.create(model=OLD_NAME, messages=QUESTION, max_tokens=9)
    again.stop()
    server.start()
    assert answer.model == OLD_NAME and answer.choices[0].message.content
