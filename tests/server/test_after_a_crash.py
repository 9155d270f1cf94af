"""How a crash is counted, and what is removed of what it leaves behind."""

import asyncio
import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from practice_server.store import checkpoints, files, housekeeping, jobs, uploads
from practice_server.store.database import Store
from practice_server.store.home import Home
from practice_server.training import trainer
from tests.server.crash import age, new_job

FOLDERS = ("files", "uploads", "models", "jobs")


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    home.make()
    return home


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


def lying_in(folder):
    """What lies in the four folders of a home."""
    return sorted(path for name in FOLDERS for path in (folder / name).glob("*"))


def test_only_what_is_known_stays(store, home):
    row = files.new_row(owner="", purpose="fine-tune", filename="a.jsonl", size=0)
    store.insert("files", row)
    job = create_job(store)
    kept = [home.file(row["id"]), add_checkpoint(store, home, job), home.job(job["id"])]
    deleted = files.new_row(owner="", purpose="fine-tune", filename="a.jsonl", size=0)
    store.insert("files", {**deleted, "deleted": 1})
    kept[0].touch()
    removed = [deleted["id"], "file-c.part"]
    for name in (*removed, "file-b"):
        (home.files / name).touch()
    (home.models / "ftckpt_a.part").mkdir()
    (home.models / "ftckpt_b").mkdir()
    age(home.root)
    housekeeping.sweep(store, home)
    assert lying_in(home.root) == sorted(kept)
    assert [path.name for path in lying_in(home.unknown)] == ["file-b", "ftckpt_b"]


def test_what_the_database_does_not_know_comes_back_when_it_does(store, home, caplog):
    """It was lost, or an older one was in its place for a while."""
    job = create_job(store)
    work = [add_checkpoint(store, home, job), home.job(job["id"])]
    age(home.root)
    with contextlib.closing(Store(home.root / "other.sqlite3")) as other:
        for _ in range(2):
            housekeeping.sweep(other, home)
    assert lying_in(home.root) == [] and len(lying_in(home.unknown)) == 2
    assert (
        f"1 in {home.models} not in the database: moved to {home.unknown / 'models'}"
        in caplog.text
    )
    housekeeping.sweep(store, home)
    assert lying_in(home.root) == sorted(work) and lying_in(home.unknown) == []
    assert (home.job(job["id"]) / "state-1").exists()


def test_nothing_is_moved_over_what_was_moved_before(store, home):
    for text in ("first", "second"):
        (home.files / "notes").write_text(text, encoding="utf-8")
        age(home.files)
        housekeeping.sweep(store, home)
    texts = [path.read_text(encoding="utf-8") for path in home.root.rglob("notes")]
    assert sorted(texts) == ["first", "second"]


def test_what_has_expired_goes_within_the_hour(store, home, monkeypatch):
    monkeypatch.setattr(housekeeping, "SECONDS_BETWEEN_SWEEPS", 0.01)
    file = files.new_row(owner="", purpose="batch", filename="a", size=0, expires_in=-1)
    store.insert("files", file)
    upload = uploads.create(store, "", purpose="batch", filename="a", size=1, file_expires_in=None)
    store.change("UPDATE uploads SET expires_at = 1", {})
    expired = [home.file(file["id"]), home.upload(upload["id"])]
    expired[0].touch()
    expired[1].mkdir()
    age(home.root)

    async def wait_until_swept():
        sweeping = asyncio.create_task(housekeeping.sweep_by_the_hour(store, home))
        while any(path.exists() for path in expired):
            assert not sweeping.done()
            await asyncio.sleep(0.01)
        sweeping.cancel()

    with contextlib.closing(home.lock()):
        asyncio.run(asyncio.wait_for(wait_until_swept(), 10))


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

    def work():
        for _ in range(300):
            (home.models / "ftckpt_a.part").mkdir()
            (home.models / "ftckpt_a.part").rename(home.models / "ftckpt_a")
            (home.models / "ftckpt_a").rmdir()

    with ThreadPoolExecutor() as pool:
        working = pool.submit(work)
        while not working.done():
            housekeeping.sweep(store, home)
    working.result()  # nothing that it worked on was taken away


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
    jobs.change_status(store, job["id"], origins=("validating_files",), status="cancelled")
    for _ in range(jobs.MOST_DEATHS):
        jobs.record_death(store, job["id"])
    assert jobs.get(store, job["id"])["status"] == "cancelled"
