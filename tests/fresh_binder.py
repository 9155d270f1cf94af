"""Do what Binder does in an environment of its own, and run four lessons there.

    python -m tests.fresh_binder [python3.12]

The Python is the one that `binder/runtime.txt` names, or the program given. In a copy of what git
has, `binder/requirements.txt` is installed, and `binder/start` starts pytest, which runs lessons
00, 07, 09 and a story, and compares all that they print. Needs a network.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.surroundings import ROOT

LESSONS = ("00", "07", "09", "21")


def main(python: str) -> int:
    with tempfile.TemporaryDirectory(prefix="binder-", ignore_cleanup_errors=True) as folder:
        course, environment = Path(folder) / "course", Path(folder) / "environment"
        course.mkdir()
        archive = subprocess.run(
            ["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        subprocess.run(["tar", "x"], cwd=course, input=archive, check=True)
        subprocess.run([python, "-m", "venv", environment], check=True)
        own = environment / "bin" / "python"
        install = [own, "-m", "pip", "install", "--quiet", "--no-cache-dir"]
        subprocess.run([*install, "-r", "binder/requirements.txt"], cwd=course, check=True)
        lessons = [str(*course.glob(f"notebooks/{number}_*.ipynb")) for number in LESSONS]
        command = ["sh", "binder/start", own, "-m", "pytest", "-n0", "-q", *lessons]
        path = f"{own.parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(command, cwd=course, env=os.environ | {"PATH": path}).returncode


if __name__ == "__main__":
    runtime = (ROOT / "binder" / "runtime.txt").read_text(encoding="utf-8")
    sys.exit(main(*sys.argv[1:] or [runtime.strip().replace("-", "")]))
