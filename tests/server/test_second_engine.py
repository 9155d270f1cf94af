"""The seam takes a second engine: a model of counts beside the one of NumPy, on one server."""

import csv
import io
import json
import os
import shutil
import time
from pathlib import Path

import pytest

from practice_server.asking import answering
from practice_server.engines import model_folder
from practice_server.formats.encoding import as_example, encode
from tests.count_engine.engine import CountEngine

ROOT = Path(__file__).resolve().parents[2]
# Python runs a file of this name at its start, in every process of the server.
REGISTER = """
from practice_server.engines import model_folder
model_folder.PACKAGES["counts.json"] = "tests.count_engine"
"""
TOOLS = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


def line(number, **others):
    """Two turns of the assistant, whose letters each have one successor."""
    turns = (f"{number}?", "Why?", "Tell!", "Yes!")
    roles = ("user", "assistant", "user", "assistant")
    messages = [{"role": r, "content": text} for r, text in zip(roles, turns, strict=True)]
    return {"messages": messages, **others}


@pytest.fixture
def server(start_server, tmp_path, models_folder):
    models = tmp_path / "models"
    shutil.copytree(models_folder, models)
    CountEngine(context=300, counts=[]).save(models / "counting")
    (tmp_path / "sitecustomize.py").write_text(REGISTER, encoding="utf-8")
    path = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    return start_server("--models", models, environment=path)


def test_a_job_of_another_engine_from_upload_to_answer(server, data):
    lines = [line(number) for number in range(9)] + [line(9, tools=TOOLS)]
    files = {
        "training_file": server.upload(lines),
        "validation_file": server.upload(lines[:3], "valid.jsonl"),
    }
    job = server.wait(server.create(model="counting", method=data.epochs(3), **files))
    assert job.status == "succeeded", job.error
    encoded = [
        CountEngine.tokenizer.encode_chat(each["messages"], each.get("tools")) for each in lines
    ]
    assert all(len(sequences) == 2 for sequences in encoded)
    assert job.trained_tokens == 3 * sum(len(s.tokens) for both in encoded for s in both)

    losses = server.losses(job)
    assert [step["step"] for step in losses] == list(range(1, 31))  # lines, not sequences
    assert losses[0]["train_loss"] > 3 * losses[-1]["train_loss"]
    content = server.client.files.content(job.result_files[0]).text
    assert len(list(csv.DictReader(io.StringIO(content)))) == 30
    checkpoints = server.client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert sorted(c.step_number for c in checkpoints) == [10, 20, 30]
    assert all(c.metrics.full_valid_loss for c in checkpoints)

    asked = {"model": job.fine_tuned_model, "messages": [{"role": "user", "content": "Now?"}]}
    chat = server.client.chat.completions.create(
        **asked, n=12, seed=1, logprobs=True, top_logprobs=2
    )
    said = {choice.message.content for choice in chat.choices}
    assert said == {"Why?", "Yes!"}  # one turn has one end, the other the other
    assert {choice.finish_reason for choice in chat.choices} == {"stop"}
    first = chat.choices[0].logprobs.content[0]
    assert {top.token for top in first.top_logprobs} == {"W", "Y"}
    chunks = server.client.chat.completions.create(**asked, seed=1, stream=True)
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert streamed == chat.choices[0].message.content

    text = server.client.completions.create(
        model=checkpoints[0].fine_tuned_model_checkpoint,
        prompt="Wh",
        echo=True,
        logprobs=1,
        temperature=0,
    )
    assert text.choices[0].text == "Why?"
    assert len(text.choices[0].logprobs.tokens) == 4
    assert server.client.chat.completions.create(**{**asked, "model": "tiny"}).choices


def test_a_paused_job_goes_on_where_it_was(server, data):
    """Each token that counts was counted once an epoch, neither more nor less."""
    training_file = server.upload([line(number) for number in range(40)])
    job = server.create(model="counting", training_file=training_file, method=data.epochs(15))
    server.wait(job, until=("running",))
    while not server.losses(job):  # it may run before its first step
        time.sleep(0.01)
    server.client.fine_tuning.jobs.pause(job.id)
    job = server.wait(job, until=("paused",))
    assert 0 < len(server.losses(job)) < 600
    server.client.fine_tuning.jobs.resume(job.id)
    job = server.wait(job)
    assert job.status == "succeeded"
    [last] = server.client.fine_tuning.jobs.checkpoints.list(job.id, limit=1).data
    counted = json.loads((server.home / "models" / last.id / "counts.json").read_text())["counts"]
    assert {n for _, _, n in counted} == {600}


def test_tools_reach_the_tokenizer_in_a_prompt(tmp_path, monkeypatch):
    monkeypatch.setitem(model_folder.PACKAGES, "counts.json", "tests.count_engine")
    CountEngine(context=300, counts=[]).save(tmp_path)
    question = {"folder": str(tmp_path), "sampling": {"max_tokens": 1}, "stop": []}
    question["messages"] = [{"role": "user", "content": "Look!"}]
    told = [
        next(answering.answer({**question, "tools": tools}, answering.Models()))["prompt_tokens"]
        for tools in (None, TOOLS)
    ]
    assert told[1] - told[0] == len(json.dumps(TOOLS))


def test_of_a_preference_nothing_but_the_answers_is_learnt():
    chat = line(1)["messages"]
    pair = {"input": {"messages": chat[:3], "tools": TOOLS}, "preferred_output": chat[3:]}
    pair["non_preferred_output"] = [{"role": "assistant", "content": "No."}]
    encoded = encode(CountEngine.tokenizer, pair)
    learnt = [
        bytes(token for token, counts in zip(*sequence, strict=True) if counts and token < 256)
        for sequence in as_example(encoded, context=300).sequences
    ]
    assert learnt == [b"Yes!", b"No."]
    tools = json.dumps(TOOLS).encode()
    assert all(bytes(s.tokens[: len(tools)]) == tools for s in encoded[0].sequences)
