"""Take home what was made on Binder, as a zip of the work folder, and bring it back.

Both end the practice server first: nobody writes then. The next `connect` starts it again, and a
job that was running goes on.
"""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from helpers.service import CourseError, work_folder

# They hold a server's key and its claim of the folder; each server makes its own.
LEFT_OUT = ("server.json", "lock.sqlite3", "lock.sqlite3-journal")
SECONDS_TO_END = 60


def pack(path: Path) -> None:
    """Write the work folder, without any key, into a zip; an older one of this name is replaced.

    Raises CourseError if there is no work folder yet.
    """
    work = work_folder()
    if not work.is_dir():
        raise CourseError(f"There is nothing to take home yet: the folder {work} does not exist.")
    unfinished = path.with_name(f"{path.name}.part")
    with no_server(work), zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(work.rglob("*")):
            if file.is_file() and not file.is_symlink() and file.name not in LEFT_OUT:
                archive.write(file, file.relative_to(work).as_posix())
    unfinished.replace(path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB. Download it, and keep it.")


def bring_back(path: Path) -> None:
    """Unpack such a zip as the work folder; what is there already is put aside under a new name.

    Raises CourseError if the zip is not one that `pack` has made.
    """
    work = work_folder()
    new = work.with_name(f"{work.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        with zipfile.ZipFile(path) as archive:
            refuse_what_leads_outside(archive)
            archive.extractall(new)
    except (OSError, zipfile.BadZipFile) as error:
        raise CourseError(f"{path} cannot be unpacked: {error}. Upload it again.") from error
    if work.exists():
        with no_server(work):
            pass
        numbers = range(1, 1 + len(list(work.parent.iterdir())))
        names = (work.with_name(f"{work.name}-before-{number}") for number in numbers)
        aside = work.rename(next(name for name in names if not name.exists()))
        print(f"What was in {work.name} is now in {aside.name}.")
    new.rename(work)
    print(f"{work.name} is as you took it home. Connect again to go on.")


def refuse_what_leads_outside(archive: zipfile.ZipFile) -> None:
    """Raise CourseError for a name that is not a plain path below the folder."""
    for name in archive.namelist():
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or "\\" in name or ":" in name:
            raise CourseError(f"{archive.filename} was not made here: {name!r} leads elsewhere.")


@contextlib.contextmanager
def no_server(work: Path) -> Iterator[None]:
    """End the practice server of this folder; meanwhile no other can start in it."""
    home = work / "practice"
    if not home.is_dir():
        yield
        return
    lock = sqlite3.connect(home / "lock.sqlite3", timeout=0, isolation_level=None)
    with contextlib.closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:  # a server holds it
            server = json.loads((home / "server.json").read_text(encoding="utf-8"))
            os.kill(server["pid"], signal.SIGTERM)
            lock.execute(f"PRAGMA busy_timeout = {1000 * SECONDS_TO_END}")
            lock.execute("BEGIN EXCLUSIVE")
        yield
