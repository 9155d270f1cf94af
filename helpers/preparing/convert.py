"""Turn rows into training examples: chat, or prompt and completion."""

from collections.abc import Iterable, Sequence
from typing import Any

from helpers.preparing.read import Row

CHAT_KEYS = ("messages", "tools", "parallel_tool_calls", "functions")


class UnusableRow(ValueError):
    """A row lacks what an example needs; the text says which row and which column."""


def to_chat(
    rows: Iterable[Row],
    *,
    system: str | None = None,
    prompt: str = "prompt",
    completion: str = "completion",
    earlier: Sequence[str] = (),
    earlier_weight: int = 0,
) -> list[dict[str, Any]]:
    """Return one chat example `{"messages": […]}` a row.

    `prompt` and `completion` name the columns of the question and the answer. `earlier` names
    the columns of turns before them, in order: question, answer, question, answer …; a row in
    which they are empty becomes a single-turn example. In a multi-turn example the earlier
    answers get `earlier_weight` (0: context only, not trained on) and the last one weight 1.
    `system` is put in front of every example. Rows that are chat examples already (they have
    `messages`) keep their messages; `system` is added where there is none.

    Raises UnusableRow (rows are counted from 1) if a column is missing, a text is empty, or
    an earlier question lacks its answer.
    """
    if len(earlier) % 2:
        raise ValueError("earlier: name the columns in pairs, a question and its answer")
    columns = (*earlier, prompt, completion)
    return [
        _with_system(_chat_keys(row), system)
        if "messages" in row
        else _with_system({"messages": _turns(row, number, columns, earlier_weight)}, system)
        for number, row in enumerate(rows, 1)
    ]


def _chat_keys(row: Row) -> dict[str, Any]:
    return {key: row[key] for key in CHAT_KEYS if key in row}


def _with_system(example: dict[str, Any], system: str | None) -> dict[str, Any]:
    messages = example["messages"]
    if system is None or (messages and messages[0].get("role") == "system"):
        return example
    return {**example, "messages": [{"role": "system", "content": system}, *messages]}


def _turns(
    row: Row, number: int, columns: Sequence[str], earlier_weight: int
) -> list[dict[str, Any]]:
    texts = [_text(row, number, column).strip() for column in columns]
    pairs = list(zip(texts[::2], texts[1::2], strict=True))
    pairs = [pair for pair in pairs[:-1] if any(pair)] + pairs[-1:]
    messages = []
    for question, answer in pairs:
        if not (question and answer):
            raise UnusableRow(
                f"row {number}: a question or an answer is empty in {', '.join(columns)}; "
                "fill it in or leave the row out"
            )
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": answer})
    if len(pairs) > 1:
        for message in messages[1:-1:2]:
            message["weight"] = earlier_weight
        messages[-1]["weight"] = 1
    return messages


def _text(row: Row, number: int, column: str) -> str:
    if column not in row:
        raise UnusableRow(f"row {number}: no column {column!r}; there are {', '.join(row)}")
    if not isinstance(row[column], str):
        raise UnusableRow(
            f"row {number}, {column}: expected a text, found {type(row[column]).__name__}"
        )
    return row[column]


def to_completion(
    rows: Iterable[Row],
    *,
    prompt: str = "prompt",
    completion: str = "completion",
    separator: str = " ->",
    ending: str = "\n",
) -> list[dict[str, str]]:
    """Return one `{"prompt": …, "completion": …}` a row, for models that complete a text.

    Such models see no roles, so the texts must say where the prompt ends and where to stop:
    every prompt ends with `separator`, every completion starts with a blank and ends with
    `ending` (added only where they are missing; "" adds none). A chat example becomes a pair
    too: its last answer is the completion, all that stands before, a line a message, the prompt.

    Raises UnusableRow if a column is missing or a completion is empty.
    """
    return [
        _pair(row, number, (prompt, completion), separator, ending)
        for number, row in enumerate(rows, 1)
    ]


def _pair(
    row: Row, number: int, columns: tuple[str, str], separator: str, ending: str
) -> dict[str, str]:
    if "messages" in row:
        question, answer = _flattened(row, number)
    else:
        question, answer = (_text(row, number, column) for column in columns)
    if not answer.strip():
        raise UnusableRow(f"row {number}: the completion is empty; fill it in or leave it out")
    question = question if question.endswith(separator) else question + separator
    answer = answer if answer[:1].isspace() else " " + answer
    answer = answer if answer.endswith(ending) else answer + ending
    return {"prompt": question, "completion": answer}


def _flattened(row: Row, number: int) -> tuple[str, str]:
    messages = row["messages"]
    if not messages or messages[-1].get("role") != "assistant":
        raise UnusableRow(f"row {number}: the last message is not the assistant's")
    texts = [message.get("content") for message in messages]
    if not all(isinstance(text, str) for text in texts):
        raise UnusableRow(f"row {number}: a message holds something else than text")
    return "\n".join(texts[:-1]), texts[-1]
