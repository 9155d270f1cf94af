"""The paths below /fine_tuning/jobs."""

from __future__ import annotations

import secrets
import sys
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from practice_server.engines.engine import ModelUnusable
from practice_server.engines.model_folder import hyperparameters_of
from practice_server.routes.call import Call
from practice_server.routes.forms import as_list
from practice_server.routes.services import owner, services
from practice_server.store import checkpoints, events, files, jobs
from practice_server.store.catalogue import Model
from practice_server.store.database import Store
from practice_server.store.tables import JobRow
from practice_server.training import hyperparameters
from practice_server.web.errors import ApiError
from practice_server.web.fields import (
    METADATA_PAIR,
    MOST_METADATA,
    Fields,
    query_choice,
    query_integer,
    query_text,
)

KNOWN = (
    "model",
    "training_file",
    "validation_file",
    "suffix",
    "seed",
    "method",
    "hyperparameters",
    "integrations",
    "metadata",
)
# What Azure and Nebius take besides, and of transformers' own names load_in_4bit. They are taken
# here too, and a warning names those that the engine of the model does not apply.
ONLY_AZURE = ("trainingType",)
ONLY_ELSEWHERE = (
    "context_length",
    "learning_rate",
    "load_in_4bit",
    "lora",
    "lora_alpha",
    "lora_dropout",
    "lora_r",
    "max_grad_norm",
    "packing",
    "warmup_ratio",
    "weight_decay",
)
METHODS = ("supervised", "dpo", "reinforcement")
LARGEST_RANK = 1024
LARGEST_DROPOUT = 0.95
LARGEST_WARMUP = 0.95
LARGEST_SEED = 2**31 - 1
LONGEST_SUFFIX = 64
MOST_EPOCHS = 50
MOST_LISTED = 1000
PAGE = ("after", "limit")


async def create(request: Request) -> JSONResponse:
    fields, store = await Fields.of_body(request), services(request).store
    key = request.headers.get("idempotency-key")
    job = key and jobs.made_before(store, key, owner(request))
    if not job:
        job = jobs.create(store, _read_order(request, fields))
        services(request).scheduler.wake()
    return JSONResponse(jobs.as_object(job))


def _read_order(request: Request, fields: Fields) -> jobs.Order:
    fields.refuse_unknown(KNOWN + ONLY_AZURE)
    _refuse_integrations(fields)
    seed = fields.integer("seed", 0, LARGEST_SEED)
    method, settings = _read_method(fields)
    model = _read_model(request, fields)
    applied = _applied(model)
    return jobs.Order(
        owner=owner(request),
        model=model.id,
        training_file=_read_file(request, fields, "training_file"),
        validation_file=(
            _read_file(request, fields, "validation_file") if "validation_file" in fields else None
        ),
        suffix=fields.text("suffix", shortest=1, longest=LONGEST_SUFFIX),
        seed=secrets.randbelow(LARGEST_SEED + 1) if seed is None else seed,
        method=method,
        hyperparameters=_read_hyperparameters(settings, method, applied),
        metadata=fields.metadata("metadata"),
        idempotency_key=request.headers.get("idempotency-key") or None,
        not_applied=_not_applied(fields, settings, applied),
    )


def _refuse_integrations(fields: Fields) -> None:
    """As the service does when nobody has given it a key for Weights & Biases."""
    for number, integration in enumerate(fields.array("integrations")):
        place = f"integrations[{number}]"
        if not isinstance(integration, dict) or integration.get("type") != "wandb":
            raise fields.refuse(place, f"{integration!r:.80} is not of the type 'wandb'")
        message = "No key for Weights & Biases is stored here, and none can be: train without."
        raise ApiError(400, message, param=place)


def _read_model(request: Request, fields: Fields) -> Model:
    name = fields.text("model", required=True)
    catalogue = services(request).catalogue
    model = catalogue.find(name, owner(request))
    if model is None:
        message = f"Model {name} is not available for fine-tuning or does not exist."
        message += catalogue.advice(name)
        raise ApiError(400, message, code="model_not_available")
    return model


def _applied(model: Model) -> tuple[str, ...]:
    """The hyperparameters that the engine of the model applies beside everyone's."""
    try:
        return hyperparameters_of(model.folder)
    except (ModelUnusable, FileNotFoundError):
        return ()  # the job will tell


def _read_file(request: Request, fields: Fields, name: str) -> str:
    file_id = fields.text(name, required=True)
    file = files.find(services(request).store, file_id, owner(request))
    if file is None:
        raise ApiError(400, f"invalid {name}: {file_id}", param=name)
    if file["purpose"] != "fine-tune":
        reason = f"{file_id} has the purpose {file['purpose']!r}, but must have 'fine-tune'"
        raise fields.refuse(name, reason)
    return file_id


def _read_method(fields: Fields) -> tuple[str, Fields]:
    """The method, and what holds its hyperparameters: `method`, or in older clients' requests
    the whole body."""
    method = fields.object("method")
    if method is None:
        return "supervised", fields
    if "hyperparameters" in fields:
        raise fields.refuse("hyperparameters", "With 'method' they stand in it, and nowhere else")
    method.refuse_unknown(("type", *METHODS))
    name = method.choice("type", METHODS, "")
    if name not in hyperparameters.NAMES:
        trained = " and ".join(f"'{known}'" for known in hyperparameters.NAMES)
        raise method.refuse("type", f"The practice server trains with {trained} only")
    for other in METHODS:
        if other != name and other in method:
            raise method.refuse(other, f"The type of the method is '{name}'")
    settings = method.object(name) or Fields({})
    settings.refuse_unknown(("hyperparameters",))
    return name, settings


def _read_hyperparameters(
    settings: Fields, method: str, applied: tuple[str, ...]
) -> dict[str, Any]:
    """Those of the method, and of `applied` those that are given."""
    given = settings.object("hyperparameters") or Fields({})
    names = hyperparameters.NAMES[method]
    given.refuse_unknown((*names, *ONLY_ELSEWHERE))
    chosen = {n: _unless_auto(given, n) or READ_HYPERPARAMETER[n](given) for n in names}
    others = (name for name in applied if name in given and not _unless_auto(given, name))
    chosen |= {name: READ_HYPERPARAMETER[name](given) for name in others}
    if chosen.get("load_in_4bit") and not chosen.get("lora", True):
        raise given.refuse("load_in_4bit", "Four bits are too few to train whole weights in")
    return chosen


def _not_applied(fields: Fields, settings: Fields, applied: tuple[str, ...]) -> tuple[str, ...]:
    given = settings.object("hyperparameters") or Fields({})
    ignored = (name for name in ONLY_ELSEWHERE if name in given and name not in applied)
    return (*filter(fields.__contains__, ONLY_AZURE), *ignored)


def _unless_auto(given: Fields, name: str) -> str | None:
    return "auto" if given.value(name, "auto") == "auto" else None


def _read_positive(given: Fields, name: str, most: float) -> float:
    value = given.number(name, 0, most, 0)
    if not value:
        raise given.refuse(name, f"{value!r} is not greater than 0")
    return float(value)


READ_HYPERPARAMETER = {
    "n_epochs": lambda given: given.integer("n_epochs", 1, MOST_EPOCHS),
    "batch_size": lambda given: given.integer("batch_size", 1, hyperparameters.LARGEST_BATCH),
    "learning_rate_multiplier": lambda given: _read_positive(
        given, "learning_rate_multiplier", sys.float_info.max
    ),
    "beta": lambda given: _read_positive(given, "beta", hyperparameters.LARGEST_BETA),
    "lora": lambda given: given.truth("lora"),
    "load_in_4bit": lambda given: given.truth("load_in_4bit"),
    "lora_r": lambda given: given.integer("lora_r", 1, LARGEST_RANK),
    "lora_alpha": lambda given: _read_positive(given, "lora_alpha", sys.float_info.max),
    "lora_dropout": lambda given: given.number("lora_dropout", 0, LARGEST_DROPOUT, 0),
    "context_length": lambda given: given.integer("context_length", 1, LARGEST_SEED),
    "warmup_ratio": lambda given: given.number("warmup_ratio", 0, LARGEST_WARMUP, 0),
}


async def list_jobs(request: Request) -> JSONResponse:
    page = jobs.page(
        services(request).store,
        owner(request),
        metadata=_metadata_filter(request),
        after=query_text(request, "after"),
        limit=query_integer(request, "limit", default=20, most=MOST_LISTED),
    )
    return JSONResponse(as_list(page, jobs.as_object))


def _metadata_filter(request: Request) -> dict[str, str] | None:
    """`metadata[key]=value` asks for jobs with this pair, `metadata=null` for jobs without any.

    The package for Node.js writes a null as nothing: `metadata=`.
    """
    if "metadata" in request.query_params:
        query_choice(request, "metadata", ("null",))
        return {}
    found = ((METADATA_PAIR.fullmatch(k), v) for k, v in request.query_params.items())
    pairs = {match[1]: value for match, value in found if match}
    if len(pairs) > MOST_METADATA:
        message = f"It has more than {MOST_METADATA} pairs - 'metadata'"
        raise ApiError(400, message, param="metadata")
    return pairs or None


async def retrieve(request: Request) -> JSONResponse:
    return JSONResponse(jobs.as_object(_named(request)))


async def list_events(request: Request) -> JSONResponse:
    page = events.page(
        services(request).store,
        _named(request)["id"],
        after=query_text(request, "after"),
        limit=query_integer(request, "limit", default=20, most=MOST_LISTED),
    )
    return JSONResponse(as_list(page, events.as_object))


async def list_checkpoints(request: Request) -> JSONResponse:
    page = checkpoints.page(
        services(request).store,
        _named(request)["id"],
        after=query_text(request, "after"),
        limit=query_integer(request, "limit", default=10, most=MOST_LISTED),
    )
    return JSONResponse(as_list(page, checkpoints.as_object, with_ends=True))


async def cancel(request: Request) -> JSONResponse:
    job = _change_status(request, (*jobs.UNFINISHED, "paused"), "cancelled")
    services(request).scheduler.cancel(job["id"])
    return JSONResponse(jobs.as_object(job))


async def pause(request: Request) -> JSONResponse:
    job = _change_status(request, ("queued", "running"), "paused")
    services(request).scheduler.pause(job["id"])
    return JSONResponse(jobs.as_object(job))


async def resume(request: Request) -> JSONResponse:
    job = _change_status(request, ("paused",), "queued")
    services(request).scheduler.wake()
    return JSONResponse(jobs.as_object(job))


def _change_status(request: Request, origins: tuple[str, ...], status: str) -> JobRow:
    """Change the job's status, or say why that is not possible."""
    store, job = services(request).store, _named(request)
    if not jobs.change_status(store, job["id"], origins=origins, status=status):
        message = (
            f"The job {job['id']} is {_status(store, job)}; only a job that is"
            f" {' or '.join(origins)} can become {status}."
        )
        raise ApiError(400, message, param="fine_tune_id", code="invalid_status")
    return jobs.get(store, job["id"])


def _status(store: Store, job: JobRow) -> str:
    return jobs.get(store, job["id"])["status"]


def _named(request: Request) -> JobRow:
    job_id = request.path_params["id"]
    job = jobs.find(services(request).store, job_id, owner(request))
    if job is None:
        message = f"Could not find fine tune: {job_id}"
        raise ApiError(404, message, param="fine_tune_id", code="fine_tune_not_found")
    return job


JOBS = "/fine_tuning/jobs"
calls = [
    Call(
        "POST",
        JOBS,
        create,
        has_body=True,
        differs="methods: supervised, dpo; no integrations; others' fields may only warn",
    ),
    Call("GET", JOBS, list_jobs, query=(*PAGE, "metadata")),
    Call("GET", f"{JOBS}/{{id}}", retrieve, differs="estimated_finish is filled in"),
    Call("POST", f"{JOBS}/{{id}}/cancel", cancel),
    Call("POST", f"{JOBS}/{{id}}/pause", pause),
    Call("POST", f"{JOBS}/{{id}}/resume", resume),
    Call("GET", f"{JOBS}/{{id}}/events", list_events, query=PAGE, differs="warns of cut examples"),
    Call("GET", f"{JOBS}/{{id}}/checkpoints", list_checkpoints, query=PAGE),
]
