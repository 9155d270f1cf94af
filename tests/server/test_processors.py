"""How many processors the server takes itself to have, and what it makes of them."""

import os

import pytest

from practice_server.machine.limits import MOST_LANES, lanes_for, usable_processors

HERE = usable_processors()


@pytest.fixture
def machine(tmp_path):
    """Make a folder with the files of a machine that has control groups."""

    def make(groups, **limits):
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/cgroup").write_text(groups, encoding="utf-8")
        for path, limit in limits.items():
            file = tmp_path / "sys/fs/cgroup" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(limit + "\n", encoding="utf-8")
        return tmp_path

    return make


@pytest.mark.parametrize("limit", ["100000 100000", "50000 100000", "1000 100000"])
def test_a_quota_of_one_processor_or_less(machine, limit):
    assert usable_processors(machine("0::/\n", **{"cpu.max": limit})) == 1


def test_a_quota_is_rounded_up(machine, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: range(8), raising=False)
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)
    assert usable_processors(machine("0::/\n", **{"cpu.max": "250000 100000"})) == 3


def test_the_quota_of_a_group_above_holds_too(machine):
    limits = {"class/cpu.max": "100000 100000", "class/server/cpu.max": "max 100000"}
    assert usable_processors(machine("0::/class/server\n", **limits)) == 1


def test_a_quota_of_version_1(machine):
    """As Docker shows it: the path is that of the machine around the container."""
    limits = {"cpu/cpu.cfs_quota_us": "100000", "cpu/cpu.cfs_period_us": "100000"}
    assert (
        usable_processors(machine("5:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n", **limits))
        == 1
    )


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"cpu.max": "max 100000"},
        {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
        {"cpu.max": "9900000 100000"},
    ],
)
def test_without_a_lower_quota_all_processors_are_used(machine, limits):
    assert usable_processors(machine("3:cpu:/\n0::/\n", **limits)) == HERE


def test_without_control_groups_all_processors_are_used(tmp_path):
    assert usable_processors(tmp_path) == HERE


@pytest.mark.parametrize(("n", "lanes", "threads"), [(1, 1, 1), (2, 1, 1), (4, 3, 1), (8, 7, 1)])
def test_more_processors_train_more_jobs_at_once(n, lanes, threads):
    assert (lanes_for(n).number, lanes_for(n).threads) == (lanes, threads)


def test_lanes_that_were_asked_for_share_what_there_is():
    assert (
        lanes_for(8, number=1).threads,
        lanes_for(8, number=3).threads,
        lanes_for(2, number=3).threads,
    ) == (
        4,
        2,
        1,
    )


def test_there_are_never_more_threads_than_processors():
    for n in range(2, 200):
        lanes, threads = lanes_for(n).number, lanes_for(n).threads
        assert 1 <= lanes <= MOST_LANES and threads >= 1
        assert (lanes + 1) * threads <= n
