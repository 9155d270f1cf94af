"""Read what JSON and YAML hold: objects, and conversations in the usual layouts."""

from collections import Counter
from typing import Any

from helpers.preparing.rows import Row, Say, UnreadableFile
from helpers.preparing.sides import side_of

NAME_KEYS, TEXT_KEYS = ("role", "from", "speaker", "author"), ("content", "value", "text")
ROLES = {"prompt": "user", "completion": "assistant"}


def rows_of_json(content: Any, say: Say) -> list[Row]:
    """Return a row for each object or conversation in `content`.

    A list of turns with a name and a text each (`from` and `value`, or the like) becomes
    `messages`; a list of texts becomes `prompt` (the first) and `completion` (the others). What
    is left out is counted. Raises UnreadableFile where there is no list of these.
    """
    is_usual = isinstance(content, dict) and "conversations" in content
    if isinstance(content, dict):
        content = [content] if _key_of_turns(content) else _only_list(content, say)
    if not isinstance(content, list):
        raise UnreadableFile(": expected a list of objects, or an object with such a list")
    counts: Counter[str] = Counter()
    rows = [_row(number, item, counts) for number, item in enumerate(content, 1)]
    lists = sum(isinstance(item, list) and not any(map(_turn, item)) for item in content)
    if lists and not is_usual:
        say(f"{lists} lists of texts: the first is the prompt, the others are the completion")
    for sentence, count in counts.items():
        say(f"{sentence}: {count}")
    return [row for row in rows if row is not None]


def _only_list(content: Row, say: Say) -> Any:
    """Return the one list in an object; lists of texts, such as tags, do not count."""
    lists = [
        key
        for key, value in content.items()
        if isinstance(value, list) and not (value and all(isinstance(x, str) for x in value))
    ]
    if len(lists) != 1:
        found = f"found {', '.join(lists)}" if lists else "found none"
        raise UnreadableFile(f": expected a list of objects, or an object with one; {found}")
    others = [key for key in content if key not in lists]
    if others or lists != ["conversations"]:
        left_out = f"; left out: {', '.join(others)}" if others else ""
        say(f"the list under {lists[0]!r} is read{left_out}")
    return content[lists[0]]


def _row(number: int, item: Any, counts: Counter[str]) -> Row | None:
    """Return the row of an object or a conversation, None if it is left out, which is counted."""
    if isinstance(item, list) and any(map(_turn, item)):
        item = {"turns": item}
    if isinstance(item, list):
        if len(item) > 1 and all(type(text) is str for text in item):
            return {"prompt": item[0], "completion": "\n".join(item[1:])}
        expected = "a question and at least one line of answer, all of them texts"
        raise UnreadableFile(f", conversation {number}: expected {expected}")
    if not isinstance(item, dict):
        found = type(item).__name__
        raise UnreadableFile(f", item {number}: expected an object {{…}}, found {found}")
    key = _key_of_turns(item)
    if key is None or (key == "messages" and "role" in item[key][0]):
        return item
    turns = [_turn(turn) or ("", "") for turn in item[key]]
    roles = [_role(name) for name, _ in turns]
    if None in roles:
        odd = turns[roles.index(None)][0]
        reason = f"the role {odd!r}" if odd else "a turn without a text of a role"
        counts[f"conversations left out for {reason}"] += 1
        return None
    while roles and roles[-1] != "assistant":
        counts["turns left out after the last answer of a conversation"] += 1
        roles.pop()
    if "user" not in roles:
        counts["conversations left out, without a question and an answer"] += 1
        return None
    messages = []
    for role, (name, text) in zip(roles, turns, strict=False):
        counts[f"turns of {name!r} taken for the {role}'s"] += 1
        messages.append({"role": role, "content": text})
    system = item.get("system")
    if system and isinstance(system, str) and roles[0] != "system":
        messages.insert(0, {"role": "system", "content": system})
    return {name: item[name] for name in item if name not in (key, "system")} | {
        "messages": messages
    }


def _key_of_turns(item: Row) -> str | None:
    held = (key for key in item if isinstance(item[key], list) and any(map(_turn, item[key])))
    return next(held, None)


def _turn(turn: Any) -> tuple[str, str] | None:
    """Return who speaks in a turn, and the text."""
    if not isinstance(turn, dict):
        return None
    name, text = (
        next((turn[key] for key in keys if isinstance(turn.get(key), str)), None)
        for keys in (NAME_KEYS, TEXT_KEYS)
    )
    return None if name is None or text is None else (name, text)


def _role(name: str) -> str | None:
    is_system = name.casefold() in ("system", "developer")
    return "system" if is_system else ROLES.get(side_of(name) or "")
