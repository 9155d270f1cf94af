"""How much memory a lesson takes at its peak: what Binder guarantees is 450 MB.

    python -m tests.benchmarks.lesson_memory all
    python -m tests.benchmarks.lesson_memory 00 09 ...

Each lesson (all of them, or those whose file names start so) runs in a kernel of a JupyterLab of
its own, started as Binder starts it. Every tenth of a second the proportional set sizes of
JupyterLab, the kernel, the practice server and its children are added up. Linux only, for others
do not tell the proportional set size.
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
from collections.abc import Iterator
from pathlib import Path

import httpx2
import nbformat
import psutil
from jupyter_client.blocking.client import BlockingKernelClient

from tests.surroundings import HOSTED, ROOT, stop_server

GUARANTEED = 450  # MB; mybinder.org's setting, read in 2026-08
# What a process is called in the table, by what its command line holds; the first that fits.
PARTS = {
    "practice_server.training": "trains",
    "practice_server.asking": "answers",
    "practice_server": "server",
    "ipykernel": "kernel",
    "jupyter": "Jupyter",
}
OTHERS = "others"  # programs that a lesson starts


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
        """Megabytes by kind of process."""
        held: Counter[str] = Counter()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("FINE_TUNING_WORK") == str(self.work):
                    words = " ".join(process.cmdline())
                    kind = next((PARTS[part] for part in PARTS if part in words), OTHERS)
                    held[kind] += process.memory_full_info().pss / 1e6
        return held


@contextlib.contextmanager
def jupyterlab() -> Iterator[Path]:
    """A JupyterLab as Binder starts it, with a work folder of its own, which is given."""
    with tempfile.TemporaryDirectory(prefix="memory-", ignore_cleanup_errors=True) as folder:
        work = Path(folder).resolve()
        environment = {**os.environ, "FINE_TUNING_WORK": str(work), "JUPYTER_TOKEN": "memory"}
        environment["JUPYTER_RUNTIME_DIR"] = str(work / "runtime")
        command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
        lab = subprocess.Popen(
            ["sh", "binder/start", *command],
            cwd=ROOT,
            env=environment | {name: "" for name in HOSTED},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            awaited(work / "runtime", "jpserver-*.json")
            yield work
        finally:
            stop_server(work)
            lab.terminate()
            lab.wait()


def peak_of(lesson: Path) -> Counter[str]:
    """Run a lesson as Binder does; return the megabytes held at its peak, by kind of process."""
    with jupyterlab() as work:
        watch = Watch(work)
        watch.start()
        for _ in cells_run(lesson, work):
            pass
        watch.ended.set()
        watch.join()
        return watch.peak


def cells_run(lesson: Path, work: Path) -> Iterator[str]:
    """Run a lesson in a kernel that JupyterLab starts; yield each code cell when it has run."""
    runtime = work / "runtime"
    server = awaited(runtime, "jpserver-*.json")
    body = {"path": lesson.name, "type": "notebook", "kernel": {"name": "python3"}, "name": ""}
    address = f"{server['url']}api/sessions"
    head = {"Authorization": f"token {server['token']}"}
    httpx2.post(address, json=body, headers=head, timeout=60).raise_for_status()
    client = BlockingKernelClient()
    client.load_connection_info(awaited(runtime, "kernel-*.json"))
    client.start_channels(hb=False)  # on a busy machine its beats come late
    client.wait_for_ready(timeout=60)
    code = [f"import os; os.chdir({str(lesson.parent)!r})"]
    cells = nbformat.read(lesson, as_version=4).cells
    code += [cell.source for cell in cells if cell.cell_type == "code"]
    for source in code:
        client.execute_interactive(source, timeout=300, output_hook=lambda message: None)
        yield source
    client.stop_channels()


def awaited(folder: Path, pattern: str) -> dict:
    """What the first file of that name holds, as soon as it is there and whole."""
    until = time.monotonic() + 300
    while time.monotonic() < until:
        for path in folder.glob(pattern):
            with contextlib.suppress(ValueError):
                return json.loads(path.read_text(encoding="utf-8"))
        time.sleep(0.1)
    raise TimeoutError(f"no {pattern} in {folder}: JupyterLab did not start")


def main(prefixes: list[str]) -> None:
    chosen = ("",) if prefixes in ([], ["all"]) else tuple(prefixes)
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    kinds = ["Jupyter", "kernel", "server", "trains", "answers", OTHERS]
    print(f"{'megabytes at the peak':32}", *(f"{kind:>8}" for kind in kinds), "     all")
    peaks = {}
    for lesson in lessons:
        if lesson.name.startswith(chosen):
            peak = peaks[lesson.stem] = peak_of(lesson)
            parts = (f"{peak[kind]:8.0f}" for kind in kinds)
            print(f"{lesson.stem:32}", *parts, f"{peak.total():8.0f}", flush=True)
    above = [lesson for lesson, peak in peaks.items() if peak.total() > GUARANTEED]
    most = max(peak.total() for peak in peaks.values())
    print(
        f"{len(peaks)} lessons, {most:.0f} MB at most; above {GUARANTEED} MB:", *above or ["none"]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
