"""A real server in a process of its own, a base model small enough to train in a second."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from openai import OpenAI

from tests.answer_types import check_answer
from tests.random_model import byte_tokenizer, random_engine

ROOT = Path(__file__).resolve().parents[2]
BASE = "tiny-2026-01-01"
DONE = ("succeeded", "failed", "cancelled")


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory):
    """One base model of 2 layers with random weights, whose tokens are single bytes."""
    folder = tmp_path_factory.mktemp("models")
    engine = random_engine(
        byte_tokenizer(),
        scale=0.1,
        seed=7,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=128,
        learning_rate=3e-3,
    )
    engine.save(folder / BASE)
    path = folder / BASE / "config.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    values["practice"]["aliases"] = ["tiny"]
    path.write_text(json.dumps(values), encoding="utf-8")
    return folder


class Server:
    """A running practice server and a client for it."""

    def __init__(self, home, models, *arguments, environment=None, before=None):
        """`before` is called in the new process, before the server begins."""
        self.home = home
        self.command = [sys.executable, "-m", "practice_server", "--home", home]
        # One lane, so that jobs take turns on every machine; the last of equal options counts.
        self.command += ["--models", models, "--lanes", "1", *arguments]
        self.environment = {**os.environ, **(environment or {})}
        self.before = before
        self.start()

    def start(self):
        """Launch, and wait until it is ready."""
        self.launch()
        line = self.process.stdout.readline()
        assert line.startswith("practice server ready: "), line
        self.base_url = line.split()[-1]
        told = json.loads((self.home / "server.json").read_text(encoding="utf-8"))
        assert told["base_url"] == self.base_url and told["pid"] == self.process.pid
        self.api_key = told["api_key"]
        self.client = OpenAI(base_url=self.base_url, api_key=self.api_key, max_retries=0)

    def launch(self):
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=self.environment,
            preexec_fn=self.before,
        )

    def client_of(self, key):
        """A client with another key than the server's own."""
        return OpenAI(base_url=self.base_url, api_key=key, max_retries=0)

    def stop(self):
        self.client.close()
        self.process.terminate()
        self.process.wait(timeout=30)
        self.process.stdout.close()

    def kill(self):
        """The end that no program can prepare for."""
        self.client.close()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def upload(self, lines, name="train.jsonl"):
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        return self.client.files.create(file=(name, content), purpose="fine-tune").id

    def create(self, n_examples=10, **options):
        """A job on its way; 10 examples are 100 steps unless the options say otherwise."""
        options = {"model": "tiny", "seed": 1, **options}
        options.setdefault("training_file", None)
        if options["training_file"] is None:
            options["training_file"] = self.upload(examples(n_examples))
        return self.client.fine_tuning.jobs.create(**options)

    def wait(self, job, until=DONE, seconds=300):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.client.fine_tuning.jobs.retrieve(job.id)
            if job.status in until:
                return job
            time.sleep(0.03)
        raise AssertionError(f"after {seconds} seconds the job is {job.status}")

    def events(self, job, limit=100):
        """All events, oldest first."""
        return list(self.client.fine_tuning.jobs.list_events(job.id, limit=limit))[::-1]

    def losses(self, job):
        return [event.data for event in self.events(job, limit=1000) if event.type == "metrics"]


def examples(n):
    return [
        {
            "messages": [
                {"role": "user", "content": f"Say {number}."},
                {"role": "assistant", "content": f"{number}!"},
            ]
        }
        for number in range(n)
    ]


def epochs(n_epochs, **others):
    """The `method` of a job that trains for so many epochs."""
    hyperparameters = {"n_epochs": n_epochs, **others}
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


@pytest.fixture(scope="session")
def server(tmp_path_factory, models_folder):
    """The server that tests share as long as they do it no harm."""
    running = Server(tmp_path_factory.mktemp("home"), models_folder)
    yield running
    running.stop()


@pytest.fixture
def start_server(tmp_path, models_folder):
    """Start a server that a test may kill, with a home of its own."""
    started = []

    def start(*arguments, home=tmp_path / "home", **options):
        started.append(Server(home, models_folder, *arguments, **options))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.stop()


@pytest.fixture(scope="session")
def client(server):
    return server.client


@pytest.fixture(scope="session")
def finished_job(server):
    """A job with validation data that has succeeded: 10 examples, 10 epochs, 100 steps."""
    validation_file = server.upload(examples(6), "valid.jsonl")
    job = server.create(validation_file=validation_file, suffix="My Suffix")
    return server.wait(job)


@pytest.fixture(scope="session")
def strict():
    """Check an answer's JSON against the SDK's own type, without any leniency."""
    return check_answer


@pytest.fixture(scope="session")
def data():
    """What tests make files and jobs of."""
    return Data


class Data:
    base = BASE
    examples = staticmethod(examples)
    epochs = staticmethod(epochs)
