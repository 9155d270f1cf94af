"""Odd requests to every served route: each has an answer in OpenAI's form, none is a 500.

    FUZZ_REQUESTS=10000 python -m pytest -n0 -s tests/fuzz/test_routes.py

sends so many, with new seeds each time, and prints how they were answered.
"""

import contextlib
import http.client
import json
import math
import os
import time
from collections import Counter
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, note, settings
from openai import BadRequestError

from practice_server.routes.table import CALLS
from tests.answer_types import ANSWERS, CHUNKS, check_answer, check_chunk
from tests.fuzz.odd_requests import MARK, PART, requests
from tests.server.conftest import DONE, epochs, examples

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1000"))
SERVED = [(call.method, f"/v1{call.path_format}") for call in CALLS if call.is_served]
SECONDS_TO_ANSWER = 60
SECONDS_TO_KEEP = 2
SENT_WITH_THE_SAME_IDS = 20
KNOWN = 5


class World:
    """A server, and what it has that requests may name."""

    def __init__(self, server, job):
        self.server = server
        self.address = urlsplit(server.base_url).netloc
        self.connection = http.client.HTTPConnection(self.address, timeout=SECONDS_TO_ANSWER)
        self.job = job
        self.resting = None
        self.last_used = time.monotonic()
        self.answered = Counter()

    def renew(self):
        """Make what earlier requests may have deleted, and look up the rest."""
        client = self.server.client
        few = [{"messages": [{"role": "user", "content": "x"}]}] * 3
        files = [self.server.upload(examples(10)), self.server.upload(few), *self.job.result_files]
        jobs = [job.id for job in client.fine_tuning.jobs.list(limit=3).data]
        models = [model.id for model in client.models.list()]
        uploads = [
            client.uploads.create(
                bytes=len(PART), filename="a", mime_type="b", purpose="fine-tune"
            ).id
            for _ in range(KNOWN)
        ]
        parts = [client.uploads.parts.create(upload, data=PART).id for upload in uploads]
        jobs += [self.job.id, self.resting_job()]
        self.known = {"file": files, "job": jobs, "model": models[-KNOWN:]}
        self.known |= {"upload": uploads, "part": parts}

    def resting_job(self):
        """The id of a job that can be resumed, and the next time of one that can be paused."""
        jobs = self.server.client.fine_tuning.jobs
        status = jobs.retrieve(self.resting).status if self.resting else None
        if status is None or status in DONE:
            self.resting = self.server.create(method=epochs(50)).id
        elif status != "validating_files":
            # It may have ended in between.
            with contextlib.suppress(BadRequestError):
                (jobs.resume if status == "paused" else jobs.pause)(self.resting)
        return self.resting

    def named(self, text: bytes) -> bytes:
        """The text with real ids in the place of marks."""

        def name(mark):
            known = self.known[mark[1].decode()]
            return known[int(mark[2]) % len(known)].encode()

        return MARK.sub(name, text)

    def send(self, request):
        """Returns status, content type and body.

        Raises OSError or HTTPException if there is no whole answer in time.
        """
        headers = {"Authorization": f"Bearer {self.server.api_key}", **request.headers}
        target = self.named(request.target.encode()).decode()
        body = self.named(request.body)
        headers = {name: value.encode() for name, value in headers.items()}
        # The server ends connections that nobody uses for some seconds.
        if time.monotonic() - self.last_used > SECONDS_TO_KEEP:
            self.connection.close()
        try:
            self.connection.request(request.method, target, body, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.headers.get_content_type(), answer.read()
        except BaseException:
            self.connection.close()
            raise
        finally:
            self.last_used = time.monotonic()


@pytest.fixture(scope="module")
def world(server, finished_job):
    world = World(server, finished_job)
    yield world
    print(f"\n{world.answered.total()} requests:", dict(sorted(world.answered.items())))


@pytest.mark.parametrize(("method", "path"), SERVED, ids=map(" ".join, SERVED))
def test_every_answer_has_openais_form(world, method, path):
    answered = Counter()

    @settings(
        max_examples=math.ceil(REQUESTS / len(SERVED)),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests(method, path))
    def try_out(request):
        if answered.total() % SENT_WITH_THE_SAME_IDS == 0:
            world.renew()
        status, content_type, body = world.send(request)
        answered[status] += 1
        note(f"{status} {content_type} {body[:1000]}")
        check_form(method, path, request, status, content_type, body)

    try_out()
    world.answered += answered
    print(method, path, dict(sorted(answered.items())))
    assert set(answered) - {401, 403, 404, 405, 501}  # what the route itself says
    assert world.server.process.poll() is None and world.server.client.models.list().data


def check_form(method, path, request, status, content_type, body):
    """What must be true of any answer."""
    assert status in (200, 501) or 400 <= status < 500
    if status >= 400:
        assert content_type == "application/json"
        assert list(json.loads(body)["error"]) == ["message", "type", "param", "code"]
    elif request.is_to_its_route and content_type == "text/event-stream":
        *events, last, rest = body.decode().split("\n\n")
        assert rest == ""
        if path == "/v1/responses":  # its events have names, and no mark stands at their end
            events = [event.partition("\n")[2] for event in [*events, last]]
        else:
            assert last == "data: [DONE]"
        for event in events:
            check_chunk(CHUNKS[method, path], json.loads(event.removeprefix("data: ")))
    elif request.is_to_its_route and ANSWERS[method, path] is not bytes:
        check_answer(ANSWERS[method, path], json.loads(body))
