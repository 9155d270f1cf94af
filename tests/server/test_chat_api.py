"""Chat completions: the same answer whole and streamed, and what a client may ask for."""

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

QUESTION = [{"role": "user", "content": "Say 3."}]


@pytest.fixture
def ask(client, finished_job):
    def ask(model=finished_job.fine_tuned_model, messages=QUESTION, **options):
        return client.chat.completions.create(model=model, messages=messages, **options)

    return ask


def test_answer_in_the_services_form(client, finished_job, strict):
    answer = client.chat.completions.with_raw_response.create(
        model=finished_job.fine_tuned_model, messages=QUESTION, temperature=0, max_tokens=5
    )
    content = answer.http_response.json()
    assert list(content) == [
        *("id", "object", "created", "model", "choices"),
        *("usage", "service_tier", "system_fingerprint"),
    ]
    completion = strict(ChatCompletion, content)
    assert completion.model == finished_job.fine_tuned_model
    (choice,) = content["choices"]
    assert list(choice) == ["index", "message", "logprobs", "finish_reason"]
    assert list(choice["message"]) == ["role", "content", "refusal", "annotations"]
    # Two roles and an end; the tokens of this model are bytes.
    assert completion.usage.prompt_tokens == 3 + len("Say 3.")
    assert completion.usage.total_tokens == 9 + completion.usage.completion_tokens


def test_the_tuned_model_has_learnt_how_answers_end(ask):
    tuned = ask(temperature=0, max_tokens=30).choices[0]
    assert tuned.finish_reason == "stop" and tuned.message.content.endswith("!")


def test_an_alias_is_resolved(ask, data):
    assert ask(model="tiny", max_tokens=1).model == data.base


def test_streamed_text_is_the_whole_text(client, ask, strict, finished_job):
    options = {"temperature": 0, "max_tokens": 8}
    whole = ask(**options)
    stream = client.chat.completions.with_raw_response.create(
        model=finished_job.fine_tuned_model,
        messages=QUESTION,
        stream=True,
        stream_options={"include_usage": True},
        **options,
    ).http_response
    assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
    *events, done, rest = stream.read().decode().split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    chunks = [
        ChatCompletionChunk.model_validate_json(event.removeprefix("data: "), strict=True)
        for event in events
    ]
    *spoken, last = chunks
    assert (last.choices, last.usage) == ([], whole.usage)
    assert all(chunk.usage is None for chunk in spoken)
    first = spoken[0].choices[0].delta
    assert (first.role, first.content) == ("assistant", "")
    text = "".join(chunk.choices[0].delta.content or "" for chunk in spoken)
    assert text == whole.choices[0].message.content
    assert spoken[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert len({chunk.id for chunk in chunks}) == 1


def test_a_seed_repeats_an_answer_and_choices_differ(ask):
    options = {"model": "tiny", "seed": 5, "n": 3, "max_tokens": 12}
    once, again = ask(**options), ask(**options)
    texts = [choice.message.content for choice in once.choices]
    assert texts == [choice.message.content for choice in again.choices]
    assert len(set(texts)) == 3
    assert [choice.index for choice in once.choices] == [0, 1, 2]
    streamed = ["", "", ""]
    for chunk in ask(**options, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert streamed == texts


def test_max_tokens(ask):
    for name in ("max_tokens", "max_completion_tokens"):
        answer = ask(model="tiny", **{name: 2})
        assert answer.usage.completion_tokens <= 2
    assert ask(model="tiny", temperature=0, max_tokens=1).choices[0].finish_reason == "length"


def test_without_a_limit_an_answer_ends_with_the_context(ask):
    answer = ask(model="tiny", temperature=0, logit_bias={})
    assert answer.usage.total_tokens <= 128


def test_an_answer_ends_before_a_stop_sequence(ask):
    text = ask(temperature=0, max_tokens=20).choices[0].message.content
    for stop in (text[1:], [text[-1]], ["never", text[1]]):
        answer = ask(temperature=0, max_tokens=20, stop=stop).choices[0]
        ends = [stop] if isinstance(stop, str) else stop
        expected = min((text.split(end)[0] for end in ends), key=len)
        assert (answer.message.content, answer.finish_reason) == (expected, "stop")


def test_logprobs(ask):
    answer = ask(temperature=0, max_tokens=4, logprobs=True, top_logprobs=3).choices[0]
    tokens = answer.logprobs.content
    assert b"".join(bytes(token.bytes) for token in tokens).decode() == answer.message.content
    for token in tokens:
        assert token.logprob <= 0 and len(token.top_logprobs) == 3
        assert token.top_logprobs[0].token == token.token  # the likeliest, at temperature 0
    assert ask(max_tokens=1).choices[0].logprobs is None


@pytest.mark.parametrize("stream", [False, True])
def test_logprobs_are_those_of_the_content_before_a_stop_sequence(ask, stream):
    options = {"temperature": 0, "max_tokens": 20, "logprobs": True, "top_logprobs": 1}
    text = ask(**options).choices[0].message.content
    for stop in (text[1:], text[1], text[-1], text[-1] + "never", text[0], "never"):
        answer = ask(**options, stop=stop, stream=stream)
        choices = [chunk.choices[0] for chunk in answer] if stream else answer.choices
        said = [choice.delta if stream else choice.message for choice in choices]
        told = sum((choice.logprobs.content for choice in choices if choice.logprobs), [])
        content = b"".join(bytes(token.bytes) for token in told).decode()
        assert content == "".join(token.token for token in told) == text.split(stop)[0]
        assert content == "".join(part.content or "" for part in said)


def test_text_parts_count_as_text(ask):
    parts = [{"type": "text", "text": "Say "}, {"type": "text", "text": "3."}]
    options = {"temperature": 0, "max_tokens": 6}
    in_parts = ask(messages=[{"role": "user", "content": parts}], **options)
    assert in_parts.choices[0].message == ask(**options).choices[0].message


def test_an_unknown_model(ask):
    with pytest.raises(openai.NotFoundError) as error:
        ask(model="ft:x")
    assert error.value.code == "model_not_found"
    assert error.value.body["message"] == (
        "The model `ft:x` does not exist or you do not have access to it."
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("length", [200, 1_100_000])
def test_a_prompt_beyond_the_context(ask, stream, length):
    with pytest.raises(openai.BadRequestError) as error:
        ask(messages=[{"role": "user", "content": "x" * length}], stream=stream)
    assert (error.value.code, error.value.param) == ("context_length_exceeded", "messages")
    assert "maximum context length is 128 tokens" in error.value.body["message"]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"temperature": 2.5}, "temperature"),
        ({"top_p": "x"}, "top_p"),
        ({"n": 0}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "bot", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content",
        ),
        ({"stop": ["a"] * 5}, "stop"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"usage": True}}, "stream_options.usage"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"extra_body": {"temprature": 1}}, "temprature"),
        ({"extra_body": {"moderation": {"model": "m"}}}, "moderation"),
        ({"extra_body": {"prompt_cache_options": {"ttl": "30m"}}}, "prompt_cache_options"),
        # What changes nothing about an answer must be sound all the same.
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": "x"}, "metadata"),
        ({"prompt_cache_key": 1}, "prompt_cache_key"),
        ({"prompt_cache_retention": "for ever"}, "prompt_cache_retention"),
        ({"safety_identifier": "x" * 65}, "safety_identifier"),
        ({"service_tier": "first class"}, "service_tier"),
        ({"store": "yes"}, "store"),
        ({"user": 1}, "user"),
        ({"presence_penalty": False}, "presence_penalty"),
        (
            {"stream": True, "stream_options": {"include_obfuscation": 1}},
            "stream_options.include_obfuscation",
        ),
        *(
            ({"messages": [{"role": role, "content": "x"} | odd]}, f"messages[0].{key}")
            for role, odd, key in [
                ("user", {"colour": "red"}, "colour"),
                ("user", {"refusal": "x"}, "refusal"),
                ("user", {"name": 1}, "name"),
                ("assistant", {"audio": {"id": "a"}}, "audio"),
                ("assistant", {"weight": 2}, "weight"),
                ("user", {"content": [{"type": "text", "text": "", "a": 1}]}, "content[0].a"),
            ]
        ),
    ],
)
def test_a_bad_request_names_its_parameter(ask, change, param):
    with pytest.raises(openai.BadRequestError) as error:
        ask(**change)
    assert error.value.param == param
    assert error.value.type == "invalid_request_error"


def test_what_changes_nothing_about_an_answer_is_taken(ask):
    """As the official package's types have it, all at once."""
    said = [{"role": "user", "name": "A", "content": QUESTION[0]["content"]}]
    options = {
        "metadata": {"a": "b"},
        "prompt_cache_key": "a",
        "prompt_cache_retention": "in_memory",
        "safety_identifier": "x" * 64,
        "service_tier": "flex",
        "store": True,
        "user": "a",
    }
    choice = ask(messages=said, temperature=0, max_tokens=5, **options).choices[0]
    assert choice == ask(temperature=0, max_tokens=5).choices[0]


def test_an_answer_can_be_sent_back_as_it_came(client, ask, finished_job):
    options = {"model": finished_job.fine_tuned_model, "messages": QUESTION, "temperature": 0}
    for call in (client.chat.completions.create, client.chat.completions.parse):
        message = call(**options).choices[0].message
        for said in (message, message.model_dump()):
            assert ask(messages=[*QUESTION, said, *QUESTION], max_tokens=1).choices


def test_a_client_that_goes_away_makes_nobody_wait(client, ask):
    with ask(model="tiny", stream=True, n=100) as stream:
        next(iter(stream))
    assert ask(max_tokens=1).choices
