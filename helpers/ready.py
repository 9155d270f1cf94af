"""Is this machine ready for the course? `python -m helpers.ready`: the evening before, on arrival.

A check returns whether it is, and what was found; its docstring is what to do where it is not. It
imports what it needs by itself: this must begin also where nothing is installed."""

import os
import shutil
import socket
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path


def python() -> tuple[bool, str]:
    """Use Python 3.11 to 3.14. In the course's folder, pip install -r requirements.txt with it."""
    pins_file = Path(__file__).resolve().parents[1] / "requirements.txt"
    lines = pins_file.read_text(encoding="utf-8").splitlines()
    pins = dict(line.split()[0].split("==") for line in lines if "==" in line)
    wrong = [n for n in pins if pins[n] not in {one.version for one in distributions(name=n)}]
    found = f"{sys.version.split()[0]}; missing or other packages: {', '.join(wrong) or 'none'}"
    return (3, 11) <= sys.version_info[:2] <= (3, 14) and not wrong, found


def memory() -> tuple[bool, str]:
    """Close other programs: a lesson, JupyterLab and a browser take 1 GB."""
    import psutil

    return (free := psutil.virtual_memory().available) > 1e9, f"{free / 1e9:.1f} GB free"


def disk() -> tuple[bool, str]:
    """Set FINE_TUNING_WORK to a folder that you may write to, on a disk with 1 GB free."""
    from helpers.service import work_folder

    work_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=work_folder()):
        return (free := shutil.disk_usage(work_folder()).free) > 1e9, f"{free / 1e9:.1f} GB free"


def port() -> tuple[bool, str]:
    """Let Python listen on 127.0.0.1, and call itself there: a firewall may forbid it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
        return True, f"{server.getsockname()[1]} of 127.0.0.1"


def job() -> tuple[bool, str]:
    """First do what is said above. If nothing is, show this line to your teacher."""
    from helpers import evaluate, jobs, service

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        os.environ.update(FINE_TUNING_WORK=work, FINE_TUNING_MODEL="pocket")
        try:
            practice, marv = service.connect("practice"), service.ROOT / "data/marv/train.jsonl"
            made = jobs.wait(practice, jobs.create_once(practice, marv, n_epochs=1, batch_size=22))
            evaluate.answers(practice, str(made.fine_tuned_model), ["Hello!"], progress=False)
            return made.status == "succeeded", "three steps of training, and an answer"
        finally:
            for process in service._started:
                process.terminate()
                process.wait()


def main() -> int:
    n_failed = 0
    for check in (python, memory, disk, port, job):
        try:
            is_ready, found = check()
        except Exception as error:  # no traceback, whatever is missing
            is_ready, found = False, " ".join(str(error).split())
        n_failed += not is_ready
        word = "\033[32mready\033[0m" if is_ready else "\033[31mNOT  \033[0m"  # green, red
        word = word if sys.stdout.isatty() else word[5:10]
        print(f"{word} {check.__name__:6} {found}" + f"\n   -> {check.__doc__}" * (not is_ready))
    return min(n_failed, 1)


if __name__ == "__main__":
    sys.exit(main())
