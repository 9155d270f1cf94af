"""Telling a program on this machine that a job has ended, as OpenAI's webhooks do: `--webhook`.

The form is that of https://www.standardwebhooks.com, which OpenAI uses. An event may come twice;
its `webhook-id` is the same then.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import json
import logging
import re
import secrets
import sqlite3
import time
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from practice_server.store import told
from practice_server.store.database import Store
from practice_server.store.tables import JobRow
from practice_server.web.guard import LOOPBACK

log = logging.getLogger(__name__)

SECRET_VARIABLE = "PRACTICE_SERVER_WEBHOOK_SECRET"
SECRET_PREFIX = "whsec_"
SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_ANSWER = 5
# Between attempts; after the last, the event is given up.
PAUSES = (1, 5, 30, 120, 600)


class BadWebhook(Exception):
    """The address or the secret is not to be used; the message says why, and shows no secret."""


@dataclass(frozen=True)
class Webhook:
    """Where to send events, and what they are signed with."""

    url: SplitResult
    secret: str


def read_webhook(url: str, *, other_host: str | None, secret: str | None) -> Webhook:
    """`other_host`: the one that is allowed beside this machine. Raises BadWebhook.

    `secret`: what SECRET_VARIABLE gives; otherwise one is drawn at random.
    """
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        if not is_whole or not re.fullmatch("[!-~]+", url):
            raise ValueError
    except ValueError as error:
        message = f"--webhook: {url!r} is no address such as http://127.0.0.1:8000/hook"
        raise BadWebhook(message) from error
    if parts.hostname not in LOOPBACK | {other_host}:
        raise BadWebhook(
            f"--webhook: {parts.hostname} is not this machine. If you mean it, allow it with"
            f" --webhook-host {parts.hostname}"
        )
    secret = secret or SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
    try:
        _key(secret)
    except ValueError as error:
        raise BadWebhook(f"{SECRET_VARIABLE} must be {SECRET_PREFIX} and base64") from error
    return Webhook(parts, secret)


def _key(secret: str) -> bytes:
    if not secret.startswith(SECRET_PREFIX) or secret == SECRET_PREFIX:
        raise ValueError
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)


async def tell(store: Store, webhook: Webhook) -> None:
    """Tell of each job that has ended, each by itself. Work until cancelled.

    What could not be told before the server ended is told after its next start.
    """
    begun: set[str] = set()
    async with asyncio.TaskGroup() as telling:
        while True:
            with contextlib.suppress(sqlite3.OperationalError):  # the next look will do
                for job in told.missing(store):
                    if job["id"] not in begun:
                        begun.add(job["id"])
                        telling.create_task(_tell_of(job, store, webhook))
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)


async def _tell_of(job: JobRow, store: Store, webhook: Webhook) -> None:
    number = job["id"].removeprefix("ftjob-")
    event = {
        "id": f"evt_{number}",
        "object": "event",
        "created_at": job["finished_at"] or int(time.time()),
        "type": f"fine_tuning.job.{job['status']}",
        "data": {"id": job["id"]},
    }
    body = json.dumps(event)
    for pause in (0, *PAUSES):
        await asyncio.sleep(pause)
        if await _post(webhook.url, _signed(f"wh_{number}", body, webhook.secret), body):
            break
    else:
        log.warning("the webhook did not take the end of %s; it is not told again", job["id"])
    with contextlib.suppress(sqlite3.OperationalError):  # then it is told once more
        told.add(store, job["id"])


def _signed(event_id: str, body: str, secret: str) -> dict[str, str]:
    """The headers that prove who sends `body`, and when."""
    now = str(int(time.time()))
    signature = hmac.digest(_key(secret), f"{event_id}.{now}.{body}".encode(), "sha256")
    return {
        "webhook-id": event_id,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


async def _post(url: SplitResult, headers: dict[str, str], body: str) -> bool:
    """Whether the receiver has taken it. No redirection is followed, to no other address."""
    is_secure = url.scheme == "https"
    head = {
        "Host": url.netloc.rpartition("@")[2],
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    lines = [f"POST {url.path or '/'}{url.query and '?' + url.query} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in head.items()]
    status = 0
    # Nobody is there, there is no answer in time, or none in HTTP.
    with contextlib.suppress(OSError, ValueError, IndexError):
        async with asyncio.timeout(SECONDS_TO_ANSWER):
            port = url.port or (443 if is_secure else 80)
            reader, writer = await asyncio.open_connection(url.hostname, port, ssl=is_secure)
            with contextlib.closing(writer):
                writer.write("\r\n".join([*lines, "", body]).encode())
                status = int((await reader.readline()).split()[1])
                while await reader.read(4096):  # who still answers would find nobody there
                    pass
    return 200 <= status < 300
