"""One call of the API: a method and a path, and what is known about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from practice_server.web.errors import ApiError
from practice_server.web.fields import refuse_body, refuse_unknown_query

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Call(Route):
    """A call that is served; `differs` says how it is known to differ from OpenAI's.

    `query` names what its query may have; where `has_body` is false, its body may have nothing.
    """

    is_served = True

    def __init__(
        self,
        method: str,
        path: str,
        endpoint: Callable[[Request], Awaitable[Response]],
        *,
        query: Collection[str] = (),
        has_body: bool = False,
        differs: str = "",
    ) -> None:
        async def answer(request: Request) -> Response:
            if self.is_served:
                refuse_unknown_query(request, query)
                if not has_body:
                    await refuse_body(request)
            return await endpoint(request)

        super().__init__(path, answer, methods=[method])
        self.method = method
        self.remark = differs


class OtherMethods(Route):
    """Refuses the methods that a path has no call for: it names those that it has, or says why
    there is none."""

    def __init__(self, path: str, calls: Collection[Call]) -> None:
        served = ", ".join(call.method for call in calls if call.is_served)

        async def refuse(request: Request) -> Response:
            if served:
                raise HTTPException(405, headers={"Allow": served})
            raise not_served(request, next(call.remark for call in calls))

        super().__init__(path, refuse, methods=METHODS)


def not_served(request: Request, why: str) -> ApiError:
    """What the API has and this server has not."""
    message = f"The practice server does not serve {request.method} {request.url.path}: {why}."
    return ApiError(501, message, code="not_served")


class NotServed(Call):
    """A call that the API has and this server has not; asking for it tells `why`."""

    is_served = False

    def __init__(self, method: str, path: str, *, why: str) -> None:
        async def refuse(request: Request) -> Response:
            raise not_served(request, why)

        super().__init__(method, path, refuse, differs=why)
