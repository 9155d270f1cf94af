"""What is right in lesson 00."""

from typing import Any

from helpers.exercises.judging import agrees, require


def exercise_2(steps: Any) -> None:
    """100 examples, 5 epochs."""
    require(agrees(steps, 100 * 5), "every epoch looks at each example once.")
