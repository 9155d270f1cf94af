"""One call of the API: a method and a path, and what is known about it."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from practice_server.errors import ApiError


class Call(Route):
    """A call that is served; `differs` says how it is known to differ from OpenAI's."""

    is_served = True

    def __init__(self, method: str, path: str, endpoint: Callable, *, differs: str = "") -> None:
        super().__init__(path, endpoint, methods=[method])
        self.method = method
        self.remark = differs


class NotServed(Call):
    """A call that the API has and this server has not; asking for it tells `why`."""

    is_served = False

    def __init__(self, method: str, path: str, *, why: str) -> None:
        def refuse(request: Request) -> Response:
            message = f"The practice server does not serve {method} {request.url.path}: {why}."
            raise ApiError(404, message, code="not_served")

        super().__init__(method, path, refuse, differs=why)
