"""The older completions: a text goes on, with the older form of log-probabilities."""

import json
import math

import httpx2
import openai
import pytest
from openai.types import Completion

PROMPT = "Say 3."


@pytest.fixture(scope="module")
def tuned(server):
    """A model tuned on prompt/completion pairs."""
    lines = [{"prompt": f"Say {n}.", "completion": f" {n}!"} for n in range(10)]
    job = server.wait(server.create(training_file=server.upload(lines)))
    assert job.status == "succeeded", job.error
    return job.fine_tuned_model


@pytest.fixture
def complete(client, tuned):
    def complete(prompt=PROMPT, *, model=tuned, **options):
        return client.completions.create(model=model, prompt=prompt, **options)

    return complete


def test_answer_in_the_services_form(client, tuned, strict):
    answer = client.completions.with_raw_response.create(
        model=tuned, prompt=PROMPT, temperature=0, max_tokens=8, logprobs=2
    )
    content = answer.http_response.json()
    completion = strict(Completion, content)
    assert (completion.object, completion.model) == ("text_completion", tuned)
    assert completion.id.startswith("cmpl-")
    (choice,) = content["choices"]
    assert list(choice) == ["text", "index", "logprobs", "finish_reason"]
    assert list(choice["logprobs"]) == ["tokens", "token_logprobs", "top_logprobs", "text_offset"]
    # The mark of a text, and its bytes, which are this model's tokens.
    assert completion.usage.prompt_tokens == 1 + len(PROMPT)
    assert completion.usage.total_tokens == 7 + completion.usage.completion_tokens


def test_the_tuned_model_goes_on_as_it_was_taught(complete):
    (choice,) = complete(temperature=0).choices
    assert choice.text.startswith(" ") and choice.text.endswith("!")
    assert choice.finish_reason == "stop"


def test_base_and_chat_models_go_on_too(complete, finished_job, data):
    assert complete(model="tiny", max_tokens=1).model == data.base
    answer = complete(model=finished_job.fine_tuned_model, max_tokens=1)
    assert answer.choices[0].finish_reason in ("stop", "length")


def test_sixteen_tokens_unless_told_otherwise(complete):
    answer = complete(model="tiny", temperature=0)
    assert answer.usage.completion_tokens <= 16
    if answer.choices[0].finish_reason == "length":
        assert answer.usage.completion_tokens == 16
    assert complete(max_tokens=2, temperature=0).usage.completion_tokens == 2
    nothing = complete(max_tokens=0).choices[0]
    assert (nothing.text, nothing.finish_reason) == ("", "length")


def test_choices_of_several_prompts_are_numbered_on(complete):
    prompts = ["Say 3.", "Say 4."]
    answer = complete(prompts, n=2, seed=5, model="tiny", max_tokens=6)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    texts = [choice.text for choice in answer.choices]
    alone = [complete(prompt, n=2, seed=5, model="tiny", max_tokens=6) for prompt in prompts]
    assert texts == [choice.text for answer in alone for choice in answer.choices]
    assert answer.usage.prompt_tokens == sum(a.usage.prompt_tokens for a in alone)
    assert answer.usage.completion_tokens == sum(a.usage.completion_tokens for a in alone)


def test_logprobs_stand_side_by_side(complete):
    choice = complete(temperature=0, max_tokens=4, logprobs=3).choices[0]
    shown = choice.logprobs
    assert "".join(shown.tokens) == choice.text
    places = [len(PROMPT) + len("".join(shown.tokens[:k])) for k in range(len(shown.tokens))]
    assert shown.text_offset == places
    for token, logprob, likely in zip(
        shown.tokens, shown.token_logprobs, shown.top_logprobs, strict=True
    ):
        assert likely[token] == logprob == max(likely.values()) and len(likely) == 3
    assert complete(max_tokens=1).choices[0].logprobs is None
    chosen_only = complete(max_tokens=1, logprobs=0).choices[0].logprobs
    assert all(len(likely) == 1 for likely in chosen_only.top_logprobs)


def test_a_token_that_is_half_a_character_shows_its_bytes(complete):
    shown = complete("道a", echo=True, max_tokens=0, logprobs=0).choices[0].logprobs
    assert shown.tokens == ["bytes:\\xe9", "bytes:\\x81", "bytes:\\x93", "a"]
    assert shown.text_offset == [0, 0, 0, 1]


def test_echo_gives_the_prompt_back(complete):
    alone = complete(temperature=0, max_tokens=4).choices[0]
    assert complete(temperature=0, max_tokens=4, echo=True).choices[0].text == PROMPT + alone.text


def test_an_echoed_prompt_is_scored_as_what_was_generated(complete):
    said = complete(temperature=0, max_tokens=3, logprobs=1).choices[0]
    scored = complete(PROMPT + said.text, echo=True, max_tokens=0, logprobs=1).choices[0]
    assert scored.text == PROMPT + said.text and scored.logprobs.text_offset[0] == 0
    assert scored.logprobs.tokens == list(PROMPT + said.text)
    assert scored.logprobs.token_logprobs[-len(said.logprobs.tokens) :] == pytest.approx(
        said.logprobs.token_logprobs, abs=1e-4
    )


def test_the_best_is_the_likeliest_on_average(complete):
    options = {"model": "tiny", "seed": 3, "max_tokens": 5, "logprobs": 0}
    candidates = complete(n=4, **options).choices
    best = complete(best_of=4, **options)

    def mean(choice):
        return sum(choice.logprobs.token_logprobs) / len(choice.logprobs.token_logprobs)

    full = [choice for choice in candidates if choice.finish_reason == "length"]
    assert len(best.choices) == 1 and best.choices[0].index == 0
    if len(full) == len(candidates):
        assert best.choices[0].text == max(candidates, key=mean).text
    assert best.choices[0].text in [choice.text for choice in candidates]
    assert best.usage.completion_tokens == complete(n=4, **options).usage.completion_tokens


@pytest.mark.parametrize("logprobs", [None, 1])
def test_an_answer_ends_before_a_stop_sequence(complete, logprobs):
    text = complete(temperature=0).choices[0].text
    answer = complete(temperature=0, stop=text[1], logprobs=logprobs).choices[0]
    assert (answer.text, answer.finish_reason) == (text.split(text[1])[0], "stop")
    if logprobs:
        assert "".join(answer.logprobs.tokens) == answer.text


def test_streamed_text_is_the_whole_text(complete):
    options = {"temperature": 0, "max_tokens": 5, "logprobs": 1, "echo": True}
    prompts = [PROMPT, "Say 4."]
    whole = complete(prompts, **options)
    stream = complete(prompts, stream=True, stream_options={"include_usage": True}, **options)
    chunks = list(stream)
    assert {chunk.object for chunk in chunks} == {"text_completion"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)
    for choice in whole.choices:
        pieces = [c for chunk in chunks for c in chunk.choices if c.index == choice.index]
        assert "".join(piece.text for piece in pieces) == choice.text
        assert sum((p.logprobs.tokens for p in pieces), []) == choice.logprobs.tokens
        assert sum((p.logprobs.text_offset for p in pieces), []) == choice.logprobs.text_offset
        assert pieces[-1].finish_reason == choice.finish_reason
    streamed = "".join(c.choices[0].text for c in complete(temperature=0, stream=True))
    assert streamed == complete(temperature=0).choices[0].text


def test_no_line_break_of_the_text_breaks_a_line_of_the_stream(server):
    """Some clients, the oldest of this package among them, end lines at all that Unicode has."""
    text = "a\nb\r\nc\x0bd\x0ce\x1cf\x85g\u2028h\u2029道"
    answer = httpx2.post(
        f"{server.base_url}/completions",
        headers={"Authorization": f"Bearer {server.api_key}"},
        json={"model": "tiny", "prompt": text, "echo": True, "stream": True, "max_tokens": 1},
    )
    *events, end, nothing = answer.text.split("\n\n")
    assert (end, nothing) == ("data: [DONE]", "")
    assert all(event.splitlines() == [event] for event in events)
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks).startswith(text)


def test_without_a_prompt_a_text_is_begun(complete):
    assert complete(None, model="tiny", max_tokens=1).usage.prompt_tokens == 1
    scored = complete("", echo=True, max_tokens=1, logprobs=1, temperature=0).choices[0]
    assert len(scored.logprobs.tokens) <= 1


def test_a_deleted_or_unknown_model(complete):
    with pytest.raises(openai.NotFoundError) as error:
        complete(model="ft:x")
    assert error.value.code == "model_not_found"


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_beyond_the_context(complete, stream):
    with pytest.raises(openai.BadRequestError) as error:
        complete("x" * 200, stream=stream)
    assert (error.value.code, error.value.param) == ("context_length_exceeded", "prompt")
    assert "Please reduce the length of the prompt." in error.value.body["message"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"prompt": [[1, 2]]}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": 3}, "prompt"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"user": 1}, "user"),
        ({"logprobs": 6}, "logprobs"),
        ({"logprobs": True}, "logprobs"),
        ({"best_of": 21}, "best_of"),
        ({"best_of": 1, "n": 2}, "best_of"),
        ({"best_of": 2, "stream": True}, "best_of"),
        ({"temperature": math.pi}, "temperature"),
        ({"echo": "yes"}, "echo"),
        ({"suffix": " and so on"}, "suffix"),
        ({"frequency_penalty": -3}, "frequency_penalty"),
        ({"extra_body": {"messages": []}}, "messages"),
    ],
)
def test_a_bad_request_names_its_parameter(complete, change, param):
    with pytest.raises(openai.BadRequestError) as error:
        complete(**change)
    assert error.value.param == param
