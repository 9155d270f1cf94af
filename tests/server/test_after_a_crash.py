"""How a crash is counted, and what is removed of what it leaves behind."""

import sqlite3
import threading

import pytest

from practice_server import checkpoints, files, housekeeping, jobs, trainer
from practice_server.home import Home
from practice_server.store import Store
from tests.server.crash import age, new_job


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def store(home):
    store = Store(home.database)
    yield store
    store.close()


def create_job(store):
    return jobs.claim(store, new_job(store)["id"])


def add_checkpoint(store, home, job):
    """A checkpoint that its job may publish one day."""
    row = checkpoints.new_row(job, step=1, is_last=False, metrics={})
    store.insert("checkpoints", row)
    home.model(row["id"]).mkdir()
    home.job(job["id"]).mkdir()
    (home.job(job["id"]) / "state-1").touch()
    return home.model(row["id"])


def test_only_what_is_known_stays(store, home):
    row = files.new_row(owner="", purpose="fine-tune", filename="a.jsonl", size=0)
    store.insert("files", row)
    job = create_job(store)
    kept = [home.file(row["id"]), add_checkpoint(store, home, job), home.job(job["id"])]
    kept[0].touch()
    strays = [home.files / "file-b", home.files / "file-c.part", home.models / "ftckpt_a.part"]
    for stray in strays:
        stray.touch()
    (home.uploads / "upload_a").mkdir()
    age(home.root)
    housekeeping.sweep(store, home)
    left = [
        path
        for folder in ("files", "uploads", "models", "jobs")
        for path in (home.root / folder).iterdir()
    ]
    assert sorted(left) == sorted(kept)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_work_for_a_job_that_ended_just_before_a_crash_goes(store, home, status):
    job = create_job(store)
    model = add_checkpoint(store, home, job)
    jobs.set_values(store, job, status=status)
    housekeeping.sweep(store, home)
    assert checkpoints.of_job(store, job["id"]) == []
    assert not model.exists() and not home.job(job["id"]).exists()


def test_an_old_trainer_may_still_be_at_work(store, home):
    """One that outlived its server renames and removes while the next server starts."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            (home.models / "ftckpt_a.part").mkdir()
            (home.models / "ftckpt_a.part").rename(home.models / "ftckpt_a")
            (home.models / "ftckpt_a").rmdir()

    working = threading.Thread(target=work)
    working.start()
    try:
        for _ in range(300):
            housekeeping.sweep(store, home)
    finally:
        stop.set()
        working.join()


def test_saved_states_make_room_to_tell_that_the_disk_is_full(store, home, monkeypatch):
    job = create_job(store)
    add_checkpoint(store, home, job)
    tell = jobs.fail

    def tell_if_there_is_room(*arguments):
        if home.job(job["id"]).exists():
            raise sqlite3.OperationalError("database or disk is full")
        tell(*arguments)

    monkeypatch.setattr(jobs, "fail", tell_if_there_is_room)
    trainer.fail(store, home, job, jobs.JobFailed("server_error", "The disk is full"))
    assert jobs.get(store, job["id"])["status"] == "failed"


def test_deaths_in_validation_do_not_count_in_training(store):
    """The files were found in order: that is progress."""
    job = create_job(store)
    for _ in range(jobs.MOST_DEATHS - 1):
        jobs.record_death(store, job["id"])
    jobs.queue(store, job, hyperparameters={}, tokens_per_epoch=1)
    for number in range(jobs.MOST_DEATHS):
        assert jobs.get(store, job["id"])["status"] == "queued", number
        jobs.record_death(store, job["id"])
    assert jobs.get(store, job["id"])["status"] == "failed"


def test_a_death_after_the_end_changes_nothing(store):
    """The job was cancelled while its last trainer died."""
    job = create_job(store)
    jobs.move(store, job["id"], origins=("validating_files",), status="cancelled")
    for _ in range(jobs.MOST_DEATHS):
        jobs.record_death(store, job["id"])
    assert jobs.get(store, job["id"])["status"] == "cancelled"
