"""A file is uploaded once, a job is started once, followed to its end, and read."""

import base64
import math
import shutil
import time
from dataclasses import replace

import httpx2
import nbformat
import openai
import pandas as pd
import pytest
from nbclient import NotebookClient

from helpers import jobs
from helpers.plots import Monitor, growing_curve
from helpers.service import ROOT, connect

MARV = ROOT / "data" / "marv"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A small training and validation file: the first 12 and 4 lines of Marv's."""
    folder = tmp_path_factory.mktemp("files")
    for name, count in {"train": 12, "valid": 4}.items():
        lines = (MARV / f"{name}.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / f"{name}.jsonl").write_text("".join(lines[:count]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def start(service, files):
    """Start a job of two epochs on the small files, with other settings if wanted."""

    def start(at=service, **settings):
        settings = {"n_epochs": 2, "seed": 1, "validation_path": files / "valid.jsonl"} | settings
        return jobs.create_once(at, files / "train.jsonl", **settings)

    return start


@pytest.fixture(scope="module")
def finished(service, start):
    """A job that has succeeded."""
    return wait(service, start())


def wait(service, job):
    """Wait for a job, but not for ever."""
    deadline = time.monotonic() + 90
    for state in jobs.poll(service, job):
        assert state.status in jobs.AT_REST or time.monotonic() < deadline
    return state


def count_jobs(service):
    return len(list(service.client.fine_tuning.jobs.list()))


def test_a_file_is_uploaded_once(service, files):
    first = jobs.upload_once(service, files / "train.jsonl")
    uploads = len(list(service.client.files.list()))
    assert jobs.upload_once(service, files / "train.jsonl") == first
    assert len(list(service.client.files.list())) == uploads
    sent = service.client.files.content(first).read()
    assert sent == (files / "train.jsonl").read_bytes()


def test_a_deleted_file_is_uploaded_again(service, tmp_path):
    path = tmp_path / "other.jsonl"
    path.write_bytes((MARV / "train.jsonl").read_bytes())
    first = jobs.upload_once(service, path)
    service.client.files.delete(first)
    assert jobs.upload_once(service, path) != first


def test_a_job_ends_with_a_model_results_and_checkpoints(service, finished):
    assert jobs.wait(service, finished.id) == finished
    assert finished.status == "succeeded" and finished.fine_tuned_model
    results = jobs.results(service, finished)
    assert list(results["step"]) == list(range(1, 25))
    assert results["train_loss"].notna().all() and results["valid_loss"].notna().any()
    listed = jobs.checkpoints(service, finished)
    assert [checkpoint.step_number for checkpoint in listed] == [12, 24]
    assert listed[-1].fine_tuned_model_checkpoint == finished.fine_tuned_model


def test_the_same_data_and_settings_never_make_a_second_job(service, start, finished):
    before = count_jobs(service)
    assert start().id == finished.id
    assert count_jobs(service) == before


def test_a_job_whose_id_was_never_remembered_is_found_by_its_key(service, start, module_work):
    """As if the kernel had died, at a hosted service, which heeds no Idempotency-Key."""
    url, key = service.client.base_url, service.client.api_key
    hooks = {"request": [lambda request: request.headers.pop("Idempotency-Key", None)]}
    with httpx2.Client(event_hooks=hooks, trust_env=False) as plain:
        client = openai.OpenAI(base_url=url, api_key=key, http_client=plain)
        hosted = replace(service, client=client)
        first = start(hosted, seed=5, n_epochs=1)
        (module_work / "practice.json").unlink()
        assert start(hosted, seed=5, n_epochs=1).id == first.id
    wait(service, first)


def test_other_settings_make_another_job(service, start, finished):
    other = start(seed=2, n_epochs=1)
    assert other.id != finished.id
    wait(service, other)


def test_what_the_service_does_not_know_is_made_anew(start, finished, module_work, work):
    """As if the practice server's folder was deleted, and the memory of it was not."""
    shutil.copy(module_work / "practice.json", work)
    assert start(connect()).id != finished.id


def test_a_cancelled_job_is_made_anew(service, start):
    settings = {"seed": 4, "n_epochs": 20}
    first = start(**settings)
    service.client.fine_tuning.jobs.cancel(first.id)
    assert wait(service, first).status == "cancelled"
    second = start(**settings)
    assert second.id != first.id
    service.client.fine_tuning.jobs.cancel(second.id)


def test_results_of_a_job_without_any_are_explained(service, start):
    job = start(seed=5, n_epochs=20)
    service.client.fine_tuning.jobs.cancel(job.id)
    with pytest.raises(jobs.CourseError, match="has no result file"):
        jobs.results(service, job)


def test_events_are_read_once_and_in_order(service, finished):
    monitor = Monitor()
    for _ in range(2):
        events = service.client.fine_tuning.jobs.list_events(finished.id)
        monitor.show(finished, events)
    assert [point["step"] for point in monitor.points] == list(range(1, 25))


def test_follow_shows_bar_and_curve_in_a_notebook(service, finished, module_work, monkeypatch):
    """Run the cell that a lesson has, in a kernel of its own."""
    monkeypatch.setenv("FINE_TUNING_WORK", str(module_work))
    code = (
        "from helpers import jobs\nfrom helpers.service import connect\n"
        f"job = jobs.follow(connect(), {finished.id!r})\nprint(job.status)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(ROOT)}}).execute()
    bar, figure, printed = notebook.cells[0].outputs
    assert "step 24/24" in bar["data"]["text/markdown"]
    assert "**succeeded**" in bar["data"]["text/markdown"]
    assert "image/png" in figure["data"]
    assert printed["text"].startswith("Over 24 steps the training loss goes from ")
    assert printed["text"].endswith(" at step 24.\nsucceeded\n")


def test_the_axis_of_steps_has_room_for_all_of_them_from_the_first():
    points = [{"step": step, "train_loss": 3 / step, "total_steps": 40} for step in (1, 2, 3)]
    early, late = growing_curve(points[:1]), growing_curve(points)
    assert early.get_xlim() == late.get_xlim()
    assert late.get_xlim()[0] == 0 and 40 <= late.get_xlim()[1] < 41
    assert late.get_ylim()[0] == 0
    assert late.get_title() and late.get_xlabel() == "step" and "nats" in late.get_ylabel()


# Reading result files


CSV = "step,train_loss,train_accuracy,valid_loss,validation_mean_token_accuracy\n1,3.63265,0.5,,\n"


@pytest.mark.parametrize(
    "content",
    [CSV.encode(), b"\xef\xbb\xbf" + CSV.encode(), base64.b64encode(CSV.encode())],
    ids=["plain", "with byte order mark", "base64"],
)
def test_a_result_file_is_read_plain_or_encoded(content):
    row = jobs.read_results(content).iloc[0]
    assert row["step"] == 1 and row["train_loss"] == 3.63265
    assert row["train_mean_token_accuracy"] == 0.5
    assert math.isnan(row["valid_loss"]) and math.isnan(row["valid_mean_token_accuracy"])


def test_azures_mark_for_a_missing_value_is_understood():
    table = jobs.read_results(b"step,train_loss,valid_loss\n1,0.5,-1\n2,0.4,-1.0\n3,0.3,0.7\n")
    assert table["valid_loss"].tolist()[2] == 0.7
    assert pd.isna(table["valid_loss"]).tolist() == [True, True, False]


# Cost


@pytest.fixture
def hosted(service):
    """A service that is taken for a hosted one; it knows no model of OpenAI."""
    return replace(service, name="openai", base_model="gpt-4.1-2025-04-14", is_practice=False)


@pytest.mark.parametrize("yes", [{}, {"max_usd": 0.29}])
def test_what_nobody_has_said_yes_to_is_not_sent_but_priced(hosted, yes):
    uploads = len(list(hosted.client.files.list()))
    with pytest.raises(jobs.CostError) as error:
        jobs.create_once(hosted, MARV / "train.jsonl", **yes)
    assert len(list(hosted.client.files.list())) == uploads
    place, price = f"openai ({hosted.client.base_url})", "pass max_usd=0.30."
    tokens, source = "3,926 tokens for 3 epochs", "25.00 a million tokens since 2025-07-01: OpenAI"
    for said in (place, hosted.base_model, tokens, source, price):
        assert said in str(error.value)


@pytest.mark.parametrize("name", ["openai", "azure", "nebius"])
def test_a_price_that_is_not_known_is_not_guessed(hosted, name):
    """Azure and Nebius have the model, but no price that OpenAI asks."""
    model = "some-model" if name == "openai" else hosted.base_model
    with pytest.raises(jobs.CostError, match="not started.* epochs: no price .*max_usd"):
        jobs.create_once(replace(hosted, name=name), MARV / "train.jsonl", model=model)


@pytest.mark.parametrize(
    "settings", [{"max_usd": 0.3}, {"model": "some-model", "max_usd": math.inf}]
)
def test_what_is_agreed_to_is_sent(hosted, settings):
    with pytest.raises(openai.BadRequestError, match="is not available for fine-tuning"):
        jobs.create_once(hosted, MARV / "train.jsonl", **settings)


def test_the_base_models_losses_are_those_before_training(service, files, finished):
    before = jobs.base_losses(service, files / "valid.jsonl")
    after = jobs.results(service, finished).iloc[-1]
    assert before["full_valid_loss"] > 2 * after["full_valid_loss"]
    made = count_jobs(service)
    assert jobs.base_losses(service, files / "valid.jsonl").equals(before)
    assert count_jobs(service) == made
