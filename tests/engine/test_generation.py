"""Answering: the cache, the choice of tokens, and where an answer ends."""

import gc
import tracemalloc
import warnings

import numpy as np
import pytest

from practice_server.engines.engine import Plan, Sampling, TokenSequence
from practice_server.engines.numpy_engine.model import Batch

GREEDY = {"temperature": 0.0}


@pytest.fixture
def prompt(tokenizer):
    return tokenizer.encode_prompt([{"role": "user", "content": "Who are you?"}])


def log_softmax(logits, never):
    logits = logits.astype(np.float64)
    logits[:, never] = -np.inf
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def test_the_cache_changes_nothing(engine, tokenizer, prompt):
    """Each token's log-probability is what a pass over the whole text gives it."""
    answer = list(engine.generate(prompt, Sampling(max_tokens=20, seed=3)))
    tokens = prompt + [token.id for token in answer]
    trained_on = [False] * len(prompt) + [True] * len(answer)
    logits = engine.model.forward_batch(Batch.of([TokenSequence(tokens, trained_on)]))
    never = sorted(tokenizer.special - {tokenizer.end})
    expected = log_softmax(logits, never)[range(len(answer)), [t.id for t in answer]]
    assert [token.logprob for token in answer] == pytest.approx(expected.tolist(), abs=1e-4)


def test_what_was_said_is_punished(engine, tokenizer, prompt):
    """The rule of OpenAI's API reference, with the logits of a pass over the whole text."""
    penalties = {"presence_penalty": 0.7, "frequency_penalty": 0.9}
    answer = list(engine.generate(prompt, Sampling(max_tokens=20, **penalties, **GREEDY)))
    said = [token.id for token in answer]
    plain = engine.generate(prompt, Sampling(max_tokens=20, **GREEDY))
    assert said != [token.id for token in plain]
    trained_on = [False] * len(prompt) + [True] * len(said)
    logits = engine.model.forward_batch(Batch.of([TokenSequence(prompt + said, trained_on)]))
    for place in range(len(said)):
        for token in set(said[:place]):
            logits[place, token] -= 0.7 + 0.9 * said[:place].count(token)
    never = sorted(tokenizer.special - {tokenizer.end})
    expected = log_softmax(logits, never)[range(len(said)), said]
    assert [token.logprob for token in answer] == pytest.approx(expected.tolist(), abs=1e-4)


def test_greedy_takes_the_likeliest_each_time(engine, prompt):
    answer = list(engine.generate(prompt, Sampling(max_tokens=20, top_logprobs=3, **GREEDY)))
    for token in answer:
        assert token.top[0] == (token.id, token.logprob)
        assert len(token.top) == 3
        assert sorted(token.top, key=lambda pair: -pair[1]) == token.top


def test_greedy_agrees_with_transformers(make_engine, tokenizer, prompt, tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    make_engine().save(tmp_path)
    ours = make_engine().load(tmp_path).generate(prompt, Sampling(max_tokens=20, **GREEDY))
    llama = transformers.LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    theirs = llama.generate(
        torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt)),
        max_new_tokens=20,
        do_sample=False,
        suppress_tokens=sorted(tokenizer.special - {tokenizer.end}),
    )
    assert [token.id for token in ours] == theirs[0, len(prompt) :].tolist()


class OnlyLetters:
    """Allows three letters, and the end after the fifth token."""

    def __init__(self, end):
        self.taken, self.end = [], end

    def allowed(self):
        tokens = [self.end] if len(self.taken) == 5 else b"abc"
        return sum(1 << token for token in tokens).to_bytes(40, "little")

    def take(self, token):
        self.taken.append(token)


def test_an_answer_has_only_tokens_that_the_mask_allows(engine, tokenizer, prompt):
    mask = OnlyLetters(tokenizer.end)
    answer = list(engine.generate(prompt, Sampling(seed=3, top_logprobs=3), mask))
    assert [token.id for token in answer] == [*mask.taken, tokenizer.end]
    assert len(mask.taken) == 5 and set(mask.taken) <= set(b"abc")
    for token in answer[:-1]:
        assert {id for id, _ in token.top} == set(b"abc")
        assert sum(np.exp(logprob) for _, logprob in token.top) == pytest.approx(1)
    assert answer[-1].logprob == 0


def test_the_same_seed_gives_the_same_answer(engine, prompt):
    def answer(seed):
        tokens = engine.generate(prompt, Sampling(max_tokens=20, top_p=0.9, seed=seed))
        return [token.id for token in tokens]

    assert answer(5) == answer(5)
    assert answer(5) != answer(6)


def test_tokens_are_drawn_as_often_as_they_are_likely(engine, prompt):
    def first(seed, **settings):
        return next(engine.generate(prompt, Sampling(max_tokens=1, seed=seed, **settings)))

    top = next(engine.generate(prompt, Sampling(max_tokens=1, top_logprobs=5, **GREEDY))).top
    drawn = [first(seed).id for seed in range(400)]
    for token, logprob in top:
        assert drawn.count(token) / 400 == pytest.approx(np.exp(logprob), abs=0.1)
    assert {first(seed, temperature=0.01).id for seed in range(20)} == {top[0][0]}
    with warnings.catch_warnings(action="error"):
        assert first(0, temperature=1e-320).id == top[0][0]
    two = np.exp(top[0][1]) + np.exp(top[1][1]) / 2
    kept = {first(seed, top_p=two).id for seed in range(60)}
    assert kept == {token for token, _ in top[:2]}
    assert {first(seed, top_p=0.0).id for seed in range(20)} == {top[0][0]}


def test_what_was_learnt_is_said_and_ended(engine, examples, tokenizer, prompt):
    plan = Plan(n_epochs=40, batch_size=1, learning_rate_multiplier=3.0, seed=0)
    list(engine.train(examples, [], plan))
    answer = list(engine.generate(prompt, Sampling(max_tokens=40, **GREEDY)))
    assert tokenizer.decode([t.id for t in answer]) == "Nobody that you know.<|end|>"


def test_role_marks_are_never_said(engine, tokenizer, prompt):
    tokens = engine.generate(prompt, Sampling(max_tokens=1000, temperature=2.0, seed=0))
    assert not {token.id for token in tokens} & (tokenizer.special - {tokenizer.end})


def test_the_context_bounds_the_answer(engine, prompt):
    engine.model.weights.embedding[engine.tokenizer.end] = 0
    answer = list(engine.generate(prompt, Sampling(max_tokens=1000, **GREEDY)))
    assert len(prompt) + len(answer) == engine.context


def test_an_answer_leaves_nothing_in_memory(engine, prompt):
    """What only the garbage collector could free would stay for a long time: it is large."""

    def answer():
        list(engine.generate(prompt, Sampling(max_tokens=5, **GREEDY)))

    answer()
    gc.disable()
    tracemalloc.start()
    answer()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gc.enable()
    config = engine.model.config
    cache = 4 * 2 * engine.context * config.hidden_size * config.num_hidden_layers  # its bytes
    assert held < cache / 2


@pytest.mark.parametrize("length", [0, 64, 65])
def test_a_prompt_that_leaves_no_room_is_refused_at_once(engine, length):
    with pytest.raises(ValueError, match=f"the prompt has {length} tokens; .* 1 to 63 tokens"):
        engine.generate([65] * length, Sampling(max_tokens=5, **GREEDY))


def test_scores_are_those_with_which_the_tokens_were_generated(engine, prompt):
    answer = list(engine.generate(prompt, Sampling(max_tokens=12, top_logprobs=2, **GREEDY)))
    tokens = prompt + [token.id for token in answer]
    scored = list(engine.score(tokens, top_logprobs=2))
    assert [token.id for token in scored] == tokens[1:]
    for ours, theirs in zip(scored[len(prompt) - 1 :], answer, strict=True):
        assert ours.logprob == pytest.approx(theirs.logprob, abs=1e-4)
        assert [token for token, _ in ours.top] == [token for token, _ in theirs.top]
    assert list(engine.score(prompt[:1])) == []
