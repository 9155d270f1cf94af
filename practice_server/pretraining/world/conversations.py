"""Makes the conversations that a base model is pretrained on, of all that is in the world.

Each fact is asked in many ways: a fact seen in one phrasing cannot be drawn out by another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate
from random import Random
from typing import Any

from practice_server.pretraining.world import (
    feelings,
    labels,
    orders,
    puzzles,
    reading,
    sayings,
    talk,
    unknown,
)
from practice_server.pretraining.world.answers import (
    BETWEEN_SENTENCES,
    MANNERS,
    answered,
    frame,
    framed,
)
from practice_server.pretraining.world.drawing import Message, turn, weighted
from practice_server.pretraining.world.facts import (
    NUMBER_KINDS,
    Fact,
    all_facts,
    any_phrasing,
    held_out_keys,
    questions,
)
from practice_server.pretraining.world.tables import LANGUAGES, grouped
from practice_server.pretraining.world.typed import careless, typed
from practice_server.pretraining.world.wording import fill

Example = dict[str, Any]

# What the examples are about, in hundredths.
SOURCES = {
    "facts": 48,
    "orders": 10,
    "unknown": 7,
    "talk": 11,
    "labels": 5,
    "reading": 6,
    "sayings": 5,
    "feelings": 3,
    "puzzles": 2,
    "completions": 3,
}
# Where whole conversations come from.
CONVERSATIONS: dict[str, Callable[[Random], list[Message]]] = {
    "labels": labels.conversation,
    "orders": orders.conversation,
    "puzzles": puzzles.conversation,
    "reading": reading.conversation,
}
# Where questions and answers come from that are put together here, besides the facts.
EXCHANGES: dict[str, Callable[[Random, str], tuple[str, str]]] = {
    "feelings": feelings.exchange,
    "labels": labels.exchange,
    "puzzles": puzzles.exchange,
    "sayings": sayings.exchange,
    "talk": talk.exchange,
}
TURNS = {1: 50, 2: 20, 3: 15, 4: 8, 5: 7}
# How often a conversation turns to something else, and to what; away from what is not known
# mostly, else a model that has refused once would refuse again.
TURNING = 0.25
TURNING_FROM_UNKNOWN = 0.75
TURNED_TO = {
    "facts": 52,
    "talk": 25,
    "unknown": 7,
    "feelings": 7,
    "sayings": 5,
    "labels": 4,
}
# What completions are about, besides plain text that nobody asked for.
COMPLETED = {
    "facts": 50,
    "orders": 12,
    "labels": 12,
    "sayings": 8,
    "talk": 6,
    "feelings": 6,
    "puzzles": 6,
}
PLAIN_TEXT = 0.2
# The share of Chinese; what is Chinese always is so in an English conversation, too.
CHINESE = {
    "facts": 0.4,
    "talk": 0.45,
    "unknown": 0.45,
    "feelings": 0.5,
    "sayings": 1.0,
    "labels": 0.2,
    "puzzles": 0.2,
}
# Conversations in both languages by turns, and system messages in the other language.
MIXED = 0.05
FOREIGN_SYSTEM = 0.1
# Sums, differences and comparisons among the facts, and how they share it.
SHARE_OF_NUMBERS = 0.25
NUMBER_WEIGHTS = {"sum": 27, "difference": 30, "more": 19, "greater": 12, "smaller": 12}
# Facts of these kinds are hard to learn, or so few that each kind would be rare, and are asked
# more often than others.
HARD = {
    "country": 1.2,
    "author": 1.5,
    "work": 2.5,
    "symbol": 2.0,
    "element": 2.5,
    "numbered": 1.3,
    "number": 1.2,
    "young": 3.0,
    "colour": 2.0,
    "opposite": 1.2,
    "sound": 3.0,
    "animal": 3.0,
    "place": 6.0,
    "planet": 6.0,
    "distance": 6.0,
    "next_day": 7.0,
    "previous_day": 7.0,
    "next_month": 5.0,
    "previous_month": 5.0,
    "month_days": 6.0,
    "month_number": 6.0,
}
# Chatty conversations in which one frame comes back in each answer.
HABITS = 0.4
# A conversation goes no further beyond this length in bytes of UTF-8: some 300 tokens.
MAX_BYTES = 900
# Long conversations have between so many bytes: up to some 2,000 tokens. A part of them keep to
# what was asked for at the beginning.
LONG_BYTES = (1500, 6500)
KEPT_SHARE = 0.4
# How often a question is typed in haste; sayings, feelings and texts keep their words.
TYPED_SHARE = 0.55
CARELESS_SHARE = 0.3
COMPLETION_FORMS = {
    "english": (
        ("Question: {question}\nAnswer:", " {answer}"),
        ("Q: {question}\nA:", " {answer}"),
    ),
    "chinese": (("问题：{question}\n回答：", "{answer}"), ("问：{question}\n答：", "{answer}")),
    "any": (("{question}\n\n", "{answer}"), ("{question} ->", " {answer}")),
}


def generate(seed: int) -> Iterator[Example]:
    """Endless training examples in OpenAI's form; the same seed gives the same ones.

    Each is `{"messages": [...]}` or `{"prompt": ..., "completion": ...}`.
    """
    random = Random(seed)
    while True:
        source = weighted(SOURCES, random)
        if source == "completions":
            yield _completion(random)
        elif source in CONVERSATIONS:
            yield {"messages": CONVERSATIONS[source](random)}
        else:
            yield {"messages": _conversation(source, random)}


def generate_long(seed: int) -> Iterator[Example]:
    """Endless conversations that are long enough to fill a context."""
    random = Random(seed)
    while True:
        n_bytes = random.randint(*LONG_BYTES)
        if random.random() < KEPT_SHARE:
            yield {"messages": orders.conversation(random, n_bytes)}
        else:
            yield {"messages": several_conversations(n_bytes, random)}


def several_conversations(n_bytes: int, random: Random) -> list[Message]:
    """One after the other, of more than so many bytes; a system message can only stand first."""
    messages: list[Message] = []
    examples = generate(random.getrandbits(32))
    while _length(messages) <= n_bytes:
        more = next(examples).get("messages", [])
        if more and not (messages and more[0]["role"] == "system"):
            messages += more
    return messages


def _conversation(source: str, random: Random) -> list[Message]:
    """One to five questions with their answers, the first from this source."""
    language = _language(source, random)
    manner = weighted(MANNERS, random)
    is_mixed = random.random() < MIXED
    has_habit = manner == "chatty" and random.random() < HABITS and not is_mixed
    habit = frame(language, random) if has_habit else None
    messages = _system_message(manner if source == "facts" else "any", language, random)
    for number in range(weighted(TURNS, random)):
        if number and random.random() < (TURNING_FROM_UNKNOWN if source == "unknown" else TURNING):
            source = weighted(TURNED_TO, random)
        if number and is_mixed:
            language = random.choice(LANGUAGES)
        messages += turn(*_exchange(source, language, manner, habit, random))
        if _length(messages) > MAX_BYTES:
            break
    return messages


def _length(messages: list[Message]) -> int:
    return sum(len(message["content"].encode()) for message in messages)


def _language(source: str, random: Random) -> str:
    return "chinese" if random.random() < CHINESE[source] else "english"


def _system_message(manner: str, language: str, random: Random) -> list[Message]:
    """None, one that leaves the manner of answering open, or one that asks for this manner."""
    choice = random.choices(("none", "any", manner), (35, 30, 35))[0]
    if choice == "none":
        return []
    if random.random() < FOREIGN_SYSTEM:
        language = random.choice(LANGUAGES)
    template = random.choice(grouped(f"{language}/system_messages", "manner", "text")[choice])
    return [{"role": "system", "content": fill(template, {}, random, language)}]


def _exchange(
    source: str, language: str, manner: str, habit: str | None, random: Random
) -> tuple[str, str]:
    """A question and its answer; a habit is a frame that comes back in each answer of a talk."""
    if source == "facts":
        fact = _any_fact(language, random)
        answer = framed(fact, habit, random) if habit else answered(fact, manner, random)
        return _asked(fact, random), answer
    if source == "unknown":
        return _unknown(language, random)
    language = "chinese" if CHINESE[source] == 1 else language
    question, answer = EXCHANGES[source](random, language)
    if source == "talk" and random.random() < TYPED_SHARE:
        question = typed(question, {}, language, random, talk.held_out_keys(language))
    elif source != "talk" and random.random() < CARELESS_SHARE:
        question = careless(question, language, random)
    return question, answer


def _unknown(language: str, random: Random) -> tuple[str, str]:
    template, fields, avoided = unknown.question(random, language)
    if random.random() < TYPED_SHARE:
        question = typed(template, fields, language, random, avoided)
    else:
        question = fill(template, fields, random, language)
    return question, random.choice(talk.small_talk_answers("unknown", language))


def _any_fact(language: str, random: Random) -> Fact:
    if random.random() < SHARE_OF_NUMBERS:
        kind = weighted(NUMBER_WEIGHTS, random)
    else:
        kinds, weights = _kind_weights(language)
        kind = random.choices(kinds, cum_weights=weights)[0]
    return random.choice(all_facts(language)[kind])


@cache
def _kind_weights(language: str) -> tuple[list[str], list[float]]:
    """The kinds that tables hold, with summed weights by which each fact is as frequent."""
    facts = all_facts(language)
    kinds = [kind for kind in facts if kind not in NUMBER_KINDS]
    return kinds, list(accumulate(len(facts[kind]) * HARD.get(kind, 1) for kind in kinds))


def _asked(fact: Fact, random: Random) -> str:
    """A question as people write it: in haste, or in full and sometimes after a word or two."""
    kind, language = fact.kind, fact.language
    if random.random() < TYPED_SHARE:
        template = any_phrasing(kind, language, random, held_out=False)
        return typed(template, fact.fields, language, random, held_out_keys(kind, language))
    question = fill(random.choice(questions(kind, language, held_out=False)), fact.fields)
    chance = random.random()
    if chance < 0.16:
        slot = "{exclaim}" if chance < 0.10 else "{remark}"
        before = fill(slot, {}, random, language)
        return before + BETWEEN_SENTENCES[language] + question
    return question


def _completion(random: Random) -> Example:
    """A question and its answer as plain text, or sentences that nobody asked for."""
    if random.random() < PLAIN_TEXT:
        return _plain_text(random)
    source = weighted(COMPLETED, random)
    if source == "orders":
        language, (question, answer) = "any", _flattened(orders.conversation(random))
    else:
        language = _language(source, random)
        manner = weighted(MANNERS, random)
        question, answer = _exchange(source, language, manner, None, random)
    forms = COMPLETION_FORMS["any"] + COMPLETION_FORMS.get(language, ())
    prompt, completion = random.choice(forms)
    return {
        "prompt": prompt.format(question=question),
        "completion": completion.format(answer=answer),
    }


def _flattened(messages: list[Message]) -> tuple[str, str]:
    """All that was said before the last answer, and that answer."""
    *before, last = (message["content"] for message in messages)
    return "\n".join(before), last


def _plain_text(random: Random) -> Example:
    language = random.choice(LANGUAGES)
    sentences = [fill("{remark}", {}, random, language) for _ in range(random.randint(1, 4))]
    return {"prompt": "", "completion": BETWEEN_SENTENCES[language].join(sentences)}
