"""Reading a request's fields, with the service's way of refusing what does not fit."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, overload

from starlette.requests import Request

from practice_server.web.errors import ApiError

MOST_LEVELS = 100
TOO_DEEP = f"it has more than {MOST_LEVELS} levels"
WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")
# One pair of a filter for lists.
METADATA_PAIR = re.compile(r"metadata\[(.*)\]")
MOST_METADATA, LONGEST_METADATA_KEY, LONGEST_METADATA_VALUE = 16, 64, 512


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
        refuse_unknown((name for name in self._values if name in self), known, path=self._path)

    def refuse_unsupported(self, unsupported: Mapping[str, Collection[Any]]) -> None:
        """Refuse what the practice server cannot do.

        `unsupported` says for each such field which values ask for nothing: only those are taken,
        so that nobody believes in an effect that is not there.
        """
        for name, harmless in unsupported.items():
            value = self.value(name)
            # In Python, a truth value is a number too.
            if name in self and (isinstance(value, bool) or value not in harmless):
                place = self._path + name
                message = f"Unsupported parameter: the practice server has no '{place}'."
                raise ApiError(400, message, param=place, code="unsupported_parameter")

    def value(self, name: str, default: Any = None) -> Any:
        """Whatever the field holds."""
        return self._values[name] if name in self else default

    @overload
    def text(
        self, name: str, *, shortest: int = 0, longest: int | None = None, required: Literal[True]
    ) -> str: ...
    @overload
    def text(self, name: str, *, shortest: int = 0, longest: int | None = None) -> str | None: ...
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

    @overload
    def integer(self, name: str, least: int, most: int, default: int) -> int: ...
    @overload
    def integer(self, name: str, least: int, most: int, *, required: Literal[True]) -> int: ...
    @overload
    def integer(
        self, name: str, least: int, most: int, default: int | None = None
    ) -> int | None: ...
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

    def number(self, name: str, least: float, most: float, default: float) -> float:
        value = self._typed(name, (int, float), "number")
        return default if value is None else self._within(name, value, least, most)

    def choice(self, name: str, choices: Collection[str], default: str) -> str:
        value = self.value(name, default)
        if value not in choices:
            raise self.refuse(name, f"{_shown(value)} is not one of {list(choices)}")
        return value

    @overload
    def object(self, name: str, *, required: Literal[True]) -> Fields: ...
    @overload
    def object(self, name: str) -> Fields | None: ...
    def object(self, name: str, *, required: bool = False) -> Fields | None:
        value = self._typed(name, dict, "object", required)
        return None if value is None else Fields(value, f"{self._path}{name}.")

    def array(self, name: str, *, required: bool = False) -> list[Any]:
        return self._typed(name, list, "array", required) or []

    def metadata(self, name: str) -> dict[str, str] | None:
        """Pairs of texts, as clients attach them to what they make."""
        if self.object(name) is None:
            return None
        metadata = self.value(name)
        if len(metadata) > MOST_METADATA:
            raise self.refuse(name, f"It has more than {MOST_METADATA} pairs")
        for key, value in metadata.items():
            if len(key) > LONGEST_METADATA_KEY:
                reason = f"The key {key!r} has more than {LONGEST_METADATA_KEY} characters"
                raise self.refuse(name, reason)
            if not isinstance(value, str) or len(value) > LONGEST_METADATA_VALUE:
                reason = f"The value of {key!r} is no string of at most {LONGEST_METADATA_VALUE}"
                raise self.refuse(name, f"{reason} characters")
        return metadata

    def place(self, name: str) -> str:
        """How errors name this field, inside the request's body."""
        return self._path + name

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


def refuse_unknown(
    names: Iterable[str], known: Collection[str], *, path: str = "", detail: bool = False
) -> None:
    """Raises ApiError (400) for the first name that is not known; for `path` see `Fields`, for
    `detail` see `ApiError`."""
    for name in names:
        if name not in known:
            message = f"Unrecognized request argument supplied: {path}{name}"
            raise ApiError(400, message, param=path + name, detail=detail)


async def refuse_body(request: Request) -> None:
    """Raises ApiError (400) if the request's body says anything; `{}` says nothing."""
    if await request.body():
        (await Fields.of_body(request)).refuse_unknown(())


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


def refuse_unknown_query(request: Request, known: Collection[str]) -> None:
    """Raises ApiError (400); `metadata` stands for its pairs too."""
    refuse_unknown((METADATA_PAIR.sub("metadata", name) for name in request.query_params), known)


def query_text(request: Request, name: str) -> str | None:
    """A text in the query. One that is empty counts as absent: the package for Node.js writes a
    null like this."""
    return request.query_params.get(name) or None


def query_choice(request: Request, name: str, choices: Collection[str]) -> str | None:
    text = query_text(request, name)
    if text is not None and text not in choices:
        message = f"{_shown(text)} is not one of {list(choices)} - '{name}'"
        raise ApiError(400, message, param=name)
    return text


def query_integer(request: Request, name: str, *, default: int, most: int) -> int:
    """A whole number from 1 to `most` in the query."""
    text = query_text(request, name)
    if text is None:
        return default
    number = whole_number(text)
    if number is None or not 1 <= number <= most:
        message = f"{_shown(text)} is not an integer from 1 to {most} - '{name}'"
        raise ApiError(400, message, param=name)
    return number
