"""Preference training: its loss, its gradients, and that preferences are learnt."""

from math import log

import numpy as np
import pytest

from practice_server.engines.engine import Example, Plan, Preference, TrainingDiverged
from practice_server.engines.numpy_engine.parameters import Parameters
from practice_server.engines.numpy_engine.preference import DPO
from practice_server.engines.numpy_engine.train import evaluate, loss_and_gradients

BETA = 0.3


@pytest.fixture
def preferences(tokenizer):
    """Five pairs of answers of different lengths."""

    def answered(question, answer):
        chat = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        return Example(tokenizer.encode_chat(chat))

    answers = ("Yes.", "No, not at all."), ("Ja", "Nein"), ("道", "名"), ("1", "22"), ("a b", "c")
    return [
        Preference(answered(f"Number {number}?", better), answered(f"Number {number}?", other))
        for number, (better, other) in enumerate(answers)
    ]


@pytest.fixture
def moved(make_engine, preferences):
    """A model in float64 that has moved away from its reference, its objective and its pairs."""
    model = make_engine(dtype=np.float64).model
    objective = DPO(BETA)
    pairs = objective.prepare(model, preferences)
    random = np.random.default_rng(3)
    model.weights.flat[:] += random.normal(scale=0.02, size=model.weights.flat.size)
    return model, objective, pairs


def mean_loss(model, objective, pairs):
    score = evaluate(model, pairs, objective)
    assert score.n_losses == len(pairs)
    return score.loss / score.n_losses


def test_before_training_nothing_is_preferred(make_engine, preferences):
    model = make_engine(dtype=np.float64).model
    objective = DPO(BETA)
    pairs = objective.prepare(model, preferences)
    assert mean_loss(model, objective, pairs) == pytest.approx(log(2))


def test_every_tensors_gradient_agrees_with_finite_differences(moved):
    model, objective, pairs = moved
    gradients = Parameters(model.config, np.float64)
    loss_and_gradients(model, pairs, gradients, objective)
    random = np.random.default_rng(0)
    for name, tensor in model.weights.tensors.items():
        steepest = np.unravel_index(np.abs(gradients.tensors[name]).argmax(), tensor.shape)
        for index in [steepest, *(tuple(random.integers(0, tensor.shape)) for _ in range(3))]:
            original, losses = tensor[index], []
            for step in (3e-6, -3e-6):
                tensor[index] = original + step
                losses.append(mean_loss(model, objective, pairs))
            tensor[index] = original
            numeric = (losses[0] - losses[1]) / 6e-6
            assert gradients.tensors[name][index] == pytest.approx(numeric, abs=1e-8), name


def log_probability(torch, llama, example):
    """log π of what is trained on, as PyTorch computes it."""
    [(numbers, trained_on)] = example.sequences
    tokens = torch.tensor([numbers])
    logprobs = torch.log_softmax(llama(tokens).logits[0, :-1], dim=-1)
    chosen = logprobs.gather(1, tokens[0, 1:, None])[:, 0]
    return chosen[torch.tensor(trained_on[1:])].sum()


def test_loss_and_gradients_agree_with_pytorch(
    make_engine, preferences, moved, torch, as_transformers
):
    model, objective, pairs = moved
    reference = as_transformers(make_engine(dtype=np.float64))
    engine = make_engine(dtype=np.float64)
    engine.model.weights.flat[:] = model.weights.flat
    llama = as_transformers(engine)
    losses = []
    for pair in preferences:
        gains = []
        for answer in (pair.preferred, pair.other):
            with torch.no_grad():
                before = log_probability(torch, reference, answer)
            gains.append(log_probability(torch, llama, answer) - before)
        losses.append(-torch.nn.functional.logsigmoid(BETA * (gains[0] - gains[1])))
    loss = torch.stack(losses).mean()
    loss.backward()
    gradients = Parameters(model.config, np.float64)
    score = loss_and_gradients(model, pairs, gradients, objective)
    assert score.loss / score.n_losses == pytest.approx(loss.item(), rel=1e-6)
    for name, parameter in llama.named_parameters():
        expected = parameter.grad.numpy()
        np.testing.assert_allclose(gradients.tensors[name], expected, atol=1e-6, err_msg=name)


def test_a_batch_in_parts_has_the_same_gradients(moved, monkeypatch):
    model, objective, pairs = moved
    whole, in_parts = Parameters(model.config, np.float64), Parameters(model.config, np.float64)
    loss_and_gradients(model, pairs, whole, objective)
    monkeypatch.setattr("practice_server.engines.numpy_engine.objectives.TOKENS_AT_ONCE", 60)
    loss_and_gradients(model, pairs, in_parts, objective)
    np.testing.assert_allclose(in_parts.flat, whole.flat, atol=1e-12)


def plan(**changes):
    settings = {"n_epochs": 8, "batch_size": 2, "learning_rate_multiplier": 1.0, "seed": 0}
    return Plan(**settings | {"beta": BETA} | changes)


def test_preferences_are_learnt(engine, preferences):
    def preferred():
        """For each pair, log π of the better answer less that of the other."""
        sums = []
        for pair in preferences:
            for tokens, trained_on in pair.sequences:
                scored = list(engine.score(tokens))
                learnt = zip(scored, trained_on[1:], strict=True)
                sums.append(sum(token.logprob for token, counts in learnt if counts))
        return np.array(sums[::2]) - sums[1::2]

    before = preferred()
    steps = list(engine.train(preferences, preferences[:2], plan()))
    assert len(steps) == 20 and steps[0].metrics["train_loss"] == pytest.approx(log(2), abs=1e-4)
    assert steps[-1].metrics["train_loss"] < 0.4
    assert "full_valid_loss" in steps[-1].metrics
    assert (preferred() > before).all()


def test_a_run_goes_on_from_a_saved_state_with_the_same_losses(make_engine, preferences, tmp_path):
    whole = [step.metrics for step in make_engine().train(preferences, [], plan())]
    engine = make_engine()
    for step in engine.train(preferences, [], plan()):
        if step.number == 7:
            engine.save_state(tmp_path / "state")
            break
    rest = make_engine().train(preferences, [], plan(), state=tmp_path / "state")
    assert [step.metrics for step in rest] == whole[7:]


def test_a_rate_beyond_all_bounds_is_told(engine, preferences):
    with pytest.raises(TrainingDiverged, match="learning_rate_multiplier"):
        list(engine.train(preferences, [], plan(learning_rate_multiplier=1e30)))
