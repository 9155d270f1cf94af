"""Training on a Ray cluster: this process is Ray's driver, and the engine is in actors.

    python -m practice_server.engines.on_ray ADDRESS N_ACTORS

prints how many jobs can train at once, or why none can. An actor is a process that Ray starts on
one of the machines and ends with its driver. It reads the model from the folder that the driver
names; examples go to it, and steps, states and models come back.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

# Ray reads these when it is imported: without a token whoever reaches a cluster can use it.
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
import ray
from ray.exceptions import AuthenticationError, RayError, RayTaskError
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from practice_server.engines.cluster import Cluster, ClusterUnusable
from practice_server.engines.engine import (
    ModelUnusable,
    Plan,
    Step,
)
from practice_server.engines.model_folder import engine_of, raising_model_unusable

SECONDS_TO_CONNECT = 10


class Body:
    """In an actor: the engine itself, alone or as one of several that train together."""

    def __init__(self) -> None:
        self._steps: Iterator[Step] = iter(())

    def load(self, folder: Path) -> None:
        """Read the model. Raises ModelUnusable, which a constructor could not: Ray would say that
        the actor died."""
        if not folder.is_dir():
            raise ModelUnusable(
                f"its folder is not on {socket.gethostname()}, a machine of the Ray cluster. Put"
                " the models and --home on a drive that all its machines share"
            )
        with raising_model_unusable(folder):
            self._engine = engine_of(folder).load(folder)

    def free_address(self) -> str:
        """Where the actors of a job can meet, on this machine."""
        host = ray.util.get_node_ip_address()
        with closing(socket.socket()) as taken:
            taken.bind((host, 0))
            return f"{host}:{taken.getsockname()[1]}"

    def join(self, rank: int, number: int, address: str) -> None:
        """Train with others from now on. Raises ModelUnusable if its engine cannot."""
        join = getattr(self._engine, "join", None)
        if join is None:
            raise ModelUnusable(
                "its engine trains in one actor only; start the server without --ray-actors"
            )
        join(rank, number, address)

    def begin(
        self, training: list[Any], validation: list[Any], plan: Plan, saved: dict[str, bytes]
    ) -> int:
        """As `Engine.train`; `saved` is a state file, if there is one. Returns `state_bytes`."""
        state = None
        with tempfile.TemporaryDirectory() as folder:
            for name, content in saved.items():
                state = Path(folder) / name
                state.write_bytes(content)
            self._steps = self._engine.train(training, validation, plan, state=state)
        return self._engine.state_bytes

    def step(self) -> Step | None:
        """Take the next one; None after the last."""
        return next(self._steps, None)

    def saved(self, what: str) -> dict[str, bytes]:
        """What `save_state` or `save` of the engine writes, by the files' names."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "saved"
            getattr(self._engine, what)(place)
            files = place.iterdir() if place.is_dir() else [place]
            return {file.name: file.read_bytes() for file in files}


class OnRay:
    """In the driver: an engine that is elsewhere; implements `engine.Trainable`."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        """Let actors read the model folder, as soon as the cluster has room for all of them.

        Raises ModelUnusable and ClusterUnusable.
        """
        connect(cluster)
        needed = _needed()
        group = placement_group([needed] * cluster.n_actors)
        body = ray.remote(Body).options(
            num_cpus=needed["CPU"],
            num_gpus=needed.get("GPU", 0),
            scheduling_strategy=PlacementGroupSchedulingStrategy(group),
        )
        self._actors = [body.remote() for _ in range(cluster.n_actors)]
        loading = [actor.load.remote(folder.resolve()) for actor in self._actors]
        with raising_model_unusable(folder):
            self.tokenizer = engine_of(folder).load_tokenizer(folder)
            self.context = engine_of(folder).context_of(folder)
        self.state_bytes = 0
        _answers(loading)
        if cluster.n_actors > 1:
            address = _answers([self._actors[0].free_address.remote()])[0]
            number = cluster.n_actors
            _answers([a.join.remote(i, number, address) for i, a in enumerate(self._actors)])

    def train(
        self, training: list[Any], validation: list[Any], plan: Plan, *, state: Path | None = None
    ) -> Iterator[Step]:
        """Train in the actors and yield after each step; see `Trainable.train`."""
        saved = {state.name: state.read_bytes()} if state else {}
        given = [ray.put(part) for part in (training, validation, plan, saved)]
        self.state_bytes = _answers([a.begin.remote(*given) for a in self._actors])[0]
        return self._steps()

    def _steps(self) -> Iterator[Step]:
        while step := _answers([actor.step.remote() for actor in self._actors])[0]:
            yield step

    def save_state(self, path: Path) -> None:
        """Write what the first actor saves; all have the same."""
        [content] = _answers([self._actors[0].saved.remote("save_state")])[0].values()
        path.write_bytes(content)

    def save(self, folder: Path) -> None:
        """Write the model folder that the first actor saves."""
        folder.mkdir(exist_ok=True)
        for name, content in _answers([self._actors[0].saved.remote("save")])[0].items():
            (folder / name).write_bytes(content)


def connect(cluster: Cluster) -> None:
    """Make this process a driver of the cluster. Raises ClusterUnusable."""
    host, colon, port = cluster.address.rpartition(":")
    try:
        if colon:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), SECONDS_TO_CONNECT).close()
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    except AuthenticationError:
        raise ClusterUnusable(
            "There is no token for the Ray cluster. Copy the file ~/.ray/auth_token from its"
            " first machine, or set RAY_AUTH_TOKEN"
        ) from None
    except (OSError, ValueError, RuntimeError) as error:
        raise ClusterUnusable(
            f"The Ray cluster at {cluster.address} cannot be reached ({error}). See with `ray"
            " status` whether it runs, and whether its token is the one in ~/.ray/auth_token here"
        ) from None


def _needed() -> dict[str, float]:
    """What one actor takes of the cluster: a processor, and a GPU if there are any."""
    return {"CPU": 1, "GPU": 1} if ray.cluster_resources().get("GPU") else {"CPU": 1}


def _answers(asked: list[Any]) -> list[Any]:
    """What actors return. What their engines raise is raised here, as it is."""
    try:
        return ray.get(asked)
    except RayTaskError as error:
        raise error.cause from None
    except RayError as error:
        reason = str(error).partition("\n")[0]
        raise ClusterUnusable(f"A part of the Ray cluster is gone: {reason}") from None


def count_lanes(cluster: Cluster) -> int:
    """How many jobs there is room for, 1 or more. Raises ClusterUnusable."""
    connect(cluster)
    if _lets_anyone_in(ray.get_runtime_context().gcs_address):
        raise ClusterUnusable(
            f"The Ray cluster at {cluster.address} asks for no token: whoever reaches it can run"
            " programs there. Start Ray again on all machines, with RAY_AUTH_MODE=token"
        )
    has = {name: ray.cluster_resources().get(name, 0) for name in _needed()}
    lanes = int(min(has.values())) // cluster.n_actors
    if not lanes:
        raise ClusterUnusable(
            f"{cluster.n_actors} actors are too many for the Ray cluster at {cluster.address},"
            f" which has {has}. Choose fewer --ray-actors"
        )
    return lanes


def _lets_anyone_in(address: str) -> bool:
    """Whether it answers to a program that shows no token."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    environment = os.environ | {"RAY_AUTH_MODE": "disabled"}
    return subprocess.run(command, capture_output=True, env=environment).returncode == 0


if __name__ == "__main__":
    try:
        print(count_lanes(Cluster(sys.argv[1], int(sys.argv[2]))))
    except ClusterUnusable as error:
        print(error)
