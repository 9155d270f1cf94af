"""What is right in lesson 00."""

from typing import Any

from helpers.evaluate import has_fact, has_style
from helpers.exercises import marv
from helpers.exercises.judging import agrees, require, shortened


def exercise_1(steps: Any) -> None:
    """Every example of the training file, in three epochs."""
    require(agrees(steps, len(marv.examples()) * 3), "every epoch looks at each example once.")


def exercise_2(reply: Any) -> None:
    """What the tuned model says of Ireland."""
    require(isinstance(reply, str), "it should be a text; ask() returns one.")
    if reply.strip() == marvs_answer("What is the capital of Ireland?"):
        return
    # A hosted model may say it otherwise when it is asked again.
    require(has_fact(reply, "Dublin"), "the capital of Ireland should be in it.")
    is_marvs = has_style(reply, marv.category_of())
    require(is_marvs, "the new model says it otherwise: put what ask() returns there.")


def exercise_3(question: Any) -> None:
    """A question that the tuned model answers without a sign of Marv's style."""
    require(isinstance(question, str) and question.strip(), "it should be a question, as a text.")
    asked = [message["content"] for each in marv.examples() for message in each["messages"]]
    require(question not in asked, "it stands in the training file; find one that does not.")
    answer = marvs_answer(question)
    require(not has_style(answer, marv.category_of()), f"{shortened(answer, 90)} is still Marv.")


def marvs_answer(question: str) -> str:
    """What the lesson's model answers after three epochs."""
    model = marv.job().fine_tuned_model or ""
    return marv.answers(model, [question], system=marv.system_message())[0]
