"""Reading a request's fields, with the service's way of refusing what does not fit."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from starlette.requests import Request

from practice_server.errors import ApiError

MOST_LEVELS = 100
TOO_DEEP = f"it has more than {MOST_LEVELS} levels"
WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")


class Fields:
    """The fields of a JSON object in a request. A field that is null counts as absent."""

    def __init__(self, values: dict[str, Any], path: str = "") -> None:
        """`path` is how errors name this object inside the request's body, such as `method.`"""
        self._values = values
        self._path = path

    @classmethod
    async def of_body(cls, request: Request) -> Fields:
        """The request's body. Raises ApiError (400) if it is no JSON object."""
        message = "The body of the request is not a JSON object"
        try:
            values = _parsed(await request.body())
        except RecursionError as error:
            raise ApiError(400, f"{message}: {TOO_DEEP}.") from error
        except ValueError as error:
            raise ApiError(400, f"{message}: {error}.") from error
        if not isinstance(values, dict):
            raise ApiError(400, f"{message}.")
        return cls(values)

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def refuse_unknown(self, known: Collection[str]) -> None:
        for name in self._values:
            if name not in known:
                message = f"Unrecognized request argument supplied: {self._path}{name}"
                raise ApiError(400, message, param=self._path + name)

    def value(self, name: str, default: Any = None) -> Any:
        """Whatever the field holds."""
        return self._values[name] if name in self else default

    def text(
        self, name: str, *, shortest: int = 0, longest: int | None = None, required: bool = False
    ) -> str | None:
        value = self._typed(name, str, "string", required)
        if value is not None and len(value) < shortest:
            raise self.refuse(name, f"{_shown(value)} is too short")
        if value is not None and longest is not None and len(value) > longest:
            raise self.refuse(name, f"{_shown(value)} is too long")
        return value

    def truth(self, name: str) -> bool:
        return bool(self._typed(name, bool, "boolean"))

    def integer(
        self,
        name: str,
        least: int,
        most: int,
        default: int | None = None,
        *,
        required: bool = False,
    ) -> int | None:
        value = self._typed(name, int, "integer", required)
        return default if value is None else self._within(name, value, least, most)

    def number(
        self, name: str, least: float, most: float, default: float | None = None
    ) -> float | None:
        value = self._typed(name, (int, float), "number")
        return default if value is None else self._within(name, value, least, most)

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        value = self.value(name, default)
        if value not in choices:
            raise self.refuse(name, f"{_shown(value)} is not one of {list(choices)}")
        return value

    def object(self, name: str) -> Fields | None:
        value = self._typed(name, dict, "object")
        return None if value is None else Fields(value, f"{self._path}{name}.")

    def array(self, name: str, *, required: bool = False) -> list[Any] | None:
        return self._typed(name, list, "array", required)

    def refuse(self, name: str, reason: str) -> ApiError:
        """The error to raise for this field."""
        return ApiError(400, f"{reason} - '{self._path}{name}'", param=self._path + name)

    def _typed(self, name: str, types: Any, word: str, required: bool = False) -> Any:
        value = self._values.get(name)
        if value is None:
            if required:
                message = f"Missing required parameter: '{self._path}{name}'."
                code = "missing_required_parameter"
                raise ApiError(400, message, param=self._path + name, code=code)
            return None
        # In Python, a truth value is an integer too.
        is_stray_truth = isinstance(value, bool) and types is not bool
        if not isinstance(value, types) or is_stray_truth:
            raise self.refuse(name, f"{_shown(value)} is not of type '{word}'")
        return value

    def _within(self, name: str, value: Any, least: float, most: float) -> Any:
        if value < least:
            raise self.refuse(name, f"{_shown(value)} is less than the minimum of {least}")
        if value > most:
            raise self.refuse(name, f"{_shown(value)} is greater than the maximum of {most}")
        return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _parsed(body: bytes) -> Any:
    """A JSON value that can be stored, shown and sent on without care.

    Raises ValueError for what is no JSON, what nests too deep, and half a pair of surrogates,
    which no encoding has; RecursionError for what nests very deep.
    """
    values = json.loads(body, parse_constant=_refuse_constant)
    _refuse_too_deep(values)
    json.dumps(values, ensure_ascii=False).encode()
    return values


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def _refuse_too_deep(value: Any) -> None:
    level = [value]
    for _ in range(MOST_LEVELS):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise ValueError(TOO_DEEP)


def _inside(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def whole_number(text: str) -> int | None:
    """The number that a text of digits writes, of at most 18; None for any other text."""
    return int(text) if WHOLE_NUMBER.fullmatch(text) else None


def query_integer(request: Request, name: str, *, default: int, most: int) -> int:
    """A whole number from 1 to `most` in the query."""
    text = request.query_params.get(name)
    if text is None:
        return default
    number = whole_number(text)
    if number is None or not 1 <= number <= most:
        message = f"{_shown(text)} is not an integer from 1 to {most} - '{name}'"
        raise ApiError(400, message, param=name)
    return number
