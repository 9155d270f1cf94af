"""Attempts at the exercises of lesson 12b."""

import json
import re
from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator

TIME = r"^\d\d?:\d\d$"


def right_1():
    return ["tuned", "tu" + "ned"]


def wrong_1():
    return [("schema", "true"), ("both", "two texts"), (27, "two texts")]


class Free(BaseModel):
    name: str
    item: str
    quantity: int
    size: str
    time: str


class ByField(Free):
    quantity: int = Field(ge=1, le=50)
    time: str = Field(pattern=TIME)


class ByLiteral(Free):
    quantity: Literal[*range(1, 51)]
    time: Annotated[str, Field(pattern="^([01]?[0-9]|2[0-3]):[0-5][0-9]$")]


class AnyTime(Free):
    quantity: int = Field(ge=1, le=50)


class AsText(ByField):
    quantity: str


class InPythonOnly(Free):
    @field_validator("quantity")
    @classmethod
    def few(cls, quantity):
        assert 1 <= quantity <= 50
        return quantity

    @field_validator("time")
    @classmethod
    def clock(cls, time):
        assert re.match(TIME, time)
        return time


def right_2():
    return [ByField, ByLiteral]


def wrong_2():
    return [
        (Free, "quantity"),
        (AnyTime, "time"),
        (AsText, "good order"),
        (InPythonOnly, "Use Field"),
        ({"quantity": 1}, "BaseModel"),
    ]


def by_edges(values, request):
    return all(re.search(rf"\b{re.escape(str(value))}\b", request) for value in values.values())


def by_words(values, request):
    said = " " + " ".join(re.findall(r"[\w:]+", request)) + " "
    return not [value for value in values.values() if f" {value} " not in said]


def right_3():
    return [by_edges, by_words]


def wrong_3():
    return [
        (lambda values, request: all(str(each) in request for each in values.values()), "nuts"),
        (lambda values, request: any(by_edges({0: v}, request) for v in values.values()), "oven"),
        (lambda values, request: set(map(str, values.values())) <= set(request.split()), "9"),
        (True, "no function"),
    ]


def carry_out(name, arguments, request):
    values = json.loads(arguments)
    if not all(str(value) in request for value in values.values()):
        return "refused: nobody said it"
    return f"{name}: {', '.join(map(str, values.values()))}"


def asking(names=("heat_oven", "call_person"), text="{0} {1}", act=carry_out):
    """An attempt that asks before these functions, in these words."""

    def guarded(name, arguments, request, ask_person):
        if name in names and not ask_person(text.format(name, arguments)):
            return "refused: not allowed"
        return act(name, arguments, request)

    return guarded


def afterwards(name, arguments, request, ask_person):
    done = carry_out(name, arguments, request)
    ask_person(f"{name} {arguments}")
    return done


def right_4():
    return [asking(), asking(("heat_oven", "call_person", "turn_off_oven"), "May I call {0}{1}?")]


def wrong_4():
    return [
        (asking(()), "nobody was asked"),
        (asking(text="Is it all right?"), "which function"),
        (asking(("heat_oven",)), "not allowed"),
        (asking(("heat_oven", "call_person", "set_light")), "no harm"),
        (asking(act=lambda name, arguments, request: f"done: {arguments}"), "all the same"),
        (afterwards, "not allowed"),
        (True, "def"),
    ]
