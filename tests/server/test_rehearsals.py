"""`--rehearse CODE`: what a real service may refuse, as the official package meets it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import openai
import pytest

from practice_server.web.rehearse import REHEARSALS, SECONDS_IN_QUEUE, SECONDS_UNTIL_READY

ROOT = Path(__file__).resolve().parents[2]
QUESTION = [{"role": "user", "content": "Say 3."}]


@pytest.fixture
def rehearse(start_server):
    def start(*codes, **options):
        arguments = [word for code in codes for word in ("--rehearse", code)]
        return start_server(*arguments, **options)

    return start


def ask(client, model="tiny"):
    return client.chat.completions.create(model=model, messages=QUESTION, max_tokens=1)


def test_training_is_not_available(rehearse):
    server = rehearse("training_not_available")
    with pytest.raises(openai.PermissionDeniedError) as refused:
        server.create()  # the upload before it succeeds
    error = refused.value
    assert (error.code, error.type, error.param) == (
        "training_not_available",
        "invalid_request_error",
        None,
    )
    assert error.message.endswith(
        "create new fine-tuning training jobs. Learn more https://"
        "developers.openai.com/api/docs/deprecations#update-to-openais-self-serve-fine-tuning"
    )
    assert len(server.client.files.list().data) == 1
    assert server.client.fine_tuning.jobs.list().data == []
    assert ask(server.client).choices


def test_no_key_is_accepted(rehearse):
    server = rehearse("invalid_api_key")
    with pytest.raises(openai.AuthenticationError) as refused:
        server.client.models.list()
    assert refused.value.code == "invalid_api_key"
    assert "Incorrect API key provided: sk-pr****" in refused.value.message


def test_questions_come_too_fast(rehearse):
    client = rehearse("rate_limit_exceeded").client
    with pytest.raises(openai.RateLimitError) as refused:
        ask(client)
    assert (refused.value.code, refused.value.type) == ("rate_limit_exceeded", "requests")
    assert refused.value.response.headers["retry-after"] == "1"
    assert ask(client).choices
    # The package waits and asks again by itself.
    began = time.monotonic()
    assert ask(client.with_options(max_retries=1)).choices
    assert time.monotonic() - began >= 1
    assert client.models.list().data


def test_no_money_is_left(rehearse, data):
    server = rehearse("insufficient_quota")
    calls = [
        lambda: ask(server.client),
        lambda: server.client.completions.create(model="tiny", prompt="x"),
        server.create,
    ]
    for call in calls:
        with pytest.raises(openai.RateLimitError) as refused:
            call()
        assert (refused.value.code, refused.value.type) == ("insufficient_quota",) * 2
        assert "check your plan and billing details" in refused.value.message


def test_a_model_is_not_ready_at_first(rehearse, data):
    server = rehearse("model_not_ready")
    assert ask(server.client).choices  # a base model is
    job = server.wait(server.create(method=data.epochs(1)))
    with pytest.raises(openai.NotFoundError) as refused:
        ask(server.client, job.fine_tuned_model)
    assert refused.value.code == "model_not_found"
    time.sleep(max(0, job.finished_at + SECONDS_UNTIL_READY - time.time()))
    assert ask(server.client, job.fine_tuned_model).choices


def test_a_job_waits_in_the_queue(rehearse, data):
    server = rehearse("job_waits")
    job = server.create(method=data.epochs(1))
    other = server.create(method=data.epochs(1))
    queued = server.wait(job, until=("queued",))
    server.client.fine_tuning.jobs.cancel(other.id)
    began = time.monotonic()
    assert server.wait(queued).status == "succeeded"
    assert time.monotonic() - began > SECONDS_IN_QUEUE / 2
    assert server.wait(other).status == "cancelled"


def test_a_job_fails_after_an_epoch(rehearse, data):
    server = rehearse("job_fails")
    job = server.wait(server.create(method=data.epochs(3)))
    assert (job.status, job.fine_tuned_model) == ("failed", None)
    assert (job.error.code, job.error.param) == ("server_error", None)
    assert job.error.message == "The job failed due to an internal error"
    assert job.finished_at and [step["step"] for step in server.losses(job)] == [*range(1, 11)]


def test_an_upload_is_cut_off(rehearse):
    client = rehearse("upload_cut_off").client
    content = b'{"messages": []}\n' * 300_000
    with pytest.raises(openai.APIConnectionError):
        client.files.create(file=("a.jsonl", content), purpose="fine-tune")
    assert client.files.list().data == []
    made = client.files.create(file=("a.jsonl", content), purpose="fine-tune")
    # The package sends it again by itself, and so a part of an upload.
    trying = client.with_options(max_retries=1)
    assert trying.files.create(file=("b.jsonl", content), purpose="fine-tune").bytes == made.bytes
    upload = client.uploads.create(
        bytes=3, filename="c", mime_type="text/plain", purpose="user_data"
    )
    with pytest.raises(openai.APIConnectionError):
        client.uploads.parts.create(upload.id, data=b"abc")
    part = client.uploads.parts.create(upload.id, data=b"abc")
    whole = client.uploads.complete(upload.id, part_ids=[part.id])
    assert client.files.content(whole.file.id).read() == b"abc"


def test_several_are_rehearsed_at_once(rehearse):
    server = rehearse("training_not_available", "upload_cut_off", "rate_limit_exceeded")
    with pytest.raises(openai.APIConnectionError):
        server.create()
    with pytest.raises(openai.RateLimitError):
        ask(server.client)
    with pytest.raises(openai.PermissionDeniedError):
        server.create()


def test_the_help_and_the_readme_name_every_rehearsal():
    done = subprocess.run(
        [sys.executable, "-m", "practice_server", "--help"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
    )
    readme = (ROOT / "practice_server" / "README.md").read_text(encoding="utf-8")
    for code, what in REHEARSALS.items():
        assert f"{code} " in done.stdout and what in done.stdout
        assert f"| `{code}` | {what} |" in readme
