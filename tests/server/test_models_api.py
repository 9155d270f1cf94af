"""Models: the base model, and what jobs have made of it."""

import openai
import pytest
from openai.types import Model, ModelDeleted

SNAPSHOT = "gpt-4o-mini-2024-07-18"


def test_list_and_retrieve(client, finished_job, strict, data):
    content = client.models.with_raw_response.list().http_response.json()
    models = {model["id"]: strict(Model, model) for model in content["data"]}
    assert models[data.base].owned_by == "practice-server"
    assert models[finished_job.fine_tuned_model].owned_by == "practice"
    for checkpoint in client.fine_tuning.jobs.checkpoints.list(finished_job.id):
        name = checkpoint.fine_tuned_model_checkpoint
        assert client.models.retrieve(name) == models[name]
    assert client.models.retrieve("tiny").id == data.base


def test_a_deleted_model_answers_no_more(server, client, strict, data):
    job = server.wait(server.create(method=data.epochs(2)))
    last, first = client.fine_tuning.jobs.checkpoints.list(job.id)
    question = [{"role": "user", "content": "Say 3."}]
    client.chat.completions.create(model=job.fine_tuned_model, messages=question, max_tokens=1)
    answer = client.models.with_raw_response.delete(job.fine_tuned_model).http_response.json()
    assert strict(ModelDeleted, answer).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=job.fine_tuned_model, messages=question)
    assert [c.id for c in client.fine_tuning.jobs.checkpoints.list(job.id)] == [first.id]
    assert not (server.home / "models" / last.id).exists()
    assert client.models.delete(first.fine_tuned_model_checkpoint).deleted


def test_a_base_model_cannot_be_deleted(client):
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("tiny")
    assert client.models.retrieve("tiny")


@pytest.mark.parametrize("name", ["nothing", "ft:tiny:practice::abcdefgh:ckpt-step-3", "../x"])
def test_an_unknown_model(client, name):
    for call in (client.models.retrieve, client.models.delete):
        with pytest.raises(openai.NotFoundError) as error:
            call(name)
        assert (error.value.param, error.value.code) == ("model", "model_not_found")
        assert error.value.body["message"].startswith(f"The model '{name}' does not exist")


def answering(client, model):
    question = [{"role": "user", "content": "Say 3."}]
    return client.chat.completions.create(model=model, messages=question, max_tokens=1).model


def test_what_is_asked_for_by_an_alias_bears_its_name(start_server, data):
    server = start_server("--alias", f"{SNAPSHOT}=tiny", "--alias", "gpt-4.1=tiny")
    listed = [model.id for model in server.client.models.list()]
    assert listed == [data.base, SNAPSHOT, "gpt-4.1"]
    assert server.client.models.retrieve("gpt-4o-mini").id == SNAPSHOT
    # A family is its snapshot, as at OpenAI; a snapshot of which only the family is an alias too.
    for asked, named in (
        (SNAPSHOT, SNAPSHOT),
        ("gpt-4o-mini", SNAPSHOT),
        ("gpt-4.1", "gpt-4.1"),
        ("gpt-4.1-2025-04-14", "gpt-4.1-2025-04-14"),
        ("tiny", data.base),
    ):
        assert answering(server.client, asked) == named


def test_a_job_from_an_alias_makes_models_of_that_name(start_server, data):
    server = start_server("--alias", f"{SNAPSHOT}=tiny")
    job = server.wait(server.create(model="gpt-4o-mini", suffix="Bot", method=data.epochs(2)))
    assert (job.status, job.model) == ("succeeded", SNAPSHOT)
    assert job.fine_tuned_model.startswith(f"ft:{SNAPSHOT}:practice:bot:")
    names = [
        checkpoint.fine_tuned_model_checkpoint
        for checkpoint in server.client.fine_tuning.jobs.checkpoints.list(job.id)
    ]
    assert len(names) == 2
    assert [answering(server.client, name) for name in names] == names
    further = server.wait(server.create(model=job.fine_tuned_model, method=data.epochs(1)))
    assert further.fine_tuned_model.startswith(f"ft:{SNAPSHOT}:practice::")


def test_a_model_that_is_not_there_says_which_alias_would_help(client, server):
    for call in (
        lambda: client.models.retrieve("gpt-4o-mini"),
        lambda: answering(client, "gpt-4o-mini"),
        lambda: server.create(model="gpt-4o-mini"),
    ):
        with pytest.raises(openai.APIStatusError, match="--alias gpt-4o-mini=tiny"):
            call()
