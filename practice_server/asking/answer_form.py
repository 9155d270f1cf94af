"""What a request says about the form of its answer: text by a schema, calls of functions.

The functions that read one tool, one choice and one schema take the fields in which these stand,
wherever that is in a request.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from practice_server.asking.common_request import invalid_value
from practice_server.asking.schemas import Schema
from practice_server.web.errors import ApiError
from practice_server.web.fields import Fields

MOST_TOOLS = 128
LONGEST_NAME = 64
NAME = "^[a-zA-Z0-9_-]+$"
CHOICES = ("none", "auto", "required")
FORMATS = ("json_object", "json_schema", "text")
NO_ARGUMENTS = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True)
class Function:
    """A tool that may be called."""

    name: str
    parameters: Schema


@dataclass(frozen=True)
class AnswerForm:
    """What an answer may be.

    `text`: by what its text must be valid; None for any text. `functions`: those that it may
    call, several at once if `parallel`. `must_call`: it has calls and no text; with `is_named`
    the request named the one function.
    """

    text: Schema | None = None
    functions: tuple[Function, ...] = ()
    must_call: bool = False
    parallel: bool = True
    is_named: bool = False

    def question(self) -> dict[str, Any]:
        """What the answering child is told of it: nothing, if any text will do."""
        return {"form": asdict(self)} if self.text or self.functions else {}


def read_form(fields: Fields) -> AnswerForm:
    """The form of an answer to a chat. Raises ApiError for what the API does not take."""
    text, functions = read_format(fields), read_tools(fields)
    choice, name = read_tool_choice(fields, [function.name for function in functions])
    parallel = read_parallel(fields, functions) and name is None
    may_call = [function for function in functions if name in (None, function.name)]
    return AnswerForm(
        text,
        () if choice == "none" else tuple(may_call),
        must_call=choice == "required",
        parallel=parallel,
        is_named=name is not None,
    )


def read_format(fields: Fields) -> Schema | None:
    """The field `response_format`; None for any text."""
    chosen = fields.object("response_format")
    if chosen is None:
        return None
    chosen.refuse_unknown(("type", "json_schema"))
    kind = chosen.text("type", required=True)
    if kind == "json_object":
        _check_word_json(fields)
        return Schema({"type": "object"}, "response_format", "response_format")
    if kind == "json_schema":
        described = chosen.object("json_schema", required=True)
        described.refuse_unknown(("name", "description", "schema", "strict"))
        return read_schema(described, "response_format")
    if kind != "text":
        raise invalid_value("response_format.type", kind, FORMATS)
    return None


def _check_word_json(fields: Fields) -> None:
    """The service wants the messages to ask for JSON: else a model may write spaces for ever."""
    if "json" not in str(fields.value("messages")).lower():
        message = (
            "'messages' must contain the word 'json' in some form, to use 'response_format' of"
            " type 'json_object'."
        )
        raise ApiError(400, message, param="messages")


def read_schema(described: Fields, param: str) -> Schema:
    """The schema of an answer's text, from an object with its name; errors name `param`."""
    name = read_name(described)
    described.text("description")
    described.object("schema", required=True)
    schema = Schema(described.value("schema"), f"response_format '{name}'", param)
    schema.check(strict=described.truth("strict"))
    return schema.closed()


def read_tools(fields: Fields) -> list[Function]:
    """The functions in the field `tools`."""
    tools = fields.array("tools")
    if "tools" in fields:
        refuse_length("tools", len(tools), MOST_TOOLS)
    functions = []
    for index, tool in enumerate(tools):
        path = f"tools[{index}]"
        if not isinstance(tool, dict):
            raise ApiError(400, f"{path} is not an object", param=path)
        described = Fields(tool, f"{path}.")
        described.refuse_unknown(("type", "function"))
        check_type(described)
        inner = described.object("function", required=True)
        inner.refuse_unknown(("name", "description", "parameters", "strict"))
        functions.append(read_function(inner, f"{path}.function.parameters"))
    return functions


def check_type(described: Fields) -> None:
    """A tool is a function; the API has others, which no model here can use."""
    kind = described.text("type", required=True)
    if kind != "function":
        raise invalid_value(described.place("type"), kind, ("function",))


def read_function(described: Fields, param: str) -> Function:
    """A function, from the object with its name and its parameters; errors of the schema name
    `param`."""
    name = read_name(described)
    described.text("description")
    described.object("parameters")
    content = described.value("parameters", NO_ARGUMENTS)
    schema = Schema(content, f"function '{name}'", param, "invalid_function_parameters")
    schema.check(strict=described.truth("strict"))
    return Function(name, schema.closed())


def read_name(described: Fields) -> str:
    """The name of a function or a schema."""
    name, place = described.text("name", required=True), described.place("name")
    if len(name) > LONGEST_NAME:
        reason = f"string too long. Expected a string with maximum length {LONGEST_NAME}, but got"
        message = f"Invalid '{place}': {reason} a string with length {len(name)} instead."
        raise ApiError(400, message, param=place, code="string_above_max_length")
    if not re.fullmatch(NAME.strip("^$"), name):
        reason = "string does not match pattern. Expected a string that matches the pattern"
        message = f"Invalid '{place}': {reason} '{NAME}'."
        raise ApiError(400, message, param=place, code="invalid_value")
    return name


def read_tool_choice(fields: Fields, names: Sequence[str]) -> tuple[str, str | None]:
    """`none`, `auto` or `required`, and the function's name if one is required alone."""
    if "tool_choice" not in fields:
        return "auto" if names else "none", None
    _refuse_without_tools("tool_choice", names)
    choice = fields.value("tool_choice")
    if not isinstance(choice, dict):
        if choice not in CHOICES:
            raise invalid_value("tool_choice", choice, CHOICES)
        return choice, None
    described = Fields(choice, "tool_choice.")
    described.refuse_unknown(("type", "function"))
    check_type(described)
    inner = described.object("function", required=True)
    inner.refuse_unknown(("name",))
    name = inner.text("name", required=True)
    if name not in names:
        message = f"Tool choice '{name}' not found in 'tools' parameter."
        raise ApiError(400, message, param="tool_choice")
    return "required", name


def read_parallel(fields: Fields, functions: Sequence[Function]) -> bool:
    """The field `parallel_tool_calls`: whether an answer may have several calls."""
    if "parallel_tool_calls" not in fields:
        return True
    parallel = fields.truth("parallel_tool_calls")
    _refuse_without_tools("parallel_tool_calls", functions)
    return parallel


def _refuse_without_tools(name: str, tools: Sequence[Any]) -> None:
    if not tools:
        reason = f"'{name}' is only allowed when 'tools' are specified"
        raise ApiError(400, f"Invalid value for '{name}': {reason}.", param=name)


def refuse_length(place: str, length: int, most: int) -> None:
    """Raises ApiError (400) for an empty list, and for one that is too long."""
    if not length:
        reason = "empty array. Expected an array with minimum length 1, but got an empty array"
        message = f"Invalid '{place}': {reason} instead."
        raise ApiError(400, message, param=place, code="empty_array")
    if length > most:
        reason = f"array too long. Expected an array with maximum length {most}, but got an array"
        message = f"Invalid '{place}': {reason} with length {length} instead."
        raise ApiError(400, message, param=place, code="array_above_max_length")
