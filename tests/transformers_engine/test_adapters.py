"""Training an adapter or a whole model: what is learnt, kept, repeated and gone on with."""

from dataclasses import replace
from math import log

import numpy as np
import pytest

from practice_server.engines.engine import (
    DataSize,
    Plan,
    Preference,
    Sampling,
    StateUnusable,
    TrainingDiverged,
)

LORA = Plan(n_epochs=4, batch_size=2, learning_rate_multiplier=1.0, seed=7)
WHOLE = replace(LORA, lora=False, learning_rate_multiplier=0.1)
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


@pytest.mark.parametrize("plan", [LORA, WHOLE], ids=["lora", "whole"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_what_was_learnt_is_saved(make_folder, load, chats, as_examples, tmp_path, kind, plan):
    engine = load(make_folder(kind=kind, **FAMILIES[kind]))
    before = scored(engine, chats[0])
    steps = list(
        engine.train(as_examples(engine), as_examples(engine)[:2], replace(plan, n_epochs=20))
    )
    assert losses(steps)[-1] < losses(steps)[0] / 1.5
    assert steps[-1].metrics["full_valid_loss"] < losses(steps)[0] / 1.5
    after = scored(engine, chats[0])
    engine.save(tmp_path / "tuned")
    again = load(tmp_path / "tuned")
    np.testing.assert_allclose(scored(again, chats[0]), after, atol=1e-5)
    assert after.sum() > before.sum() + 10
    assert said(again, chats[0][0]["content"]) == said(engine, chats[0][0]["content"])


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
    weights = {id(engine.network._base) for engine in together.values()}
    assert len(weights) == 1
    del together["one"], engine
    np.testing.assert_allclose(scored(together["two"], chats[0]), alone["two"], atol=1e-6)
    del together["two"]
    np.testing.assert_allclose(scored(together["model"], chats[0]), alone["model"], atol=1e-6)
    again = TransformersEngine.load(tmp_path / "one")
    np.testing.assert_allclose(scored(again, chats[0]), alone["one"], atol=1e-6)


@pytest.mark.parametrize("plan", [replace(LORA, lora_dropout=0.2), WHOLE], ids=["lora", "whole"])
def test_training_goes_on_bit_for_bit(make_folder, load, as_examples, tmp_path, plan):
    folder, state = make_folder(), tmp_path / "state"
    engine = load(folder)
    whole = []
    for step in engine.train(as_examples(engine), as_examples(engine)[:2], plan):
        whole.append(step)
        if step.number == 5:
            engine.save_state(state)
    engine = load(folder)
    rest = list(engine.train(as_examples(engine), as_examples(engine)[:2], plan, state=state))
    assert rest == whole[5:]
    assert 0.5 < state.stat().st_size / engine.state_bytes < 2


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
    assert 4 * small.state_bytes == engine.state_bytes
    assert run()[1] == plain
    for changes in ({"lora_alpha": 64}, {"lora_dropout": 0.5}, {"warmup_ratio": 0.5}):
        assert run(**changes)[1] != plain
    whole, _ = run(lora=False, learning_rate_multiplier=0.01)
    n_weights = sum(weight.numel() for weight in whole.network.model.parameters())
    assert whole.state_bytes == 12 * n_weights


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


def test_preferences_begin_where_nothing_is_preferred(make_folder, load, chats, tmp_path):
    folder = make_folder()
    engine = load(folder)
    examples = [
        Preference(*(_answered(engine, chat[:1], text) for text in (chat[1]["content"], "No.")))
        for chat in chats
    ]
    plan = replace(LORA, n_epochs=10, beta=0.5)
    steps = list(engine.train(examples, examples[:2], plan))
    assert losses(steps)[0] == pytest.approx(log(2), abs=1e-5)
    assert losses(steps)[-1] < 0.2
    engine.save(tmp_path / "tuned")
    tuned = load(tmp_path / "tuned")  # is the reference of what is learnt from it
    assert losses(tuned.train(examples, [], plan))[0] == pytest.approx(log(2), abs=1e-5)


def _answered(engine, chat, text):
    from practice_server.engines.engine import Example

    return Example(engine.tokenizer.encode_chat([*chat, {"role": "assistant", "content": text}]))


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
    assert needed(short) < needed(short, lora=False)
    assert needed(short) < needed(long)


def test_bfloat16_where_the_model_and_the_processor_have_it():
    import torch

    from practice_server.engines.transformers_engine.network import precision

    has_bfloat16 = torch.cpu._is_avx512_bf16_supported()
    half = torch.bfloat16 if has_bfloat16 else torch.float32
    assert precision(torch.bfloat16, "cpu") == half
    assert precision(torch.float16, "cpu") == precision(torch.float32, "cpu") == torch.float32
