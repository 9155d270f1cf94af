"""Jobs on a Ray cluster, here of one machine: the same losses, whoever is killed."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from practice_server.engines.cluster import Cluster, ClusterUnusable
from practice_server.engines.engine import (
    Example,
    ModelUnusable,
    Plan,
    StateUnusable,
    TrainingDiverged,
)
from practice_server.engines.engine import TokenSequence as Tokens
from tests.cluster.head import running_head
from tests.server.crash import LISTS_CHILDREN, children, is_gone, rows, wait_until

pytestmark = pytest.mark.skipif(not LISTS_CHILDREN, reason="finds processes in /proc")
ROOT = Path(__file__).resolve().parents[2]
SLOW = {"n_examples": 40}
PLAN = Plan(n_epochs=3, batch_size=4, learning_rate_multiplier=1.0, seed=5)
# The last batch of four has one.
EXAMPLES = [
    Example([Tokens([258, 65 + n, 256, 259, 97 + n, 98, 256], 4 * [False] + 3 * [True])])
    for n in range(7)
]


@pytest.fixture(scope="module")
def undisturbed(server, data):
    """The losses of a job that trained on the server's own machine."""
    return server.losses(server.wait(server.create(**SLOW, method=data.epochs(20))))


def close(losses):
    """Whether losses, each an event's data, are these to float rounding."""
    return [pytest.approx(step, rel=1e-4, abs=1e-5) for step in losses]


def has_saved_state(server, job):
    return any(not path.suffix for path in (server.home / "jobs" / job.id).glob("state-*"))


def running_job(server, data):
    """A job on the cluster that has saved a state already."""
    job = server.create(**SLOW, method=data.epochs(20))
    wait_until(lambda: has_saved_state(server, job))
    return job


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def ended(server, job):
    """The losses of a job that succeeds."""
    done = server.wait(job)
    assert done.status == "succeeded", done.error
    return server.losses(job)


def test_a_job_on_a_cluster_learns_the_same(on_ray, head, undisturbed, data):
    server = on_ray
    job = server.create(**SLOW, method=data.epochs(20))
    assert ended(server, job) == close(undisturbed)
    wait_until(lambda: not head.actors())
    answer = server.client.chat.completions.create(
        model=server.client.fine_tuning.jobs.retrieve(job.id).fine_tuned_model,
        messages=[{"role": "user", "content": "Say 3."}],
        max_tokens=3,
    )
    assert answer.choices[0].message.content


@pytest.mark.parametrize("killed", [0, 1], ids=["driver", "actor"])
def test_a_killed_driver_or_actor_takes_the_other_along(on_ray, head, undisturbed, data, killed):
    server = on_ray
    job = running_job(server, data)
    [trainer], [actor] = children(server, "trainer"), head.actors()
    both = [trainer, actor]
    kill(both.pop(killed))
    wait_until(lambda: is_gone(both[0]))
    assert ended(server, job) == close(undisturbed)
    assert rows(server, "SELECT lease FROM jobs WHERE id = ?", job.id)[0][0] > 1


def test_a_killed_server_leaves_no_actor_and_goes_on(start_server, head, undisturbed, data):
    server = start_server("--ray", head.address)
    job = running_job(server, data)
    server.kill()
    wait_until(lambda: not head.actors())
    server.start()
    assert ended(server, job) == close(undisturbed)


def test_pause_resume_and_cancel(on_ray, head, undisturbed, data):
    server = on_ray
    jobs = server.client.fine_tuning.jobs
    job = running_job(server, data)
    jobs.pause(job.id)
    wait_until(lambda: not head.actors())
    assert jobs.retrieve(job.id).status == "paused"
    jobs.resume(job.id)
    assert ended(server, job) == close(undisturbed)
    job = running_job(server, data)
    jobs.cancel(job.id)
    wait_until(lambda: not head.actors())
    assert jobs.retrieve(job.id).status == "cancelled"


@pytest.fixture
def engine(head, real_models, monkeypatch):
    """Start an engine on some actors, in a driver that is this process."""
    import ray

    from practice_server.engines.on_ray import OnRay

    monkeypatch.chdir(ROOT)

    def start(n_actors, folder=real_models / "tiny"):
        ray.shutdown()
        return OnRay(folder, Cluster(head.address, n_actors))

    yield start
    ray.shutdown()


def losses(steps):
    return [step.metrics for step in steps]


def test_two_actors_learn_what_one_learns(engine, tmp_path):
    """Also from batches that are smaller than the number of actors; and one goes on for both."""
    plan, validation = replace(PLAN, lora_r=4), EXAMPLES[:3]
    one = losses(engine(1).train(EXAMPLES, validation, plan))
    together = engine(2)
    steps = together.train(EXAMPLES, validation, plan)
    two = losses(next(steps) for _ in range(3))
    together.save_state(tmp_path / "state")
    two += losses(steps)
    assert two == losses(engine(2).train(EXAMPLES, validation, plan))
    assert two == [pytest.approx(metrics, rel=1e-5) for metrics in one]
    rest = losses(engine(1).train(EXAMPLES, validation, plan, state=tmp_path / "state"))
    assert rest == [pytest.approx(metrics, rel=1e-5) for metrics in one[3:]]


def test_without_one_of_two_actors_a_driver_ends(engine, head):
    steps = engine(2).train(EXAMPLES, [], PLAN)
    next(steps)
    kill(head.actors()[1])
    with pytest.raises((ClusterUnusable, RuntimeError)):
        next(steps)


def test_errors_arrive_as_they_are(engine, tmp_path):
    elsewhere = engine(2)
    (tmp_path / "state-1").write_bytes(b"nothing")
    with pytest.raises(StateUnusable, match=r"^state-1 is damaged"):
        elsewhere.train(EXAMPLES, [], PLAN, state=tmp_path / "state-1")
    with pytest.raises(TrainingDiverged, match=r"^the loss is no longer a finite number"):
        list(elsewhere.train(EXAMPLES, [], replace(PLAN, learning_rate_multiplier=1e30)))


def test_a_damaged_model_is_told_of(engine, models_folder, data, tmp_path):
    """By the actor, which reads all of it; the driver has looked at the beginnings."""
    folder = shutil.copytree(models_folder / data.base, tmp_path / "damaged")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelUnusable, match=r"^model.safetensors is damaged"):
        engine(1, folder)


def test_a_model_that_only_the_server_has_is_told_of(head, tmp_path):
    """Here by an actor of this process, for the cluster has only one machine."""
    from practice_server.engines.on_ray import Body

    with pytest.raises(ModelUnusable, match="drive that all its machines share"):
        Body().load(tmp_path / "elsewhere")


def test_an_engine_that_trains_alone_says_so(engine, models_folder, data):
    with pytest.raises(ModelUnusable, match="trains in one actor only"):
        engine(2, models_folder / data.base)


def refused(*arguments, **environment):
    """What a server that does not start says."""
    done = subprocess.run(
        [sys.executable, "-m", "practice_server", "--ray", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    return done.stderr


def test_a_cluster_that_cannot_be_used_is_refused(head, tmp_path):
    home = ("--home", str(tmp_path / "home"))
    nowhere = {"RAY_AUTH_TOKEN": "", "HOME": str(tmp_path)}
    assert "cannot be reached" in refused("127.0.0.1:1", *home)
    assert "There is no token" in refused(head.address, *home, **nowhere)
    assert "5 actors are too many" in refused(head.address, "--ray-actors", "5", *home)


def test_a_cluster_that_lets_anyone_in_is_refused(head, tmp_path):
    with running_head(RAY_AUTH_MODE="disabled") as open_to_all:
        said = refused(open_to_all.address, "--home", str(tmp_path / "home"))
    assert "asks for no token" in said
