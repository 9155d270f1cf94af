"""What no program can prepare for: kill -9 of a trainer, of the answering child, the server."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

PROCESSES = Path("/proc")
pytestmark = pytest.mark.skipif(not PROCESSES.is_dir(), reason="finds processes in /proc")

SLOW = {"n_examples": 40}


def children(server, module):
    """The process ids of the server's children that run a module."""
    found = []
    for folder in PROCESSES.glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            command = (folder / "cmdline").read_text()
        except OSError:
            continue  # it has ended meanwhile
        if int(parent) == server.process.pid and module in command:
            found.append(int(folder.name))
    return found


def is_gone(pid):
    """Whether a process has ended; one that only waits to be buried counts as ended."""
    try:
        return (PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_until(met, seconds=60):
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def has_saved_state(server, job):
    return any(not path.suffix for path in (server.home / "jobs" / job.id).glob("state-*"))


@pytest.fixture(scope="module")
def undisturbed(server, data):
    """The losses of a job that nobody killed."""
    return server.losses(server.wait(server.create(**SLOW, method=data.epochs(20))))


def test_a_killed_trainer_is_replaced(start_server, undisturbed, data):
    server = start_server()
    job = server.create(**SLOW, method=data.epochs(20))
    wait_until(lambda: has_saved_state(server, job))
    (trainer,) = children(server, "trainer")
    os.kill(trainer, signal.SIGKILL)
    wait_until(lambda: children(server, "trainer") not in ([], [trainer]))
    assert server.wait(job).status == "succeeded"
    assert server.losses(job) == undisturbed
    started = [e for e in server.events(job, 1000) if e.message == "Fine-tuning job started"]
    assert len(started) == 1
    assert len(list(server.client.fine_tuning.jobs.checkpoints.list(job.id))) == 3


def test_a_killed_server_goes_on_where_it_was(start_server, undisturbed, data):
    server = start_server()
    job = server.create(**SLOW, method=data.epochs(20))
    waiting = server.create(method=data.epochs(1))
    wait_until(lambda: has_saved_state(server, job))
    orphans = children(server, "trainer")
    server.kill()
    server.start()
    assert server.client.fine_tuning.jobs.retrieve(job.id).status == "running"
    assert server.wait(job).status == "succeeded"
    assert server.losses(job) == undisturbed
    assert server.wait(waiting).status == "succeeded"
    assert all(map(is_gone, orphans))


def test_a_stopped_server_leaves_no_process_and_goes_on_later(start_server, undisturbed, data):
    server = start_server()
    server.client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "Hello"}], max_tokens=1
    )
    job = server.create(**SLOW, method=data.epochs(20))
    wait_until(lambda: len(server.losses(job)) > 20)
    pids = children(server, "practice_server")
    assert len(pids) == 2
    server.stop()
    assert server.process.returncode == 0
    assert not (server.home / "server.json").exists()
    assert all(map(is_gone, pids))
    server.start()
    assert server.wait(job).status == "succeeded"
    assert server.losses(job) == undisturbed


def test_a_trainer_that_always_dies_fails_its_job(start_server, data):
    server = start_server()
    job = server.create(n_examples=100, method=data.epochs(50))
    killed = set()
    stop = threading.Event()

    def kill_all():
        while not stop.is_set():
            for trainer in children(server, "trainer"):
                os.kill(trainer, signal.SIGKILL)
                killed.add(trainer)

    killer = threading.Thread(target=kill_all)
    killer.start()
    job = server.wait(job)
    stop.set()
    killer.join()
    assert (job.status, job.error.code) == ("failed", "server_error")
    assert job.error.message == "The job failed due to an internal error"
    assert len(killed) >= 3
    assert server.wait(server.create(method=data.epochs(1))).status == "succeeded"


def test_a_killed_answering_child_is_replaced(start_server):
    server = start_server()

    def ask(**options):
        question = [{"role": "user", "content": "Hello"}]
        return server.client.chat.completions.create(
            model="tiny", messages=question, temperature=0, **options
        )

    whole = ask().choices[0].message.content
    (child,) = children(server, "answering")
    os.kill(child, signal.SIGKILL)
    assert ask().choices[0].message.content == whole
    os.kill(children(server, "answering")[0], signal.SIGSTOP)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ask().choices[0].message.content))
    asking.start()
    os.kill(children(server, "answering")[0], signal.SIGKILL)
    asking.join()
    assert answers == [whole]
