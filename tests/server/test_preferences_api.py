"""Jobs with the method `dpo`, driven by the official package."""

import math

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob


def preferences(n):
    """The same answers as the shared examples want, preferred to a plain one."""
    return [
        {
            "input": {"messages": [{"role": "user", "content": f"Say {number}."}]},
            "preferred_output": [{"role": "assistant", "content": f"{number}!"}],
            "non_preferred_output": [{"role": "assistant", "content": f"Well, {number}."}],
        }
        for number in range(n)
    ]


def dpo(**hyperparameters):
    return {"type": "dpo", "dpo": {"hyperparameters": hyperparameters}}


@pytest.fixture(scope="module")
def preferring_job(server, finished_job):
    """A tuned model trained further on preferences: 12 pairs, 5 epochs, batches of 2."""
    method = dpo(n_epochs=5, batch_size=2, beta=0.5, learning_rate_multiplier=0.5)
    return server.wait(
        server.create(
            model=finished_job.fine_tuned_model,
            training_file=server.upload(preferences(12)),
            validation_file=server.upload(preferences(4)),
            method=method,
        )
    )


def test_a_preference_job_in_the_services_form(client, preferring_job, strict):
    answer = client.fine_tuning.jobs.with_raw_response.retrieve(preferring_job.id)
    content = answer.http_response.json()
    assert content["status"] == "succeeded", content["error"]
    assert content["hyperparameters"] is None
    chosen = {"batch_size": 2, "beta": 0.5, "learning_rate_multiplier": 0.5, "n_epochs": 5}
    assert content["method"] == {"type": "dpo", "dpo": {"hyperparameters": chosen}}
    # The two places where the real service breaks its own type.
    strict(FineTuningJob, content)


def test_its_loss_falls_from_where_nothing_is_preferred(server, preferring_job):
    losses = server.losses(preferring_job)
    assert len(losses) == 30
    assert losses[0]["train_loss"] == pytest.approx(math.log(2), abs=1e-3)
    assert losses[-1]["train_loss"] < 0.6
    assert losses[-1]["full_valid_loss"] < 0.65
    assert {"valid_loss", "full_valid_mean_token_accuracy"} <= losses[-1].keys()


def test_its_checkpoints_and_result_file(client, preferring_job):
    answer = client.fine_tuning.jobs.checkpoints.with_raw_response.list(preferring_job.id)
    listed = answer.http_response.json()["data"]
    assert [checkpoint["step_number"] for checkpoint in listed] == [30, 24, 18]
    assert {checkpoint["metrics"]["type"] for checkpoint in listed} == {"dpo"}
    rows = client.files.content(preferring_job.result_files[0]).text.splitlines()
    assert len(rows) == 31
    question = [{"role": "user", "content": "Say 3."}]
    client.chat.completions.create(
        model=preferring_job.fine_tuned_model, messages=question, max_tokens=4
    )


def test_trained_tokens_count_both_answers(preferring_job):
    def tokens(number):  # two roles, two ends, and bytes; once for each answer
        question = 2 * (4 + len(f"Say {number}."))
        return question + len(f"{number}!") + len(f"Well, {number}.")

    assert preferring_job.trained_tokens == 5 * sum(map(tokens, range(12)))


def test_auto_is_chosen(server):
    job = server.create(training_file=server.upload(preferences(10)), method={"type": "dpo"})
    before = job.method.dpo.hyperparameters
    assert {before.n_epochs, before.batch_size, before.beta} == {"auto"}
    job = server.wait(job)
    chosen = job.method.dpo.hyperparameters
    assert (chosen.n_epochs, chosen.batch_size, chosen.beta) == (10, 1, 0.1)
    assert chosen.learning_rate_multiplier == 0.1


def test_a_paused_preference_job_goes_on_with_the_same_losses(server, client):
    options = {"training_file": server.upload(preferences(40)), "method": dpo(n_epochs=10)}
    job = server.create(**options)
    while not server.losses(job):
        server.wait(job, until=("validating_files", "queued", "running"))
    assert client.fine_tuning.jobs.pause(job.id).status == "paused"
    other = server.wait(server.create(**options))
    client.fine_tuning.jobs.resume(job.id)
    assert server.wait(job).status == "succeeded"
    assert server.losses(job) == server.losses(other)


@pytest.mark.parametrize("kind", ["chats for dpo", "preferences for supervised"])
def test_the_file_must_be_for_the_method(server, data, kind):
    if kind == "chats for dpo":
        job = server.create(method=dpo(), training_file=server.upload(data.examples(10)))
        words = "is in the fine-tune-chat format"
    else:
        job = server.create(training_file=server.upload(preferences(10)))
        words = "is in the fine-tune-preference format"
    job = server.wait(job)
    assert (job.status, job.error.code) == ("failed", "invalid_training_file")
    assert (words in job.error.message, job.error.param) == (True, "training_file")


def test_a_preference_of_which_an_output_is_beyond_the_context_is_skipped(server):
    lines = preferences(11)
    lines[3]["preferred_output"][0]["content"] = "x" * 200
    lines[5]["input"]["messages"][0]["content"] = "x" * 200
    file_id = server.upload(lines)
    job = server.wait(server.create(method=dpo(n_epochs=1), training_file=file_id))
    assert job.status == "succeeded"
    assert len(server.losses(job)) == 10


@pytest.mark.parametrize(
    ("name", "value"),
    [("beta", 0), ("beta", 2.1), ("beta", "x"), ("n_epochs", 0), ("gamma", 1)],
)
def test_a_bad_hyperparameter_is_refused(server, finished_job, name, value):
    with pytest.raises(openai.BadRequestError) as error:
        server.create(training_file=finished_job.training_file, method=dpo(**{name: value}))
    assert error.value.param == f"method.dpo.hyperparameters.{name}"


def test_a_supervised_job_has_no_beta(server, finished_job, data):
    with pytest.raises(openai.BadRequestError) as error:
        server.create(training_file=finished_job.training_file, method=data.epochs(1, beta=0.1))
    assert error.value.param == "method.supervised.hyperparameters.beta"
