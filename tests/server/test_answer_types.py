"""Every served call answers what the official package's type says, no more and no less."""

import re

import httpx2
import pytest

from practice_server.routes.table import CALLS
from tests.answer_types import ANSWERS, JOBS, check_answer

SERVED = [(call.method, f"/v1{call.path_format}") for call in CALLS if call.is_served]
LINES = b'{"messages": []}\n'
QUESTION = [{"role": "user", "content": "Say 3."}]


@pytest.fixture(scope="module")
def http(server):
    headers = {"Authorization": f"Bearer {server.api_key}"}
    url = server.base_url.removesuffix("/v1")
    with httpx2.Client(base_url=url, headers=headers) as client:
        yield client


@pytest.fixture
def name_of(server, client, finished_job, data):
    """What stands in a path for the name in braces; what a call changes is made for it."""

    def job(method, path):
        if method == "GET":
            return finished_job.id
        job = server.create(method=data.epochs(50))
        if not path.endswith("/cancel"):
            server.wait(job, until=("queued", "running"))
        if path.endswith("/resume"):
            client.fine_tuning.jobs.pause(job.id)
        return job.id

    def model(method, path):
        if method == "GET":
            return finished_job.fine_tuned_model
        return server.wait(server.create(method=data.epochs(1))).fine_tuned_model

    def upload(method, path):
        options = {"filename": "a", "mime_type": "b", "purpose": "fine-tune"}
        return client.uploads.create(bytes=len(LINES), **options).id

    def file(method, path):
        return server.upload(data.examples(1))

    kinds = {"fine_tuning": job, "models": model, "uploads": upload, "files": file}
    return lambda method, path: kinds[path.split("/")[2]](method, path)


@pytest.fixture
def body_of(server, client, data):
    """What is sent with a call, in the words of httpx2, by method and path."""

    def body(method, path, name):
        if path.endswith("/complete"):
            return {"json": {"part_ids": [client.uploads.parts.create(name, data=LINES).id]}}
        if (method, path) == ("POST", JOBS):
            file_id = server.upload(data.examples(10))
            return {"json": {"model": "tiny", "training_file": file_id, "metadata": {"a": "b"}}}
        return {
            "/v1/files": {"data": {"purpose": "evals"}, "files": {"file": ("a", LINES)}},
            "/v1/uploads": {
                "json": {"bytes": 1, "filename": "a", "mime_type": "b", "purpose": "batch"}
            },
            "/v1/uploads/{id}/parts": {"files": {"data": ("a", LINES)}},
            "/v1/chat/completions": {
                "json": {
                    "model": "tiny",
                    "messages": QUESTION,
                    "logprobs": True,
                    "top_logprobs": 1,
                }
            },
            "/v1/completions": {"json": {"model": "tiny", "prompt": "Say", "logprobs": 1}},
            "/v1/responses": {"json": {"model": "tiny", "input": "Say", "top_logprobs": 1}},
        }.get(path, {})

    return body


@pytest.mark.parametrize(("method", "path"), SERVED, ids=map(" ".join, SERVED))
def test_every_answer_is_of_its_type(http, name_of, body_of, method, path):
    name = name_of(method, path) if "{" in path else ""
    body = body_of(method, path, name) if method == "POST" else {}
    response = http.request(method, re.sub(r"\{.*\}", name, path), **body)
    assert response.status_code == 200, response.text
    if ANSWERS[method, path] is bytes:
        assert response.content.startswith(b'{"messages": [{')
    else:
        check_answer(ANSWERS[method, path], response.json())


def test_no_answer_has_a_type_without_a_call():
    assert set(ANSWERS) == set(SERVED)


@pytest.mark.parametrize("damage", [{"colour": "red"}, {"created": "0"}, {"owned_by": None}])
def test_the_check_is_strict(http, damage):
    model = http.get("/v1/models/tiny").json()
    assert check_answer(ANSWERS["GET", "/v1/models/{model}"], model)
    with pytest.raises((ValueError, AssertionError)):
        check_answer(ANSWERS["GET", "/v1/models/{model}"], model | damage)
    del model["shutdown_date"]
    with pytest.raises(AssertionError, match="missing {'shutdown_date'}"):
        check_answer(ANSWERS["GET", "/v1/models/{model}"], model)
