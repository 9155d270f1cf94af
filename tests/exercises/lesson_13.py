"""Attempts at the exercises of lesson 13."""

import atexit
import json
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import openai
import pandas as pd

from helpers.exercises import marv
from helpers.jobs import wait
from helpers.service import Service, new_client
from tests.surroundings import ROOT


def ends():
    return pd.read_csv(ROOT / "data" / "services" / "ends.csv")


def right_1():
    def by_columns(begin, until):
        return ((ends()["training_ends"] > begin) & (ends()["answers_end"] > until)).sum()

    def by_rows(begin, until):
        rows = ends().itertuples()
        return len([row for row in rows if row.training_ends > begin and row.answers_end > until])

    return [by_columns, by_rows]


def wrong_1():
    def trained(begin, until):
        return (ends()["training_ends"] > begin).sum()

    def answering(begin, until):
        return (ends()["answers_end"] > until).sum()

    return [(trained, "both"), (answering, "both"), (5, "no function")]


def right_2():
    return [(1, 2), [1, 2]]


def wrong_2():
    return [((2, 2), "no yes"), ((1, 4), "one job"), ((1, 1), "others are not"), (3, "brackets")]


def right_3():
    def early(error):
        if error.code != "rate_limit_exceeded":
            return None
        return float(error.response.headers.get("retry-after", 10))

    def by_type(error):
        if isinstance(error, openai.RateLimitError) and error.code != "insufficient_quota":
            return int(error.response.headers.get("Retry-After") or "10")

    return [early, by_type]


def wrong_3():
    def by_status(error):
        if error.status_code == 429:
            return float(error.response.headers.get("retry-after", 10))

    def always(error):
        return float(error.response.headers.get("retry-after", 10))

    def as_text(error):
        if error.code == "rate_limit_exceeded":
            return error.response.headers.get("retry-after", 10)

    return [(by_status, "insufficient_quota"), (always, "expected None"), (as_text, "as a number")]


@cache
def tuned(name):
    """A client of a server of that name, where a model was tuned, and nothing is deleted yet."""
    home = tempfile.mkdtemp(prefix=f"{name}-")
    command = [sys.executable, "-m", "practice_server", "--idle", "5", "--home", home]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    atexit.register(process.terminate)
    process.stdout.readline()
    server = json.loads((Path(home) / "server.json").read_text(encoding="utf-8"))
    client = new_client(server["base_url"], server["api_key"])
    lines = (marv.FOLDER / "train.jsonl").read_bytes().splitlines(keepends=True)[:10]
    file = client.files.create(file=("ten.jsonl", b"".join(lines)), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="pocket", training_file=file.id, hyperparameters={"n_epochs": 2}
    )
    wait(Service("practice", client, "pocket", is_practice=True), job)
    return client


def without_files(client):
    for file in list(client.files.list()):
        client.files.delete(file.id)
    return client


def without_models(client):
    for model in list(client.models.list()):
        if model.id.startswith("ft:"):
            client.models.delete(model.id)
    return client


def right_4():
    client = without_models(without_files(tuned("both")))
    return [client, client.with_options(timeout=9)]


def wrong_4():
    return [
        (without_models(tuned("files")), "files are still there"),
        (without_files(tuned("models")), "tuned models are still there"),
        (True, "own.client"),
    ]
