"""Read what JSON and YAML hold: objects, and conversations in the usual layouts."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from helpers.preparing.names import side_of
from helpers.preparing.rows import Row, Say, UnreadableFile
from helpers.preparing.shapes import Turns, Who, chat, paired

NAME_KEYS, TEXT_KEYS = ("role", "from", "speaker", "author"), ("content", "value", "text")
ROLES = {"prompt": "user", "completion": "assistant", "system": "system", "developer": "system"}


def rows_of_json(content: Any, who: Who, say: Say) -> list[Row]:
    """Return a row for each object or conversation in `content`.

    A list of turns with a name and a text each (`from` and `value`, or the like) becomes
    `messages`; a list of texts becomes `prompt` (the first) and `completion` (the others). In a
    chat export `who` names the assistant. What is left out is counted. Raises UnreadableFile
    where there is no list of these.
    """
    if isinstance(content, list) and content and _is_texts(content[0]):
        say("of a list of texts the first is the prompt, the others are the completion")
    if isinstance(content, dict):
        said = _turns(content.get("messages"))
        if any(turns and all(map(_role, turns)) for turns in map(_turns, content.values())):
            content = [content]  # a single conversation
        elif any(name for name, _ in said):
            return paired(*chat(said, who), say)
        else:
            content = _only_list(content, say)
    if not isinstance(content, list):
        raise UnreadableFile(": expected a list of objects, or an object with such a list")
    counts: Counter[str] = Counter()
    rows = [_row(number, item, counts) for number, item in enumerate(content, 1)]
    for sentence, count in counts.items():
        say(f"{sentence}: {count}")
    return [row for row in rows if row is not None]


def _only_list(content: Row, say: Say) -> list:
    lists = {key: value for key, value in content.items() if isinstance(value, list)}
    if len(lists) > 1:  # lists of texts are tags and the like
        lists = {key: value for key, value in lists.items() if not _is_texts(value)}
    if len(lists) != 1:
        found = ", ".join(lists) or "none"
        raise UnreadableFile(f": expected a list of objects, or one under a key; found {found}")
    ((key, only),) = lists.items()
    if others := [other for other in content if other != key]:
        say(f"left out beside {key!r}: {', '.join(others)}")
    return only


def _row(number: int, item: Any, counts: Counter[str]) -> Row | None:
    """Return the row of an object or a conversation, None if it is left out, which is counted."""
    if isinstance(item, list):
        if len(item) > 1 and _is_texts(item):
            return {"prompt": item[0], "completion": "\n".join(item[1:])}
        if not any(map(_role, _turns(item))):
            expected = "a question and at least one line of answer, all of them texts"
            raise UnreadableFile(f", conversation {number}: expected {expected}")
        item = {"turns": item}
    if not isinstance(item, dict):
        found = type(item).__name__
        raise UnreadableFile(f", item {number}: expected an object {{…}}, found {found}")
    key = next((key for key in item if any(map(_role, _turns(item[key])))), None)
    if key is None or (key == "messages" and "role" in item[key][0]) or "completion" in item:
        return item
    messages = _messages(_turns(item.pop(key)), counts)
    return item | {"messages": messages} if messages else None


def _messages(turns: Turns, counts: Counter[str]) -> list[Row]:
    """Return the messages up to the last answer; none if a turn shows no role."""
    roles = [_role(turn) for turn in turns]
    if None in roles:
        name, text = turns[roles.index(None)]
        counts[f"conversations left out for {'the role' if text else 'no text of'} {name!r}"] += 1
        return []
    while roles and roles[-1] != "assistant":
        counts["turns left out after the last answer of a conversation"] += 1
        roles.pop()
    said = list(zip(roles, turns, strict=False))
    counts.update(f"turns of {name!r} taken for the {role}'s" for role, (name, _) in said)
    return [{"role": role, "content": text} for role, (_, text) in said]


def _turns(value: Any) -> Turns:
    """Return the name and the text of each turn in a list of turns; "" where one is missing."""
    if not (isinstance(value, list) and all(isinstance(turn, dict) for turn in value)):
        return []
    return [(_text(turn, NAME_KEYS), _text(turn, TEXT_KEYS)) for turn in value]


def _text(turn: Row, keys: Sequence[str]) -> str:
    """Return the text under the first of `keys` that is there; it may come in parts."""
    found = next((turn[key] for key in keys if turn.get(key)), "")
    parts = found if isinstance(found, list) else [found]
    texts: list[Any] = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return "".join(texts) if _is_texts(texts) else ""


def _role(turn: tuple[str, str]) -> str | None:
    """Return the role of a turn, None where its name or its text shows none."""
    name, text = turn
    return ROLES.get(side_of(name) or name.casefold()) if text else None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
