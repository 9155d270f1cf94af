"""Training an adapter or a whole model: what is learnt, kept, repeated and gone on with."""

import sys
from dataclasses import replace
from math import log

import numpy as np
import pytest

from practice_server.engines.engine import (
    DataSize,
    Example,
    ModelUnusable,
    Plan,
    Preference,
    Sampling,
    StateUnusable,
    TrainingDiverged,
)
from practice_server.engines.model_folder import read_json
from practice_server.engines.transformers_engine.folder import tensors

LORA = Plan(n_epochs=4, batch_size=2, learning_rate_multiplier=1.0, seed=7)
WHOLE = replace(LORA, lora=False, learning_rate_multiplier=0.1)
PLANS = {
    "lora": replace(LORA, lora_dropout=0.1),
    "qlora": replace(LORA, load_in_4bit=True),
    "whole": WHOLE,
    "dpo": replace(LORA, beta=0.5),
    "dpo with qlora": replace(LORA, beta=0.5, load_in_4bit=True),
}
# What differs from Llama: norms of queries and keys; windows, other norms, scaled embeddings.
FAMILIES = {
    "llama": {},
    "qwen3": {"head_dim": 8},
    "gemma3_text": {"head_dim": 8, "sliding_window": 16},
}


def losses(steps):
    return [step.metrics["train_loss"] for step in steps]


def said(engine, question, **options):
    prompt = engine.tokenizer.encode_prompt([{"role": "user", "content": question}])
    tokens = list(engine.generate(prompt, Sampling(temperature=0, max_tokens=30, **options)))
    return engine.tokenizer.decode_bytes([token.id for token in tokens])


def scored(engine, chat):
    [sequence] = engine.tokenizer.encode_chat(chat)
    logprobs = np.array([token.logprob for token in engine.score(sequence.tokens)])
    return logprobs[np.isfinite(logprobs)]  # marks of roles are never said


@pytest.fixture
def as_items(chats, as_examples):
    """What a plan learns from: examples, or pairs of their answers and another one."""

    def preferences(engine):
        other = {"role": "assistant", "content": "No."}
        others = [Example(engine.tokenizer.encode_chat([chat[0], other])) for chat in chats]
        return [Preference(*both) for both in zip(as_examples(engine), others, strict=True)]

    return lambda engine, plan: (preferences if plan.beta else as_examples)(engine)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("kind", FAMILIES)
def test_what_is_learnt_can_be_stopped_and_is_saved(
    make_folder, load, chats, as_items, tmp_path, kind, plan
):
    """After a stop it goes on bit for bit; what was saved says what the trained model says."""
    folder, state = make_folder(kind=kind, **FAMILIES[kind]), tmp_path / "state"
    before = scored(load(folder), chats[0])
    engine = load(folder)
    items = as_items(engine, plan)
    steps = []
    for step in engine.train(items, items[:2], plan):
        steps.append(step)
        if step.number == 5:
            engine.save_state(state)
    if plan.beta:
        assert losses(steps)[0] == pytest.approx(log(2), abs=1e-5)
    assert losses(steps)[-1] < losses(steps)[0] / 1.2
    assert steps[-1].metrics["full_valid_loss"] < losses(steps)[0] / 1.2

    again = load(folder)
    assert list(again.train(items, items[:2], plan, state=state)) == steps[5:]
    assert 0.5 < state.stat().st_size / again.state_bytes < 2

    again.save(tmp_path / "tuned")
    tuned, after = load(tmp_path / "tuned"), scored(engine, chats[0])
    # Rounded to four bits the base is another one than that which answers.
    nearness = abs(before - after).mean() / 3 if plan.load_in_4bit else 1e-5
    np.testing.assert_allclose(scored(tuned, chats[0]).mean(), after.mean(), atol=nearness)
    if not plan.load_in_4bit:
        assert said(tuned, chats[0][0]["content"]) == said(engine, chats[0][0]["content"])


def test_an_adapter_leaves_its_base_alone(make_folder, load, chats, as_examples, tmp_path):
    """One base in memory answers as itself and as each model made from it, in turns."""
    from practice_server.engines.transformers_engine.engine import TransformersEngine

    folder = make_folder()
    for name, multiplier in (("one", 1.0), ("two", 0.3)):
        engine = load(folder)
        plan = replace(LORA, learning_rate_multiplier=multiplier)
        list(engine.train(as_examples(engine), [], plan))
        engine.save(tmp_path / name)
    alone = {name: scored(load(tmp_path / name), chats[0]) for name in ("one", "two")}
    alone["model"] = scored(load(folder), chats[0])
    together = {name: TransformersEngine.load(tmp_path / name) for name in alone}
    for name in ("one", "model", "two", "one", "two", "model"):
        np.testing.assert_allclose(scored(together[name], chats[0]), alone[name], atol=1e-6)
    weights = {id(each.network.model.get_input_embeddings()) for each in together.values()}
    assert len(weights) == 1
    del together["one"], engine
    np.testing.assert_allclose(scored(together["two"], chats[0]), alone["two"], atol=1e-6)
    del together["two"]
    np.testing.assert_allclose(scored(together["model"], chats[0]), alone["model"], atol=1e-6)
    again = TransformersEngine.load(tmp_path / "one")
    np.testing.assert_allclose(scored(again, chats[0]), alone["one"], atol=1e-6)


def test_a_state_of_another_plan_is_refused(make_folder, load, as_examples, tmp_path):
    folder, state = make_folder(), tmp_path / "state"
    engine = load(folder)
    next(engine.train(as_examples(engine), [], LORA))
    engine.save_state(state)
    engine = load(folder)
    with pytest.raises(StateUnusable, match="another plan"):
        engine.train(as_examples(engine), [], replace(LORA, warmup_ratio=0.5), state=state)
    fresh = load(folder)
    from_start = losses(fresh.train(as_examples(fresh), [], LORA))
    assert losses(engine.train(as_examples(engine), [], LORA)) == from_start


def test_each_hyperparameter_changes_what_is_trained(make_folder, load, as_examples):
    def run(**changes):
        engine = load(make_folder())
        steps = list(engine.train(as_examples(engine), [], replace(LORA, **changes)))
        return engine, losses(steps)

    engine, plain = run()
    small, _ = run(lora_r=4)
    assert 3 < engine.state_bytes / small.state_bytes <= 4
    assert run()[1] == plain
    for changes in ({"lora_alpha": 64}, {"lora_dropout": 0.5}, {"warmup_ratio": 0.5}):
        assert run(**changes)[1] != plain
    whole, _ = run(lora=False, learning_rate_multiplier=0.01)
    n_weights = sum(weight.numel() for weight in whole.network.model.parameters())
    assert 12 * n_weights <= whole.state_bytes < 13 * n_weights


def test_the_rate_rises_in_the_warmup_and_then_falls(make_folder, load, as_examples):
    engine = load(make_folder())
    rates = []
    for _ in engine.train(as_examples(engine), [], replace(LORA, warmup_ratio=0.25)):
        rates.append(engine._training._optimizer.param_groups[0]["lr"])
    steps = [1 / 3, 2 / 3, 1] + [1 - n / 9 for n in range(9)]
    np.testing.assert_allclose(rates, [3e-2 * share for share in steps])


@pytest.mark.parametrize(("plan", "at_2000"), [(LORA, 5e-4), (WHOLE, 5e-6)], ids=["lora", "whole"])
def test_a_wider_model_is_changed_in_smaller_steps(make_folder, load, as_examples, plan, at_2000):
    """What a multiplier of 1 is, and of 0.1."""
    for width in (32, 64):
        engine = load(make_folder(f"wide-{width}", learning_rate=None, hidden_size=width))
        next(engine.train(as_examples(engine), [], plan))
        rate = engine._training._optimizer.param_groups[0]["lr"]
        assert rate == pytest.approx(at_2000 * (2000 / width) ** 0.781)


def test_a_whole_model_is_stored_as_its_base_was(make_folder, load, as_examples, tmp_path):
    """In the same numbers, what is shared only once, as often as it is saved."""
    folder = make_folder(dtype="bfloat16", tie_word_embeddings=True)
    engine = load(folder)
    for step in engine.train(as_examples(engine), [], WHOLE):
        if step.epoch:
            engine.save(tmp_path / "tuned")
            assert tensors(tmp_path / "tuned") == tensors(folder)
            assert read_json(tmp_path / "tuned" / "config.json")["dtype"] == "bfloat16"


def test_a_tuned_model_is_trained_further(make_folder, load, as_examples, tmp_path):
    engine = load(make_folder())
    first = losses(engine.train(as_examples(engine), [], LORA))
    engine.save(tmp_path / "tuned")
    for plan in (LORA, WHOLE):
        engine = load(tmp_path / "tuned")
        more = losses(engine.train(as_examples(engine), [], plan))
        assert more[0] < first[0] - 0.5
        engine.save(tmp_path / f"more-{plan.lora}")
        assert (tmp_path / f"more-{plan.lora}" / "config.json").is_file() != plan.lora


def test_parts_of_a_batch_make_the_same_gradients(make_folder, load, as_examples, monkeypatch):
    def run():
        engine = load(make_folder())
        return losses(engine.train(as_examples(engine), [], replace(LORA, batch_size=6)))

    whole = run()
    objectives = "practice_server.engines.transformers_engine.objectives.TOKENS_AT_ONCE"
    monkeypatch.setattr(objectives, 80)
    np.testing.assert_allclose(run(), whole, rtol=1e-4)


def test_a_loss_that_is_no_number_is_told(make_folder, load, as_examples):
    engine = load(make_folder())
    with pytest.raises(TrainingDiverged, match="try a learning_rate_multiplier below 1e"):
        list(engine.train(as_examples(engine), [], replace(WHOLE, learning_rate_multiplier=1e30)))


def test_memory_grows_with_what_is_trained(make_folder, load):
    from practice_server.engines.transformers_engine.engine import TransformersEngine

    folder = make_folder(hidden_size=512, intermediate_size=1024)
    short, long = DataSize(10, 100, 10, 1), DataSize(10, 1000, 100, 1)

    def needed(data, **changes):
        return TransformersEngine.memory_needed(folder, data, replace(LORA, **changes))

    assert needed(short) < needed(short, lora_r=64) < needed(short, lora_r=64, batch_size=8)
    assert needed(short, load_in_4bit=True) < needed(short) < needed(short, lora=False)
    assert needed(short) < needed(long)


def test_four_bits_need_a_library_more(make_folder, monkeypatch):
    from practice_server.engines.transformers_engine.engine import TransformersEngine

    monkeypatch.setitem(sys.modules, "bitsandbytes", None)  # then Python does not find it
    with pytest.raises(ModelUnusable, match=r"needs bitsandbytes; install .*-transformers\.txt"):
        TransformersEngine.memory_needed(make_folder(), DataSize(10, 100, 10, 1), PLANS["qlora"])


def test_a_gpu_without_memory_left_is_told(make_folder, load, as_examples):
    """There may be no GPU here: its error is raised in its place, in the third step."""
    import torch

    engine = load(make_folder())
    steps = engine.train(as_examples(engine), [], LORA)
    assert [next(steps).number, next(steps).number] == [1, 2]

    def refuse(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    engine.network.model.register_forward_pre_hook(refuse)
    with pytest.raises(MemoryError, match="Make batch_size or context_length smaller"):
        next(steps)


def test_bfloat16_where_the_model_and_the_processor_have_it():
    import torch

    from practice_server.engines.transformers_engine.network import precision

    has_bfloat16 = torch.cpu._is_avx512_bf16_supported()
    half = torch.bfloat16 if has_bfloat16 else torch.float32
    assert precision(torch.bfloat16, "cpu") == half
    assert precision(torch.float16, "cpu") == precision(torch.float32, "cpu") == torch.float32
