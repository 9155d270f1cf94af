"""The first half of a job: its files are checked and measured, and `auto` becomes numbers.

A job that would not fit in memory is refused before it trains.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from practice_server.engines.engine import LONGEST_CONTEXT, ChatRefused, DataSize, Plan
from practice_server.engines.model_folder import (
    check_model_folder,
    engine_of,
    kept_hyperparameters_of,
    raising_model_unusable,
)
from practice_server.formats import rules
from practice_server.formats.encoding import as_example, encode
from practice_server.formats.messages import Fault
from practice_server.formats.rules import FileRefused, Role
from practice_server.store import files, jobs
from practice_server.store.catalogue import Catalogue, Model
from practice_server.store.database import Store
from practice_server.store.home import Home
from practice_server.store.jobs import JobFailed
from practice_server.store.objects import Object
from practice_server.store.tables import FileRow, JobRow
from practice_server.training import hyperparameters

# Of the lines that an event is about; a file may have a million.
MOST_NAMED = 20
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Measured:
    """What a model sees of a file if its context is so long, and the lines of which it sees only a
    part, or no answer."""

    context: int
    size: DataSize
    cut: list[int]
    skipped: list[int]


def validate_job(
    store: Store, home: Home, catalogue: Catalogue, job: JobRow, memory: int | None
) -> None:
    """Move the job to `queued`. Raises JobFailed or ModelUnusable if it cannot be trained.

    `memory`: how many bytes there are for training; None if nobody knows.
    """
    model = find_model(catalogue, job)
    check_model_folder(model.folder)
    size = training = _measure(store, home, job, model, rules.TRAINING)
    if job["validation_file"]:
        size += _measure(store, home, job, model, rules.VALIDATION)
    wanted = json.loads(job["hyperparameters"])
    _tell_what_is_kept(store, job, model, wanted)
    chosen = hyperparameters.choose(wanted, training.n_examples, job["method"])
    refuse_what_does_not_fit(model, size, Plan(**chosen, seed=job["seed"]), memory)
    for role in (rules.TRAINING, rules.VALIDATION):
        if job[role.param]:
            _find_file(store, job, role)  # may have been deleted while it was read
    jobs.queue(
        store,
        job,
        hyperparameters=chosen,
        tokens_per_epoch=training.n_tokens,
    )


def find_model(catalogue: Catalogue, job: JobRow) -> Model:
    """The model to train from. Raises JobFailed if it is gone."""
    model = catalogue.find(job["model"], job["owner"])
    if model is None:
        message = f"The job failed because the model {job['model']} is no longer there"
        raise JobFailed("model_not_available", message, "model")
    return model


def file_path(store: Store, home: Home, job: JobRow, role: Role) -> Path:
    """Where a file of the job lies.

    Raises JobFailed if it was deleted before it was checked, or if its bytes are no longer those
    that were uploaded.
    """
    row = _find_file(store, job, role)
    if not files.is_intact(home, row):
        _find_file(store, job, role)  # may have been deleted while it was read
        message = (
            f"The job failed because the {role.name} file is damaged: its bytes on the practice"
            " server's disk are no longer those that were uploaded. Upload it again"
        )
        raise JobFailed(f"invalid_{role.param}", message, role.param)
    return home.file(row["id"])


def _find_file(store: Store, job: JobRow, role: Role) -> FileRow:
    is_checked = job["status"] != "validating_files"  # then the job has it until its end
    row = files.find(store, job[role.param] or "", job["owner"], even_if_deleted=is_checked)
    if row is None:
        message = f"The job failed because the {role.name} file was deleted"
        raise JobFailed(f"deleted_{role.param}", message, role.param)
    return row


def _measure(store: Store, home: Home, job: JobRow, model: Model, role: Role) -> DataSize:
    path = file_path(store, home, job, role)
    try:
        rules.check_file(path, path.name, role, job["method"])
        most = json.loads(job["hyperparameters"]).get("context_length", LONGEST_CONTEXT)
        measured = _count(path, model, most, role)
    except FileRefused as refusal:
        raise JobFailed(refusal.code, str(refusal), role.param) from refusal
    except FileNotFoundError as error:
        message = f"The job failed because the {role.name} file was deleted"
        raise JobFailed(f"deleted_{role.param}", message, role.param) from error
    seen = f"the {measured.context} tokens that the model sees"
    _tell(store, job, role, "cut", measured.cut, f"are longer than {seen}, and are cut there")
    fate = f"have no answer within {seen}"
    _tell(store, job, role, "skipped", measured.skipped, f"{fate}, and are skipped")
    if measured.size.n_examples < role.fewest:
        message = rules.too_few(role, measured.size.n_examples)
        message += f". {len(measured.skipped)} more {fate}"
        raise JobFailed("invalid_n_examples", message, role.param)
    return measured.size


def _tell(store: Store, job: JobRow, role: Role, key: str, lines: list[int], fate: str) -> None:
    """Name the lines of a file whose examples are not learnt from as a whole, if there are any."""
    if not lines:
        return
    named = ", ".join(map(str, lines[:MOST_NAMED])) + " …" * (len(lines) > MOST_NAMED)
    message = f"{len(lines)} example(s) of the {role.name} file {fate}. Lines: {named}"
    jobs.warn(store, job, f"{key} {role.name}", message)


def _tell_what_is_kept(store: Store, job: JobRow, model: Model, wanted: Object) -> None:
    """An adapter that is trained further has its shape already."""
    kept = kept_hyperparameters_of(model.folder) if wanted.get("lora", True) else {}
    told = [f"{n} {kept[n]:g}" for n in kept if wanted.get(n, kept[n]) != kept[n]]
    if told:
        message = f"The adapter of {job['model']} is trained further and keeps: {', '.join(told)}"
        jobs.warn(store, job, "kept", message)


def _count(path: Path, model: Model, most: int, role: Role) -> Measured:
    """`most`: how many tokens of a sequence are seen at most. Raises FileRefused."""
    with raising_model_unusable(model.folder):
        engine = engine_of(model.folder)
        tokenizer = engine.load_tokenizer(model.folder)
        context = min(engine.context_of(model.folder), most)
    size, cut, skipped = DataSize(0, 0, 0, 0), [], []
    for number, line in rules.read_examples(path):
        try:
            encoded = encode(tokenizer, line)
        except ChatRefused as error:
            raise rules.refusal(Fault(f"Line {number}: {error}"), role) from error
        example = as_example(encoded, context)
        if not example:
            skipped.append(number)
            continue
        if any(len(tokens) > context for whole in encoded for tokens, _ in whole.sequences):
            cut.append(number)
        seen = [len(tokens) for tokens, _ in example.sequences]
        size += DataSize(1, sum(seen), max(seen), len(seen))
    return Measured(context, size, cut, skipped)


def refuse_what_does_not_fit(model: Model, data: DataSize, plan: Plan, memory: int | None) -> None:
    """Raise JobFailed if training needs more than `memory` bytes; None: nobody knows.

    Where an engine trains on a GPU, it is the memory of that which counts.
    The error names what would have to be smaller: `batch_size` if one example at a time would
    fit, `training_file` if short and few examples would, otherwise `model`.
    """
    engine = engine_of(model.folder)
    memory = getattr(engine, "memory_of_device", lambda: None)() or memory
    needed = engine.memory_needed(model.folder, data, plan)
    if memory is None or needed <= memory:
        return

    def would_fit(data: DataSize) -> bool:
        return engine.memory_needed(model.folder, data, replace(plan, batch_size=1)) <= memory

    if would_fit(data):
        param, advice = "batch_size", f"Choose a batch_size smaller than {plan.batch_size}"
    elif would_fit(DataSize(n_examples=0, n_tokens=0, longest=1, n_sequences=1)):
        param, advice = "training_file", "Use shorter or fewer examples"
    else:
        param, advice = "model", "Choose a smaller model, or let the server have more memory"
    message = (
        f"The job failed because its training needs about {_megabytes(needed)} of memory, but the"
        f" practice server has {_megabytes(memory)} for it. {advice}"
    )
    raise JobFailed("not_enough_memory", message, param)


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / MEGABYTE:,.0f} MB"
