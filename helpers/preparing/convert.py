"""Turn rows into training examples: chat, or prompt and completion."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from helpers.preparing.columns import Columns, find_columns
from helpers.preparing.rows import Row

CHAT_KEYS = ("messages", "tools", "parallel_tool_calls", "functions")


class UnusableRow(ValueError):
    """A row lacks what an example needs; the text says which row and which column."""


def to_chat(
    rows: Iterable[Row],
    *,
    system: str | None = None,
    prompt: str | Columns | None = None,
    completion: str | Columns | None = None,
    earlier: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Return one chat example `{"messages": […]}` a row; rows with `messages` keep them.

    `prompt` and `completion` name the columns of the question and the answer; where they do not,
    `find_columns` finds them and prints which. `earlier` names the columns of turns before them:
    question, answer, question …, left out where they are empty. Then the earlier answers get
    weight 0 (context only, not trained on) and the last one weight 1. `system` is put in front
    where no system message is.

    Raises UnusableRow (rows are counted from 1) if a column is missing, a text is empty, an
    earlier question lacks its answer, or `messages` are no messages.
    """
    if len(earlier) % 2:
        raise ValueError("earlier: name the columns in pairs, a question and its answer")
    rows = list(rows)
    found = find_columns(rows, prompt, completion, besides=earlier)
    columns = [*((name,) for name in earlier), *found.values()]
    examples = []
    for number, row in enumerate(rows, 1):
        example = {name: row[name] for name in CHAT_KEYS if name in row}
        messages = _messages(row, number) if "messages" in row else _turns(row, number, columns)
        if system is not None and not (messages and messages[0].get("role") == "system"):
            messages = [{"role": "system", "content": system}, *messages]
        examples.append(example | {"messages": messages})
    return examples


def to_completion(
    rows: Iterable[Row],
    *,
    prompt: str | Columns | None = None,
    completion: str | Columns | None = None,
    separator: str = " ->",
    ending: str = "\n",
) -> list[dict[str, str]]:
    """Return one `{"prompt": …, "completion": …}` a row, for models that complete a text.

    Such models see no roles, so the texts must say where the prompt ends and where to stop:
    every prompt ends with `separator`, every completion starts with a space and ends with
    `ending` (added only where they are missing; "" adds none). Of a chat example the last answer
    is the completion, all that stands before, a line a message, the prompt.

    Raises UnusableRow if a column is missing or a completion is empty.
    """
    rows = list(rows)
    columns = find_columns(rows, prompt, completion).values()
    pairs = []
    for number, row in enumerate(rows, 1):
        texts = [text_in(row, number, column) for column in columns if "messages" not in row]
        *before, answer = texts or _contents(row, number)
        if not answer.strip():
            raise UnusableRow(f"row {number}: the completion is empty; fill it in or leave it out")
        question = "\n".join(before).removesuffix(separator) + separator
        answer = answer.removesuffix(ending) + ending
        answer = answer if answer[0].isspace() else f" {answer}"
        pairs.append({"prompt": question, "completion": answer})
    return pairs


def text_in(row: Row, number: int, columns: Columns) -> str:
    """Return the text in some columns of a row, or raise UnusableRow."""
    texts = ["" if row[name] is None else row[name] for name in columns if name in row]
    if not texts or not all(isinstance(text, str) for text in texts):
        raise UnusableRow(
            f"row {number}: no text in column {', '.join(columns)!r}; the columns are "
            f"{', '.join(row)}. Name yours with `prompt` and `completion`"
        )
    return "\n\n".join(filter(str.strip, texts))


def _messages(row: Row, number: int) -> list[dict]:
    messages = row["messages"]
    if isinstance(messages, list) and all(isinstance(one, dict) for one in messages):
        return messages
    advice = "run `python -m helpers.check` on the file, which names every fault in it"
    raise UnusableRow(f"row {number}: `messages` is not a list of objects; {advice}")


def _contents(row: Row, number: int) -> list[str]:
    messages = _messages(row, number)
    if not messages or messages[-1].get("role") != "assistant":
        raise UnusableRow(f"row {number}: the last message is not the assistant's")
    if all(isinstance(message.get("content"), str) for message in messages):
        return [message["content"] for message in messages]
    raise UnusableRow(f"row {number}: a message holds something else than text")


def _turns(row: Row, number: int, columns: Sequence[Columns]) -> list[dict]:
    texts = [text_in(row, number, column).strip() for column in columns]
    *earlier, last = zip(texts[::2], texts[1::2], strict=True)
    pairs = [*filter(any, earlier), last]
    if not all(map(all, pairs)):
        found = ", ".join(chain(*columns))
        advice = "fill it in or leave the row out"
        raise UnusableRow(f"row {number}: a question or an answer is empty in {found}; {advice}")
    messages: list[dict] = []
    for question, answer in pairs:
        messages.append({"role": "user", "content": question})
        messages.append({"role": "assistant", "content": answer})
        if len(pairs) > 1:
            messages[-1]["weight"] = int(len(messages) == 2 * len(pairs))
    return messages
