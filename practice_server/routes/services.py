"""What the routes work with, made once for a server."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from practice_server.asking.client import Answers
from practice_server.store.catalogue import Catalogue
from practice_server.store.database import Store
from practice_server.store.home import Home
from practice_server.training.scheduler import Scheduler


@dataclass(frozen=True)
class Services:
    home: Home
    store: Store
    catalogue: Catalogue
    scheduler: Scheduler
    answers: Answers


def owner(request: Request) -> str:
    """Whose key the request came with; see `practice_server.web.keys`."""
    return request.scope["owner"]


def services(request: Request) -> Services:
    return request.app.state.services
