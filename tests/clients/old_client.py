"""The oldest `openai` package with fine-tuning jobs, walking the whole road."""

import contextlib
import json
import os
import time

import openai
from steps import end, equal, step

BASE_URL = os.environ["OPENAI_BASE_URL"]
TRAINING_DATA = "".join(
    json.dumps({"messages": [{"role": role, "content": text} for role, text in messages]}) + "\n"
    for messages in (
        [("user", f"Say {n}."), ("assistant", f"{n} \u00e9 \u4e09!")] for n in range(10)
    )
).encode()
QUESTION = [{"role": "user", "content": "Say 3."}]
DONE = ("succeeded", "failed", "cancelled")


@contextlib.contextmanager
def refused(kind, **expected):
    """The steps inside must be refused with this class of error and this in the error's body."""
    try:
        yield
    except kind as error:
        # This version's own `error.code` and `error.param` are always None.
        body = error.response.json()["error"]
        equal({name: body[name] for name in expected}, expected)
    else:
        raise AssertionError(f"no {kind.__name__}")


def wait(job_id, until):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = client.fine_tuning.jobs.retrieve(job_id)
        if job.status in until:
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job is still {job.status}")


def text_of(chunks):
    """The text of a streamed chat answer, and its usage if a chunk tells it."""
    chunks = list(chunks)
    pieces = [choice.delta.content for chunk in chunks for choice in chunk.choices]
    return "".join(piece or "" for piece in pieces), getattr(chunks[-1], "usage", None)


client = openai.OpenAI(base_url=BASE_URL, max_retries=0)
stranger = openai.OpenAI(base_url=BASE_URL, api_key="a-wrong-key", max_retries=0)

# --- models, and who may ask ---

with step("GET /models", "list the base models"):
    model = client.models.list().data[0].id

with step("GET /models/{model:path}", "retrieve a model"):
    equal(client.models.retrieve(model).object, "model")

with (
    step("GET /models/{model:path}", "an unknown model"),
    refused(openai.NotFoundError, param="model", code="model_not_found"),
):
    client.models.retrieve("no-model")

with (
    step("GET /models", "a wrong key"),
    refused(openai.AuthenticationError, code="invalid_api_key"),
):
    stranger.models.list()

with (
    step("POST /files", "a large file with a wrong key"),
    refused(openai.AuthenticationError, code="invalid_api_key"),
):
    stranger.files.create(file=("large.jsonl", bytes(20_000_000)), purpose="fine-tune")

# --- files ---

with step("POST /files", "upload a file"):
    file = client.files.create(file=("train.jsonl", TRAINING_DATA), purpose="fine-tune")
    equal((file.filename, file.bytes), ("train.jsonl", len(TRAINING_DATA)))

with step("POST /files", "a file that is no JSON lines"), refused(openai.BadRequestError):
    client.files.create(file=("bad.jsonl", b"[\n1]\n"), purpose="fine-tune")

with step("GET /files/{id}", "wait until the file is processed"):
    equal(client.files.wait_for_processing(file.id, poll_interval=0.05).status, "processed")

with step("GET /files/{id}/content", "read the file back"):
    equal(client.files.retrieve_content(file.id).encode(), TRAINING_DATA)

with step("GET /files", "list files"):
    other = client.files.create(file=("other.jsonl", TRAINING_DATA), purpose="fine-tune")
    equal([listed.id for listed in client.files.list()], [other.id, file.id])

with step("DELETE /files/{id}", "delete a file"):
    equal(client.files.delete(other.id).deleted, True)
    with refused(openai.NotFoundError, param="id"):
        client.files.retrieve(other.id)

# --- jobs ---

with step("POST /fine_tuning/jobs", "create a job"):
    options = {"model": model, "training_file": file.id, "suffix": "old"}
    job = client.fine_tuning.jobs.create(hyperparameters={"n_epochs": 1}, **options)
    equal((job.object, job.hyperparameters.n_epochs), ("fine_tuning.job", 1))

with (
    step("POST /fine_tuning/jobs", "a model that does not exist"),
    refused(openai.BadRequestError, code="model_not_available"),
):
    client.fine_tuning.jobs.create(model="no-model", training_file=file.id)

with (
    step("POST /fine_tuning/jobs", "a file that does not exist"),
    refused(openai.BadRequestError, param="training_file"),
):
    client.fine_tuning.jobs.create(model=model, training_file="file-x")

with step("GET /fine_tuning/jobs/{id}", "poll until the job has succeeded"):
    job = wait(job.id, DONE)
    equal((job.status, len(job.result_files)), ("succeeded", 1))
    assert job.fine_tuned_model.startswith(f"ft:{model}:") and job.trained_tokens > 0

with (
    step("GET /fine_tuning/jobs/{id}", "an unknown job"),
    refused(openai.NotFoundError, param="fine_tune_id", code="fine_tune_not_found"),
):
    client.fine_tuning.jobs.retrieve("ftjob-x")

with step("GET /fine_tuning/jobs/{id}/events", "list all events, three a page"):
    paged = [event.id for event in client.fine_tuning.jobs.list_events(job.id, limit=3)]
    events = client.fine_tuning.jobs.list_events(job.id, limit=100).data
    equal(paged, [event.id for event in events])
    equal(events[-1].message, f"Created fine-tuning job: {job.id}")
    assert len(paged) > 10 and {event.level for event in events} == {"info"}

with step("GET /files/{id}/content", "read the results"):
    rows = client.files.retrieve_content(job.result_files[0]).splitlines()
    equal((rows[0].split(",")[:2], len(rows)), (["step", "train_loss"], 11))

with step("POST /fine_tuning/jobs/{id}/cancel", "cancel a job"):
    long_job = client.fine_tuning.jobs.create(hyperparameters={"n_epochs": 50}, **options)
    equal(client.fine_tuning.jobs.cancel(long_job.id).status, "cancelled")
    with refused(openai.BadRequestError, param="fine_tune_id"):
        client.fine_tuning.jobs.cancel(long_job.id)

with step("GET /fine_tuning/jobs", "list all jobs, one a page"):
    equal([one.id for one in client.fine_tuning.jobs.list(limit=1)], [long_job.id, job.id])

# --- the model's answers ---

with step("POST /chat/completions", "ask the fine-tuned model"):
    asked = {"model": job.fine_tuned_model, "max_tokens": 8, "extra_body": {"seed": 1}}
    answer = client.chat.completions.create(messages=QUESTION, **asked)
    equal((answer.object, answer.choices[0].message.role), ("chat.completion", "assistant"))
    equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens)

with step("POST /chat/completions", "send the answer back as it came"):
    message = answer.choices[0].message
    for sent in (message, message.model_dump()):
        talk = [*QUESTION, sent, *QUESTION]
        client.chat.completions.create(model=model, messages=talk, max_tokens=1)

with step("POST /chat/completions", "the same answer streamed"):
    text, _ = text_of(client.chat.completions.create(messages=QUESTION, stream=True, **asked))
    equal(text, answer.choices[0].message.content)

with step("POST /chat/completions", "streamed with usage"):
    asked["extra_body"]["stream_options"] = {"include_usage": True}
    chunks = client.chat.completions.create(messages=QUESTION, stream=True, **asked)
    text, usage = text_of(chunks)
    equal(
        (text, dict(usage)["total_tokens"]),
        (answer.choices[0].message.content, answer.usage.total_tokens),
    )

with (
    step("POST /chat/completions", "a model that does not exist"),
    refused(openai.NotFoundError, code="model_not_found"),
):
    client.chat.completions.create(model="no-model", messages=QUESTION)

with step("POST /chat/completions", "functions, which no practice model can call"):
    functions = [{"name": "f", "parameters": {"type": "object", "properties": {}}}]
    with refused(openai.BadRequestError, param="functions"):
        client.chat.completions.create(model=model, messages=QUESTION, functions=functions)

with step("POST /completions", "let a text go on"):
    completion = client.completions.create(model=model, prompt="Say", max_tokens=4, echo=True)
    equal((completion.object, completion.choices[0].text[:3]), ("text_completion", "Say"))

with step("POST /completions", "streamed, with every kind of line break"):
    prompt = "a\nb\r\nc\x0bd\x0ce\x1cf\x85g\u2028h\u2029i"
    options = {"model": model, "prompt": prompt, "max_tokens": 4, "echo": True}
    chunks = list(client.completions.create(stream=True, **options))
    assert "".join(chunk.choices[0].text for chunk in chunks).startswith(prompt)

# --- the end ---

with step("DELETE /models/{model:path}", "delete the fine-tuned model"):
    equal(client.models.delete(job.fine_tuned_model).deleted, True)
    with refused(openai.NotFoundError, param="model"):
        client.models.retrieve(job.fine_tuned_model)

end()
