"""Run lessons from top to bottom, each in an empty work folder, and store what they print.

    python -m tests.renew_outputs          every lesson and every solution
    python -m tests.renew_outputs 03 09    those whose file names start so

The notebooks with solutions are made anew first, from the lessons and the answers.
A lesson that fails is left as it was; the exit status is then 1.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests import solutions
from tests.surroundings import HOSTED, ROOT, stop_server

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


def lessons(prefixes: list[str]) -> list[Path]:
    """The notebooks whose names start with one of the prefixes; all of them when there is none."""
    found = sorted((ROOT / "notebooks").glob("*.ipynb"))
    found += sorted((ROOT / "notebooks" / "solutions").glob("*.ipynb"))
    return [path for path in found if path.name.startswith(tuple(prefixes) or "")]


def renew(path: Path) -> None:
    """Execute one notebook and write it back with its outputs.

    Raises `CellExecutionError` when a cell fails that is not meant to.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    with tempfile.TemporaryDirectory(prefix="lesson-", ignore_cleanup_errors=True) as work:
        os.environ["FINE_TUNING_WORK"] = work
        try:
            resources = {"metadata": {"path": str(path.parent)}}
            NotebookClient(
                notebook,
                timeout=1200,  # lesson 16 trains for minutes
                record_timing=False,
                coalesce_streams=True,
                resources=resources,
            ).execute()
        finally:
            stop_server(Path(work))
    # The version of Python is no part of a lesson: without it, renewing changes fewer lines.
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    solutions.write(notebook, path)


def main(prefixes: list[str]) -> int:
    for name in HOSTED:
        os.environ.pop(name, None)
    failed = 0
    solutions.main(prefixes)
    for path in lessons(prefixes):
        print(path.relative_to(ROOT), end=" ", flush=True)
        try:
            renew(path)
            print("renewed")
        except CellExecutionError as error:
            failed += 1
            print("failed\n" + str(error), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
