"""What may go wrong below the server: each ends in a clear error, and the server goes on."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import openai
import pytest
from safetensors.numpy import load_file, save_file

from tests.random_model import byte_tokenizer, random_engine
from tests.server.conftest import ROOT
from tests.server.crash import age, wait_until

HELLO = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 2}


@pytest.fixture
def models(models_folder, tmp_path):
    """A folder of base models that a test may harm: `tiny`, and `other`, which is the same."""
    folder = tmp_path / "models"
    shutil.copytree(models_folder, folder)
    copy_model(folder, "other")
    return folder


def copy_model(models, name):
    """One more base model; returns its folder. The alias `tiny` finds the first of them."""
    (tiny,) = models.glob("tiny-*")
    return shutil.copytree(tiny, models / name)


@pytest.fixture
def harmed(start_server, models):
    """A server with the base models that a test may harm."""
    return start_server("--models", models)


def goes_on(server, data):
    """Whether the server still does all that it is for."""
    job = server.wait(server.create(model=data.base, method=data.epochs(1)))
    answer = server.client.chat.completions.create(model=job.fine_tuned_model, **HELLO)
    return job.status == "succeeded" and answer.model == job.fine_tuned_model


def refused_chat(server, model):
    with pytest.raises(openai.NotFoundError) as refused:
        server.client.chat.completions.create(model=model, **HELLO)
    return refused.value


# --- the database is locked ---


@contextlib.contextmanager
def locked(server):
    """As another program does that has opened the database and does not let go."""
    path = server.home / "store.sqlite3"
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    with contextlib.closing(connection):
        connection.execute("BEGIN EXCLUSIVE")
        yield connection


def kept_files(server):
    return sorted(path.name for path in (server.home / "files").iterdir())


@pytest.mark.parametrize("journal_mode", ["wal", "delete"])
def test_a_locked_database_is_told_and_nothing_is_half_done(start_server, data, journal_mode):
    server = start_server("--journal-mode", journal_mode)
    job = server.create(n_examples=40, method=data.epochs(10))
    server.wait(job, until=("running",))
    kept = kept_files(server)
    with locked(server):
        with pytest.raises(openai.InternalServerError, match="database .* locked") as refused:
            server.upload(data.examples(10))
        assert refused.value.status_code == 503
        assert refused.value.body["type"] == "server_error"
        assert refused.value.response.headers["retry-after"] == "1"
        assert kept_files(server) == kept
    # With a rollback journal the trainer's writes may keep a reader waiting: it asks again.
    server.client = server.client.with_options(max_retries=9)
    assert [file.id for file in server.client.files.list()] == kept
    assert server.wait(job).status == "succeeded"
    assert [step["step"] for step in server.losses(job)] == list(range(1, 401))
    assert goes_on(server, data)


def test_a_database_that_is_locked_for_a_moment_is_waited_for(start_server, data):
    server = start_server()
    with locked(server) as connection:
        release = threading.Timer(0.5, connection.rollback)
        release.start()
        assert server.client.files.retrieve(server.upload(data.examples(10))).bytes
        release.join()


# --- the home is gone ---


def test_a_home_that_is_moved_away_is_told_and_may_come_back(start_server, data):
    server = start_server()
    file_id = server.upload(data.examples(20))
    job = server.create(training_file=file_id, method=data.epochs(50))
    server.wait(job, until=("running",))
    elsewhere = server.home.rename(server.home.with_name("elsewhere"))
    for call in (
        server.client.models.list,
        lambda: server.upload(data.examples(10)),
        lambda: server.create(training_file=file_id),
    ):
        with pytest.raises(openai.InternalServerError, match="was moved or deleted") as refused:
            call()
        assert refused.value.body["type"] == "server_error"
    assert not server.home.exists()
    elsewhere.rename(server.home)
    assert server.wait(job).status == "succeeded"


def test_a_trainer_that_comes_too_late_makes_no_home(tmp_path, models_folder):
    command = [sys.executable, "-m", "practice_server.training.trainer", "--job", "ftjob-a"]
    command += ["--home", tmp_path / "home", "--models", models_folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, stdin=subprocess.DEVNULL)
    assert done.returncode and not (tmp_path / "home").exists()


def test_a_home_in_the_place_of_a_deleted_one_is_left_alone(start_server):
    old = start_server()
    shutil.rmtree(old.home)
    new = start_server(home=old.home)
    with pytest.raises(openai.InternalServerError, match="was moved or deleted"):
        old.client.models.list()
    assert new.client.models.list().data


# --- the database is lost ---


def test_a_lost_database_loses_nothing_else(start_server, data, capfd):
    server = start_server()
    job = server.wait(server.create(method=data.epochs(1)))
    database = server.home / "store.sqlite3"
    server.stop()
    database.rename(server.home / "elsewhere")
    age(server.home)
    server.start()
    told = capfd.readouterr().err
    assert "store.sqlite3 is gone" in told and f"moved to {server.home / 'unknown'}" in told
    assert server.client.files.list().data == []
    server.stop()
    (server.home / "elsewhere").replace(database)
    server.start()
    assert server.client.files.content(job.training_file).read()
    answer = server.client.chat.completions.create(model=job.fine_tuned_model, **HELLO)
    assert answer.model == job.fine_tuned_model


# --- what was uploaded is damaged ---


def cut(path):
    path.write_bytes(path.read_bytes()[:-40])


def flip(path):
    """A bit of a digit or letter: still JSON lines, but not those that were sent."""
    content = bytearray(path.read_bytes())
    content[content.index(b"Say") + 1] ^= 2
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("param", "damage"),
    [
        ("training_file", cut),
        ("training_file", flip),
        ("training_file", lambda path: path.unlink()),
        ("validation_file", flip),
    ],
)
def test_a_damaged_upload_fails_its_job(server, data, damage, param):
    file_id = server.upload(data.examples(12))
    damage(server.home / "files" / file_id)
    job = server.wait(server.create(**{param: file_id}))
    assert (job.status, job.error.code, job.error.param) == ("failed", f"invalid_{param}", param)
    assert "file is damaged" in job.error.message and "Upload it again" in job.error.message
    with pytest.raises(openai.InternalServerError, match="is damaged") as refused:
        server.client.files.content(file_id)
    assert (refused.value.code, refused.value.type) == ("file_damaged", "server_error")


def test_an_upload_damaged_while_its_job_waits_fails_the_job(server, data):
    file_id = server.upload(data.examples(12))
    with waiting(server, data, training_file=file_id) as job:
        flip(server.home / "files" / file_id)
    job = server.wait(job)
    assert (job.status, job.error.code) == ("failed", "invalid_training_file")
    assert server.losses(job) == []


def test_a_damaged_result_file_is_not_given_out(start_server, data):
    server = start_server()
    job = server.wait(server.create(method=data.epochs(1)))
    assert server.client.files.content(job.result_files[0]).read()
    cut(server.home / "files" / job.result_files[0])
    with pytest.raises(openai.InternalServerError, match="is damaged"):
        server.client.files.content(job.result_files[0])


# --- the model to train from is gone, or no good ---


@contextlib.contextmanager
def waiting(server, data, **options):
    """A job that is validated, and runs only afterwards."""
    first = server.create(model=data.base, n_examples=100, method=data.epochs(50))
    server.wait(first, until=("running",))
    yield server.wait(server.create(**options), until=("queued",))
    server.client.fine_tuning.jobs.cancel(first.id)


def test_a_base_model_that_is_gone_fails_its_job(harmed, models, data):
    with waiting(harmed, data, model="other") as job:
        shutil.rmtree(models / "other")
    job = harmed.wait(job)
    assert (job.status, job.error.code, job.error.param) == (
        *("failed", "model_not_available", "model"),
    )
    assert job.error.message == "The job failed because the model other is no longer there"
    assert refused_chat(harmed, "other").code == "model_not_found"
    assert goes_on(harmed, data)


def test_a_fine_tuned_model_deleted_before_its_job_runs_fails_the_job(server, data):
    tuned = server.wait(server.create(method=data.epochs(1))).fine_tuned_model
    with waiting(server, data, model=tuned) as job:
        server.client.models.delete(tuned)
    job = server.wait(job)
    assert (job.status, job.error.code) == ("failed", "model_not_available")
    assert tuned in job.error.message and job.fine_tuned_model is None


def turn_a_matrix(folder):
    weights = load_file(folder / "model.safetensors")
    name = "model.layers.0.mlp.down_proj.weight"
    weights[name] = np.ascontiguousarray(weights[name].T)
    save_file(weights, folder / "model.safetensors")


def overflow(folder):
    weights = load_file(folder / "model.safetensors")
    for name, factor in (("model.norm.weight", 1e30), ("model.embed_tokens.weight", 1e10)):
        weights[name] = weights[name].astype(np.float32) * np.float32(factor)
    save_file(weights, folder / "model.safetensors")


HARMS = {
    "short": (lambda folder: cut(folder / "model.safetensors"), "model.safetensors is damaged"),
    "gone": (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors missing"),
    "mute": (lambda folder: (folder / "tokenizer_config.json").write_text("{}"), "'pattern'"),
    "turned": (turn_a_matrix, "down_proj.weight has shape"),
    "loud": (overflow, "no finite"),
}


def test_a_damaged_base_model_fails_its_job(start_server, models, data):
    for name in HARMS:
        copy_model(models, name)
    server = start_server("--models", models)
    for name, (harm, reason) in HARMS.items():
        harm(models / name)
        job = server.wait(server.create(model=name))
        assert (job.status, job.error.code, job.error.param) == (
            *("failed", "model_not_available", "model"),
        )
        refused = refused_chat(server, name)
        assert refused.code == "model_not_available"
        assert f"the model {name} cannot be used" in job.error.message
        for message in (job.error.message, refused.message):
            assert reason in message and str(models) not in message
    assert goes_on(server, data)


def test_a_start_tells_of_models_that_cannot_be_used(start_server, models, data, capfd):
    cut(copy_model(models, "short") / "model.safetensors")
    (copy_model(models, "mute") / "tokenizer.tiktoken").unlink()
    (copy_model(models, "odd") / "config.json").write_text("[]", encoding="utf-8")
    config = copy_model(models, "headless") / "config.json"
    config.write_text(config.read_text().replace('_heads": 2', '_heads": 0'))
    header = b'{"a": {"data_offsets": []}}'
    weights = copy_model(models, "endless") / "model.safetensors"
    weights.write_bytes(len(header).to_bytes(8, "little") + header)
    server = start_server("--models", models)
    told = capfd.readouterr().err
    for name, reason in (
        ("short", "model.safetensors is damaged: it has"),
        ("mute", "tokenizer.tiktoken or adapter_config.json or tokenizer.json missing"),
        ("odd", "config.json is not a JSON object"),
        ("headless", "its files make no sense (ZeroDivisionError"),
        ("endless", "its files make no sense (IndexError"),
    ):
        assert f"The base model {name} in {models} cannot be used: {reason}" in told
    assert data.base not in told and "other" not in told
    assert refused_chat(server, "odd").code == "model_not_found"
    assert goes_on(server, data)


# --- the disk is full while a job trains ---


@pytest.fixture(scope="module")
def large_models(models_folder, tmp_path_factory):
    """Beside `tiny` a model of 7 MB, and one of 1 MB, whose saved state has 8 MB."""
    folder = tmp_path_factory.mktemp("large") / "models"
    shutil.copytree(models_folder, folder)
    for name, width in (("large", 384), ("middle", 96)):
        engine = random_engine(
            byte_tokenizer(),
            scale=0.02,
            seed=7,
            hidden_size=width,
            intermediate_size=1024,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=128,
        )
        engine.save(folder / name)
    return folder


@pytest.mark.skipif(os.name != "posix", reason="sets a limit as POSIX does")
@pytest.mark.parametrize(
    ("model", "settings"),
    [("large", {"n_epochs": 1, "batch_size": 10}), ("middle", {"n_epochs": 50})],
    ids=["checkpoint", "saved state"],
)
def test_a_full_disk_fails_the_job_that_trains(start_server, large_models, data, model, settings):
    """No file may grow beyond 6 MB, as if the disk were full there."""
    import resource

    def leave_little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, 6_000_000))

    server = start_server("--models", large_models, before=leave_little_room)
    n_examples = 10 if model == "large" else 500
    job = server.create(model=model, n_examples=n_examples, method=data.epochs(**settings))
    job = server.wait(job)
    assert (job.status, job.error.code) == ("failed", "server_error")
    assert job.error.message == (
        "The job failed because the disk of the practice server is full. Free some space and"
        " create the job again"
    )
    assert job.finished_at and server.losses(job)
    assert server.client.fine_tuning.jobs.checkpoints.list(job.id).data == []
    assert goes_on(server, data)
    names = [checkpoint.name for checkpoint in (server.home / "models").iterdir()]
    assert len(names) == 1 and names[0].startswith("ftckpt_") and "." not in names[0]
    wait_until(lambda: not any((server.home / "jobs").iterdir()))


# --- the clock is set back while a job trains ---

# Python runs a file of this name at its start.
SETS_THE_CLOCK_BACK = """
import sys, time
if "practice_server.training.trainer" in sys.orig_argv:
    right, start = time.time, time.monotonic()
    time.time = lambda: right() - 3600 * (time.monotonic() - start > 1.5)
"""


def test_a_job_ends_in_the_future_though_the_clock_was_set_back(start_server, tmp_path, data):
    (tmp_path / "sitecustomize.py").write_text(SETS_THE_CLOCK_BACK, encoding="utf-8")
    server = start_server(environment={"PYTHONPATH": str(tmp_path)})
    job = server.create(n_examples=100, method=data.epochs(50))

    def step_told_in_the_past():
        """A slow trainer may tell of its validation so late, when no end is estimated yet."""
        last = server.client.fine_tuning.jobs.list_events(job.id, limit=1).data[0]
        return last.type == "metrics" and last.created_at < job.created_at and last

    step = wait_until(step_told_in_the_past)
    assert server.client.fine_tuning.jobs.retrieve(job.id).estimated_finish >= step.created_at


# --- a file of a million lines ---


def test_a_file_of_a_million_lines_is_read_to_its_end(server):
    line = b'{"prompt":"a","completion":"b"}\n'
    content = line * 999_999 + b'{"prompt":"a"}\n'
    file = server.client.files.create(file=("long.jsonl", content), purpose="fine-tune")
    job = server.wait(server.create(training_file=file.id))
    assert job.error.code == "invalid_training_file"
    assert "Example 1000000 is missing key 'completion'" in job.error.message
