"""A lane for each GPU. No GPU is needed: a program that lists two stands in for NVIDIA's."""

import os
import sys

import pytest

from practice_server.machine import gpus
from practice_server.machine.limits import lanes_for
from tests.server.crash import LISTS_CHILDREN, PROCESSES, children, wait_until

LISTED = """#!/bin/sh
echo "GPU 0: NVIDIA Something (UUID: GPU-a)"
echo "  MIG 1g.10gb Device 0: (UUID: MIG-b)"
echo "GPU 1: NVIDIA Something (UUID: GPU-c)"
"""
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")


@pytest.fixture
def two_gpus(tmp_path, monkeypatch):
    pytest.importorskip("torch", reason="needs torch, without which GPUs are not used")
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(LISTED, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv(gpus.VARIABLE, raising=False)
    return program


def test_gpus_are_counted(two_gpus, monkeypatch):
    assert gpus.usable_gpus() == ("0", "1")
    two_gpus.write_text("#!/bin/sh\necho no driver >&2; exit 9\n", encoding="utf-8")
    assert gpus.usable_gpus() == ()
    for named, found in (
        ("", ()),
        ("-1", ()),
        ("1", ("1",)),
        ("GPU-c, GPU-a", ("GPU-c", "GPU-a")),
    ):
        monkeypatch.setenv(gpus.VARIABLE, named)
        assert gpus.usable_gpus() == found


def test_each_gpu_is_a_lane_unless_lanes_were_asked_for():
    lanes = lanes_for(8, gpus=("0", "1"))
    assert (lanes.number, lanes.gpu_of(0), lanes.gpu_of(1)) == (2, "0", "1")
    lanes = lanes_for(8, 3, gpus=("0", "1"))
    assert (lanes.number, lanes.gpu_of(2)) == (3, "0")
    assert lanes_for(8).gpu_of(0) is None


@pytest.mark.skipif(not LISTS_CHILDREN, reason="finds processes in /proc")
def test_jobs_that_train_at_once_see_a_gpu_each(two_gpus, start_server, data):
    server = start_server("--lanes", "2")
    for _ in range(2):
        server.create(n_examples=40, method=data.epochs(20))
    seen = {"0", "1"}
    wait_until(lambda: {visible_to(trainer) for trainer in children(server, "trainer")} == seen)


def visible_to(process):
    """The GPU that a process sees; None if it has ended."""
    try:
        told = (PROCESSES / str(process) / "environ").read_text()
    except OSError:
        return None
    return dict(line.split("=", 1) for line in told.split("\0") if line).get(gpus.VARIABLE)
