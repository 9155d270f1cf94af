"""Fine-tuning jobs, driven by the official package and held against its types."""

import math

import openai
import pytest
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

JOB_KEYS = [
    *("object", "id", "model", "created_at", "finished_at", "fine_tuned_model"),
    *("organization_id", "result_files", "status", "validation_file", "training_file"),
    *("hyperparameters", "trained_tokens", "error", "user_provided_suffix", "seed"),
    *("estimated_finish", "integrations", "metadata", "usage_metrics", "shared_with_openai"),
    *("eval_id", "method"),
]


def raw_job(client, job_id):
    return client.fine_tuning.jobs.with_raw_response.retrieve(job_id).http_response.json()


def test_create_answers_at_once(server, client, strict, data):
    body = {"model": "tiny", "training_file": server.upload(data.examples(10))}
    answer = client.fine_tuning.jobs.with_raw_response.create(**body).http_response.json()
    assert list(answer) == JOB_KEYS
    job = strict(FineTuningJob, answer)
    assert (job.status, job.model, answer["error"]) == ("validating_files", data.base, {})
    assert job.hyperparameters.n_epochs == job.hyperparameters.batch_size == "auto"
    assert (job.finished_at, job.fine_tuned_model, job.result_files) == (None, None, [])
    assert 0 <= job.seed < 2**31
    server.wait(job)


def test_a_finished_job(client, finished_job, strict, data):
    content = raw_job(client, finished_job.id)
    assert list(content) == JOB_KEYS
    job = strict(FineTuningJob, content)
    assert job.status == "succeeded" and job.finished_at >= job.created_at
    numbers = {"n_epochs": 10, "batch_size": 1, "learning_rate_multiplier": 1.0}
    assert content["hyperparameters"] == numbers
    assert content["method"] == {"type": "supervised", "supervised": {"hyperparameters": numbers}}
    base, organization, suffix, mark = job.fine_tuned_model.split(":")[1:]
    assert (base, organization, suffix) == (data.base, "practice", "my-suffix")
    assert len(mark) == 8 and mark.isalnum()


def test_trained_tokens_are_the_training_files_tokens_times_epochs(finished_job):
    # Each example: two roles, two ends, and its bytes, which are this model's tokens.
    per_epoch = sum(4 + len(f"Say {n}.") + len(f"{n}!") for n in range(10))
    assert finished_job.trained_tokens == per_epoch * 10


def test_events_tell_the_whole_story(server, client, finished_job, strict):
    page = client.fine_tuning.jobs.with_raw_response.list_events(finished_job.id, limit=1000)
    content = page.http_response.json()
    assert (content["object"], content["has_more"]) == ("list", False)
    story = [strict(FineTuningJobEvent, event) for event in content["data"]][::-1]
    messages = [event.message for event in story if event.type == "message"]
    files = f"{finished_job.training_file} and validation file: {finished_job.validation_file}"
    assert messages[:4] == [
        f"Created fine-tuning job: {finished_job.id}",
        f"Validating training file: {files}",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
    ]
    newest_first = list(client.fine_tuning.jobs.checkpoints.list(finished_job.id))
    assert messages[4:] == [
        f"Checkpoint created at step {checkpoint.step_number} with Snapshot ID:"
        f" {checkpoint.fine_tuned_model_checkpoint}"
        for checkpoint in newest_first[:0:-1]
    ] + [
        f"New fine-tuned model created: {finished_job.fine_tuned_model}",
        "The job has successfully completed",
    ]
    assert [event["data"] for event in content["data"][::-1][:4]] == [{}, {}, {}, None]


def test_metrics_events_have_full_numbers_and_rounded_words(server, finished_job):
    steps = [event for event in server.events(finished_job) if event.type == "metrics"]
    assert [event.data["step"] for event in steps] == list(range(1, 101))
    always = {"step", "total_steps", "train_loss", "train_mean_token_accuracy"}
    some = {"valid_loss", "valid_mean_token_accuracy"}
    full = {"full_valid_loss", "full_valid_mean_token_accuracy"}
    assert set(steps[0].data) == always
    assert set(steps[9].data) == always | some | full  # every tenth step, and an epoch's end
    first, tenth = steps[0], steps[9]
    assert first.message == f"Step 1/100: training loss={first.data['train_loss']:.2f}"
    assert tenth.message == (
        f"Step 10/100: training loss={tenth.data['train_loss']:.2f}"
        f", validation loss={tenth.data['valid_loss']:.2f}"
        f", full validation loss={tenth.data['full_valid_loss']:.2f}"
    )


def test_it_has_learnt(server, finished_job):
    losses = [step["train_loss"] for step in server.losses(finished_job)]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


def test_checkpoints_are_the_last_three_epochs(client, finished_job, strict):
    answer = client.fine_tuning.jobs.checkpoints.with_raw_response.list(finished_job.id)
    content = answer.http_response.json()
    listed = [strict(FineTuningJobCheckpoint, checkpoint) for checkpoint in content["data"]]
    assert [checkpoint.step_number for checkpoint in listed] == [100, 90, 80]
    assert (content["first_id"], content["last_id"]) == (listed[0].id, listed[-1].id)
    assert listed[0].fine_tuned_model_checkpoint == finished_job.fine_tuned_model
    names = [checkpoint.fine_tuned_model_checkpoint for checkpoint in listed]
    assert [name.split(":")[5:] for name in names] == [[], ["ckpt-step-90"], ["ckpt-step-80"]]
    assert len({name.split(":")[4] for name in names}) == 3
    assert all(checkpoint.metrics.full_valid_loss > 0 for checkpoint in listed)
    assert content["data"][0]["metrics"]["type"] == "supervised"


def test_every_listed_checkpoint_answers_under_its_name(client, finished_job):
    listed = client.fine_tuning.jobs.checkpoints.list(finished_job.id).data
    assert client.fine_tuning.jobs.checkpoints.list(finished_job.id).data == listed
    for checkpoint in listed:
        name = checkpoint.fine_tuned_model_checkpoint
        answer = client.chat.completions.create(
            model=name, messages=[{"role": "user", "content": "Say 3."}], max_tokens=4
        )
        assert answer.model == name


def test_result_file_has_a_row_for_each_step(server, client, finished_job):
    (file_id,) = finished_job.result_files
    file = client.files.retrieve(file_id)
    assert (file.purpose, file.filename) == ("fine-tune-results", "step_metrics.csv")
    header, *rows = client.files.content(file_id).text.splitlines()
    assert header == (
        "step,train_loss,train_mean_token_accuracy,valid_loss,valid_mean_token_accuracy,"
        "full_valid_loss,full_valid_mean_token_accuracy"
    )
    assert len(rows) == 100 and rows[0].endswith(",,,,") and ",," not in rows[9]
    losses = [step["train_loss"] for step in server.losses(finished_job)]
    assert [row.split(",")[1] for row in rows] == [f"{loss:.5f}" for loss in losses]


def test_the_same_seed_gives_the_same_losses(server, finished_job):
    again = server.wait(
        server.create(
            training_file=finished_job.training_file,
            validation_file=finished_job.validation_file,
        )
    )
    assert server.losses(again) == server.losses(finished_job)
    other = server.wait(server.create(training_file=finished_job.training_file, seed=2))
    assert server.losses(other)[50] != server.losses(finished_job)[50]


def test_events_are_paged_exactly_once(server, client, data):
    job = server.wait(server.create(method=data.epochs(25)))
    story = server.events(job, limit=1000)
    assert len(story) > 250
    for limit in (7, 100):
        paged = list(client.fine_tuning.jobs.list_events(job.id, limit=limit))
        assert [event.id for event in paged] == [event.id for event in story[::-1]]


def test_batches_run_on_across_epochs(server, data):
    job = server.create(n_examples=20, method=data.epochs(10, batch_size=3))
    job = server.wait(job)
    assert len(server.losses(job)) == 67
    steps = [c.step_number for c in server.client.fine_tuning.jobs.checkpoints.list(job.id)]
    assert steps == [67, 60, 54]


def test_a_tuned_model_can_be_tuned_further(server, finished_job, data):
    job = server.wait(server.create(model=finished_job.fine_tuned_model, method=data.epochs(1)))
    assert job.model == finished_job.fine_tuned_model
    assert job.fine_tuned_model.startswith(f"ft:{data.base}:practice::")
    first = server.losses(job)[0]["train_loss"]
    assert first < server.losses(finished_job)[0]["train_loss"]


def test_a_checkpoint_can_be_tuned_further(server, client, finished_job, data):
    earlier = list(client.fine_tuning.jobs.checkpoints.list(finished_job.id))[-1]
    name = earlier.fine_tuned_model_checkpoint
    assert name.endswith(":ckpt-step-80")
    job = server.wait(server.create(model=name, method=data.epochs(1), suffix="on"))
    assert (job.status, job.model) == ("succeeded", name)
    assert job.fine_tuned_model.startswith(f"ft:{data.base}:practice:on:")
    assert server.losses(job)[0]["train_loss"] < server.losses(finished_job)[0]["train_loss"]


def test_what_a_client_says_about_a_job_comes_back(server, client):
    notes = {"who": "a", "道": ""}
    job = server.create(suffix="My Suffix", metadata=notes, extra_body={"integrations": []})
    client.fine_tuning.jobs.cancel(job.id)
    content = raw_job(client, job.id)
    assert (content["user_provided_suffix"], content["metadata"]) == ("My Suffix", notes)
    assert content["integrations"] == []
    plain = server.create()
    client.fine_tuning.jobs.cancel(plain.id)
    assert (plain.user_provided_suffix, plain.metadata) == (None, None)


def test_jobs_are_listed_newest_first_and_by_metadata(start_server):
    server = start_server()
    jobs = server.client.fine_tuning.jobs
    file_id = server.upload([{"messages": []}] * 10)
    notes = [{"who": "a"}, {"who": "b", "n": "1"}, None, {"who": "b"}]
    ids = [server.create(training_file=file_id, metadata=note or {}).id for note in notes]
    assert [job.id for job in jobs.list(limit=3)] == ids[::-1]
    assert [job.id for job in jobs.list(metadata={"who": "b"})] == [ids[3], ids[1]]
    assert [job.id for job in jobs.list(metadata={"who": "b", "n": "1"})] == [ids[1]]
    for none in ("null", ""):  # the second is what the package for Node.js makes of a null
        assert [job.id for job in jobs.list(extra_query={"metadata": none})] == [ids[2]]
    assert jobs.list(after=ids[1], limit=1).data[0].id == ids[0]
    assert jobs.list(limit=2).has_more


def test_a_retried_create_makes_one_job(server, client, data):
    file_id = server.upload(data.examples(10))
    headers = {"Idempotency-Key": "once and no more"}
    first = server.create(training_file=file_id, extra_headers=headers)
    second = server.create(training_file=file_id, extra_headers=headers)
    assert first.id == second.id
    server.wait(first)
    server.client.files.delete(file_id)
    assert server.create(training_file=file_id, extra_headers=headers).id == first.id


def test_a_waiting_job_can_be_cancelled_and_a_running_one_too(server, client, data):
    running = server.create(n_examples=100, method=data.epochs(50))
    waiting = server.create()
    server.wait(running, until=("running",))
    server.wait(waiting, until=("queued",))
    for job in (waiting, running):
        cancelled = client.fine_tuning.jobs.cancel(job.id)
        assert (cancelled.status, cancelled.finished_at) == ("cancelled", None)
    assert server.wait(server.create()).status == "succeeded"
    assert client.fine_tuning.jobs.retrieve(running.id).status == "cancelled"
    assert list(client.fine_tuning.jobs.checkpoints.list(running.id)) == []
    assert not (server.home / "jobs" / running.id).exists()
    with pytest.raises(openai.BadRequestError, match="is cancelled"):
        client.fine_tuning.jobs.cancel(running.id)


def test_a_paused_job_goes_on_with_the_same_losses(server, client, data):
    options = {"n_examples": 40, "method": data.epochs(20)}
    job = server.create(**options)
    while not server.losses(job):
        server.wait(job, until=("validating_files", "queued", "running"))
    assert client.fine_tuning.jobs.pause(job.id).status == "paused"
    other = server.wait(server.create(**options))
    assert client.fine_tuning.jobs.retrieve(job.id).status == "paused"
    assert client.fine_tuning.jobs.resume(job.id).status == "queued"
    assert server.wait(job).status == "succeeded"
    assert server.losses(job) == server.losses(other)


def test_jobs_take_their_turn_in_order(server, data):
    jobs = [server.create(method=data.epochs(2)) for _ in range(3)]
    jobs = [server.wait(job) for job in jobs]
    started = [server.events(job)[3] for job in jobs]
    ended = [server.events(job)[-1] for job in jobs]
    assert all(event.message == "Fine-tuning job started" for event in started)
    assert [e.created_at for e in started[1:]] >= [e.created_at for e in ended[:-1]]


def test_chat_answers_while_a_job_trains(server, client, data):
    job = server.create(n_examples=100, method=data.epochs(50))
    server.wait(job, until=("running",))
    answer = client.chat.completions.create(
        model="tiny", messages=[{"role": "user", "content": "Hello"}], max_tokens=3
    )
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert client.fine_tuning.jobs.retrieve(job.id).status == "running"
    client.fine_tuning.jobs.cancel(job.id)


# --- jobs that fail, and creates that are refused ---


def failed(server, lines, **options):
    job = server.wait(server.create(training_file=server.upload(lines), **options))
    assert (job.status, job.finished_at, job.fine_tuned_model) == ("failed", None, None)
    assert (server.events(job)[-1].level, server.events(job)[-1].message) == (
        "error",
        job.error.message,
    )
    return job.error


def test_nine_examples_are_too_few(server, data):
    error = failed(server, data.examples(9))
    assert (error.code, error.param) == ("invalid_n_examples", "training_file")
    assert error.message == "Training file has 9 example(s), but must have at least 10 examples"


def test_a_bad_file_fails_with_its_line(server, data):
    lines = data.examples(12)
    del lines[6]["messages"][1]["role"]
    error = failed(server, lines)
    assert (error.code, error.param) == ("invalid_training_file", "training_file")
    assert error.message == (
        "The job failed due to an invalid training file. Invalid file format. "
        "Example 7, message 2 Discriminator 'role' is missing in value"
    )


def test_a_bad_validation_file_is_named(server, data):
    bad = server.upload([{"prompt": "a", "text": "b"}])
    error = failed(server, data.examples(10), validation_file=bad)
    assert (error.code, error.param) == ("invalid_validation_file", "validation_file")
    assert "Example 1 is missing key 'completion'" in error.message


def warnings(server, job):
    return [event.message for event in server.events(job) if event.level == "warn"]


def test_examples_that_are_too_long_do_not_fail_a_job(server, data):
    """They are cut; those of which no answer is left are skipped."""
    lines = data.examples(13)
    for line, message in ((3, 1), (5, 0), (7, 0)):
        lines[line]["messages"][message]["content"] = "x" * 1_100_000
    file_id = server.upload(lines)
    job = server.create(
        training_file=file_id, validation_file=file_id, method=data.epochs(1, batch_size=1)
    )
    assert server.wait(job).status == "succeeded"
    assert len(server.losses(job)) == 11
    seen = "the 128 tokens that the model sees"
    assert warnings(server, job) == [
        f"{number} example(s) of the {role} file {fate}. Lines: {named}"
        for role in ("training", "validation")
        for number, fate, named in (
            (1, f"are longer than {seen}, and are cut there", "4"),
            (2, f"have no answer within {seen}, and are skipped", "6, 8"),
        )
    ]


@pytest.mark.parametrize(
    ("param", "sound", "counted"),
    [
        ("training_file", 9, "Training file has 9 example(s), but must have at least 10 examples"),
        (
            "validation_file",
            0,
            "Validation file has 0 example(s), but must have at least 1 examples",
        ),
    ],
)
def test_too_few_examples_with_an_answer_to_learn(server, data, param, sound, counted):
    lines = data.examples(10)
    for line in lines[sound:]:
        line["messages"][0]["content"] = "long " * 100
    job = server.wait(server.create(**{param: server.upload(lines)}))
    assert (job.status, job.error.code, job.error.param) == ("failed", "invalid_n_examples", param)
    assert job.error.message == (
        f"{counted}. {10 - sound} more have no answer within the 128 tokens that the model sees"
    )
    assert "and are skipped. Lines: " in warnings(server, job)[0]


def test_a_file_deleted_before_validation(server, client, data):
    file_id = server.upload(data.examples(20_000))
    job = server.create(training_file=file_id)
    client.files.delete(file_id)
    job = server.wait(job)
    assert (job.status, job.error.code) == ("failed", "deleted_training_file")
    assert job.error.message == "The job failed because the training file was deleted"


def test_a_loss_that_is_no_number_fails_the_job(server, data):
    job = server.create(method=data.epochs(10, learning_rate_multiplier=1e30))
    job = server.wait(job)
    assert (job.status, job.error.code) == ("failed", "training_diverged")
    assert job.error.param == "learning_rate_multiplier"
    assert job.error.message.endswith("try a learning_rate_multiplier below 1e+30")
    assert job.finished_at and job.result_files == []
    assert all(map(math.isfinite, (step["train_loss"] for step in server.losses(job))))
    assert server.losses(job)  # what was measured until then stays
    assert server.wait(server.create(method=data.epochs(1))).status == "succeeded"


@pytest.mark.parametrize(
    ("change", "param", "code", "message"),
    [
        ({"training_file": "file-x"}, "training_file", None, "invalid training_file: file-x"),
        (
            {"validation_file": "file-x"},
            "validation_file",
            None,
            "invalid validation_file: file-x",
        ),
        (
            {"model": "gpt-4o-mini"},
            None,
            "model_not_available",
            "Model gpt-4o-mini is not available for fine-tuning or does not exist.",
        ),
        ({"suffix": ""}, "suffix", None, "'' is too short - 'suffix'"),
        ({"suffix": 3}, "suffix", None, "3 is not of type 'string' - 'suffix'"),
        ({"seed": -1}, "seed", None, "-1 is less than the minimum of 0 - 'seed'"),
        ({"seed": 2**31}, "seed", None, "is greater than the maximum of 2147483647"),
        ({"suffix": "x" * 65}, "suffix", None, "is too long - 'suffix'"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata", None, "more than 16 pairs"),
        ({"metadata": {"k" * 65: ""}}, "metadata", None, "more than 64 characters"),
        ({"metadata": {"k": "v" * 513}}, "metadata", None, "at most 512 characters"),
        (
            {"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]},
            "integrations[0]",
            None,
            "No key for Weights & Biases is stored",
        ),
        (
            {"integrations": [{"type": "mlflow"}]},
            "integrations[0]",
            None,
            "is not of the type 'wandb'",
        ),
        (
            {"method": {"type": "supervised", "epochs": 3}},
            "method.epochs",
            None,
            "Unrecognized request argument supplied: method.epochs",
        ),
        (
            {"method": {"type": "supervised", "supervised": {"n_epochs": 3}}},
            "method.supervised.n_epochs",
            None,
            "Unrecognized request argument supplied",
        ),
        (
            {"method": {"type": "supervised", "dpo": {}}},
            "method.dpo",
            None,
            "The type of the method is 'supervised'",
        ),
        (
            {
                "method": {"type": "supervised"},
                "extra_body": {"hyperparameters": {"n_epochs": 3}},
            },
            "hyperparameters",
            None,
            "With 'method' they stand in it, and nowhere else",
        ),
        ({"metadata": {"a": 1}}, "metadata", None, "'a'"),
        (
            {"method": {"type": "reinforcement"}},
            "method.type",
            None,
            "trains with 'supervised' and 'dpo' only",
        ),
        ({"method": {"type": "other"}}, "method.type", None, "'other' is not one of"),
        ({"extra_body": {"n_epochs": 3}}, "n_epochs", None, "Unrecognized request argument"),
    ],
)
def test_a_create_is_refused(server, finished_job, change, param, code, message):
    with pytest.raises(openai.BadRequestError) as error:
        server.create(**{"training_file": finished_job.training_file, **change})
    assert (error.value.param, error.value.code) == (param, code)
    assert message in error.value.body["message"]
    assert error.value.type == "invalid_request_error"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("n_epochs", value) for value in (0, 51, 1.5, "3", True)),
        *(("batch_size", value) for value in (0, 257)),
        *(("learning_rate_multiplier", value) for value in (0, -1, "x")),
        ("epochs", 3),
    ],
)
def test_a_bad_hyperparameter_is_refused(server, finished_job, name, value):
    method = {"type": "supervised", "supervised": {"hyperparameters": {name: value}}}
    for place, body in (
        ("method.supervised.", {"method": method}),
        ("", {"extra_body": {"hyperparameters": method["supervised"]["hyperparameters"]}}),
    ):
        with pytest.raises(openai.BadRequestError) as error:
            server.create(training_file=finished_job.training_file, **body)
        assert error.value.param == f"{place}hyperparameters.{name}"


def test_unknown_jobs(client):
    jobs = client.fine_tuning.jobs
    calls = (jobs.retrieve, jobs.cancel, jobs.pause, jobs.resume, jobs.list_events)
    for call in (*calls, jobs.checkpoints.list):
        with pytest.raises(openai.NotFoundError) as error:
            call("ftjob-x")
        assert error.value.body == {
            "message": "Could not find fine tune: ftjob-x",
            "type": "invalid_request_error",
            "param": "fine_tune_id",
            "code": "fine_tune_not_found",
        }
