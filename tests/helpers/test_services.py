"""What the helpers send to OpenAI, Azure and Nebius, and what they make of the answers.

A stand-in hands every request to a practice server, which really trains, and before that asks for
what the service's guide asks for. The services themselves could not be tried.
"""

import base64
import json
import math
import re
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import openai
import pytest

from helpers import jobs
from helpers.service import HOSTED, ROOT, connect

KEY = "the-key-of-the-service"
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


class OpenAI:
    """OpenAI's service: result files are base64."""

    variable, prefix = "OPENAI_API_KEY", "/v1/"
    deployments = {}
    is_answer_lost = False

    def __init__(self, practice, url):
        self.practice, self.url, self.asked = practice, url, []

    def refusal(self, path, body):
        """Why the service would not take this request; None if it would."""

    def inward(self, body):
        return body

    def outward(self, path, content):
        return base64.b64encode(content) if path.endswith("/content") else content

    def jobs_sent(self):
        """What has been sent to start jobs."""
        path = f"{self.prefix}fine_tuning/jobs"
        sent = [body for method, asked, _, body in self.asked if (method, asked) == ("POST", path)]
        return [json.loads(body) for body in sent]


class Azure(OpenAI):
    """Azure's: models answer under a deployment's name; no value is -1 in a result file."""

    variable, prefix = "AZURE_OPENAI_API_KEY", "/openai/v1/"

    def refusal(self, path, body):
        if path == "/v1/chat/completions" and json.loads(body)["model"] not in self.deployments:
            return "The API deployment for this resource does not exist."

    def inward(self, body):
        for name, model in self.deployments.items():
            body = body.replace(json.dumps(name).encode(), json.dumps(model).encode())
        return body

    def outward(self, path, content):
        return re.sub(rb",(?=[,\n])", b",-1", content) if path.endswith("/content") else content


class Nebius(Azure):
    """Nebius': other fields in a job; checkpoints come with their files, the weights."""

    variable, prefix = "NEBIUS_API_KEY", "/v1/"
    fields = {"model", "training_file", "validation_file", "suffix", "seed", "hyperparameters"}
    weights = "the id of a file"

    def refusal(self, path, body):
        if path == "/v1/fine_tuning/jobs" and json.loads(body or b"{}").keys() - self.fields:
            return "Extra inputs are not permitted"
        return super().refusal(path, body)

    def outward(self, path, content):
        if path.endswith("/content"):
            return content
        answer = json.loads(content)
        for checkpoint in answer.get("data", []) if "/checkpoints" in path else []:
            checkpoint["result_files"] = [self.weights]
        if path.endswith(f"/files/{self.weights}"):
            answer["filename"] = "../checkpoint\\..\\adapter.safetensors"
        return json.dumps(answer).encode()


class Door(BaseHTTPRequestHandler):
    """Keeps what is asked, and asks the practice server."""

    def pass_on(self):
        there = self.server.there
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        there.asked.append((self.command, self.path, self.headers, body))
        path = re.sub(r"^(/openai)?(/v1)?/", "/v1/", self.path)
        path = re.sub(r"api-version=[^&]*&?", "", path)
        if refusal := there.refusal(path, body):
            return self.answer(400, json.dumps({"error": {"message": refusal}}).encode())
        practice = there.practice.client
        done = httpx2.request(
            self.command,
            practice.base_url.join(path),
            content=there.inward(body),
            headers={
                "Authorization": f"Bearer {practice.api_key}",
                "Content-Type": self.headers["Content-Type"] or "application/json",
            },
            trust_env=False,
        )
        if not (self.command == "POST" and there.is_answer_lost):
            self.answer(done.status_code, there.outward(path, done.content))

    do_GET = do_POST = pass_on

    def answer(self, status, content):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Keep the test's output clean."""


@pytest.fixture(scope="module")
def training_path(tmp_path_factory):
    lines = (ROOT / "data" / "marv" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    path = tmp_path_factory.mktemp("file") / "ten.jsonl"
    path.write_text("\n".join(lines[:10]), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=[OpenAI, Azure, Nebius], ids=lambda kind: kind.__name__)
def there(request, service):
    """A stand-in for each service, and `service`, what `connect` makes of it."""
    name = request.param.__name__.lower()
    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        there = server.there = request.param(service, url)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.MonkeyPatch.context() as patch:
            if name == "azure":
                patch.setenv("AZURE_OPENAI_ENDPOINT", url)
            else:
                patch.setitem(HOSTED, name, (f"{url}/v1", *HOSTED[name][1:]))
            patch.setenv(there.variable, KEY)
            patch.setenv("FINE_TUNING_MODEL", service.base_model)
            there.service = connect(name)
        yield there
        server.shutdown()


def only(*kinds):
    return pytest.mark.parametrize("there", kinds, indirect=True, ids=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def start(there, training_path):
    """Start a job there; each service has jobs of its own."""

    def start(service=there.service, **settings):
        settings = {"n_epochs": 1, "suffix": there.service.name} | settings
        return jobs.create_once(service, training_path, **settings)

    return start


@pytest.fixture(scope="module")
def job(there, start):
    """A job that was started there, and has ended."""
    return jobs.wait(there.service, start(max_usd=math.inf))


def test_a_job_is_sent_in_the_services_own_form(there, job):
    sent = there.jobs_sent()[0]
    assert sent.pop("training_file") == job.training_file
    assert (sent.pop("model"), sent.pop("suffix")) == ("pocket", there.service.name)
    if isinstance(there, Nebius):
        assert sent == {"hyperparameters": {"n_epochs": 1}}
    else:
        assert sent["method"]["supervised"]["hyperparameters"]["n_epochs"] == 1
        assert sent.keys() == {"method", "metadata"}


def test_all_goes_to_one_place_with_its_key(there, job):
    assert all(path.startswith(there.prefix) for _, path, _, _ in there.asked)
    assert {headers["Authorization"] for _, _, headers, _ in there.asked} == {f"Bearer {KEY}"}


def test_the_key_is_neither_shown_nor_stored(there, job, module_work):
    assert KEY not in repr(there.service) + repr(there.service.client)
    assert KEY not in (module_work / f"{there.service.name}.json").read_text(encoding="utf-8")


def test_the_same_job_is_not_paid_for_twice(there, job, start):
    before = len(there.jobs_sent())
    assert start().id == job.id
    assert len(there.jobs_sent()) == before


@only(OpenAI, Azure)
def test_a_job_whose_answer_was_lost_is_found(there, start, training_path):
    """Nebius takes no metadata: there only its list of jobs would show it."""
    jobs.upload_once(there.service, training_path)
    before, there.is_answer_lost = len(there.jobs_sent()), True
    with pytest.raises(openai.APIConnectionError):
        start(seed=2, max_usd=math.inf)
    there.is_answer_lost = False
    assert start(seed=2).seed == 2
    assert len(there.jobs_sent()) == before + 1


def test_results_are_read_in_the_services_form(there, job):
    table = jobs.results(there.service, job.id)
    assert list(table["step"]) == list(range(1, 11))
    assert table["train_loss"].between(0, 20).all() and table["valid_loss"].isna().all()


def ask(there, job):
    """Ask the job's model; return the name it was asked by."""
    model = jobs.model_to_ask(there.service, job)
    client = there.service.client
    assert client.chat.completions.create(model=model, messages=QUESTION, max_tokens=1).choices
    return model


@only(OpenAI)
def test_a_model_of_openai_answers_under_its_own_name(there, job):
    assert ask(there, job) == job.fine_tuned_model


@only(Azure, Nebius)
def test_a_model_that_must_be_deployed_is_asked_by_the_deployments_name(there, job):
    with pytest.raises(jobs.CourseError, match="is deployed") as error:
        ask(there, job)
    last = jobs.checkpoints(there.practice, job)[-1]
    named = f"{job.id}:{last.id}" if isinstance(there, Nebius) else job.fine_tuned_model
    assert named in str(error.value)
    there.deployments = {"marv": job.fine_tuned_model}  # somebody did as the error says
    assert jobs.model_to_ask(there.service, job, deployment="marv") == "marv"
    assert ask(there, job.id) == "marv"


def test_there_is_no_model_to_ask_before_the_end(there, start):
    started = start(n_epochs=20, max_usd=math.inf)
    with pytest.raises(jobs.CourseError, match="no model to ask yet"):
        jobs.model_to_ask(there.service, started)
    there.practice.client.fine_tuning.jobs.cancel(started.id)


@only(Nebius)
def test_weights_are_saved_in_the_folder_whatever_their_name_says(there, job, tmp_path):
    there.weights = job.training_file
    sent = there.practice.client.files.content(job.training_file).read()
    assert jobs.save_weights(there.service, job, tmp_path) == [tmp_path / "adapter.safetensors"]
    assert (tmp_path / "adapter.safetensors").read_bytes() == sent


@only(OpenAI, Azure)
def test_where_no_weights_are_given_none_are_saved(there, job, tmp_path):
    assert jobs.save_weights(there.service, job, tmp_path) == [] == list(tmp_path.iterdir())


@only(Nebius)
def test_nebius_is_not_sent_a_multiplier(there, start):
    with pytest.raises(jobs.CourseError, match="learning_rate_multiplier: leave it out"):
        start(learning_rate_multiplier=2.0, max_usd=math.inf)


@only(Azure)
def test_azures_older_client_may_be_used(there, job, start):
    """`openai.AzureOpenAI`, whose addresses have a version in place of v1."""
    version = "2025-04-01-preview"
    client = openai.AzureOpenAI(azure_endpoint=there.url, api_version=version, api_key=KEY)
    assert start(replace(there.service, client=client)).id == job.id
    _, path, headers, _ = there.asked.pop()
    assert path.startswith(f"/openai/fine_tuning/jobs?api-version={version}")
    assert headers["api-key"] == KEY
