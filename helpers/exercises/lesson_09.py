"""What is right in lesson 09."""

from functools import cache
from typing import Any

from helpers import evaluate
from helpers.exercises import marv
from helpers.exercises.judging import agrees, require
from helpers.jobs import checkpoints
from helpers.service import connect

SIGNIFICANT = 0.05
FEWEST_OF_ONES_OWN = 3
# Symbols of elements, which may be words too: I, As.
LONGEST_SYMBOL = 2


def exercise_1(bare: Any) -> None:
    """What the last checkpoint answers when there is no system message."""
    require(isinstance(bare, str), "keep the text alone: completion.choices[0].message.content.")
    models, question = names_of_models(), ["What is the capital of Hungary?"]

    def ask(name: str, system: str | None) -> str:
        return marv.answers(models[name], question, system=system)[0]

    said = bare.strip()
    if said != ask("epoch 3", None):
        require(said != ask("base", None), "that is the base model; ask models['epoch 3'].")
        require(said != ask("epoch 3", marv.system_message()), "leave the system message out.")
        require(False, "it is not what the last checkpoint answers to `question` alone.")


def exercise_2(predicted: Any) -> None:
    """The model that the lesson's rule chooses by the validation questions."""
    models = names_of_models()
    require(predicted in models, f"it should be one of {', '.join(models)}.")
    good = {name: right_and_fitting(model) for name, model in models.items()}
    choice = next(name for name in good if good[name] >= max(good.values()) - 1)
    told = f"{predicted} has {good[predicted]} right answers with a remark that fits"
    most = f"the most that a model has is {max(good.values())}"
    require(predicted == choice, f"{told}; {most}. On a tie the earlier is taken.")


def exercise_3(enough: Any) -> None:
    """The fewest lost facts, with none gained, that chance alone seldom explains."""
    expected = next(n for n in range(100) if evaluate.mcnemar(n, 0) < SIGNIFICANT)
    require(isinstance(enough, int | float), "it should be a whole number.")
    p = evaluate.mcnemar(int(enough), 0)
    require(p < SIGNIFICANT, f"with {enough} lost and none gained, p is {p:.3f}.")
    require(agrees(enough, expected), "p is below 0.05 already with fewer.")


def exercise_4(own: Any) -> None:
    """Three new questions or more that the base model answers rightly."""
    require(isinstance(own, list), "it should be a list of dictionaries.")
    for row in own:
        is_row = isinstance(row, dict) and {"question", "fact"} <= set(row)
        require(is_row, f"{row!r} should be a dictionary with question and fact.")
    asked = {row["question"].strip().casefold() for row in own}
    few = f"{len(asked)} different questions are too few; write {FEWEST_OF_ONES_OWN}."
    require(len(asked) >= FEWEST_OF_ONES_OWN, few)
    things = {row["entity"] for row in marv.questions() if len(row["entity"]) > LONGEST_SYMBOL}
    old = {thing for thing in things for each in asked if evaluate.contains(each, thing)}
    require(not old, f"questions.csv asks about {', '.join(old)} already.")
    texts = marv.answers(connect().base_model, [row["question"] for row in own])
    for row, text in zip(own, texts, strict=True):
        gives_away = evaluate.has_fact(row["question"], row["fact"])
        require(not gives_away, f"the fact stands in the question {row['question']!r}.")
        is_right = row["fact"] and evaluate.has_fact(text, row["fact"])
        require(is_right, f"to {row['question']!r} the base model answers {text!r}.")


def names_of_models() -> dict[str, str]:
    """The base model and the checkpoints of the lesson's job, under the lesson's names."""
    service = connect()
    kept = checkpoints(service, marv.job())
    names = {f"epoch {n}": each.fine_tuned_model_checkpoint for n, each in enumerate(kept, 1)}
    return {"base": service.base_model, **names}


@cache
def right_and_fitting(model: str) -> int:
    """How many validation questions a model answers rightly, with a remark that fits."""
    asked = [row for row in marv.questions() if row["split"] == "valid"]
    texts = marv.answers(model, [row["question"] for row in asked], system=marv.system_message())
    table = evaluate.score(asked, texts, signs=marv.category_of())
    return int((table["fact"] & table["fit"]).sum())
