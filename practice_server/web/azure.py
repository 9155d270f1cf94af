"""Azure's way of asking: other paths, `api-version` in the query, the key in a header of its own.

    /openai/v1/files                                  -> /v1/files
    /openai/fine_tuning/jobs                          -> /v1/fine_tuning/jobs
    /openai/deployments/MODEL/chat/completions        -> /v1/chat/completions

The package `openai` sends the model in the body too; so does this server's own API, and it counts.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = re.compile(r"/openai(/deployments/[^/]+|/v1)?(?=/)")


class AzurePaths:
    """Makes of an Azure client's request one that this server knows."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (prefix := PREFIX.match(scope["path"])):
            path = "/v1" + scope["path"][prefix.end() :]
            query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            kept = [(name, value) for name, value in query if name != "api-version"]
            scope = {**scope, "path": path, "raw_path": path.encode()}
            scope |= {"query_string": urlencode(kept).encode(), "headers": [*scope["headers"]]}
            headers = MutableHeaders(scope=scope)
            if "api-key" in headers and "authorization" not in headers:
                headers["authorization"] = f"Bearer {headers['api-key']}"
        await self._app(scope, receive, send)
