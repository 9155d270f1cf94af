"""What orders are about: names, things, places, times and numbers, from tables and made up."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from random import Random

from practice_server.pretraining.world.tables import read_table

Values = dict[str, str]

# How often a name, a thing or a place is a word that does not exist.
MADE_UP_SHARE = 0.4
LARGEST_QUANTITY = 30
ONSETS = [
    *("b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z"),
    *("br", "ch", "dr", "fl", "gr", "kl", "pr", "sh", "st", "tr", "th"),
]
VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ei", "ou", "oa"]
CODAS = ("", "", "", *["n", "r", "l", "s", "t", "m", "k", "x", "nd", "rt", "sk", "ll"])
# Endings of names and words from many parts of the world.
ENDINGS = (
    *("", "", "", "", "a", "o", "i", "y", "ski", "sen", "ova", "ez", "inho", "escu", "yan"),
    *("oglu", "ide", "ura", "ani", "eko", "wick", "by", "let", "er", "ish", "'s", "-on", "eé"),
)
CHINESE_SYLLABLES = (
    "安柏川丹恩芳谷禾吉可兰木宁平青然森田文希言云卓白飞海金林明南秋山松天雪月竹星石"
    "鹿溪梧棠岚霖舟棋澄蓝墨羽晴禹洛尧琪瑶珂珊莫拉迪诺格尔斯特维普达伦罗贝卡米乌"
)
IRREGULAR = {"shelf": "shelves", "knife": "knives", "potato": "potatoes"}


def drawn(fields: Iterable[str], random: Random, language: str, *, items: str) -> Values:
    """A value for each field, in the order given; `items`: the kind of item, food or goods."""
    fields = list(fields)
    values = {f: _makers()[f](random, language) for f in fields if f != "item"}
    if "item" in fields:
        values["item"] = item(items, values.get("quantity", ""), random, language)
    return {field: values[field] for field in fields}


def made_up(random: Random, language: str) -> str:
    """A word of one to four random syllables that means nothing."""
    if language == "chinese":
        return "".join(random.choices(CHINESE_SYLLABLES, k=random.choice((2, 2, 3, 3, 4))))
    syllables = (
        random.choice(ONSETS) + random.choice(VOWELS) + random.choice(CODAS)
        for _ in range(random.choice((1, 2, 2, 3, 3)))
    )
    return "".join(syllables) + random.choice(ENDINGS)


def item(kind: str, quantity: str, random: Random, language: str) -> str:
    """A thing of a kind, food or goods; in English several of it, unless the quantity is one."""
    one = _or_made_up("items", kind, random, language)
    single = language == "chinese" or quantity in ("1", "one")
    return one if single else plural(one)


def plural(item: str) -> str:
    """Several of an English item: "two pots of rice"."""
    head, of, rest = item.partition(" of ")
    *before, noun = head.split(" ")
    if noun in IRREGULAR:
        noun = IRREGULAR[noun]
    elif noun.endswith(("s", "x", "ch", "sh")):
        noun += "es"
    elif noun.endswith("y") and noun[-2] not in "aeiou":
        noun = noun[:-1] + "ies"
    else:
        noun += "s"
    return " ".join((*before, noun)) + of + rest


@cache
def _pool(language: str, table: str, kind: str) -> list[str]:
    """The values of a kind in a table that pretraining may see."""
    return [
        row[table.removesuffix("s")]
        for row in read_table(f"{language}/{table}")
        if row["kind"] == kind and row["held_out"] == "0"
    ]


@cache
def _words(language: str, kind: str) -> list[str]:
    rows = read_table(f"{language}/order_values")
    return [row["value"] for row in rows if row["kind"] == kind]


def _name(random: Random, language: str) -> str:
    """A first name, a family name, or both."""
    first = _or_made_up("names", "first", random, language)
    family = _or_made_up("names", "family", random, language)
    if language == "chinese":
        return family + first
    return random.choices((f"{first} {family}", first, family), (70, 20, 10))[0]


def _or_made_up(table: str, kind: str, random: Random, language: str) -> str:
    if random.random() < MADE_UP_SHARE and not (language == "chinese" and kind == "family"):
        word = made_up(random, language)
        return word if table == "items" else word.capitalize()
    return random.choice(_pool(language, table, kind))


def _quantity(random: Random, language: str) -> str:
    """A number in digits or in words; small ones are more frequent."""
    if random.random() < 0.25:
        return random.choice(_words(language, "number"))
    return str(random.randint(1, random.choice((9, 12, LARGEST_QUANTITY))))


def _time(random: Random, language: str) -> str:
    if random.random() < 0.3:
        return random.choice(_words(language, "clock"))
    hour, minute = random.randint(1, 23), random.choice(range(0, 60, 5))
    if language == "chinese":
        return random.choice((f"{hour}点", f"{hour}:{minute:02}", f"{hour}点{minute or 30}分"))
    half = random.choice(("am", "pm"))
    short = (hour - 1) % 12 + 1
    return random.choice((f"{hour}:{minute:02}", f"{short} {half}", f"{short}:{minute:02} {half}"))


def _date(random: Random, language: str) -> str:
    day, month = random.randint(1, 28), random.randint(1, 12)
    if language == "chinese":
        return random.choice((f"{month}月{day}日", f"{month}月{day}号"))
    name = _words(language, "month")[month - 1]
    return random.choice((f"{day} {name}", f"{name} {day}", f"{day}/{month}"))


def _street(random: Random, language: str) -> str:
    street = _or_made_up("places", "street", random, language)
    if language == "chinese":
        return f"{street}{random.randint(1, 199)}号"
    number = random.randint(1, 199)
    return random.choice((f"{number} {street}", f"{street} {number}"))


def _town(random: Random, language: str) -> str:
    return _or_made_up("places", "town", random, language)


def _phone(random: Random, language: str) -> str:
    """Two groups of digits, too few for anybody's number."""
    groups = ("".join(random.choices("0123456789", k=k)) for k in (3, random.choice((3, 4))))
    return random.choice((" ", "-", "")).join(groups)


def _code(random: Random, language: str) -> str:
    letters = "".join(random.choices("ABCDEFGHKLMNPRSTUVWXYZ", k=random.randint(0, 2)))
    digits = "".join(random.choices("0123456789", k=random.randint(3, 5)))
    return letters + (random.choice(("-", " ", "")) if letters else "") + digits


def _price(random: Random, language: str) -> str:
    whole = random.randint(2, 99)
    cents = random.choice(("", f".{random.randint(5, 95):02}"))
    unit = "元" if language == "chinese" else random.choice((" dollars", " euros", " pounds"))
    return f"{whole}{cents}{unit}"


def _small_number(random: Random, language: str) -> str:
    return str(random.randint(1, 99))


def _from_words(kind: str) -> Callable[[Random, str], str]:
    return lambda random, language: random.choice(_words(language, kind))


@cache
def _makers() -> dict[str, Callable[[Random, str], str]]:
    return {
        **dict.fromkeys(("name", "with"), _name),
        **dict.fromkeys(("quantity", "people", "nights"), _quantity),
        **dict.fromkeys(("from", "to", "town"), _town),
        **dict.fromkeys(("table", "room", "seat"), _small_number),
        **{kind: _from_words(kind) for kind in ("size", "colour", "day", "place")},
        "time": _time,
        "date": _date,
        "street": _street,
        "phone": _phone,
        "code": _code,
        "price": _price,
    }
