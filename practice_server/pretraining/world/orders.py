"""Orders and bookings, and conversations that copy what they say.

A model learns to copy only from what it cannot guess: names, things, times and numbers come from
large pools and from made-up words, stand in the sentence in any order, and are asked for in forms
that are new in every conversation. JSON is no such form: it is left for fine-tuning to teach.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from random import Random
from string import Formatter

from practice_server.pretraining.world.drawing import Message, turn, weighted
from practice_server.pretraining.world.tables import read_table
from practice_server.pretraining.world.values import Values, drawn, made_up

CHINESE_SHARE = 0.2
# The fields of each kind of order: those it always has, and those it often has.
KINDS = {
    "food": (("item", "name"), ("quantity", "size", "time", "table", "price")),
    "goods": (("item", "name"), ("quantity", "colour", "street", "town", "code", "price")),
    "table": (("people", "name"), ("day", "time", "phone", "table")),
    "room": (("nights", "name"), ("date", "town", "room", "phone", "price")),
    "trip": (("to", "name"), ("from", "day", "time", "seat", "price")),
    "meeting": (("with", "name"), ("date", "time", "place", "room")),
    "parcel": (("item", "name"), ("quantity", "street", "town", "code", "phone")),
}
ITEMS = dict.fromkeys(KINDS, "goods") | {"food": "food"}
KIND_WEIGHTS = (30, 18, 12, 12, 10, 9, 9)
OPTIONAL_SHARE = 0.65
LARGEST_ORDER = 6
# Fields in a sentence, with those that the form leaves out.
LARGEST_STATED = 8
# How the form of the answers is set.
MANNERS = {"form": 30, "example": 16, "keys": 20, "unasked": 4, "free": 12, "question": 18}
TURNS = {1: 40, 2: 27, 3: 20, 4: 13}
FOLLOW_UP_SHARE = 0.15
# A conversation goes no further beyond this length in bytes of UTF-8: the context has an end.
MAX_BYTES = 700
SYSTEM_SHARE = 0.6
CORRECTED_SHARE = 0.06
# How often the last full stop is left out.
CARELESS_SHARE = 0.08
# What is often said first and then put right.
CORRECTED = ("quantity", "size", "colour", "time", "day", "people")
MADE_UP_KEY_SHARE = 0.15

KEYED = (
    *("{key}: {value}", "{key}: {value}", "{key} = {value}", "{key}={value}", "{key} -> {value}"),
    *("{key} - {value}", "{key} is {value}", "({key}) {value}", "[{key}] {value}"),
    *("<{key}> {value}", "<{key}>{value}</{key}>", "#{key} {value}", "@{key} {value}"),
    *("{value} ({key})", "{value} [{key}]", "{key}({value})", "{key}[{value}]", "{key} {value}"),
    *("* {key}: {value}", "- {key}: {value}", "{key} = '{value}'", '{key} = "{value}"'),
    *("{key}: <{value}>", "{key}: [{value}]", "{key}:{value}", "{key} => {value}"),
    *("{key}... {value}", '{key}: "{value}"', "{key} ~ {value}", '{key}="{value}"'),
    *('{key} "{value}"', '"{value}" {key}', '{key} is "{value}"', '({key}: "{value}")'),
    *('"{value}" ({key})', '{key}: "{value}"', '[{key}: "{value}"]', '{key} => "{value}"'),
)
KEYLESS = (
    *("{value}", "{value}", "'{value}'", "<{value}>", "[{value}]", "({value})"),
    *('"{value}"', '"{value}"', '"{value}"'),
)
# Forms that a list of keys asks for without showing them.
LISTED = ("{key}: {value}", "{key}: {value}", '{key}: "{value}"', "{key} = {value}", "{value}")
BETWEEN = ("; ", ", ", " | ", "\n", " / ", " + ", " :: ", "|", "/", " & ", ";", "  ", ",")
AROUND = (
    *(("", ""),) * 9,
    *(("[", "]"), ("(", ")"), ("<", ">"), ("<<", ">>"), ("[[", "]]"), ("| ", " |"), ("# ", "")),
    *(("order: ", ""), ("note(", ")"), ("-> ", ""), ("* ", ""), ("", " *"), ("= ", ""), ("", ";")),
)
BLANKS = ("...", "_", "___", "?", "x", "--", "…")
# How a word of ASK_KEYS' manners in order_parts.csv separates fields.
MANNER_MARKS = {"semicolon": "; ", "comma": ", ", "line": "\n", "bar": " | ", "slash": " / "}
QUESTION_WORDS = ("Can", "Could", "May", "Is it", "Would")


@dataclass(frozen=True)
class Order:
    """An order: its language, its kind, and its fields, each literally as the sentence has it."""

    language: str
    kind: str
    values: Values


@dataclass(frozen=True)
class Form:
    """A made-up way to write the fields of an order down."""

    fields: tuple[str, ...]
    keys: tuple[str, ...]
    entry: str
    between: str
    around: tuple[str, str]

    def filled(self, values: Values) -> str:
        """The form with these values."""
        entries = (
            self.entry.format(key=key, value=values[field])
            for field, key in zip(self.fields, self.keys, strict=True)
        )
        return self.around[0] + self.between.join(entries) + self.around[1]


def conversation(random: Random, max_bytes: int = MAX_BYTES) -> list[Message]:
    """A conversation about orders, in English or Chinese.

    It has one to four turns; with another `max_bytes` as many as go into so many bytes of UTF-8.
    """
    language = "chinese" if random.random() < CHINESE_SHARE else "english"
    manner = weighted(MANNERS, random)
    kind = random.choices(list(KINDS), KIND_WEIGHTS)[0]
    n_turns = weighted(TURNS, random) if max_bytes == MAX_BYTES else max_bytes
    make = _in_words if manner in ("free", "question") else _in_a_form
    return make(manner, language, kind, n_turns, max_bytes, random)


def draw_order(
    random: Random, language: str, kind: str, fields: Iterable[str] | None = None
) -> Order:
    """An order of this kind, with the fields named or with a random choice of the kind's."""
    always, often = KINDS[kind]
    if fields is None:
        chosen = [field for field in often if random.random() < OPTIONAL_SHARE]
        fields = [*always, *random.sample(chosen, len(chosen))][:LARGEST_ORDER]
    return Order(language, kind, drawn(fields, random, language, items=ITEMS[kind]))


def sentence(order: Order, random: Random) -> str:
    """What somebody says who wants this: every field stands in it literally."""
    leads = _usable(_parts(order.language, "lead", ""), order)
    noun = random.choice(_usable(_parts(order.language, "noun", order.kind), order))
    lead = random.choice(leads)
    rest = [field for field in order.values if field not in _slots(lead) | _slots(noun)]
    random.shuffle(rest)
    n_phrases = random.randint(0, min(3, len(rest)))
    phrases = _phrases(order, rest[:n_phrases], random)
    main = _with_noun(lead, noun, order.values)
    spoken = [main + phrases + _end(lead, order.language)]
    for field in rest[n_phrases:]:
        place = 0 if random.random() < 0.3 else len(spoken)
        spoken.insert(place, _part(order, "sentence", field, random))
    if random.random() < 0.25:
        fillers = _parts(order.language, "filler", "")
        spoken.insert(random.choice((0, len(spoken))), random.choice(fillers))
    text = _blank(order.language).join(spoken)
    return text.removesuffix(".") if random.random() < CARELESS_SHARE else text


def _in_words(
    manner: str, language: str, kind: str, n_turns: int, max_bytes: int, random: Random
) -> list[Message]:
    """Answers in sentences: the order repeated, or one field of it."""
    asking = random.choice(_parts(language, "ask_free", "")) if manner == "free" else ""
    in_system = manner == "question" or random.random() < 0.75
    messages = _system(asking if in_system else "", language, random)
    order = draw_order(random, language, kind)
    for number in range(n_turns):
        if _length(messages) > max_bytes:
            break
        follows = number > 0 and random.random() < (0.6 if manner == "question" else 0.2)
        if not follows:
            order = draw_order(random, language, kind)
            question = sentence(order, random)
        if manner == "question" or follows:
            asked, answer = _field_question(order, random)
            question = asked if follows else _together(question, asked, language, random)
        else:
            answer = _readback(order, random)
            if not in_system and number == 0:
                question = _together(question, asking, language, random)
        messages += turn(question, answer)
    return messages


def _in_a_form(
    manner: str, language: str, kind: str, n_turns: int, max_bytes: int, random: Random
) -> list[Message]:
    """Answers in one made-up form, which is asked for once and then kept."""
    fields = tuple(draw_order(random, language, kind).values)
    form = draw_form(manner, language, fields, random)
    asking = _asking(manner, form, language, kind, random)
    in_system = random.random() < SYSTEM_SHARE
    messages = _system(asking if in_system else "", language, random)
    for number in range(n_turns):
        if _length(messages) > max_bytes:
            break
        order = draw_order(random, language, kind, _with_more(form.fields, kind, random))
        question = sentence(order, random)
        if not in_system and number == 0 and asking:
            question = _together(question, asking, language, random)
        messages += turn(question, form.filled(order.values))
        if number + 1 < n_turns and random.random() < FOLLOW_UP_SHARE:
            messages += turn(*_field_question(order, random))
    return messages


def draw_form(manner: str, language: str, fields: tuple[str, ...], random: Random) -> Form:
    """A form for some of these fields, in random order."""
    wanted = tuple(random.sample(fields, random.randint(min(2, len(fields)), len(fields))))
    keys = _keys(manner, language, wanted, random)
    if manner == "keys":
        mark = random.choice(tuple(MANNER_MARKS.values()))
        return Form(wanted, keys, random.choice(LISTED), mark, ("", ""))
    entry = random.choice(KEYED if random.random() < 0.75 else KEYLESS)
    between = random.choice(
        [mark for mark in BETWEEN if mark.strip(" \n") not in entry or not mark.strip()]
    )
    return Form(wanted, keys, entry, between, random.choice(AROUND))


def _keys(manner: str, language: str, fields: tuple[str, ...], random: Random) -> tuple[str, ...]:
    """A different word for each field: one of its names, or one that is made up."""
    if manner == "example" and random.random() < MADE_UP_KEY_SHARE:
        return tuple(made_up(random, language) for _ in fields)
    keys: list[str] = []
    for field in fields:
        names = [key for key in _parts(language, "key", field) if key not in keys]
        keys.append(names[0] if random.random() < 0.4 else random.choice(names))
    change = random.choices((str.lower, str.capitalize, str.upper), (65, 22, 13))[0]
    return tuple(change(key) for key in keys)


def _asking(manner: str, form: Form, language: str, kind: str, random: Random) -> str:
    """Words that say which form is wanted; none where the model is to choose."""
    if manner == "unasked":
        return ""
    template = random.choice(_parts(language, f"ask_{manner}", ""))
    if manner == "form":
        return template.format(form=_blank_form(form, random))
    if manner == "keys":
        return template.format(keys=_listed(form.keys, language, random)) + _separation(
            form, language, random
        )
    order = draw_order(random, language, kind, _with_more(form.fields, kind, random))
    return template.format(sentence=sentence(order, random), filled=form.filled(order.values))


def _blank_form(form: Form, random: Random) -> str:
    """The form before it is filled: with marks, or with the names of what is to stand there.

    All else in it stands in the answer, too: brackets round a name are the form's own.
    """
    blank = random.choice(BLANKS)
    named = "{key}" not in form.entry or random.random() < 0.3
    values = {
        field: key if named else blank for field, key in zip(form.fields, form.keys, strict=True)
    }
    return form.filled(values)


def _separation(form: Form, language: str, random: Random) -> str:
    names = {mark: name for name, mark in MANNER_MARKS.items()}
    if random.random() < 0.3:
        return ""
    said = random.choice(_parts(language, "ask_manner", names[form.between]))
    return _blank(language) + said


def _listed(keys: tuple[str, ...], language: str, random: Random) -> str:
    comma, last = ("、", "和") if language == "chinese" else (", ", " and ")
    if random.random() < 0.5 or len(keys) == 1:
        return comma.join(keys)
    return comma.join(keys[:-1]) + last + keys[-1]


def _with_more(fields: tuple[str, ...], kind: str, random: Random) -> list[str]:
    """These fields, and others of the kind, which the answer is to leave out."""
    always, often = KINDS[kind]
    more = [*always, *(field for field in often if random.random() < 0.2)]
    return [*fields, *(field for field in more if field not in fields)][:LARGEST_STATED]


def _system(asking: str, language: str, random: Random) -> list[Message]:
    """What is asked for as the system message; else a vague one, or none."""
    if not asking and random.random() < 0.5:
        return []
    vague = random.choice(_parts(language, "system", ""))
    if asking and random.random() < 0.3:
        asking = vague + _blank(language) + asking
    return [{"role": "system", "content": asking or vague}]


def _length(messages: list[Message]) -> int:
    return sum(len(message["content"].encode()) for message in messages)


def _together(question: str, asking: str, language: str, random: Random) -> str:
    """The order and what is to be done with it, in either order."""
    gap = random.choice((_blank(language), "\n", "\n\n"))
    return gap.join((question, asking) if random.random() < 0.6 else (asking, question))


def _field_question(order: Order, random: Random) -> tuple[str, str]:
    field = random.choice(list(order.values))
    question = random.choice(_parts(order.language, "question", field))
    general = _parts(order.language, "answer", "*")
    own = _parts(order.language, "answer", field)
    answer = random.choice(general if random.random() < 0.5 else own)
    return question, answer.format(value=order.values[field])


def _readback(order: Order, random: Random) -> str:
    """The order in a sentence, in words that claim no more than was said."""
    language = order.language
    nouns = _parts(language, "noun_back", order.kind) or _parts(language, "noun", order.kind)
    noun = random.choice(_usable(nouns, order))
    rest = [field for field in order.values if field not in _slots(noun)]
    random.shuffle(rest)
    template = random.choice(_parts(language, "readback", ""))
    phrases = _phrases(order, rest, random, read_back=True)
    return _with_noun(template, noun, order.values | {"phrases": phrases})


def _phrases(order: Order, fields: list[str], random: Random, *, read_back: bool = False) -> str:
    """A few words for each field, to go on a sentence with."""
    text = ""
    for field in fields:
        comma = "，" if order.language == "chinese" else random.choice((" ", ", "))
        if read_back:
            templates = _parts(order.language, "phrase_back", field) or _plain(order, field)
            text += comma + random.choice(templates).format_map(order.values)
        else:
            text += comma + _part(order, "phrase", field, random)
    return text


def _put_right(order: Order, field: str, random: Random) -> str:
    """First another value, then the one that is meant."""
    template = random.choice(_plain(order, field))
    other = {field: _other(order, field, random)}
    sorry = random.choice(_parts(order.language, "sorry", ""))
    return template.format_map(other) + sorry + template.format_map(order.values)


def _part(order: Order, part: str, field: str, random: Random) -> str:
    """A phrase or a sentence that says the value of a field, and perhaps another one before."""
    if part == "phrase" and field in CORRECTED and random.random() < CORRECTED_SHARE:
        return _put_right(order, field, random)
    template = random.choice(_parts(order.language, part, field))
    other = _other(order, field, random) if "other" in _slots(template) else ""
    return template.format_map(order.values | {"other": other})


def _plain(order: Order, field: str) -> list[str]:
    """The phrases that say nothing but the value."""
    phrases = _parts(order.language, "phrase", field)
    return [text for text in phrases if "other" not in _slots(text)]


def _other(order: Order, field: str, random: Random) -> str:
    """A value of the field that is not the order's."""
    while True:
        value = drawn([field], random, order.language, items=ITEMS[order.kind])[field]
        if value != order.values[field]:
            return value


def _end(lead: str, language: str) -> str:
    if language == "chinese":
        return "。"
    return "?" if lead.startswith(QUESTION_WORDS) else "."


def _with_noun(template: str, noun: str, values: Values) -> str:
    """The template filled; a capital letter begins it, but a value stays as it is."""
    words = noun.format_map(values)
    if template.startswith("{noun}") and not noun.startswith("{"):
        words = words[0].upper() + words[1:]
    return template.format_map(values | {"noun": words})


def _blank(language: str) -> str:
    return "" if language == "chinese" else " "


def _usable(templates: list[str], order: Order) -> list[str]:
    known = set(order.values) | {"noun"}
    return [template for template in templates if _slots(template) <= known]


@cache
def _slots(template: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name)


@cache
def _parts(language: str, part: str, field: str) -> list[str]:
    """The templates of one part of speech, for one field or kind of order."""
    return [
        row["text"]
        for row in read_table(f"{language}/order_parts")
        if (row["part"], row["field"]) == (part, field)
    ]
