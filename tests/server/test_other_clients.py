"""Other clients take the server for the real one: the oldest Python package that has fine-tuning
jobs, and the package for Node.js. Each walks the whole road in a program of its own."""

import json
import os
import shutil
import subprocess

import pytest

from practice_server.routes.table import CALLS
from tests.clients.install import FOLDER, NODE_PACKAGES, OLD_PYTHON

SERVED = {f"{call.method} {call.path}" for call in CALLS if call.is_served}
NOT_IN_THE_OLDEST = {
    *(f"POST /uploads{rest}" for rest in ("", "/{id}/parts", "/{id}/complete", "/{id}/cancel")),
    *(f"POST /fine_tuning/jobs/{{id}}/{change}" for change in ("pause", "resume")),
    "GET /fine_tuning/jobs/{id}/checkpoints",
}
INSTALL = "install it with: python -m tests.clients.install"


def walk(server, *command):
    """Run a client to its end: its steps, each with `call`, `what` and `result`."""
    environment = {
        **os.environ,
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_KEY": server.api_key,
    }
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = [step for step in steps if step["result"] != "ok"]
    assert (wrong, done.returncode) == ([], 0), done.stderr
    return steps


@pytest.mark.skipif(not OLD_PYTHON.exists(), reason=f"the oldest package is missing; {INSTALL}")
def test_the_oldest_python_package(start_server):
    steps = walk(start_server(), OLD_PYTHON, FOLDER / "old_client.py")
    assert {step["call"] for step in steps} == SERVED - NOT_IN_THE_OLDEST


@pytest.mark.skipif(
    not NODE_PACKAGES.exists(), reason=f"the package for Node.js is missing; {INSTALL}"
)
def test_the_package_for_node(start_server):
    steps = walk(start_server(), shutil.which("node"), FOLDER / "client.mjs")
    assert {step["call"] for step in steps} == SERVED
