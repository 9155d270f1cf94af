"""The first half of a job: its files are checked and measured, and `auto` becomes numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from practice_server import events, files, hyperparameters, jobs, validate
from practice_server.catalogue import Catalogue, Model
from practice_server.encoding import encode
from practice_server.engines.engine import DataSize
from practice_server.engines.numpy_engine.tokenizer import Tokenizer
from practice_server.fit import refuse_what_does_not_fit
from practice_server.home import Home
from practice_server.jobs import JobFailed
from practice_server.model_folder import check_model_folder, explained
from practice_server.store import Row, Store
from practice_server.validate import FileRefused, Role


@dataclass(frozen=True)
class Measured:
    """What a file holds: examples, tokens (as far as the model sees them), examples cut."""

    examples: int
    tokens: int
    cut: int
    size: DataSize


def validate_job(
    store: Store, home: Home, catalogue: Catalogue, job: Row, memory: int | None
) -> None:
    """Move the job to `queued`. Raises JobFailed or ModelUnusable if it cannot be trained.

    `memory`: how many bytes there are for training; None if nobody knows.
    """
    model = find_model(catalogue, job)
    check_model_folder(model.folder)
    training = _measure(store, home, job, model, validate.TRAINING)
    size = training.size
    if job["validation_file"]:
        size += _measure(store, home, job, model, validate.VALIDATION).size
    wanted = json.loads(job["hyperparameters"])
    chosen = hyperparameters.choose(wanted, training.examples, job["method"])
    refuse_what_does_not_fit(model, size, chosen["batch_size"], memory)
    for role in (validate.TRAINING, validate.VALIDATION):
        _find_file(store, job, role)  # may have been deleted while it was read
    jobs.queue(
        store,
        job,
        hyperparameters=chosen,
        tokens_per_epoch=training.tokens,
    )


def find_model(catalogue: Catalogue, job: Row) -> Model:
    """The model to train from. Raises JobFailed if it is gone."""
    model = catalogue.find(job["model"], job["owner"])
    if model is None:
        message = f"The job failed because the model {job['model']} is no longer there"
        raise JobFailed("model_not_available", message, "model")
    return model


def file_path(store: Store, home: Home, job: Row, role: Role) -> Path | None:
    """Where a file of the job lies; None if the job has no such file.

    Raises JobFailed if it was deleted before it was checked, or if its bytes are no longer those
    that were uploaded.
    """
    row = _find_file(store, job, role)
    if row and not files.are_sound(home, row):
        _find_file(store, job, role)  # may have been deleted while it was read
        message = (
            f"The job failed because the {role.name} file is damaged: its bytes on the practice"
            " server's disk are no longer those that were uploaded. Upload it again"
        )
        raise JobFailed(f"invalid_{role.param}", message, role.param)
    return home.file(row["id"]) if row else None


def _find_file(store: Store, job: Row, role: Role) -> Row | None:
    file_id = job[role.param]
    is_checked = job["status"] != "validating_files"  # then the job has it until its end
    row = file_id and files.find(store, file_id, job["owner"], even_if_deleted=is_checked)
    if file_id and not row:
        message = f"The job failed because the {role.name} file was deleted"
        raise JobFailed(f"deleted_{role.param}", message, role.param)
    return row


def _measure(store: Store, home: Home, job: Row, model: Model, role: Role) -> Measured:
    path = file_path(store, home, job, role)
    try:
        validate.check_file(path, job[role.param], role, job["method"])
        measured = _count(path, model, role)
    except FileRefused as refusal:
        raise JobFailed(refusal.code, str(refusal), role.param) from refusal
    except FileNotFoundError as error:
        message = f"The job failed because the {role.name} file was deleted"
        raise JobFailed(f"deleted_{role.param}", message, role.param) from error
    if measured.cut:
        message = (
            f"{measured.cut} of {measured.examples} examples of the {role.name} file are longer"
            f" than the {model.context} tokens that the model sees, and are cut there"
        )
        with store.transaction():
            jobs.hold(store, job, "validating_files")
            events.add(store, job["id"], f"cut {role.name}", message, level="warn", data={})
    return measured


def _count(path: Path, model: Model, role: Role) -> Measured:
    with explained(model.folder):
        tokenizer, context = Tokenizer.load(model.folder), model.context
    examples = tokens = cut = uncut_tokens = longest = n_texts = 0
    for number, line in validate.read_examples(path):
        encoded = encode(tokenizer, line)
        if not all(any(trained_on[:context]) for _, trained_on in encoded):
            raise FileRefused(
                f"invalid_{role.param}",
                f"The job failed due to an invalid {role.name} file. Example {number} has no"
                f" answer within the first {context} tokens, which are all that the model sees",
            )
        lengths = [len(answer_tokens) for answer_tokens, _ in encoded]
        examples += 1
        tokens += sum(min(length, context) for length in lengths)
        cut += max(lengths) > context
        uncut_tokens += sum(lengths)
        longest = max(longest, min(context, max(lengths)))
        n_texts = len(encoded)
    return Measured(examples, tokens, cut, DataSize(examples, uncut_tokens, longest, n_texts))
