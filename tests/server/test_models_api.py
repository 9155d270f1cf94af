"""Models: the base model, and what jobs have made of it."""

import openai
import pytest
from openai.types import Model, ModelDeleted


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
        assert error.value.body["message"] == f"The model '{name}' does not exist"


def test_an_alias_of_the_command_line(start_server, data):
    client = start_server("--alias", "gpt-4o-mini=tiny").client
    question = [{"role": "user", "content": "Hello"}]
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=question, max_tokens=1)
    assert answer.model == data.base
    assert [model.id for model in client.models.list()] == [data.base]
