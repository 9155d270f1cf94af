"""The server's folder on disk: where everything lies, and how it is written safely.

A file or folder gets its final name only when it is whole: it is written under a temporary name,
flushed to the disk and renamed. After a crash there is the old state or the new one.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

UNFINISHED = ".part"


class HomeInUse(Exception):
    """Another server holds this folder; the message says which."""


class Home:
    """Names every place in the folder `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.database = self.root / "store.sqlite3"
        self.lock_file = self.root / "lock.sqlite3"
        self.server_file = self.root / "server.json"
        self.files = self.root / "files"
        self.uploads = self.root / "uploads"
        self.models = self.root / "models"
        self.jobs = self.root / "jobs"
        self.folders = (self.files, self.uploads, self.models, self.jobs)
        # What the database does not know, in folders of the same names.
        self.unknown = self.root / "unknown"

    def make(self) -> None:
        """Make the folders that are missing.

        Only a server does: a trainer that comes late must not make anew a home that was moved.
        """
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)

    def file(self, file_id: str) -> Path:
        """Where the bytes of an uploaded file or a result file lie."""
        return self.files / file_id

    def upload(self, upload_id: str) -> Path:
        """The folder of an upload's parts, until they become a file."""
        return self.uploads / upload_id

    def model(self, checkpoint_id: str) -> Path:
        """The model folder of a checkpoint."""
        return self.models / checkpoint_id

    def job(self, job_id: str) -> Path:
        """Where a job keeps what it needs to go on after a crash."""
        return self.jobs / job_id

    def lock(self) -> sqlite3.Connection:
        """Claim the folder for this process for as long as the answer is held.

        The claim is an open exclusive transaction: the system ends it with the process, however
        that dies, and it works on every platform. A client may look whether it is there, which
        takes a moment. Raises HomeInUse, and OSError if the folder cannot be used at all.
        """
        self._close_to_others()
        try:
            connection = sqlite3.connect(self.lock_file, timeout=1, isolation_level=None)
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if is_locked(error):
                server = self._running_server()
                raise HomeInUse(f"{server} already uses the folder {self.root}") from error
            raise OSError(f"{self.lock_file}: {error}") from error
        self._claimed = self.lock_file.stat()
        self.server_file.unlink(missing_ok=True)  # whoever wrote it has ended
        return connection

    def _close_to_others(self) -> None:
        """Let nobody but the owner in: the folder may be older than the server and its umask.

        One that has other things too is left as it is.
        """
        if self.database.exists() or not set(self.root.iterdir()) - set(self.folders):
            with contextlib.suppress(OSError):  # a drive may know no modes
                self.root.chmod(0o700)

    def _running_server(self) -> str:
        try:
            server = json.loads(self.server_file.read_text(encoding="utf-8"))
            return f"The practice server at {server['base_url']} (process {server['pid']})"
        except (OSError, ValueError, LookupError, TypeError):
            return "Another practice server"

    def announce(self, told: Mapping[str, str]) -> None:
        """Write server.json, so that clients find the server."""
        server = {**told, "pid": os.getpid()}
        unfinished = unfinished_name(self.server_file)
        unfinished.write_text(json.dumps(server) + "\n", encoding="utf-8")
        unfinished.replace(self.server_file)

    def withdraw(self) -> None:
        """Remove server.json, unless it is another server's in a folder that was made anew."""
        with contextlib.suppress(OSError):
            if self.is_there():
                self.server_file.unlink()

    def is_there(self) -> bool:
        """Whether the folder that was claimed still lies in its place."""
        try:
            return os.path.samestat(self._claimed, self.lock_file.stat())
        except OSError:
            return False

    def has_lost_its_database(self) -> bool:
        """Whether there is work of an earlier server, but nothing that says what it is."""
        has_work = any(any(folder.iterdir()) for folder in self.folders)
        return has_work and not self.database.exists()


def unfinished_name(path: Path) -> Path:
    """The name under which `path` is written until it is whole."""
    return path.with_name(path.name + UNFINISHED)


def write_with(write: Callable[[Path], object], path: Path) -> None:
    """Let `write` make a file or a folder of files, which gets the name `path` when it is whole.

    A folder with that name is replaced. If `write` raises, nothing is left of what it wrote.
    """
    unfinished = unfinished_name(path)
    remove(unfinished)
    try:
        write(unfinished)
        for part in unfinished.iterdir() if unfinished.is_dir() else (unfinished,):
            _sync(part)
    except BaseException:
        remove(unfinished)  # on a full disk the room is needed to tell of it
        raise
    shutil.rmtree(path, ignore_errors=True)
    _rename(unfinished, path)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Return when the bytes of a file are on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _rename(unfinished: Path, path: Path) -> None:
    """Rename to the final name, and keep the rename through a power cut."""
    unfinished.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def is_locked(error: Exception) -> bool:
    """Whether SQLite says that another program has held the database for too long."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says where
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_disk_full(error: Exception) -> bool:
    """Whether the system or SQLite says that there is no room left, or that a quota is used up."""
    if isinstance(error, sqlite3.OperationalError):
        return "disk is full" in str(error)
    no_room = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return isinstance(error, OSError) and error.errno in no_room
