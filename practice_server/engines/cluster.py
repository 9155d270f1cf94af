"""More machines: a Ray cluster on which jobs train. Here is what the server knows of it, without
importing Ray; `on_ray.py` works with it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from practice_server.machine.children import PROJECT

SECONDS_TO_ANSWER = 60


class ClusterUnusable(Exception):
    """The cluster cannot be used, or a part of it is gone; the message says what to do."""


@dataclass(frozen=True)
class Cluster:
    """Where it is, as Ray takes it (`auto` or `HOST:PORT`), and how many actors train a job."""

    address: str
    n_actors: int = 1


def count_lanes(cluster: Cluster) -> int:
    """How many jobs the cluster can train at once, 1 or more. Raises ClusterUnusable.

    A process of its own asks, so that this one stays small, and is ended if Ray waits for ever.
    """
    if find_spec("ray") is None:
        raise ClusterUnusable(
            "--ray needs Ray. Install it: python -m pip install -r requirements-ray.txt"
        )
    command = [sys.executable, "-m", "practice_server.engines.on_ray"]
    command += [cluster.address, str(cluster.n_actors)]
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, timeout=SECONDS_TO_ANSWER, cwd=PROJECT
        )
        answer = told.stdout.strip()
    except subprocess.TimeoutExpired:
        answer = ""
    if not answer.isdigit():
        raise ClusterUnusable(
            answer
            or f"The Ray cluster at {cluster.address} does not answer. See with `ray status`"
            " whether it runs, and whether Python and Ray have the same versions there"
        )
    return int(answer)
