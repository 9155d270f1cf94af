"""Tokens are counted as billed, offline, with the right vocabulary; prices and steps are known."""

import hashlib
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from helpers.tokens import (
    VOCABULARIES,
    base_model,
    count_example,
    count_tokens,
    default_epochs,
    encoding_name,
    estimate_cost,
    price_of,
    token_limit,
    total_steps,
)

ROOT = Path(__file__).resolve().parents[2]
GPT_35 = "gpt-3.5-turbo-0125"
EXAMPLE = {
    "messages": [
        {"role": "system", "content": "one two three"},
        {"role": "user", "content": "four five"},
        {"role": "assistant", "content": "six", "weight": 0},
        {"role": "user", "content": "seven"},
        {"role": "assistant", "content": "eight nine"},
    ]
}


def test_an_example_is_billed_as_its_contents_four_a_message_and_one():
    count = count_tokens([EXAMPLE], model=GPT_35)
    contents = 3 + 2 + 1 + 1 + 2
    assert count.total == contents + 5 * 4 + 1
    assert count.per_example == (count.total,)
    assert count.per_role == {"system": 3 + 4, "user": 3 + 2 * 4, "assistant": 3 + 2 * 4}


def test_a_recorded_job_of_ten_examples_of_three_messages_is_met():
    """453 tokens of contents in 10 examples of three messages were billed as 583 an epoch."""
    text = " word"
    examples = [
        {"messages": [{"role": role, "content": text * 15} for role in ("system", "user")]
         + [{"role": "assistant", "content": text * (15 if n else 18)}]}
        for n in range(10)
    ]  # fmt: skip
    count = count_tokens(examples, model=GPT_35)
    assert count.total == 453 + 10 * (3 * 4 + 1) == 583


def test_only_answers_of_weight_one_are_trained_on():
    assert count_tokens([EXAMPLE], model=GPT_35).trained_on == 2


def test_pairs_preferences_parts_and_calls_are_counted():
    pair = count_example({"prompt": "one two", "completion": " three"}, model="babbage-002")
    assert (pair.total, pair.trained_on) == (3, 1)
    message = {"role": "assistant", "content": "one"}
    preference = {
        "input": {"messages": [{"role": "user", "content": "one"}]},
        "preferred_output": [message],
        "non_preferred_output": [message],
    }
    assert count_example(preference, model="gpt-4o").total == 3 * (1 + 4) + 1
    parts = [{"type": "text", "text": "one two"}]
    example = {"messages": [{"role": "user", "content": parts}, message]}
    assert count_example(example, model="gpt-4o").total == 2 + 1 + 2 * 4 + 1
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    called = {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}
    assert count_example(called, model="gpt-4o").trained_on > 10


VOCABULARY_OF = {
    "gpt-3.5-turbo": "cl100k_base",
    "ft:gpt-3.5-turbo-0125:acme::abc": "cl100k_base",
    "gpt-4-0613": "cl100k_base",
    "davinci-002": "cl100k_base",
    "ft:babbage-002:acme::abc": "cl100k_base",
    "gpt-4o-mini-2024-07-18": "o200k_base",
    "gpt-4.1-nano": "o200k_base",
    "ft:gpt-4.1-mini-2025-04-14:acme:bot:abc:ckpt-step-10": "o200k_base",
    "ft:o4-mini-2025-04-16:acme::abc": "o200k_base",
    "pocket": None,
    "ft:pocket-2026-11-21:practice:marv:abcdefgh": None,
}


def test_each_model_has_its_vocabulary():
    assert {model: encoding_name(model) for model in VOCABULARY_OF} == VOCABULARY_OF


def test_an_unknown_vocabulary_is_marked_as_an_estimate():
    assert count_tokens([EXAMPLE], model="pocket").encoding == "o200k_base (estimate)"
    assert count_tokens([EXAMPLE], model="gpt-4o").encoding == "o200k_base"


def test_the_vocabularies_are_openais_own_and_named_in_their_readme():
    readme = (VOCABULARIES / "README.md").read_text(encoding="utf-8")
    files = [path for path in VOCABULARIES.iterdir() if path.name != "README.md"]
    assert len(files) == 2
    for path in files:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in readme


def test_counting_needs_no_network_and_leaves_the_environment_alone():
    program = """
import os, socket
def refuse(*args): raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = refuse
from helpers.tokens import count_tokens
before = dict(os.environ)
for model in ("gpt-4o", "gpt-3.5-turbo"):
    count_tokens([{"prompt": "道可道", "completion": " 非常道"}], model=model)
assert dict(os.environ) == before
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_a_million_characters_without_a_break_are_counted():
    for unbroken in (" ", "a", "\n", "-"):
        example = {"prompt": unbroken * 1_000_000, "completion": "x"}
        for model in ("gpt-4o", "gpt-3.5-turbo"):
            assert count_example(example, model=model).total > 1


def test_special_tokens_and_broken_characters_are_texts_like_others():
    for text in ("a <|endoftext|> b", "<|endoftext|>", "half \ud800"):
        pair = {"prompt": text, "completion": ""}
        assert count_example(pair, model="gpt-4o").total >= 2
    assert count_example({"prompt": "", "completion": ""}, model="gpt-4o").total == 0


def test_a_file_counts_as_its_examples_do(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(f"{json.dumps(EXAMPLE)}\n\n{json.dumps(EXAMPLE)}\n", encoding="utf-8")
    assert count_tokens(path, model="gpt-4o") == count_tokens([EXAMPLE] * 2, model="gpt-4o")
    assert (
        count_tokens(str(path), model="gpt-4o").total
        == 2 * count_example(EXAMPLE, model="gpt-4o").total
    )


def test_a_line_that_cannot_be_counted_is_named(tmp_path):
    path = tmp_path / "train.jsonl"
    for line in ("{broken", '{"messages": 1}', "[]", '{"prompt": 1}'):
        path.write_text(f"{json.dumps(EXAMPLE)}\n{line}\n", encoding="utf-8")
        with pytest.raises(ValueError, match="train.jsonl, line 2: .*helpers.check"):
            count_tokens(path, model="gpt-4o")


def test_default_epochs_follow_the_cookbook():
    epochs = {1: 25, 5: 20, 10: 10, 33: 3, 46: 3, 100: 3, 9000: 2, 30000: 1}
    assert {n: default_epochs(n) for n in epochs} == epochs


def test_steps_run_on_across_epochs():
    assert total_steps(46, n_epochs=3) == 138
    assert total_steps(20, n_epochs=10, batch_size=3) == 67


def test_known_costs():
    """1,000 examples of 100 tokens: the figures of OpenAI's guide."""
    examples = [{"prompt": " word" * 95, "completion": " word" * 5}] * 1000
    for model, usd in (
        ("gpt-3.5-turbo", 2.40),
        ("gpt-4o-mini", 0.90),
        ("ft:pocket-2026-11-21:a::x", 0),
    ):
        assert estimate_cost(examples, model=model, n_epochs=3).usd == pytest.approx(usd)


def test_an_estimate_shows_what_it_is_made_of():
    estimate = estimate_cost([EXAMPLE] * 10, model=GPT_35)
    tokens = 10 * count_example(EXAMPLE, model=GPT_35).total
    assert (estimate.tokens, estimate.n_epochs) == (tokens, 10)
    assert estimate.usd == pytest.approx(tokens * 10 * 8 / 1_000_000)
    assert estimate.price.source
    assert estimate_cost([EXAMPLE] * 10, model=GPT_35, n_epochs=1).n_epochs == 1


def test_what_goes_over_the_limit_is_not_billed():
    long = {"messages": [{"role": "user", "content": "word " * 5000}]}
    count = count_tokens([long, EXAMPLE], model="gpt-3.5-turbo-0613")
    short = count_example(EXAMPLE, model=GPT_35).total
    assert count.total > 5000 and count.after_truncation == 4096 + short
    assert estimate_cost([long], model="gpt-3.5-turbo-0613", n_epochs=1).tokens == 4096


def test_prices_gone_by_are_kept():
    assert price_of("gpt-3.5-turbo", on=date(2023, 9, 1)).output == 16.0
    assert price_of("gpt-3.5-turbo-1106").output == 6.0
    assert price_of("curie", on=date(2022, 12, 1)).training == 3.0


def test_an_unknown_price_is_no_guess():
    with pytest.raises(ValueError, match="no price known for 'gpt-99'.*gpt-4o-mini"):
        price_of("gpt-99")
    with pytest.raises(ValueError, match="no price"):
        price_of("gpt-4o", on=date(2020, 1, 1))
    estimate = estimate_cost([EXAMPLE], model="gpt-99")
    assert estimate.tokens and estimate.usd is None and "gpt-99" in estimate.note


def test_a_price_is_the_price_of_its_service():
    for service, said in (("azure", "by the hour"), ("nebius", ""), ("llm.example", "")):
        estimate = estimate_cost([EXAMPLE], model="gpt-4o", service=service)
        assert estimate.tokens and estimate.usd is None and estimate.price is None
        assert re.search(f"no price of {service}.*{said}", estimate.note)
    assert estimate_cost([EXAMPLE], model="gpt-4o", service="practice").usd == 0
    assert estimate_cost([EXAMPLE], model="gpt-4o", service="openai").note == ""


def test_names_and_limits():
    assert base_model("ft:gpt-4o-mini-2024-07-18:acme:bot:abc") == "gpt-4o-mini-2024-07-18"
    assert base_model("pocket") == "pocket"
    assert token_limit("ft:gpt-3.5-turbo-0613:acme::1") == 4_096
    assert token_limit("gpt-3.5-turbo-0125") == 16_385
    assert token_limit("gpt-4.1-mini") == 65_536
    assert token_limit("pocket") is None
