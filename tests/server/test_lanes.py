"""More than one job at a time, where a machine has the processors for it."""

import contextlib
import os
import signal
import sqlite3

import pytest

from practice_server.store import jobs
from practice_server.store.database import Store
from tests.server.crash import LISTS_CHILDREN, children, new_job, wait_until

QUESTION = [{"role": "user", "content": "Say 3."}]
SLOW = {"n_examples": 40}
finds_children = pytest.mark.skipif(not LISTS_CHILDREN, reason="finds processes in /proc")


@pytest.fixture(scope="module")
def alone(server, data):
    """The losses of a job that trained by itself."""
    return server.losses(server.wait(server.create(**SLOW, method=data.epochs(20))))


def are_running(server, created):
    return all(
        server.client.fine_tuning.jobs.retrieve(job.id).status == "running" for job in created
    )


@finds_children
def test_a_killed_trainer_is_replaced_beside_another(start_server, alone, data):
    server = start_server("--lanes", "2")
    created = [server.create(**SLOW, method=data.epochs(20)) for _ in range(2)]
    wait_until(lambda: are_running(server, created))
    before = children(server, "trainer")
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: set(children(server, "trainer")) - set(before))
    for job in created:
        assert server.wait(job).status == "succeeded"
        assert server.losses(job) == alone


def test_a_lane_outlives_what_nobody_foresaw(start_server, data):
    """Here that a job which is being trained is gone from the database."""
    server = start_server()
    job = server.wait(server.create(**SLOW, method=data.epochs(20)), until=("running",))
    path = server.home / "store.sqlite3"
    with contextlib.closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as store:
        store.execute("DELETE FROM jobs WHERE id = ?", (job.id,))
    assert server.wait(server.create(method=data.epochs(1))).status == "succeeded"


def answer(server):
    completion = server.client.chat.completions.create(
        model="tiny", messages=QUESTION, max_tokens=5, temperature=0
    )
    return completion.choices[0].message.content


@finds_children
def test_loaded_models_make_room_for_a_job(start_server, data):
    """They take no memory while it trains, unless somebody asks."""
    server = start_server()
    before = answer(server)
    server.wait(server.create(**SLOW, method=data.epochs(20)), until=("running",))
    assert children(server, "answering") == []
    assert answer(server) == before


@finds_children
def test_a_trainer_leaves_the_processors_to_those_who_wait(start_server, data):
    server = start_server()
    server.wait(server.create(**SLOW, method=data.epochs(20)), until=("running",))
    answer(server)
    (trainer,), (answering,) = children(server, "trainer"), children(server, "answering")
    processes = (trainer, answering, server.process.pid)
    trains, answers, serves = (os.getpriority(os.PRIO_PROCESS, pid) for pid in processes)
    assert trains > answers == serves
    # Where each session has its share of the processors, this counts within one session only.
    assert len({os.getsid(pid) for pid in processes}) == 1


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "store.sqlite3")
    yield opened
    opened.close()


def waiting_job(store, owner):
    """The id of a new job in the queue."""
    job = new_job(store, owner)
    jobs.queue(store, job, hyperparameters={}, tokens_per_epoch=1)
    return job["id"]


def test_lanes_go_to_different_learners(store):
    """A lane that is just starting Ann's job counts as her turn already."""
    anns = [waiting_job(store, "ann") for _ in range(2)]
    bobs = waiting_job(store, "bob")
    taken = []
    while job := jobs.next_of(store, "running", "queued", taken=taken):
        taken.append(job["id"])
    assert taken == [anns[0], bobs, anns[1]]


def test_the_search_for_a_turn_takes_steps_in_proportion(store):
    """Of SQLite's machine, in hundreds: eight times as many jobs, not sixty times the work."""
    steps = []
    store._connection.set_progress_handler(lambda: steps.append(1), 100)

    def steps_with(n_jobs):
        row = new_job(store)
        with store.transaction():
            for number in range(n_jobs):
                store.insert("jobs", {**row, "seq": None, "id": f"ftjob-{n_jobs}-{number}"})
        steps.clear()
        assert jobs.next_of(store, "validating_files", taken=[row["id"]])
        return len(steps)

    few = steps_with(100)
    assert steps_with(700) < 16 * few
