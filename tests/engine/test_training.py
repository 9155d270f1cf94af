"""Training as the server sees it: steps, metrics, repeatability, going on, and failing."""

from dataclasses import replace

import numpy as np
import pytest

from practice_server.engines.engine import (
    Example,
    Plan,
    StateUnusable,
    TokenSequence,
    TrainingDiverged,
)
from practice_server.engines.numpy_engine import objectives
from practice_server.engines.numpy_engine.parameters import Parameters
from practice_server.engines.numpy_engine.train import evaluate, loss_and_gradients

PLAN = Plan(n_epochs=2, batch_size=4, learning_rate_multiplier=1.0, seed=7)


def losses(steps):
    return [step.metrics["train_loss"] for step in steps]


def test_the_loss_falls(engine, examples):
    plan = Plan(n_epochs=20, batch_size=2, learning_rate_multiplier=3.0, seed=0)
    steps = list(engine.train(examples, [], plan))
    assert steps[-1].metrics["train_loss"] < steps[0].metrics["train_loss"] / 2
    accuracies = [step.metrics["train_mean_token_accuracy"] for step in steps]
    assert accuracies[-1] > accuracies[0]


def test_batches_run_on_across_epochs(engine, examples):
    """6 examples, 3 epochs, batches of 4: 18 in a row, cut into 4, 4, 4, 4 and 2."""
    plan = replace(PLAN, n_epochs=3)
    steps = list(engine.train(examples, [], plan))
    assert [step.number for step in steps] == [1, 2, 3, 4, 5]
    assert {step.total for step in steps} == {plan.total_steps(6)} == {5}
    assert [step.epoch for step in steps] == [None, 1, 2, None, 3]
    assert [plan.epoch_end(6, epoch) for epoch in (1, 2, 3)] == [2, 3, 5]


def test_a_batch_larger_than_the_data_ends_several_epochs_at_once(engine, examples):
    plan = replace(PLAN, n_epochs=4, batch_size=5)
    steps = list(engine.train(examples[:2], [], plan))
    assert [step.epoch for step in steps] == [2, 4]


def test_validation_every_tenth_step_at_each_epochs_end_and_on_the_last(engine, examples):
    plan = Plan(n_epochs=2, batch_size=1, learning_rate_multiplier=1.0, seed=0)
    steps = list(engine.train(examples, examples[:5], plan))
    few = [step.number for step in steps if "valid_loss" in step.metrics]
    full = [step.number for step in steps if "full_valid_loss" in step.metrics]
    assert (few, full) == ([10, 12], [6, 12])
    score = evaluate(engine.model, examples[:5])
    assert steps[-1].metrics["full_valid_loss"] == score.loss / score.n_tokens
    assert steps[-1].metrics["full_valid_mean_token_accuracy"] == score.n_right / score.n_tokens
    # The last few: the second four of the five, beginning anew after the fifth.
    few_score = evaluate(engine.model, [examples[i] for i in (4, 0, 1, 2)])
    assert steps[-1].metrics["valid_loss"] == few_score.loss / few_score.n_tokens


def test_without_validation_examples_there_are_no_validation_metrics(engine, examples):
    for step in engine.train(examples, [], PLAN):
        assert set(step.metrics) == {"train_loss", "train_mean_token_accuracy"}


def test_the_same_seed_gives_the_same_losses_bit_for_bit(make_engine, examples):
    first, second = (losses(make_engine().train(examples, [], PLAN)) for _ in range(2))
    other = losses(make_engine().train(examples, [], replace(PLAN, seed=-8)))
    assert first == second
    assert first != other


@pytest.mark.parametrize("stop_after", [1, 2])
def test_going_on_from_a_state_changes_nothing(make_engine, examples, tmp_path, stop_after):
    path = tmp_path / "state.safetensors"
    whole = make_engine()
    expected = [step.metrics for step in whole.train(examples, examples[:2], PLAN)]

    stopped = make_engine()
    steps = stopped.train(examples, examples[:2], PLAN)
    before = [next(steps).metrics for _ in range(stop_after)]
    stopped.save_state(path)
    next(steps)

    resumed = make_engine(seed=99)
    after = list(resumed.train(examples, examples[:2], PLAN, state=path))
    assert after[0].number == stop_after + 1
    assert before + [step.metrics for step in after] == expected
    assert np.array_equal(resumed.model.weights.flat, whole.model.weights.flat)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-9] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "seed", "reason"),
    [
        (lambda path: None, 8, "saved by another plan"),
        (flip_a_bit, 7, "was changed"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), 7, "is damaged"),
        (lambda path: path.write_bytes(b""), 7, "is damaged"),
    ],
)
def test_an_unusable_state_is_refused_and_changes_nothing(
    engine, make_engine, examples, tmp_path, damage, seed, reason
):
    path = tmp_path / "state.safetensors"
    next(engine.train(examples, [], PLAN))
    engine.save_state(path)
    assert path.stat().st_size == pytest.approx(engine.state_bytes, rel=0.2)
    damage(path)
    resumed = make_engine()
    before = resumed.model.weights.flat.copy()
    with pytest.raises(StateUnusable, match=reason):
        resumed.train(examples, [], replace(PLAN, seed=seed), state=path)
    assert np.array_equal(resumed.model.weights.flat, before)


def test_there_is_no_state_before_training(engine, tmp_path):
    with pytest.raises(RuntimeError, match="call train first"):
        engine.save_state(tmp_path / "state.safetensors")


def test_the_company_of_other_examples_does_not_change_an_examples_loss(engine, examples):
    together = evaluate(engine.model, examples)
    alone = [evaluate(engine.model, [example]) for example in examples]
    assert together.loss == pytest.approx(sum(score.loss for score in alone), rel=1e-6)
    assert together.n_right == sum(score.n_right for score in alone)
    assert together.n_tokens == sum(sum(example.sequences[0].trained_on) for example in examples)


def test_a_batch_in_parts_has_the_same_gradients(engine, examples, monkeypatch):
    whole, in_parts = (Parameters(engine.model.config) for _ in range(2))
    loss_and_gradients(engine.model, examples, whole)
    monkeypatch.setattr(objectives, "TOKENS_AT_ONCE", 60)
    loss_and_gradients(engine.model, examples, in_parts)
    np.testing.assert_allclose(in_parts.flat, whole.flat, atol=1e-6)


def test_the_sequences_of_an_example_count_together(engine, examples):
    one = Example(examples[0].sequences + examples[1].sequences)
    assert evaluate(engine.model, [one]) == evaluate(engine.model, examples[:2])
    assert len(list(engine.train([one, examples[2]], [], PLAN))) == PLAN.total_steps(2)


def test_what_is_not_trained_on_does_not_count(engine, examples):
    """Another last word, which is predicted but not trained on, changes no gradient."""
    [(tokens, trained_on)] = examples[0].sequences
    mask = [*trained_on[:-1], False]
    gradients = []
    for last in (tokens[-1], 65):
        into = Parameters(engine.model.config)
        example = Example([TokenSequence([*tokens[:-1], last], mask)])
        loss_and_gradients(engine.model, [example], into)
        gradients.append(into.flat)
    assert np.array_equal(*gradients)


def test_a_loss_that_is_no_number_stops_the_training(engine, examples):
    plan = replace(PLAN, n_epochs=20, learning_rate_multiplier=1e30)
    with pytest.raises(TrainingDiverged, match=r"at step \d+ of 30; try a learning_rate_multipl"):
        list(engine.train(examples, [], plan))
