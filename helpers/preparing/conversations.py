"""Read what JSON and YAML hold: objects, and conversations in the usual layouts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from helpers.preparing.rows import Row, Say, UnreadableFile
from helpers.preparing.sides import side_of

NAME_KEYS, TEXT_KEYS = ("role", "from", "speaker", "author"), ("content", "value", "text")
ROLES = {"prompt": "user", "completion": "assistant", "system": "system", "developer": "system"}


def rows_of_json(content: Any, say: Say) -> list[Row]:
    """Return a row for each object or conversation in `content`.

    A list of turns with a name and a text each (`from` and `value`, or the like) becomes
    `messages`; a list of texts becomes `prompt` (the first) and `completion` (the others). What
    is left out is counted. Raises UnreadableFile where there is no list of these.
    """
    counts: Counter[str] = Counter()
    if isinstance(content, dict):
        all_roles = [_roles(_turns(value)) for value in content.values()]
        is_conversation = any(roles and all(roles) for roles in all_roles)
        content = [content] if is_conversation else _only_list(content, say)
    elif isinstance(content, list) and content and _is_texts(content[0]):
        say("of a list of texts the first is the prompt, the others are the completion")
    if not isinstance(content, list):
        raise UnreadableFile(": expected a list of objects, or an object with such a list")
    rows = [_row(number, item, counts) for number, item in enumerate(content, 1)]
    for sentence, count in counts.items():
        say(f"{sentence}: {count}")
    return [row for row in rows if row is not None]


def _only_list(content: Row, say: Say) -> Any:
    lists = [key for key, value in content.items() if isinstance(value, list)]
    if len(lists) > 1:  # lists of texts are tags and the like
        lists = [key for key in lists if not _is_texts(content[key])]
    key = "conversations" if "conversations" in lists else ", ".join(lists)
    if key not in lists:
        raise UnreadableFile(f": expected a list of objects, or one under a key; found {key or 0}")
    if others := [other for other in content if other != key]:
        say(f"left out beside {key!r}: {', '.join(others)}")
    return content[key]


def _row(number: int, item: Any, counts: Counter[str]) -> Row | None:
    """Return the row of an object or a conversation, None if it is left out, which is counted."""
    if isinstance(item, list) and any(_roles(_turns(item))):
        item = {"turns": item}
    if isinstance(item, list):
        if len(item) > 1 and _is_texts(item):
            return {"prompt": item[0], "completion": "\n".join(item[1:])}
        expected = "a question and at least one line of answer, all of them texts"
        raise UnreadableFile(f", conversation {number}: expected {expected}")
    if not isinstance(item, dict):
        found = type(item).__name__
        raise UnreadableFile(f", item {number}: expected an object {{…}}, found {found}")
    key = next((key for key in item if any(_roles(_turns(item[key])))), None)
    if key is None or (key == "messages" and "role" in item[key][0]) or "completion" in item:
        return item
    turns = _turns(item[key])
    roles = _roles(turns)
    if None in roles:
        name, text = turns[roles.index(None)]
        counts[f"conversations left out for {'the role' if text else 'no text of'} {name!r}"] += 1
        return None
    while roles and roles[-1] != "assistant":
        counts["turns left out after the last answer of a conversation"] += 1
        del roles[-1]
    if not roles:
        return None
    messages = []
    for role, (name, text) in zip(roles, turns, strict=False):
        counts[f"turns of {name!r} taken for the {role}'s"] += 1
        messages.append({"role": role, "content": text})
    return {name: item[name] for name in item if name != key} | {"messages": messages}


def _turns(value: Any) -> list[tuple[str, str]]:
    """Return the name and the text of each turn in a list of turns; "" where one is missing."""
    if not (isinstance(value, list) and all(isinstance(turn, dict) for turn in value)):
        return []
    return [(_text(turn, NAME_KEYS), _text(turn, TEXT_KEYS)) for turn in value]


def _text(turn: Row, keys: Sequence[str]) -> str:
    return next((turn[key] for key in keys if isinstance(turn.get(key), str)), "")


def _roles(turns: Iterable[tuple[str, str]]) -> list[str | None]:
    """Return the role of each turn, None where its name or its text shows none."""
    return [ROLES.get(side_of(name) or name.casefold()) if text else None for name, text in turns]


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(type(text) is str for text in value)
