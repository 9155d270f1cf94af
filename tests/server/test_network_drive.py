"""A home on a network drive: known by the system's list of mounts, kept without shared memory."""

import contextlib
import sqlite3
from pathlib import PurePosixPath

import pytest

from practice_server.machine import network_drive
from practice_server.machine.network_drive import NETWORK, file_system

LINUX = """\
/dev/sda1 / ext4 rw,relatime 0 0
tmpfs /var tmpfs rw 0 0
server:/export /home nfs4 rw,vers=4.2 0 0
//server/share /mnt/my\\040share cifs rw 0 0
ann@host:/ /mnt/far fuse.sshfs rw 0 0
/dev/sdb1 /mnt/far/near fuseblk rw 0 0
C:\\134 /mnt/c 9p rw,dirsync 0 0
"""
MACOS = """\
/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
//ann@server/share on /Volumes/my share (smbfs, nodev, nosuid, mounted by ann)
server:/export on /Volumes/far (nfs)
"""


@pytest.mark.parametrize(
    ("read", "text", "folder", "expected"),
    [
        (network_drive.read_proc_mounts, LINUX, "/srv/practice", False),
        (network_drive.read_proc_mounts, LINUX, "/var/practice", False),
        (network_drive.read_proc_mounts, LINUX, "/home/ann/practice", True),
        (network_drive.read_proc_mounts, LINUX, "/mnt/my share/practice", True),
        (network_drive.read_proc_mounts, LINUX, "/mnt/far", True),
        (network_drive.read_proc_mounts, LINUX, "/mnt/far/near/practice", False),
        (network_drive.read_proc_mounts, LINUX, "/mnt/c/Users/ann", True),
        (network_drive.read_proc_mounts, "", "/home", False),
        (network_drive.read_macos_mounts, MACOS, "/Users/ann", False),
        (network_drive.read_macos_mounts, MACOS, "/Volumes/my share/practice", True),
        (network_drive.read_macos_mounts, MACOS, "/Volumes/far", True),
    ],
)
def test_network_drives_are_known_by_their_file_system(read, text, folder, expected):
    assert (file_system(PurePosixPath(folder), read(text)) in NETWORK) == expected


def journal_mode(server):
    with contextlib.closing(sqlite3.connect(server.home / "store.sqlite3")) as store:
        return store.execute("PRAGMA journal_mode").fetchone()[0]


def test_the_whole_road_with_a_rollback_journal(start_server, data):
    """Upload, job, events, checkpoints, result file and chat, as on a network drive."""
    server = start_server("--journal-mode", "delete")
    assert journal_mode(server) == "delete"
    client = server.client
    waiting = [server.create() for _ in range(2)]
    jobs = [server.wait(job) for job in waiting]
    assert [job.status for job in jobs] == ["succeeded", "succeeded"]
    assert [step["step"] for step in server.losses(jobs[0])] == list(range(1, 101))
    assert server.losses(jobs[0]) == server.losses(jobs[1])
    assert client.files.content(jobs[0].result_files[0]).read().count(b"\n") == 101
    for checkpoint in client.fine_tuning.jobs.checkpoints.list(jobs[0].id):
        question = [{"role": "user", "content": "Say 3."}]
        name = checkpoint.fine_tuned_model_checkpoint
        answer = client.chat.completions.create(model=name, messages=question, max_tokens=2)
        assert answer.model == name
    assert not (server.home / "store.sqlite3-wal").exists()


def test_a_home_may_move_between_drives(start_server, data):
    """The journal follows the drive; nothing that was kept is lost."""
    server = start_server()
    assert journal_mode(server) == "wal"
    file_id = server.upload(data.examples(10))
    server.stop()
    server.command += ["--journal-mode", "delete"]
    server.start()
    assert journal_mode(server) == "delete"
    assert server.client.files.retrieve(file_id).id == file_id
