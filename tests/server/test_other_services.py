"""What is written for Azure and for Nebius works here too, and is told what it does not change."""

import base64

import httpx2
import openai
import pytest

QUESTION = [{"role": "user", "content": "Say 3."}]


@pytest.fixture(params=["classic", "v1"])
def azure(request, server):
    """Azure's own client, whose key has a header of its own, and the newer way without it."""
    root, key = server.base_url.removesuffix("/v1"), server.api_key
    if request.param == "classic":
        return openai.AzureOpenAI(azure_endpoint=root, api_key=key, api_version="2025-04-01")
    return openai.OpenAI(base_url=f"{root}/openai/v1/", api_key=key)


def test_a_program_for_azure_walks_the_whole_road(azure, server, data):
    job = azure.fine_tuning.jobs.create(
        model="tiny",
        training_file=server.upload(data.examples(10)),
        method=data.epochs(1),
        extra_body={"trainingType": "GlobalStandard"},
    )
    done = server.wait(job)
    assert done.status == "succeeded"
    assert azure.fine_tuning.jobs.checkpoints.list(job.id, limit=1).data
    answer = azure.chat.completions.create(
        model=done.fine_tuned_model, messages=QUESTION, max_tokens=3
    )
    assert answer.model == done.fine_tuned_model
    assert any("trainingType" in event.message for event in server.events(job))
    assert azure.files.content(done.result_files[0]).read().startswith(b"step,")


def test_azures_paths_need_the_key_too(server):
    url = server.base_url.replace("/v1", "/openai/files?api-version=2025-04-01")
    assert httpx2.get(url).status_code == 401
    assert httpx2.get(url, headers={"api-key": "wrong-key-wrong-key"}).status_code == 401


def test_nebius_hyperparameters_are_taken_and_those_without_effect_are_told(server, client):
    job = server.create(
        hyperparameters={"n_epochs": 1, "lora": True, "lora_r": 16, "warmup_ratio": 0.1}
    )
    done = server.wait(job)
    assert (done.status, done.hyperparameters.n_epochs) == ("succeeded", 1)
    (warning,) = [event for event in server.events(job) if event.level == "warn"]
    assert warning.message == "The practice server does not apply: lora, lora_r, warmup_ratio"
    with pytest.raises(openai.BadRequestError, match="Unrecognized request argument"):
        server.create(hyperparameters={"lora_rank": 16})


def test_result_files_in_base64(start_server, data):
    server = start_server("--result-files", "base64")
    job = server.wait(server.create(method=data.epochs(1)))
    content = server.client.files.content(job.result_files[0]).read()
    assert base64.b64decode(content, validate=True).startswith(b"step,train_loss,")


def test_what_is_not_served_is_told_once(server):
    client = openai.OpenAI(base_url=server.base_url, api_key=server.api_key)  # it would try again
    for call in (
        lambda: client.embeddings.create(model="tiny", input="Hello"),
        lambda: client.batches.list(),
        lambda: client.moderations.create(input="Hello"),
    ):
        with pytest.raises(openai.InternalServerError, match="does not serve") as error:
            call()
        assert error.value.status_code == 501
        assert error.value.request.headers["x-stainless-retry-count"] == "0"
