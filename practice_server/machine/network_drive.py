"""Whether a folder lies on a network drive, where SQLite's write-ahead log does not work.

The log is shared through memory, which two machines do not have in common
(https://www.sqlite.org/wal.html: "WAL does not work over a network filesystem").
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path, PurePath, PurePosixPath

# As Linux and macOS call the file systems of other machines; the last three are those with which
# a virtual machine sees the disk of its host.
NETWORK = {
    *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "afs"),
    *("ceph", "glusterfs", "lustre", "gpfs", "beegfs"),
    *("fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.davfs2"),
    *("fuse.ceph", "fuse.glusterfs"),
    *("9p", "vboxsf", "fuse.vmhgfs-fuse"),
}
WINDOWS_REMOTE_DRIVE = 4
# `//ann@host/share on /Volumes/share (smbfs, nodev)`
MACOS_MOUNT = re.compile(r"^.+? on (/.*) \((\w+)", re.MULTILINE)
OCTAL = re.compile(r"\\([0-7]{3})")
Mounts = dict[PurePath, str]


def is_on_network_drive(folder: Path) -> bool:
    """Whether `folder`, which must exist, is known to lie on another machine."""
    folder = folder.resolve()
    if sys.platform == "win32":
        import ctypes

        is_share = folder.drive.startswith("\\\\")
        kind = ctypes.windll.kernel32.GetDriveTypeW(folder.anchor)
        return is_share or kind == WINDOWS_REMOTE_DRIVE
    try:
        mounts = _mounts_on_macos() if sys.platform == "darwin" else _mounts_on_linux()
    except (OSError, subprocess.SubprocessError):
        return False  # the system does not say
    return file_system(folder, mounts) in NETWORK


def file_system(folder: PurePath, mounts: Mounts) -> str | None:
    """The name of the file system that is mounted nearest above `folder`."""
    return next((mounts[place] for place in (folder, *folder.parents) if place in mounts), None)


def read_proc_mounts(text: str) -> Mounts:
    """From lines `device place name …`; the last one that is mounted on a place covers others."""
    lines = (line.split() for line in text.splitlines())
    return {PurePosixPath(_unescape(place)): name for _, place, name, *_ in lines}


def read_macos_mounts(text: str) -> Mounts:
    """From lines `device on place (name, …)`."""
    return {PurePosixPath(place): name for place, name in MACOS_MOUNT.findall(text)}


def _unescape(place: str) -> str:
    """Linux writes blanks and the like as a backslash and three octal digits."""
    return OCTAL.sub(lambda match: chr(int(match[1], 8)), place)


def _mounts_on_linux() -> Mounts:
    text = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    return read_proc_mounts(text)


def _mounts_on_macos() -> Mounts:
    command = subprocess.run(["/sbin/mount"], capture_output=True, check=True, timeout=5)
    return read_macos_mounts(command.stdout.decode("utf-8", "surrogateescape"))
