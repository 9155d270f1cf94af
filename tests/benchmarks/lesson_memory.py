"""How much memory a lesson takes at its peak: what Binder guarantees is 450 MB.

    python -m tests.benchmarks.lesson_memory [00 09 ...]

Each lesson (all of them, or those whose file names start so) runs in a kernel of a JupyterLab of
its own. Every tenth of a second the proportional set sizes of JupyterLab, the kernel, the practice
server and its children are added up. Linux only, for others do not tell the proportional set size.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import httpx2
import nbformat
import psutil
from jupyter_client.blocking.client import BlockingKernelClient

from tests.surroundings import HOSTED, ROOT, stop_server

GUARANTEED = 450_000_000  # bytes; mybinder.org's setting, read in 2026-08
PARTS = ("practice_server.training", "practice_server.asking", "practice_server", "ipykernel")


class Watch(threading.Thread):
    """Adds up, again and again, what all processes with this work folder hold."""

    def __init__(self, work: Path) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.peak: Counter[str] = Counter()
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.1):
            held = self.held()
            if held.total() > self.peak.total():
                self.peak = held

    def held(self) -> Counter[str]:
        """Bytes by kind of process."""
        held: Counter[str] = Counter()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("FINE_TUNING_WORK") == str(self.work):
                    words = " ".join(process.cmdline())
                    kind = next((part for part in PARTS if part in words), "JupyterLab")
                    held[kind] += process.memory_full_info().pss
        return held


def peak_of(lesson: Path) -> Counter[str]:
    """Run a lesson as Binder does; return the bytes held at its peak, by kind of process."""
    with tempfile.TemporaryDirectory(prefix="memory-", ignore_cleanup_errors=True) as folder:
        work = Path(folder).resolve()
        environment = {**os.environ, "FINE_TUNING_WORK": str(work), "JUPYTER_TOKEN": "memory"}
        environment["JUPYTER_RUNTIME_DIR"] = str(work / "runtime")
        lab = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"],
            cwd=ROOT,
            env=environment | {name: "" for name in HOSTED},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        watch = Watch(work)
        try:
            watch.start()
            run_all(lesson, work / "runtime")
        finally:
            watch.ended.set()
            watch.join()
            stop_server(work)
            lab.terminate()
            lab.wait()
        return watch.peak


def run_all(lesson: Path, runtime: Path) -> None:
    """Run every code cell of a lesson in a kernel that JupyterLab has started."""
    server = json.loads(awaited(runtime, "jpserver-*.json").read_text(encoding="utf-8"))
    body = {"path": lesson.name, "type": "notebook", "kernel": {"name": "python3"}, "name": ""}
    address = f"{server['url']}api/sessions"
    head = {"Authorization": f"token {server['token']}"}
    httpx2.post(address, json=body, headers=head, timeout=60).raise_for_status()
    client = BlockingKernelClient(connection_file=str(awaited(runtime, "kernel-*.json")))
    client.load_connection_file()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    code = [f"import os; os.chdir({str(lesson.parent)!r})"]
    cells = nbformat.read(lesson, as_version=4).cells
    code += [cell.source for cell in cells if cell.cell_type == "code"]
    for source in code:
        client.execute_interactive(source, timeout=300, output_hook=lambda message: None)
    client.stop_channels()


def awaited(folder: Path, pattern: str) -> Path:
    """The first file of that name, as soon as it is there and whole."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        for path in folder.glob(pattern):
            with contextlib.suppress(ValueError):
                json.loads(path.read_text(encoding="utf-8"))
                return path
        time.sleep(0.1)
    raise TimeoutError(f"no {pattern} in {folder}: JupyterLab did not start")


def main(prefixes: list[str]) -> None:
    for lesson in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if lesson.name.startswith(tuple(prefixes) or ""):
            peak = peak_of(lesson)
            parts = ", ".join(f"{kind} {size / 1e6:.0f}" for kind, size in peak.most_common())
            share = peak.total() / GUARANTEED
            print(f"{lesson.stem}: {peak.total() / 1e6:.0f} MB ({parts}); {share:.2f} of 450 MB")


if __name__ == "__main__":
    main(sys.argv[1:])
