"""What no program can prepare for: kill -9 of a trainer, of the answering child, the server."""

import http.client
import json
import os
import signal
import threading

import httpx2
import openai
import pytest

from tests.server.crash import LISTS_CHILDREN, age, children, end_all, is_gone, rows, wait_until

pytestmark = pytest.mark.skipif(not LISTS_CHILDREN, reason="finds processes in /proc")

SLOW = {"n_examples": 40}


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


def test_no_checkpoint_is_made_twice(start_server, data):
    """A job that goes on from before its checkpoints, here for want of a sound state, has them."""
    server = start_server()
    job = server.create(method=data.epochs(30))

    def n_made():
        """Of the checkpoints; those that were dropped count too."""
        made = rows(server, "SELECT seq FROM sqlite_sequence WHERE name = 'checkpoints'")
        return made[0][0] if made else 0

    wait_until(lambda: n_made() > 4)
    trainers = children(server, "trainer")
    server.kill()
    wait_until(lambda: all(map(is_gone, trainers)))
    folder = server.home / "jobs" / job.id
    (state,) = folder.iterdir()
    state.write_bytes(state.read_bytes()[:-1])
    (folder / "state-1 (copy)").touch()
    server.start()
    assert server.wait(job).status == "succeeded"
    assert n_made() == 30
    (warning,) = [event for event in server.events(job, 1000) if event.level == "warn"]
    assert f"{state.name} is damaged" in warning.message


def test_a_trainer_removes_the_states_of_earlier_ones_only(start_server, data):
    """One that outlived its server does not spoil the work of the one that took over."""
    server = start_server()
    job = server.create(**SLOW, method=data.epochs(20))
    folder = server.home / "jobs" / job.id
    wait_until(folder.is_dir)
    earlier, later = folder / "state-0.part", folder / "state-99.part"
    later.touch()
    earlier.touch()
    wait_until(lambda: not earlier.exists())
    assert later.exists()
    assert server.wait(job).status == "succeeded"


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


def test_a_file_deleted_in_use_stays_for_its_job_and_then_goes(start_server, undisturbed, data):
    server = start_server()
    file_id = server.upload(data.examples(40))
    job = server.create(training_file=file_id, method=data.epochs(20))
    wait_until(lambda: has_saved_state(server, job))
    server.client.files.delete(file_id)
    for call in (server.client.files.retrieve, server.client.files.content):
        with pytest.raises(openai.NotFoundError):
            call(file_id)
    server.kill()
    age(server.home)
    server.start()
    assert server.wait(job).status == "succeeded"
    assert server.losses(job) == undisturbed
    server.stop()
    age(server.home)
    server.start()
    assert not (server.home / "files" / file_id).exists()


def test_a_stopped_server_leaves_no_process_and_goes_on_later(start_server, undisturbed, data):
    server = start_server()
    job = server.create(**SLOW, method=data.epochs(20))
    wait_until(lambda: len(server.losses(job)) > 20)
    server.client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "Hello"}], max_tokens=1
    )
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
            trainers = children(server, "trainer")
            end_all(trainers)
            killed.update(trainers)

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


def test_an_answer_that_breaks_off_says_so(start_server):
    """The child is killed in the middle of a stream; the next question is answered."""
    server = start_server()
    question = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}
    ask = server.client.chat.completions.create

    def broken_answer():
        """What the client is told; None if the child was between two choices, so none broke."""
        assert ask(**question, max_tokens=1).choices
        (child,) = children(server, "answering")
        pieces = ask(**question, n=50, stream=True)
        next(pieces)
        os.kill(child, signal.SIGKILL)
        try:
            assert list(pieces)[-1].choices[0].finish_reason
        except openai.APIError as error:
            return str(error)

    assert "ended unexpectedly. Please try again" in wait_until(broken_answer)
    assert ask(**question, max_tokens=1).choices


def test_a_create_sent_again_after_a_kill_starts_one_job(start_server, data):
    """The server is killed when the job is made and before the client has read the answer."""
    server = start_server()
    order = {
        "model": "tiny",
        "training_file": server.upload(data.examples(10)),
        "method": data.epochs(1),
    }
    headers = {"Idempotency-Key": "only one, please"}
    address = httpx2.URL(server.base_url)
    connection = http.client.HTTPConnection(address.host, address.port)
    connection.request(
        "POST",
        "/v1/fine_tuning/jobs",
        json.dumps(order),
        {**headers, "Authorization": f"Bearer {server.api_key}"},
    )
    ((made,),) = wait_until(lambda: rows(server, "SELECT id FROM jobs"), pause=0)
    server.kill()
    connection.close()
    server.start()
    again = server.client.fine_tuning.jobs.create(**order, extra_headers=headers)
    assert again.id == made
    assert [job.id for job in server.client.fine_tuning.jobs.list()] == [made]
    assert server.wait(again).status == "succeeded"


def test_an_upload_in_parts_goes_on_after_a_kill(start_server, data):
    server = start_server()
    content = "".join(f"{json.dumps(line)}\n" for line in data.examples(10)).encode()
    upload = server.client.uploads.create(
        bytes=len(content), filename="a.jsonl", mime_type="text/jsonl", purpose="fine-tune"
    )
    parts = []
    for piece in (content[:50], content[50:90], content[90:]):
        parts.append(server.client.uploads.parts.create(upload.id, data=piece).id)
        server.kill()
        server.start()
    done = server.client.uploads.complete(upload.id, part_ids=parts)
    assert server.client.files.content(done.file.id).read() == content


def test_a_trainer_killed_after_its_last_step_has_not_failed(start_server, data):
    """The model and the result file are still to be written."""
    server = start_server()
    method = data.epochs(3)
    undisturbed = server.losses(server.wait(server.create(method=method)))

    def killed_in_time():
        """Whether the job was still running when its trainer was killed after its last step."""
        job = server.create(method=method)
        state = "SELECT status FROM jobs WHERE id = ? AND last_step >= ?"
        wait_until(lambda: rows(server, state, job.id, 1), pause=0.001)
        trainers = children(server, "trainer")
        wait_until(lambda: rows(server, state, job.id, len(undisturbed)), pause=0)
        end_all(trainers)
        ((status,),) = rows(server, state, job.id, len(undisturbed))
        assert server.wait(job).status == "succeeded"
        assert server.losses(job) == undisturbed
        return status == "running"

    wait_until(killed_in_time)


def test_changes_of_mind_are_no_deaths(start_server, data):
    """A trainer that ends because its job was paused has not died, though the job may be wanted
    again by then."""
    server = start_server()
    jobs = server.client.fine_tuning.jobs
    job = server.create(n_examples=40, method=data.epochs(20))
    server.wait(job, until=("running",))
    trainers = set()

    def new_trainers():
        return set(children(server, "trainer")) - trainers

    for _ in range(6):
        trainers |= wait_until(new_trainers)
        jobs.pause(job.id)
        jobs.resume(job.id)
    assert server.wait(job).status == "succeeded"
