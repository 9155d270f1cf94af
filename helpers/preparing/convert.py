"""Turn rows into training examples: chat, or prompt and completion."""

from collections.abc import Iterable, Sequence
from typing import Any

from helpers.preparing.columns import Column, find_columns
from helpers.preparing.rows import Row

CHAT_KEYS = ("messages", "tools", "parallel_tool_calls", "functions")


class UnusableRow(ValueError):
    """A row lacks what an example needs; the text says which row and which column."""


def to_chat(
    rows: Iterable[Row],
    *,
    system: str | None = None,
    prompt: Column | None = None,
    completion: Column | None = None,
    earlier: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return one chat example `{"messages": […]}` a row.

    `prompt` and `completion` name the columns of the question and the answer; where they do not,
    `find_columns` finds them and prints which. `earlier` names the columns of turns before them,
    in order: question, answer, question, answer …; a row in which they are empty becomes a
    single-turn example. In a multi-turn example the earlier answers get weight 0 (context only,
    not trained on) and the last one weight 1. `system` is put in front where no system message
    is. Rows with `messages` keep them.

    Raises UnusableRow (rows are counted from 1) if a column is missing, a text is empty, an
    earlier question lacks its answer, or `messages` are no messages.
    """
    if len(earlier) % 2:
        raise ValueError("earlier: name the columns in pairs, a question and its answer")
    rows = list(rows)
    columns = (*earlier, *find_columns(rows, prompt, completion, besides=earlier).values())
    examples = []
    for number, row in enumerate(rows, 1):
        example = {name: row[name] for name in CHAT_KEYS if name in row}
        if "messages" not in row:
            example = {"messages": _turns(row, number, columns)}
        messages = _messages(example, number)
        if system is not None and not (messages and messages[0].get("role") == "system"):
            example["messages"] = [{"role": "system", "content": system}, *messages]
        examples.append(example)
    return examples


def _messages(row: Row, number: int) -> list[dict]:
    messages = row["messages"]
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise UnusableRow(
            f"row {number}: `messages` is not a list of objects; run `python -m helpers.check` "
            "on the file, which names every fault in it"
        )
    return messages


def _turns(row: Row, number: int, columns: Sequence[Column]) -> list[dict]:
    texts = [text_in(row, number, column).strip() for column in columns]
    pairs = list(zip(texts[::2], texts[1::2], strict=True))
    pairs = [pair for pair in pairs[:-1] if any(pair)] + pairs[-1:]
    if not all(map(all, pairs)):
        raise UnusableRow(
            f"row {number}: a question or an answer is empty in {', '.join(map(str, columns))}; "
            "fill it in or leave the row out"
        )
    messages: list[dict] = []
    for question, answer in pairs:
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": answer, "weight": 0})
    messages[-1]["weight"] = 1
    if len(pairs) == 1:
        del messages[-1]["weight"]
    return messages


def text_in(row: Row, number: int, column: Column) -> str:
    """Return the text in a column of a row; raise UnusableRow if there is none.

    Of several columns the texts that are there are joined, with an empty line between them.
    """
    if isinstance(column, tuple):
        texts = (text_in(row, number, name).strip() for name in column if row.get(name))
        return "\n\n".join(filter(None, texts))
    text = "" if row.get(column, 0) is None else row.get(column)
    if not isinstance(text, str):
        raise UnusableRow(
            f"row {number}: no text in column {column!r}; the columns are {', '.join(row)}. "
            "Name yours with `prompt` and `completion`"
        )
    return text


def to_completion(
    rows: Iterable[Row],
    *,
    prompt: Column | None = None,
    completion: Column | None = None,
    separator: str = " ->",
    ending: str = "\n",
) -> list[dict[str, str]]:
    """Return one `{"prompt": …, "completion": …}` a row, for models that complete a text.

    Such models see no roles, so the texts must say where the prompt ends and where to stop:
    every prompt ends with `separator`, every completion starts with a space and ends with
    `ending` (added only where they are missing; "" adds none). A chat example becomes a pair
    too: its last answer is the completion, all that stands before, a line a message, the prompt.

    Raises UnusableRow if a column is missing or a completion is empty.
    """
    rows = list(rows)
    columns = find_columns(rows, prompt, completion).values()
    pairs = []
    for number, row in enumerate(rows, 1):
        if "messages" in row:
            question, answer = _flattened(row, number)
        else:
            question, answer = (text_in(row, number, column) for column in columns)
        if not answer.strip():
            raise UnusableRow(f"row {number}: the completion is empty; fill it in or leave it out")
        question = question.removesuffix(separator) + separator
        answer = answer.removesuffix(ending) + ending
        answer = answer if answer[0].isspace() else f" {answer}"
        pairs.append({"prompt": question, "completion": answer})
    return pairs


def _flattened(row: Row, number: int) -> tuple[str, str]:
    messages = _messages(row, number)
    if not messages or messages[-1].get("role") != "assistant":
        raise UnusableRow(f"row {number}: the last message is not the assistant's")
    texts: list[Any] = [message.get("content") for message in messages]
    if not all(isinstance(text, str) for text in texts):
        raise UnusableRow(f"row {number}: a message holds something else than text")
    return "\n".join(texts[:-1]), texts[-1]
