"""What a real service may refuse, rehearsed here before it costs anything: `--rehearse CODE`.

The words are the service's own. Where a refusal passes, the practice server makes it pass in
seconds.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from practice_server.store.catalogue import Catalogue, Model
from practice_server.web.errors import ApiError, error_response

SECONDS_UNTIL_READY = 10
SECONDS_IN_QUEUE = 20
REHEARSALS = {
    "training_not_available": "403: no job can be created any more",
    "invalid_api_key": "401: no key is accepted, not even the one in server.json",
    "rate_limit_exceeded": "429 with Retry-After: every other question, beginning with the first",
    "insufficient_quota": "429: every question and every new job",
    "model_not_ready": f"404: a tuned model, until it is {SECONDS_UNTIL_READY} seconds old",
    "job_waits": f"a job is queued for {SECONDS_IN_QUEUE} seconds, as others are for an hour",
    "job_fails": "a job fails after its first epoch",
    "upload_cut_off": "every other upload breaks off, beginning with the first",
}

NOT_AVAILABLE = (
    "OpenAI is winding down the fine-tuning platform and your organization is no longer able to"
    " create new fine-tuning training jobs. Learn more"
    " https://developers.openai.com/api/docs/deprecations#update-to-openais-self-serve-fine-tuning"
)
TOO_FAST = (
    "Rate limit reached for requests in organization org-practice on requests per min (RPM):"
    " Limit 60, Used 60, Requested 1. Please try again in 1s."
    " Visit https://platform.openai.com/account/rate-limits to learn more."
)
NO_MONEY = (
    "You exceeded your current quota, please check your plan and billing details. For more"
    " information on this error, read the docs:"
    " https://platform.openai.com/docs/guides/error-codes/api-errors."
)
REFUSALS = {
    "training_not_available": ApiError(403, NOT_AVAILABLE, code="training_not_available"),
    "rate_limit_exceeded": ApiError(429, TOO_FAST, type="requests", code="rate_limit_exceeded"),
    "insufficient_quota": ApiError(
        429, NO_MONEY, type="insufficient_quota", code="insufficient_quota"
    ),
}
POSTED_TO = {
    "training_not_available": "/v1/fine_tuning/jobs",
    "rate_limit_exceeded": "/v1/(chat/)?completions",
    "insufficient_quota": "/v1/(fine_tuning/jobs|(chat/)?completions)",
    "upload_cut_off": "/v1/(files|uploads/[^/]+/parts)",
}
EVERY_OTHER = ("rate_limit_exceeded", "upload_cut_off")


class Rehearsal:
    """Refuses what `codes`, some of REHEARSALS, are about; all else goes its way."""

    def __init__(self, app: ASGIApp, *, codes: Collection[str]) -> None:
        self._app = app
        self._turns = {
            code: itertools.cycle((True, code not in EVERY_OTHER))
            for code in codes
            if code in POSTED_TO
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        code = self._due(scope["path"]) if scope.get("method") == "POST" else None
        if code is None:
            await self._app(scope, receive, send)
        elif code == "upload_cut_off":
            await _cut_off(receive, send)
        else:
            refusal = error_response(REFUSALS[code])
            if code == "rate_limit_exceeded":
                refusal.headers["retry-after"] = "1"
            await refusal(scope, receive, send)

    def _due(self, path: str) -> str | None:
        """The code that is rehearsed with this request, if any."""
        for code, turns in self._turns.items():
            if re.fullmatch(POSTED_TO[code], path) and next(turns):
                return code
        return None


async def _cut_off(receive: Receive, send: Send) -> None:
    """An answer that is begun and not ended: the web server then closes the connection."""
    await receive()
    headers = [(b"content-length", b"1")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


class LateCatalogue(Catalogue):
    """Finds a tuned model only some time after it was made."""

    def find(self, name: str, owner: str) -> Model | None:
        model = super().find(name, owner)
        if model and model.checkpoint_id and time.time() - model.created < SECONDS_UNTIL_READY:
            return None
        return model
