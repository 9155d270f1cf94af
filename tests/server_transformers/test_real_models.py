"""What only the transformers engine does: its hyperparameters, templates that refuse, export."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.transformers_model import save_random_model

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = {
    "type": "object",
    "properties": {"size": {"enum": ["small", "large"]}},
    "required": ["size"],
    "additionalProperties": False,
}
# A program that knows nothing of this server.
ELSEWHERE = """
import sys
from transformers import AutoModelForCausalLM, AutoTokenizer
model, tokenizer = AutoModelForCausalLM.from_pretrained({!r}), AutoTokenizer.from_pretrained({!r})
told = tokenizer.apply_chat_template({}, add_generation_prompt=True, return_tensors="pt")
told = model.generate(**told, max_new_tokens=8, do_sample=False)
print(told[0].tolist())
assert not [name for name in sys.modules if name.startswith("practice_server")]
"""


def export(server, *arguments):
    command = [sys.executable, "-m", "practice_server", "export", *map(str, arguments)]
    command += ["--home", str(server.home), *map(str, server.command[5:7])]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def adapted_job(server, data):
    """A job with hyperparameters that Nebius knows too."""
    method = data.epochs(5, lora=True, lora_r=4, lora_alpha=8, lora_dropout=0.1, warmup_ratio=0.1)
    method["supervised"]["hyperparameters"]["context_length"] = 40
    lines = [*data.examples(9), *[{"messages": _long(line)} for line in data.examples(1)]]
    return server.wait(server.create(training_file=server.upload(lines), method=method))


def _long(line):
    first, answer = line["messages"]
    return [first, {**answer, "content": 60 * "!"}]


def test_hyperparameters_are_applied_and_come_back(server, adapted_job):
    assert adapted_job.status == "succeeded", adapted_job.error
    given = adapted_job.to_dict()["method"]["supervised"]["hyperparameters"]
    assert (given["lora"], given["lora_r"], given["lora_alpha"]) == (True, 4, 8)
    assert (given["lora_dropout"], given["warmup_ratio"]) == (0.1, 0.1)
    warned = [event.message for event in server.events(adapted_job) if event.level == "warn"]
    assert len(warned) == 1 and "longer than the 40 tokens" in warned[0]
    [last] = server.client.fine_tuning.jobs.checkpoints.list(adapted_job.id, limit=1).data
    saved = server.home / "models" / last.id / "adapter_config.json"
    config = json.loads(saved.read_text(encoding="utf-8"))
    assert (config["r"], config["lora_alpha"], config["lora_dropout"]) == (4, 8, 0.1)


def test_what_is_not_applied_is_still_told(server, data):
    job = server.create(method=data.epochs(1, lora=False, packing=True))
    warned = [event.message for event in server.events(job) if event.level == "warn"]
    assert warned == ["The practice server does not apply: packing"]
    job = server.wait(job)
    [only] = server.client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert (server.home / "models" / only.id / "model.safetensors").is_file()


def test_a_tuned_model_keeps_its_adapters_shape(server, adapted_job, data):
    """And trains further in four bits, if that is asked for."""
    method = data.epochs(1, lora_r=16, lora_alpha=8, lora_dropout=0, load_in_4bit=True)
    job = server.create(
        model=adapted_job.fine_tuned_model, training_file=adapted_job.training_file, method=method
    )
    job = server.wait(job)
    assert job.status == "succeeded", job.error
    assert job.to_dict()["method"]["supervised"]["hyperparameters"]["load_in_4bit"] is True
    warned = [event.message for event in server.events(job) if event.level == "warn"]
    kept = f"The adapter of {job.model} is trained further and keeps: lora_r 4, lora_dropout 0.1"
    assert warned == [kept]
    assert server.losses(job)[0]["train_loss"] < server.losses(adapted_job)[0]["train_loss"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("lora", "yes"), ("lora_r", 0), ("lora_alpha", 0), ("lora_dropout", 1), ("warmup_ratio", -1)],
)
def test_a_bad_hyperparameter_is_named(server, adapted_job, data, name, value):
    import openai

    with pytest.raises(openai.BadRequestError) as error:
        server.create(
            training_file=adapted_job.training_file, method=data.epochs(1, **{name: value})
        )
    assert error.value.param.endswith(name)


def test_whole_weights_are_not_trained_in_four_bits(server, adapted_job, data):
    import openai

    method = data.epochs(1, lora=False, load_in_4bit=True)
    with pytest.raises(openai.BadRequestError, match="Four bits are too few") as error:
        server.create(training_file=adapted_job.training_file, method=method)
    assert error.value.param.endswith("load_in_4bit")


def test_what_the_template_refuses_fails_with_its_line(server, data):
    lines = data.examples(10)
    call = {"name": "f", "arguments": "[]"}
    calls = [{"id": "a", "type": "function", "function": call}]
    lines[6]["messages"][1] = {"role": "assistant", "tool_calls": calls}
    job = server.wait(server.create(training_file=server.upload(lines)))
    assert (job.status, job.error.code) == ("failed", "invalid_training_file")
    assert "Line 7: the arguments of the call of f are no JSON object" in job.error.message


def test_an_answer_keeps_to_its_schema(server, adapted_job):
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": True}}
    answer = server.client.chat.completions.create(
        model=adapted_job.fine_tuned_model,
        messages=[{"role": "user", "content": "Say 1."}],
        response_format=form,
    )
    assert json.loads(answer.choices[0].message.content)["size"] in ("small", "large")


def test_a_merged_model_answers_elsewhere(server, finished_job, tmp_path):
    name = finished_job.fine_tuned_model
    done = export(server, name, "--to", tmp_path / "whole", "--merged")
    assert done.returncode == 0, done.stderr
    files = {path.name for path in (tmp_path / "whole").iterdir()}
    assert {"model.safetensors", "tokenizer.json", "chat_template.jinja", "Modelfile"} <= files
    chat = [{"role": "user", "content": "Say 3."}]
    place = str(tmp_path / "whole")
    told = subprocess.run(
        [sys.executable, "-c", ELSEWHERE.format(place, place, chat)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    here = server.client.chat.completions.create(model=name, messages=chat, temperature=0)
    said = bytes(token for token in json.loads(told.stdout) if token < 256).decode()
    assert said == "Say 3." + here.choices[0].message.content


def test_a_merged_model_is_its_adapter_in_logits(server, finished_job, tmp_path):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    assert export(server, finished_job.fine_tuned_model, "--to", tmp_path / "a").returncode == 0
    export(server, finished_job.fine_tuned_model, "--to", tmp_path / "b", "--merged")
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text(encoding="utf-8"))
    base = AutoModelForCausalLM.from_pretrained(config["base_model_name_or_path"])
    tokens = torch.tensor([[258, 65, 66, 67, 256, 259]])
    adapted = PeftModel.from_pretrained(base, tmp_path / "a")(tokens).logits
    whole = AutoModelForCausalLM.from_pretrained(tmp_path / "b")(tokens).logits
    torch.testing.assert_close(whole, adapted, atol=1e-4, rtol=1e-4)


def test_what_cannot_be_exported_is_told(server, data, tmp_path):
    unknown = export(server, "ft:none", "--to", tmp_path / "x")
    assert unknown.stderr == "The model ft:none cannot be exported: there is no such model.\n"
    base = export(server, data.base, "--to", tmp_path / "x")
    assert "export it with --merged" in base.stderr
    assert export(server).returncode == 2


def test_without_the_libraries_a_sentence_says_what_to_install(tmp_path):
    """Python finds what is not there by its name; here nothing is found."""
    save_random_model(tmp_path / "model")
    code = (
        "import sys; sys.modules['peft'] = None\n"
        "from pathlib import Path\n"
        "from practice_server.engines import model_folder\n"
        f"model_folder.check_model_folder(Path({str(tmp_path / 'model')!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, env=os.environ
    )
    assert "it needs peft; install" in done.stderr
    assert "requirements-transformers.txt" in done.stderr
