"""How the practice server carries a class: thirty learners at once, each with a key of their own.

    python tests/benchmarks/classroom.py [LEARNERS]

Each learner, at the same moment, uploads 20 examples of `data/marv`, starts a job of 3 epochs,
asks once a second how the job is and what its events say, and puts five questions to the model
that comes out, most of them while the others' jobs still train. All go through the official
client, in one process that shares the processors with the server: its own work is in the times.

Prints how many jobs succeeded, how many answers were lost (an error instead of an answer, or none
within a minute), the time until the last job was done, half and 95 % of the waiting times while
jobs trained, and the peak memory of the server and its children together.
"""

import argparse
import asyncio
import json
import random
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import openai
import psutil

ROOT = Path(__file__).resolve().parents[2]
MARV = ROOT / "data" / "marv"
N_EXAMPLES, N_EPOCHS, N_QUESTIONS = 20, 3, 5
SECONDS_BETWEEN_POLLS = 1.0
SECONDS_BETWEEN_SAMPLES = 0.1
DONE = ("succeeded", "failed", "cancelled")
MEGABYTE = 1024 * 1024


class Waits:
    """How long each answer took, and how many never came."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, float]] = []
        """When each call ended, and its seconds."""
        self.lost: list[str] = []

    async def measure(self, call: Any) -> Any:
        """What the call returns; None if it is lost."""
        start = time.monotonic()
        try:
            answer = await call
        except openai.OpenAIError as error:
            self.lost.append(f"{type(error).__name__}: {error}")
            return None
        end = time.monotonic()
        self.calls.append((end, end - start))
        return answer

    def until(self, end: float) -> list[float]:
        """The seconds of the calls that were answered by then."""
        return [seconds for at, seconds in self.calls if at <= end]


class Class:
    """What all learners share: the data, and what was measured."""

    def __init__(self) -> None:
        self.examples = _lines(MARV / "train.jsonl")
        self.questions = [
            json.loads(line)["messages"][:-1] for line in _lines(MARV / "valid.jsonl")
        ]
        self.api, self.chat = Waits(), Waits()
        self.finished: list[float] = []
        """When each job that succeeded was seen to have."""


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines(keepends=True)


async def learn(client: openai.AsyncOpenAI, number: int, shared: Class) -> None:
    """One learner's lesson, from the upload to the last question."""
    draw = random.Random(number)
    content = "".join(draw.sample(shared.examples, N_EXAMPLES)).encode()
    file = await shared.api.measure(
        client.files.create(file=("marv.jsonl", content), purpose="fine-tune")
    )
    job = file and await shared.api.measure(
        client.fine_tuning.jobs.create(
            model="pocket",
            training_file=file.id,
            seed=number,
            method={
                "type": "supervised",
                "supervised": {"hyperparameters": {"n_epochs": N_EPOCHS}},
            },
        )
    )
    job = job and await follow(client, job.id, shared.api)
    if job is None or job.status != "succeeded":
        return
    shared.finished.append(time.monotonic())
    for question in draw.sample(shared.questions, N_QUESTIONS):
        await shared.chat.measure(
            client.chat.completions.create(model=job.fine_tuned_model, messages=question)
        )


async def follow(client: openai.AsyncOpenAI, job_id: str, waits: Waits) -> Any:
    """Ask once a second until the job is done; returns it, or None if an answer is lost."""
    while True:
        job = await waits.measure(client.fine_tuning.jobs.retrieve(job_id))
        await waits.measure(client.fine_tuning.jobs.list_events(job_id))
        if job is None or job.status in DONE:
            return job
        await asyncio.sleep(SECONDS_BETWEEN_POLLS)


async def hold_class(base_url: str, keys: list[str]) -> tuple[Class, float]:
    """Let all learn at once; returns what was measured, and when it began."""
    shared = Class()
    async with openai.AsyncOpenAI(
        base_url=base_url, api_key=keys[0], max_retries=0, timeout=60
    ) as client:
        start = time.monotonic()
        await asyncio.gather(
            *(
                learn(client.with_options(api_key=key), number, shared)
                for number, key in enumerate(keys)
            )
        )
    return shared, start


class Memory:
    """Watches how much a process and its children hold together."""

    def __init__(self, process_id: int) -> None:
        self._server = psutil.Process(process_id)
        self.peak, self.most_processes = 0, 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(SECONDS_BETWEEN_SAMPLES):
            processes = [self._server, *self._server.children(recursive=True)]
            self.peak = max(self.peak, sum(map(_bytes_held, processes)))
            self.most_processes = max(self.most_processes, len(processes))


def _bytes_held(process: psutil.Process) -> int:
    """What a process holds; what several share is divided among them where the system can tell."""
    try:
        held = process.memory_full_info() if psutil.LINUX else process.memory_info()
    except psutil.Error:
        return 0  # it has ended meanwhile
    return getattr(held, "pss", held.rss)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("learners", type=int, nargs="?", default=30)
    n_learners = parser.parse_args().learners
    names = [f"learner-{number}" for number in range(n_learners)]
    keys = [secrets.token_urlsafe(24) for _ in names]
    with tempfile.TemporaryDirectory() as temporary:
        keys_file = Path(temporary) / "keys"
        lines = [f"{name} {key}\n" for name, key in zip(names, keys, strict=True)]
        keys_file.write_text("".join(lines), encoding="utf-8")
        command = [sys.executable, "-m", "practice_server", "--keys", str(keys_file)]
        server = subprocess.Popen(
            [*command, "--home", str(Path(temporary) / "home")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            base_url = server.stdout.readline().split()[-1]
            with Memory(server.pid) as memory:
                shared, start = asyncio.run(hold_class(base_url, keys))
        finally:
            server.terminate()
            server.wait()
    report(shared, start, memory, n_learners)


def report(shared: Class, start: float, memory: Memory, n_learners: int) -> None:
    last = max(shared.finished, default=start)
    lost = shared.api.lost + shared.chat.lost
    print(f"jobs succeeded         {len(shared.finished)} of {n_learners}")
    print(f"answers lost           {len(lost)}", *sorted(set(lost)), sep="\n    ")
    print(f"until the last job     {last - start:.1f} s")
    for name, waits in (("API", shared.api), ("chat", shared.chat)):
        print(f"{name + ' while training':22} {_half_and_most(waits.until(last))}")
    print(
        f"peak memory            {memory.peak / MEGABYTE:.0f} MB,"
        f" at most {memory.most_processes} processes"
    )


def _half_and_most(seconds: list[float]) -> str:
    if len(seconds) < 2:
        return f"{len(seconds)} calls"
    cuts = [1000 * cut for cut in quantiles(seconds, n=20)]
    return f"p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms ({len(seconds)} calls)"


if __name__ == "__main__":
    main()
