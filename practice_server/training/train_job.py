"""The second half of a job: it trains, tells of every step, and leaves models behind.

The result file has a row for each step, with the columns that Microsoft's documentation of the
same API lists, five decimals as in the files of OpenAI, and an empty cell where nothing was
measured.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

from practice_server.engines.cluster import Cluster
from practice_server.engines.engine import (
    Plan,
    StateUnusable,
    Step,
    Trainable,
    TrainingDiverged,
)
from practice_server.engines.model_folder import engine_of, raising_model_unusable
from practice_server.formats import rules
from practice_server.formats.encoding import as_examples
from practice_server.formats.rules import Role
from practice_server.store import checkpoints, events, files, jobs
from practice_server.store.catalogue import Catalogue
from practice_server.store.database import Store
from practice_server.store.home import Home, write_with
from practice_server.store.jobs import JobFailed
from practice_server.store.objects import Object
from practice_server.store.tables import JobRow
from practice_server.training.check_job import file_path, find_model

# Of saved states: pocket's 54 MB are written about every 22 seconds, and no more can be lost.
BYTES_A_SECOND = 2_500_000
# Saving may take at most about this share of the time.
SAVING_SHARE = 0.05
# What a trainer has saved, by its lease, or has begun to save.
STATE = re.compile(r"state-(\d+)(\.part.*)?")

RESULT_FILE = "step_metrics.csv"
METRICS = (
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
)


class TrainingRun:
    """One trainer's work on one job, from its last saved state to its end."""

    def __init__(
        self,
        store: Store,
        home: Home,
        catalogue: Catalogue,
        job: JobRow,
        ended: threading.Event,
        *,
        fails: bool = False,
        result_files: str = "plain",
        cluster: Cluster | None = None,
    ) -> None:
        """`ended` is set when the server is gone or the job is paused: save, and stop.

        `fails`: whether the job is to fail after an epoch, for a rehearsal. `result_files`: the
        form of the result file, "plain" CSV or the same in "base64". `cluster`: where the engine
        calculates, if not here.
        """
        self._store = store
        self._home = home
        self._catalogue = catalogue
        self._job = job
        self._ended = ended
        self._fails = fails
        self._is_base64 = result_files == "base64"
        self._cluster = cluster
        self._folder = home.job(job["id"])
        self._state = self._folder / f"state-{job['lease']}"
        self._save_at = 0.0

    def run(self) -> None:
        """Train to the end.

        Raises JobFailed, ModelUnusable, and NoLongerOurs if the job was taken away.
        """
        jobs.start(self._store, self._job)
        self._folder.mkdir(exist_ok=True)
        folder = find_model(self._catalogue, self._job).folder
        self._engine = self._load(folder)
        try:
            finished = self._train()
        except TrainingDiverged as error:
            message = f"The job failed because the training diverged: {error}"
            param = "learning_rate_multiplier"
            raise JobFailed("training_diverged", message, param) from error
        if finished:
            self._succeed()

    def _load(self, folder: Path) -> Trainable:
        if self._cluster is None:
            with raising_model_unusable(folder):
                return engine_of(folder).load(folder)
        from practice_server.engines.on_ray import OnRay

        return OnRay(folder, self._cluster)

    def _train(self) -> bool:
        """Take all steps; False if the server ended the run before the last."""
        self._plan = self._read_plan()
        steps = self._steps()
        started, first = time.monotonic(), None
        self._plan_next_save(0.0)
        for step in steps:
            first = step.number - 1 if first is None else first
            seconds_per_step = (time.monotonic() - started) / (step.number - first)
            self._tell(step, seconds_per_step)
            if step.epoch:
                self._keep_checkpoint(step)
                if self._fails:
                    raise jobs.internal_error()
            if self._ended.is_set():
                self._save_state()
                return False
            if time.monotonic() > self._save_at:
                self._save_state()
        return True

    def _read_plan(self) -> Plan:
        return Plan(**json.loads(self._job["hyperparameters"]), seed=self._job["seed"])

    def _examples(self, role: Role) -> list[Any]:
        if not self._job[role.param]:
            return []
        path = file_path(self._store, self._home, self._job, role)
        lines = (line for _, line in rules.read_examples(path))
        context = min(self._engine.context, self._plan.context_length)
        return as_examples(self._engine.tokenizer, lines, context)

    def _tell(self, step: Step, seconds_per_step: float) -> None:
        if not all(map(isfinite, step.metrics.values())):
            raise TrainingDiverged(f"a loss is no longer a finite number at step {step.number}")
        remaining = (step.total - step.number) * seconds_per_step
        jobs.record_step(
            self._store,
            self._job,
            number=step.number,
            message=_message(step),
            data={
                "step": step.number,
                "train_loss": step.metrics["train_loss"],
                "total_steps": step.total,
                **step.metrics,
            },
            estimated_finish=int(time.time() + remaining),
        )

    def _keep_checkpoint(self, step: Step) -> None:
        """Save the model under an id of its own, unless an earlier trainer of this job has."""
        known = checkpoints.of_job(self._store, self._job["id"])
        if known and known[-1]["step"] >= step.number:
            return
        row = checkpoints.new_row(
            self._job,
            step=step.number,
            is_last=step.number == step.total,
            metrics={"step": step.number, **step.metrics},
        )
        write_with(self._engine.save, self._home.model(row["id"]))
        for dropped in jobs.record_checkpoint(self._store, self._job, row):
            shutil.rmtree(self._home.model(dropped), ignore_errors=True)

    # --- going on after a crash ---

    def _steps(self) -> Iterator[Step]:
        """Those that remain after the last sound state, or all of them."""
        training = self._examples(rules.TRAINING)
        validation = self._examples(rules.VALIDATION)
        for _, state in self._states():
            if state.suffix:
                continue
            try:
                return self._engine.train(training, validation, self._plan, state=state)
            except StateUnusable as error:
                message = f"A saved state cannot be used: {error}. Training goes on from before it"
                jobs.warn(self._store, self._job, f"unusable {state.name}", message)
        return self._engine.train(training, validation, self._plan)

    def _states(self) -> list[tuple[int, Path]]:
        """The saved states of all trainers, each with its lease, the newest first."""
        found = ((STATE.fullmatch(path.name), path) for path in self._folder.iterdir())
        return sorted(((int(match[1]), path) for match, path in found if match), reverse=True)

    def _save_state(self) -> None:
        started = time.monotonic()
        write_with(self._engine.save_state, self._state)
        for lease, path in self._states():
            if lease < self._job["lease"]:
                path.unlink(missing_ok=True)
        self._plan_next_save(time.monotonic() - started)

    def _plan_next_save(self, cost: float) -> None:
        wait = max(self._engine.state_bytes / BYTES_A_SECOND, cost / SAVING_SHARE)
        self._save_at = time.monotonic() + wait

    # --- the end ---

    def _succeed(self) -> None:
        content = as_csv(events.metrics(self._store, self._job["id"]))
        content = base64.b64encode(content) if self._is_base64 else content
        row = files.new_row(
            owner=self._job["owner"],
            purpose="fine-tune-results",
            filename=RESULT_FILE,
            size=len(content),
        )
        path = self._home.file(row["id"])
        write_with(lambda unfinished: unfinished.write_bytes(content), path)
        row["sha256"] = files.sha256(path)
        trained_tokens = self._job["tokens_per_epoch"] * self._plan.n_epochs
        jobs.succeed(self._store, self._job, result_file=row, trained_tokens=trained_tokens)


def _message(step: Step) -> str:
    """As the service words it, losses with two decimals."""
    message = f"Step {step.number}/{step.total}: training loss={step.metrics['train_loss']:.2f}"
    for name, words in (("valid_loss", "validation"), ("full_valid_loss", "full validation")):
        if name in step.metrics:
            message += f", {words} loss={step.metrics[name]:.2f}"
    return message


def as_csv(steps: list[Object]) -> bytes:
    """`steps`: the metrics of each step, with its number as `step`."""
    lines = [",".join(("step", *METRICS))]
    for step in steps:
        cells = (f"{step[name]:.5f}" if name in step else "" for name in METRICS)
        lines.append(",".join((str(step["step"]), *cells)))
    return "".join(f"{line}\n" for line in lines).encode()
