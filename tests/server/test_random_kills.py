"""kill -9 of whatever runs, at random moments, while somebody works: nothing is lost.

Each case is the life of one home. It has every moment of MOMENTS once, in an order that is drawn,
like the victims and the delays, from the case's number. A case is 11 kills. For more:

    RANDOM_KILLS_CASES=3 python -m pytest tests/server/test_random_kills.py
"""

import contextlib
import os
import random
import re
import time

import openai
import pytest

from tests.server.crash import LISTS_CHILDREN, age, children, end_all, rows, wait_until
from tests.server.neighbour import KEY, Neighbour

pytestmark = pytest.mark.skipif(not LISTS_CHILDREN, reason="finds processes in /proc")

CASES = int(os.environ.get("RANDOM_KILLS_CASES", "1"))
EXAMPLES, EPOCHS = 40, 10
STEPS = EXAMPLES * EPOCHS
# One for each moment but the last. A third trainer could be the third in a row to die without a
# step, and then the job is to fail.
VICTIMS = ["server"] * 4 + ["trainer"] * 2 + ["everything"] * 3 + ["answering"]
# What two jobs with the same data never have in common.
NAMES = re.compile(r"(ftjob-|file-|ft:tiny-2026-01-01:)\S+")


def upload_data(server, data):
    """What all jobs here are trained and validated on, as options for a create."""
    return {
        "training_file": server.upload(data.examples(EXAMPLES)),
        "validation_file": server.upload(data.examples(6)),
        "method": data.epochs(EPOCHS),
    }


def outcome(server, job_id):
    """All that a job tells and leaves, without names and times."""
    jobs = server.client.fine_tuning.jobs
    job = jobs.retrieve(job_id)
    (result_file,) = job.result_files
    kept = list(jobs.checkpoints.list(job.id))
    assert kept[0].fine_tuned_model_checkpoint == job.fine_tuned_model
    return {
        "job": (job.status, job.trained_tokens, job.error.code, job.estimated_finish),
        "result file": server.client.files.content(result_file).read(),
        "events": [
            (event.level, event.type, NAMES.sub(r"\1", event.message), event.data)
            for event in server.events(job, limit=1000)
        ],
        "checkpoints": [
            (kept.step_number, kept.metrics, answer(server, kept.fine_tuned_model_checkpoint))
            for kept in kept
        ],
    }


def answer(server, model):
    messages = [{"role": "user", "content": "Say 7."}]
    answered = server.client.chat.completions.create(
        model=model, messages=messages, temperature=0, max_tokens=10
    )
    return answered.choices[0].message.content


@pytest.fixture(scope="module")
def undisturbed(server, data):
    """The outcome of a job that nobody killed."""
    return outcome(server, server.wait(server.create(**upload_data(server, data))).id)


class Life:
    """A home, its server, the jobs that were made there, and what has been promised of them."""

    def __init__(self, server, draw, data):
        self.server = server
        self.draw = draw
        self.order = upload_data(server, data)
        self.jobs = []
        self.promised = {}
        self.checkpoints = {}
        self.story = []

    def create(self):
        self.jobs.append(self.server.create(**self.order).id)
        return self.jobs[-1]

    def job_at_work(self):
        """A job that is being trained, or soon will be."""
        found = rows(
            self.server,
            "SELECT id FROM jobs WHERE status IN ('running', 'queued', 'validating_files')"
            " ORDER BY status != 'running', seq LIMIT 1",
        )
        return found[0][0] if found else self.create()

    def is_beyond(self, job, step):
        """Whether a job has told of a step, or will not."""
        ((status, last_step),) = rows(
            self.server, "SELECT status, last_step FROM jobs WHERE id = ?", job
        )
        return last_step >= step or status in ("succeeded", "failed", "cancelled", "paused")

    def wait_for_step(self, step):
        job = self.job_at_work()
        wait_until(lambda: self.is_beyond(job, step), pause=0.0005)

    # --- kills ---

    def kill(self, moment, victim):
        """Bring a moment about, kill, and start the server again if it is gone."""
        moment(self)
        trainers = children(self.server, "practice_server.training.trainer")
        answering = children(self.server, "practice_server.asking.answering")
        alone = {"trainer": trainers, "answering": answering}.get(victim)
        self.story.append(f"{victim} {moment.__name__.replace('_', ' ')}")
        if alone:
            end_all(alone)
            return
        if alone == []:
            self.story[-1] += " (there was none: the server)"
        self.server.kill()
        if victim == "everything":
            end_all(trainers + answering)
        self.server.start()

    def check_promises(self, files):
        """What was acknowledged before the kill is so after it."""
        client = self.server.client
        assert files <= {file.id for file in client.files.list()}
        assert set(self.jobs) <= {job.id for job in client.fine_tuning.jobs.list(limit=1000)}
        for job, status in self.promised.items():
            assert client.fine_tuning.jobs.retrieve(job).status == status, job
        self.note_checkpoints()

    def note_checkpoints(self):
        """A checkpoint keeps its id, from its writing to the end."""
        for job, step, id in rows(self.server, "SELECT job, step, id FROM checkpoints"):
            assert self.checkpoints.setdefault((job, step), id) == id

    # --- the end ---

    def finish(self):
        """Let all jobs end; returns those that nobody cancelled."""
        jobs = self.server.client.fine_tuning.jobs
        for job, status in self.promised.items():
            if status == "paused":
                jobs.resume(job)
        for job in self.jobs:
            self.server.wait(jobs.retrieve(job))
        self.note_checkpoints()
        return [job for job in self.jobs if self.promised.get(job) != "cancelled"]

    def check_home(self):
        """A start some time later leaves what the database knows, and nothing else."""
        self.server.stop()
        age(self.server.home)
        self.server.start()
        known = {
            "files": "SELECT id FROM files WHERE deleted = 0",
            "uploads": "SELECT DISTINCT id FROM uploads WHERE status = 'pending'",
            "models": "SELECT id FROM checkpoints WHERE published = 1",
            "jobs": "SELECT id FROM jobs WHERE status = 'paused'",
        }
        for folder, query in known.items():
            there = {path.name for path in (self.server.home / folder).iterdir()}
            ids = {id for (id,) in rows(self.server, query)}
            # An upload has a folder as soon as it has a part.
            assert there <= ids if folder == "uploads" else there == ids, folder
        assert not list(self.server.home.glob("*.part"))


# --- moments ---


def during_an_upload(life):
    wait_until(lambda: list((life.server.home / "files").glob("*.part")), pause=0)


def right_after_a_create(life):
    life.create()


def during_validation(life):
    life.create()
    wait_until(lambda: children(life.server, "practice_server.training.trainer"))
    time.sleep(life.draw.uniform(0, 0.4))


def in_training(life):
    life.wait_for_step(life.draw.randrange(1, STEPS))


def at_a_checkpoint(life):
    job = life.job_at_work()
    models = life.server.home / "models"
    wait_until(lambda: list(models.glob("*.part")) or life.is_beyond(job, STEPS), pause=0)
    time.sleep(life.draw.uniform(0, 0.003))


def at_the_end(life):
    life.wait_for_step(STEPS)
    time.sleep(life.draw.uniform(0, 0.01))


def while_nothing_runs(life):
    wait_until(lambda: not children(life.server, "practice_server.training.trainer"))


def right_after_a_pause(life):
    job = life.create()
    life.server.wait(life.server.client.fine_tuning.jobs.retrieve(job), until=("running",))
    life.wait_for_step(life.draw.randrange(STEPS // 2))
    with contextlib.suppress(openai.BadRequestError):  # it has just ended
        life.server.client.fine_tuning.jobs.pause(job)
        life.promised[job] = "paused"


def right_after_a_resume(life):
    right_after_a_pause(life)
    paused = [job for job, status in life.promised.items() if status == "paused"]
    for job in paused:
        life.server.client.fine_tuning.jobs.resume(job)
        del life.promised[job]


def right_after_a_cancel(life):
    job = life.create()
    time.sleep(life.draw.uniform(0, 1))
    with contextlib.suppress(openai.BadRequestError):  # it has just ended
        life.server.client.fine_tuning.jobs.cancel(job)
        life.promised[job] = "cancelled"


def while_the_server_starts(life):
    life.server.kill()
    life.server.launch()
    time.sleep(life.draw.uniform(0, 0.8))


MOMENTS = [
    during_an_upload,
    right_after_a_create,
    during_validation,
    in_training,
    at_a_checkpoint,
    at_the_end,
    while_nothing_runs,
    right_after_a_pause,
    right_after_a_resume,
    right_after_a_cancel,
    while_the_server_starts,
]


@pytest.mark.parametrize("seed", range(CASES))
def test_nothing_is_lost(seed, start_server, undisturbed, data):
    draw = random.Random(seed)
    life = Life(start_server(environment={"PRACTICE_SERVER_KEY": KEY}), draw, data)
    neighbour = Neighbour(life.server, random.Random(seed))
    neighbour.start()
    victims = dict(zip(MOMENTS, [*draw.sample(VICTIMS, len(VICTIMS)), "server"], strict=True))
    try:
        for moment in draw.sample(MOMENTS, len(MOMENTS)):
            acknowledged = set(neighbour.files)
            life.kill(moment, victims[moment])
            life.check_promises(acknowledged)
        finished = life.finish()
        neighbour.stop()
        assert neighbour.complaints == []
        neighbour.check_files(life.server.client)
        for job in finished:
            assert outcome(life.server, job) == undisturbed, job
        life.check_home()
    except Exception as error:
        error.add_note(f"seed {seed}; killed: {', '.join(life.story)}")
        raise
    finally:
        neighbour.stop()
