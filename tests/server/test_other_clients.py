"""Other clients take the server for the real one: the oldest Python package that has fine-tuning
jobs, the package for Node.js, and what people build with today. Each is a program of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from practice_server.routes.table import CALLS
from tests.clients.install import FOLDER, NODE_PACKAGES, python_of

ROOT = Path(__file__).resolve().parents[2]
SERVED = {f"{call.method} {call.path}" for call in CALLS if call.is_served}
NOT_IN_THE_OLDEST = {
    *(f"POST /uploads{rest}" for rest in ("", "/{id}/parts", "/{id}/complete", "/{id}/cancel")),
    *(f"POST /fine_tuning/jobs/{{id}}/{change}" for change in ("pause", "resume")),
    "GET /fine_tuning/jobs/{id}/checkpoints",
    "POST /responses",
}
ENVIRONMENTS = {
    "old_client.py": "old",
    "dspy_client.py": "openai-2",
    "instructor_client.py": "openai-2",
    "litellm_client.py": "openai-2",
    "agents_client.py": "openai-3",
    "langchain_client.py": "openai-3",
    "pydantic_ai_client.py": "openai-3",
}
TODAYS = [*list(ENVIRONMENTS)[1:], "ai_sdk_client.mjs"]
# The clients' own switches; what asks for another machine all the same is told of.
OFFLINE = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OPENAI_AGENTS_DISABLE_TRACING": "1",
    "PYTHONPATH": str(FOLDER),  # for sitecustomize.py
    "TIKTOKEN_CACHE_DIR": str(ROOT / "data" / "tokenizers"),
}


def walk(server, program, scratch):
    """Run a client to its end: its steps, each with `call`, `what` and `result`."""
    if program in ENVIRONMENTS:
        interpreter, needed = [python_of(ENVIRONMENTS[program])] * 2
    else:
        interpreter, needed = shutil.which("node"), NODE_PACKAGES
    if not needed.exists():
        pytest.skip("not installed: python -m tests.clients.install")
    environment = {
        **os.environ,
        **OFFLINE,
        "DSPY_CACHEDIR": str(scratch),
        "OPENAI_BASE_URL": server.base_url,
        "OPENAI_API_BASE": server.base_url,  # its older name, which some look at first
        "OPENAI_API_KEY": server.api_key,
    }
    command = (interpreter, FOLDER / program)
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    wrong = [step for step in steps if step["result"] != "ok"]
    assert (wrong, done.returncode) == ([], 0), done.stderr
    return {step["call"] for step in steps}


def test_the_oldest_python_package(start_server, tmp_path):
    assert walk(start_server(), "old_client.py", tmp_path) == SERVED - NOT_IN_THE_OLDEST


def test_the_package_for_node(start_server, tmp_path):
    assert walk(start_server(), "client.mjs", tmp_path) == SERVED


@pytest.mark.parametrize("program", TODAYS)
def test_the_clients_of_today(start_server, tmp_path, program):
    alias = ("--alias", "gpt-4o-mini-2024-07-18=pocket")
    models = ("--models", str(ROOT / "practice_server" / "base_models"))
    assert walk(start_server(*models, *alias), program, tmp_path)
