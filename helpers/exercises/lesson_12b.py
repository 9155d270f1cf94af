"""What is right in lesson 12b."""

import json
from functools import cache
from typing import Any

from openai import LengthFinishReasonError
from pydantic import BaseModel, ValidationError

from helpers.exercises.judging import require, require_results
from helpers.jobs import create_once, wait
from helpers.prepare import read_rows, write_jsonl
from helpers.service import ROOT, connect, work_folder

ORDERS = ROOT / "data" / "orders"
GOOD = {"name": "Ann", "item": "teas", "quantity": 50, "size": "small", "time": "9:05"}
BAD: list[dict[str, Any]] = [
    {"quantity": 0},
    {"quantity": 51},
    {"time": "8 lamb stews"},
    {"time": "noon"},
]
OVEN = ("heat_oven", '{"degrees": 150}', "Set the oven to 150 degrees.")
LIGHT = ("set_light", '{"level": 60}', "Set the light to 60 percent.")


def exercise_1(better: Any) -> None:
    """Whether a schema or training makes more orders right."""
    require(better in ("schema", "tuned"), 'choose one of the two texts, "schema" or "tuned".')
    right = right_answers()
    hint = "a schema says which answers are valid. Does it say which one is true?"
    require(right[better] == max(right.values()), hint)


@cache
def right_answers() -> dict[str, int]:
    """How many of 20 orders the base model has right by a schema, and how many `till` without."""
    service = connect()
    few = read_rows(ORDERS / "train.jsonl")[:25]
    path = write_jsonl(work_folder() / "few.jsonl", few)
    job = create_once(service, path, n_epochs=3, batch_size=4, suffix="till", seed=7)
    till = wait(service, job).fine_tuned_model or ""
    return {
        "schema": right_of(service.base_model, order_form()),
        "tuned": right_of(till, {"type": "text"}),
    }


def order_form() -> dict[str, Any]:
    """The form of an order, whatever the size is called."""
    kinds = dict.fromkeys(GOOD, {"type": "string"}) | {"quantity": {"type": "integer"}}
    schema: dict[str, Any] = {"type": "object", "properties": kinds, "required": list(kinds)}
    schema["additionalProperties"] = False
    described = {"name": "order", "strict": True, "schema": schema}
    return {"type": "json_schema", "json_schema": described}


def right_of(model: str, form: Any) -> int:
    """How many of 20 orders a model turns into the expected JSON."""
    right = 0
    for row in read_rows(ORDERS / "test.jsonl")[:20]:
        *asked, wanted = row["messages"]
        completion = connect().client.chat.completions.create(
            model=model, messages=asked, response_format=form, temperature=0, max_tokens=100
        )
        try:
            order = json.loads(completion.choices[0].message.content or "")
        except ValueError:  # no JSON, or cut off
            continue
        right += order == json.loads(wanted["content"])
    return right


def exercise_2(tight: Any) -> None:
    """A class of orders with limits for quantity and time, which stand in its schema, too."""
    is_class = isinstance(tight, type) and issubclass(tight, BaseModel)
    require(is_class, "write a class that inherits from BaseModel, as Order does.")
    require(fits(tight, GOOD), f"{GOOD} is a good order; the class does not take it.")
    for bad in BAD:
        require(not fits(tight, GOOD | bad), f"an order with {bad} should not pass.")
    hint = "the model may still answer otherwise: the limits are not in the schema. Use Field."
    require(answers_fit(tight), hint)


def answers_fit(tight: type[BaseModel]) -> bool:
    """Whether the base model's answer by the class's schema is one that the class takes."""
    service = connect()
    try:
        service.client.chat.completions.parse(
            model=service.base_model,
            messages=read_rows(ORDERS / "test.jsonl")[1]["messages"][:2],
            response_format=tight,
            temperature=0,
            max_tokens=100,
        )
    except (ValidationError, LengthFinishReasonError):
        return False
    return True


def fits(tight: type[BaseModel], order: dict[str, Any]) -> bool:
    """Whether the class takes an order."""
    try:
        tight.model_validate(order)
    except ValidationError:
        return False
    return True


def exercise_3(is_said: Any) -> None:
    """Whether all values stand in a request as whole words."""
    cases = [
        (({"food": "doughnuts", "quantity": 9}, "Add 9 doughnuts."), True),
        (({}, "Turn off the oven."), True),
        (({"time": "9:05"}, "Ring at 9:05."), True),
        (({"food": "onion tarts"}, "Cook two onion tarts, please."), True),
        (({"food": "nuts"}, "Add 9 doughnuts."), False),
        (({"degrees": 14}, "Set the oven to 140 degrees."), False),
        (({"food": "eggs", "quantity": 6}, "Cook some eggs."), False),
    ]
    require_results(is_said, cases, "every value, as a text, must stand there as whole words.")


def exercise_4(guarded: Any) -> None:
    """A call that can do harm is carried out only if a person allows it."""
    require(callable(guarded), "keep the line with def.")
    asked: list[str] = []

    def allow(text: str) -> bool:
        asked.append(str(text))
        return True

    done = str(guarded(*OVEN, allow))
    require(asked, "nobody was asked before heat_oven.")
    shown = "heat_oven" in asked[0] and "150" in asked[0]
    require(shown, f"{asked[0]!r} does not show which function, with which arguments.")
    is_done = "150" in done and not done.startswith("refused")
    require(is_done, f"allowed, but it returned {done!r}.")
    for call in (OVEN, ("call_person", '{"name": "Ann"}', "Call Ann.")):
        refused = str(guarded(*call, lambda text: False))
        require(refused.startswith("refused"), f"not allowed, but it returned {refused!r}.")
    asked.clear()
    done = str(guarded(*LIGHT, allow))
    require(not asked, "the light does no harm; nobody needs to be asked.")
    require("60" in done, f"{LIGHT[0]} returned {done!r}; leave it to carry_out.")
    unsaid = str(guarded("heat_oven", '{"degrees": 900}', OVEN[2], allow))
    hint = "what a person allows, carry_out must check all the same."
    require(unsaid.startswith("refused"), hint)
