"""The application: all routes behind the guard, and what lives as long as the server does."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Mount, Router

from practice_server.asking.client import Answers
from practice_server.engines.cluster import Cluster
from practice_server.machine.limits import Lanes
from practice_server.routes.services import Services
from practice_server.routes.table import CALLS, OTHER_METHODS
from practice_server.store import housekeeping, told
from practice_server.store.catalogue import Catalogue
from practice_server.store.database import Store, UnknownCursor
from practice_server.store.home import Home
from practice_server.training.scheduler import Scheduler
from practice_server.web import errors
from practice_server.web.azure import AzurePaths
from practice_server.web.guard import Guard
from practice_server.web.keys import Keys
from practice_server.web.rehearse import SECONDS_IN_QUEUE, LateCatalogue, Rehearsal
from practice_server.web.webhook import Webhook, tell

# A request that waits for the database makes the others wait too.
SECONDS_FOR_A_LOCK = 5.0
HANDLERS: Mapping[type[Exception], Callable[..., Response]] = {
    errors.ApiError: errors.on_api_error,
    HTTPException: errors.on_http_error,
    UnknownCursor: errors.on_unknown_cursor,
    ClientDisconnect: errors.on_client_gone,
    OSError: errors.on_storage_error,
    sqlite3.OperationalError: errors.on_storage_error,
    Exception: errors.on_crash,
}


def create_app(
    home: Home,
    *,
    journal_mode: str,
    models_folder: Path,
    aliases: Mapping[str, str],
    keys: Keys,
    host: str,
    lanes: Lanes,
    most_memory: int | None,
    rehearsed: Collection[str],
    result_files: str,
    webhook: Webhook | None,
    cluster: Cluster | None,
) -> Starlette:
    """The ASGI application that serves the folder `home`; `host` is the address it listens on.

    `journal_mode` is that of the database; see `Store`, also for what is raised. `lanes` is what
    the machine's processors give, `most_memory` what training may take; see `Scheduler`.
    `rehearsed`: some of REHEARSALS. `result_files`: "plain" or "base64". `webhook`: who is told
    that a job has ended. `cluster`: where jobs train, if not on this machine.
    """
    store = Store(
        home.database, durable=True, journal_mode=journal_mode, patience=SECONDS_FOR_A_LOCK
    )
    if webhook:
        told.begin(store)
    arguments = ["--home", str(home.root), "--models", str(models_folder)]
    arguments += ["--result-files", result_files]
    for name, model in aliases.items():
        arguments += ["--alias", f"{name}={model}"]
    arguments += ["--job-fails"] if "job_fails" in rehearsed else []
    if cluster:
        arguments += ["--ray", cluster.address, "--ray-actors", str(cluster.n_actors)]
    catalogue_type = LateCatalogue if "model_not_ready" in rehearsed else Catalogue
    answers = Answers(lanes.threads)
    scheduler = Scheduler(
        store,
        home,
        arguments,
        lanes=lanes,
        most_memory=most_memory,
        make_room=answers.make_room,
        trains_elsewhere=cluster is not None,
        seconds_in_queue=SECONDS_IN_QUEUE if "job_waits" in rehearsed else 0,
    )
    services = Services(
        home=home,
        store=store,
        catalogue=catalogue_type(store, home, models_folder, aliases),
        scheduler=scheduler,
        answers=answers,
    )
    app = Starlette(
        routes=[Mount("/v1", Router([*CALLS, *OTHER_METHODS], redirect_slashes=False))],
        middleware=[
            Middleware(AzurePaths),
            Middleware(Guard, home=home, keys=keys, host=host),
            Middleware(Rehearsal, codes=rehearsed),
        ],
        exception_handlers=HANDLERS,
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False
    app.state.services = services
    app.state.webhook = webhook
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    """Jobs run while the server does; what is under way at its end goes on at the next start."""
    services: Services = app.state.services
    housekeeping.sweep_if_possible(services.store, services.home)
    sweeping = housekeeping.sweep_by_the_hour(services.store, services.home)
    working = [asyncio.create_task(task) for task in (services.scheduler.run(), sweeping)]
    if app.state.webhook:
        working.append(asyncio.create_task(tell(services.store, app.state.webhook)))
    try:
        yield
    finally:
        await asyncio.gather(services.scheduler.stop(), services.answers.stop())
        for task in working:
            task.cancel()
        services.store.close()
