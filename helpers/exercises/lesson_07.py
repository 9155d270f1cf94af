"""What is right in lesson 07."""

from typing import Any

from helpers.exercises.judging import agrees, require, require_results
from helpers.tokens import total_steps


def exercise_1(next_pause: Any) -> None:
    """Half as long again, at most a minute."""
    cases = [((5,), 7.5), ((7.5,), 11.25), ((50,), 60), ((60,), 60)]
    require_results(next_pause, cases, "half as long again is times 1.5, and 60 is the most.")


def exercise_2(predicted: Any) -> None:
    """Every tenth of 45 steps has a validation loss, and the last one."""
    steps = total_steps(60, n_epochs=3, batch_size=4)
    validated = [step for step in range(1, steps + 1) if step % 10 == 0 or step == steps]
    tenths = steps // 10
    require(not agrees(predicted, tenths), f"{tenths} are tenth steps; what of the last step?")
    require(agrees(predicted, len(validated)), f"count the tenth steps up to step {steps}.")


def exercise_3(window_means: Any) -> None:
    """Means over windows, of which the last may be shorter."""
    cases = [
        (([4.0, 2.0, 1.0, 1.0], 2), [3.0, 1.0]),
        (([6.0, 3.0, 3.0, 2.0, 0.0], 3), [4.0, 1.0]),
        (([0.5], 25), [0.5]),
    ]
    require_results(window_means, cases, "each value belongs to one window only.")


def exercise_4(should_stop: Any) -> None:
    """Any rule that lets a falling loss go on, forgives one small rise and ends a steady one."""
    for losses, expected, hint in (
        ([], False, "there is nothing to judge by yet."),
        ([1.2], False, "there is nothing to compare with yet."),
        ([2.4, 0.9, 0.4, 0.2], False, "the loss still falls."),
        ([0.9, 0.4, 0.42], False, "one small rise may be chance."),
        ([0.9, 0.4, 0.42, 0.3], False, "after one small rise it falls again."),
        ([0.9, 0.4, 0.5, 0.7, 1.0], True, "the loss rises epoch after epoch."),
    ):
        require_results(should_stop, [((losses,), expected)], hint)
