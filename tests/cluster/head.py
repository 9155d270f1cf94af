"""A Ray cluster of one machine, for tests and benchmarks; it needs nothing that another has."""

import contextlib
import os
import re
import secrets
import subprocess
import sys
import tempfile

import psutil

ADDRESS = re.compile(r"ray start --address='([^']+)'")
# A machine that is very busy starts a part of it too late, and then the whole ends.
ATTEMPTS = 3


class Head:
    """The first machine of a cluster, with four processors, whatever this one really has."""

    def __init__(self, folder, **environment):
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"]
        command += ["--port=0", "--num-cpus=4", "--include-dashboard=false", "--temp-dir", folder]
        command += ["--object-store-memory=100000000"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
            cwd=folder,  # what actors import is not found by chance
        )
        found = filter(None, map(ADDRESS.search, self.process.stdout))
        self.address = next((match[1] for match in found), None)

    def actors(self):
        """The process ids of all actors."""
        processes = psutil.Process(self.process.pid).children(recursive=True)
        return [process.pid for process in processes if _name(process).startswith("ray::Body")]

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def _name(process):
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return ""


def settings():
    """What a cluster and all its drivers have in their environment, with a token of its own."""
    return {
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "RAY_AUTH_MODE": "token",
        "RAY_USAGE_STATS_ENABLED": "0",
    }


@contextlib.contextmanager
def running_head(**environment):
    """A cluster, with this in its environment."""
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        for _ in range(ATTEMPTS):
            head = Head(folder, **environment)
            if head.address:
                break
            head.stop()
        else:
            raise RuntimeError("Ray does not start")
        try:
            yield head
        finally:
            head.stop()
