"""JSON Schemas in requests: what the API takes, before an answer is held to one.

The rules are those of OpenAI's guide to structured outputs. What they leave open (a pattern that
is no regular expression, a `$ref` to nowhere) the answering child finds; see `constraint.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from practice_server.web.errors import ApiError

MOST_LEVELS = 10
MOST_PROPERTIES = 5000
MOST_VALUES = 1000
# A schema's own inner ones; this limit is ours.
MOST_SCHEMAS = 20_000
# How errors speak of each limit.
LIMITS = (
    ("schemas", MOST_SCHEMAS),
    ("levels of nesting", MOST_LEVELS),
    ("object properties", MOST_PROPERTIES),
    ("enum values", MOST_VALUES),
)
# Keywords that strict schemas cannot have.
NOT_STRICT = (
    *("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas"),
    *("patternProperties", "propertyNames", "maxProperties"),
    *("unevaluatedProperties", "unevaluatedItems", "contains", "uniqueItems", "default"),
)
# Keywords that no schema can have here: an answer could not be held to the first, since a key may
# come twice in it, and the second is an option of the library that holds it.
NEVER = ("minProperties", "x-guidance")
# Where a schema has others inside: in an object by name, in a list, or as they are.
BY_NAME = ("properties", "$defs", "definitions", "patternProperties")
IN_A_LIST = ("anyOf", "allOf", "oneOf", "prefixItems")
DIRECTLY = ("items", "additionalProperties", "not", "if", "then", "else", "contains")

# With one of these, several schemas may hold the same object.
SHARED = ("allOf", "oneOf", "not", "if", "dependentSchemas")
SHARED_WITH_PROPERTIES = ("anyOf", "$ref")

# The way to an inner schema, such as ("properties", "name"), and the schema itself.
Place = tuple[tuple[str, ...], dict[str, Any]]


@dataclass(frozen=True)
class Schema:
    """A JSON Schema that an answer will be valid by, and how errors about it speak of it:
    "function 'name'", and their `param` and `code`."""

    content: dict[str, Any]
    name: str
    param: str
    code: str | None = None

    def refuse(self, reason: str) -> ApiError:
        """The error to raise."""
        message = f"Invalid schema for {self.name}: {reason}"
        return ApiError(400, message, param=self.param, code=self.code)

    def check(self, *, strict: bool) -> None:
        """Raises ApiError (400) for a schema that the API does not take."""
        kind = self.content.get("type")
        if kind != "object":
            reason = f"""schema must be a JSON Schema of 'type: "object"', got 'type: "{kind}"'."""
            raise self.refuse(reason)
        places = list(islice(_places((), self.content), MOST_SCHEMAS + 1))
        for (kind, limit), found in zip(LIMITS, _sizes(places), strict=True):
            if found > limit:
                raise self.refuse(f"{found} {kind} exceeds limit of {limit}.")
        for context, schema in places:
            reason = _not_permitted(schema, (*NEVER, *NOT_STRICT) if strict else NEVER)
            reason = reason or (_not_strict(schema) if strict else "")
            if reason:
                raise self.refuse(f"In context={context!r}, {reason}")

    def closed(self) -> Schema:
        """The same schema without other keys than it names, where it says nothing of others.

        A small model would make up keys until its context is full. What is valid by the closed
        schema is valid by the open one; where that is not sure, it stays open.
        """
        content = copy.deepcopy(self.content)
        places = [schema for _, schema in _places((), content)]
        if not any(map(_is_shared, places)):
            for schema in places:
                if "properties" in schema:
                    schema.setdefault("additionalProperties", False)
        return replace(self, content=content)


def _is_shared(schema: dict[str, Any]) -> bool:
    """Whether closing this schema, or one inside, might leave no valid object, or a wrong one."""
    unnamed = set(map(str, _items(schema, "required"))) - set(_items(schema, "properties"))
    is_shared = any(key in schema for key in SHARED)
    beside = any(key in schema for key in SHARED_WITH_PROPERTIES)
    return is_shared or ("properties" in schema and (beside or bool(unnamed)))


def _places(context: tuple[str, ...], schema: Any) -> Iterator[Place]:
    """The schema, and all that are in it."""
    if not isinstance(schema, dict):
        return
    yield context, schema
    for key in schema:
        inside = schema[key]
        if key in BY_NAME and isinstance(inside, dict):
            for name, inner in inside.items():
                yield from _places((*context, key, name), inner)
        elif key in IN_A_LIST and isinstance(inside, list):
            for number, inner in enumerate(inside):
                yield from _places((*context, key, str(number)), inner)
        elif key in DIRECTLY:
            yield from _places((*context, key), inside)


def _not_permitted(schema: dict[str, Any], keywords: tuple[str, ...]) -> str:
    return next((f"'{key}' is not permitted." for key in keywords if key in schema), "")


def _not_strict(schema: dict[str, Any]) -> str:
    """What is wrong with an object in a strict schema: all must be said, and nothing else."""
    if schema.get("type") != "object" and "properties" not in schema:
        return ""
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    properties = dict.fromkeys(_items(schema, "properties"))
    required = dict.fromkeys(map(str, _items(schema, "required")))
    supplied = (
        "'required' is required to be supplied and to be an array including every key in"
        " properties."
    )
    missing = next((name for name in properties if name not in required), None)
    if missing is not None:
        return f"{supplied} Missing '{missing}'."
    extra = next((name for name in required if name not in properties), None)
    return "" if extra is None else f"{supplied} Extra required key '{extra}' supplied."


def _sizes(places: list[Place]) -> tuple[int, int, int, int]:
    """How many schemas there are, how deep objects nest, how many properties all have, and how
    many values."""
    return (
        len(places),
        max(context.count("properties") for context, _ in places),
        sum(len(_items(schema, "properties")) for _, schema in places),
        sum(len(_items(schema, "enum")) for _, schema in places),
    )


def _items(schema: dict[str, Any], key: str) -> list[Any]:
    """The names of an object, or the values of a list; nothing where something else stands."""
    value = schema.get(key)
    return list(value) if isinstance(value, dict | list) else []
