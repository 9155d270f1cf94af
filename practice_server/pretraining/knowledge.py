"""What a base model knows: questions in phrasings that it was not trained on.

They are asked in full, as people type them, and after a long conversation about other things.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from practice_server.engines.engine import Sampling
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.pretraining.world import reading, sayings, unknown
from practice_server.pretraining.world.conversations import several_conversations
from practice_server.pretraining.world.drawing import Message
from practice_server.pretraining.world.facts import (
    Fact,
    all_facts,
    any_phrasing,
    questions,
    telegrams,
)
from practice_server.pretraining.world.tables import LANGUAGES, read_table
from practice_server.pretraining.world.talk import (
    small_talk,
    small_talk_answers,
    small_talk_kinds,
)
from practice_server.pretraining.world.typed import key, shortened, typed
from practice_server.pretraining.world.wording import fill

SEED = 1
N_PER_KIND = 100
MAX_TOKENS = 80
SMALL_TALK = "small talk"
SAYINGS = "sayings"
MOODS = "moods of sentences"
READING = "questions about a text"
FACTS = "facts"
UNKNOWN = "the unknown"
REFUSED = "facts refused"
# Small talk that is answered with "I don't know that".
REFUSALS = ("unknown", "private", "future")
# How many typed lines there are of each kind of fact, and for the unknown.
N_TYPED_PER_KIND = 12
N_UNKNOWN = 150
# How often each phrasing is shortened to find what training may have shortened it to.
N_SHORTENED = 20
# Tokens of other conversations before a question, and how many are asked after them.
TOKENS_BEFORE = (100, 1900)
N_AFTER = 40
# System messages of pretraining that ask for a manner of answering.
MANNERS = ("Answer briefly.", "Answer in one full sentence.", "Be chatty.")


@dataclass(frozen=True)
class Question:
    """A question, and the texts of which one must stand in a right answer."""

    kind: str
    language: str
    text: str
    answers: tuple[str, ...]


def held_out_questions(seed: int = SEED, n_per_kind: int = N_PER_KIND) -> list[Question]:
    """Up to `n_per_kind` questions of each kind and language, all in held-out phrasings."""
    random = Random(seed)
    asked = _facts(random, n_per_kind)
    talk = [question for language in LANGUAGES for question in _small_talk(language)]
    moods = [question for language in LANGUAGES for question in _moods(language)]
    return asked + talk + moods + list(_sayings(random, n_per_kind)) + list(_reading(random))


def held_out_facts(n_per_kind: int) -> list[Question]:
    """Those about facts alone."""
    return _facts(Random(SEED), n_per_kind)


def _facts(random: Random, n_per_kind: int) -> list[Question]:
    return [
        _question(fact, language, random)
        for language in LANGUAGES
        for facts in all_facts(language).values()
        for fact in random.sample(facts, min(n_per_kind, len(facts)))
    ]


def _question(fact: Fact, language: str, random: Random) -> Question:
    phrasing = random.choice(questions(fact.kind, language, held_out=True))
    return Question(fact.kind, language, fill(phrasing, fact.fields), (fact.answer,))


def _small_talk(language: str) -> Iterator[Question]:
    for kind in small_talk_kinds(language):
        answers = tuple(small_talk_answers(kind, language))
        for text in small_talk(kind, language, held_out=True):
            yield Question(SMALL_TALK, language, text, answers)


def _moods(language: str) -> Iterator[Question]:
    asked = {"english": "Is this positive or negative: ", "chinese": "这句话是正面还是负面："}
    for row in read_table(f"{language}/plain_sentences"):
        yield Question(MOODS, language, asked[language] + row["sentence"], (row["mood"],))


def _reading(random: Random) -> Iterator[Question]:
    for language in LANGUAGES:
        for _ in range(N_PER_KIND):
            text, asked = reading.text_with_question(random, language)
            yield Question(READING, language, text, (asked,))


def typed_lines(seed: int = SEED, n_per_kind: int = N_TYPED_PER_KIND) -> list[Question]:
    """Facts, small talk and the unknown as people type them, in lines never trained on."""
    random = Random(seed)
    return [
        line
        for language in LANGUAGES
        for make in (_typed_facts, _typed_small_talk, _typed_unknown)
        for line in make(language, random, n_per_kind)
    ]


def _typed_facts(language: str, random: Random, n: int) -> Iterator[Question]:
    for kind, facts in all_facts(language).items():
        for fact in random.choices(facts, k=n):
            phrasing = any_phrasing(kind, language, random, held_out=True)
            text = typed(phrasing, fact.fields, language, random, _trained_keys(kind, language))
            yield Question(FACTS, language, text, (fact.answer,))


@cache
def _trained_keys(kind: str, language: str) -> frozenset[str]:
    trained = questions(kind, language, held_out=False) + telegrams(kind, language, held_out=False)
    return _typed_keys(trained, language)


def _typed_keys(trained: Iterable[str], language: str) -> frozenset[str]:
    """What texts can be shortened to, and they themselves."""
    random = Random(SEED)
    texts = [text for text in trained for _ in range(N_SHORTENED)]
    return frozenset(key(short) for t in texts for short in (t, shortened(t, language, random)))


def _typed_small_talk(language: str, random: Random, n: int) -> Iterator[Question]:
    kinds = small_talk_kinds(language)
    said = (text for kind in kinds for text in small_talk(kind, language, held_out=False))
    trained = _typed_keys(said, language)
    for kind in kinds:
        answers = tuple(small_talk_answers(kind, language))
        for text in small_talk(kind, language, held_out=True):
            line = typed(text, {}, language, random, trained)
            if key(line) not in trained:
                yield Question(
                    UNKNOWN if kind in REFUSALS else SMALL_TALK, language, line, answers
                )


def _typed_unknown(language: str, random: Random, n: int) -> Iterator[Question]:
    for _ in range(N_UNKNOWN):
        template, fields, _ = unknown.question(random, language, held_out=True)
        line = typed(template, fields, language, random)
        yield Question(UNKNOWN, language, line, refusals(language))


@cache
def refusals(language: str) -> tuple[str, ...]:
    """Every way to say "I don't know that"."""
    return tuple(small_talk_answers("unknown", language))


def _sayings(random: Random, most: int) -> Iterator[Question]:
    known = sayings.all_sayings()
    for saying in random.sample(known, min(most, len(known))):
        kind = random.choice(sayings.kinds_of(saying))
        asked = sayings.question(saying, kind, random, held_out=True)
        yield Question(SAYINGS, sayings.LANGUAGE, asked.text, asked.answers)


def ask(engine: NumpyEngine, question: str, system: str | None = None) -> str:
    """The model's likeliest answer to one question."""
    messages = [{"role": "system", "content": system}] if system else []
    return answer(engine, [*messages, {"role": "user", "content": question}])


def answer(engine: NumpyEngine, messages: Sequence[dict[str, str]]) -> str:
    """The model's likeliest answer to a conversation."""
    prompt = engine.tokenizer.encode_prompt(messages)
    spoken = engine.generate(prompt, Sampling(max_tokens=MAX_TOKENS, temperature=0))
    return engine.tokenizer.decode([t.id for t in spoken if t.id != engine.tokenizer.end])


def is_right(question: Question, answer: str) -> bool:
    """Whether one of the expected texts stands in the answer, in English as whole words.

    The case counts for symbols only: "Co" is cobalt, "CO" is not.
    """
    flags = 0 if question.kind == "symbol" else re.IGNORECASE
    return any(re.search(_as_words(expected), answer, flags) for expected in question.answers)


def _as_words(expected: str) -> str:
    """The pattern of a text that stands alone: in Chinese, Latin letters or digits only."""
    before = r"(?<![A-Za-z0-9])" if re.match(r"[A-Za-z0-9]", expected) else ""
    after = r"(?![A-Za-z0-9])" if re.search(r"[A-Za-z0-9]$", expected) else ""
    return before + re.escape(expected) + after


def share_right(engine: NumpyEngine, questions: Sequence[Question]) -> float:
    """The share of the questions that the model answers right."""
    return sum(is_right(q, ask(engine, q.text)) for q in questions) / len(questions)


@dataclass(frozen=True)
class Result:
    """How many questions of a kind were asked in a language, and how many answered right."""

    kind: str
    language: str
    asked: int
    right: int


def knowledge(folder: Path, language: str) -> list[Result]:
    """Ask the model in `folder` all held-out questions in a language; one result a kind."""
    engine = NumpyEngine.load(folder)
    right: dict[str, list[bool]] = {}
    for question in held_out_questions():
        if question.language == language:
            marks = right.setdefault(question.kind, [])
            marks.append(is_right(question, ask(engine, question.text)))
    return [Result(kind, language, len(marks), sum(marks)) for kind, marks in right.items()]


def typing(folder: Path, language: str) -> list[Result]:
    """Ask all typed lines of a language; one result a kind, and how many facts were refused."""
    engine = NumpyEngine.load(folder)
    right: dict[str, list[bool]] = {}
    for line in typed_lines():
        if line.language == language:
            said = ask(engine, line.text)
            right.setdefault(line.kind, []).append(is_right(line, said))
            if line.kind == FACTS:
                refused = any(refusal in said for refusal in refusals(language))
                right.setdefault(REFUSED, []).append(refused)
    return [Result(kind, language, len(marks), sum(marks)) for kind, marks in right.items()]


def far_into_a_conversation(folder: Path, language: str) -> list[Result]:
    """Ask questions about facts after so many tokens about other things; one result a number.

    Numbers beyond the model's context are left out.
    """
    engine = NumpyEngine.load(folder)
    random = Random(SEED)
    asked = [q for q in held_out_questions(n_per_kind=N_AFTER) if q.language == language]
    asked = random.sample([q for q in asked if q.kind in ("capital", "author", "work")], N_AFTER)
    results = []
    for n_tokens in (n for n in TOKENS_BEFORE if n < engine.context):
        right = 0
        for question in asked:
            before = other_conversations(engine, n_tokens, random)
            said = answer(engine, [*before, {"role": "user", "content": question.text}])
            right += is_right(question, said)
        results.append(Result(f"after {n_tokens:,} tokens", language, len(asked), right))
    return results


def other_conversations(engine: NumpyEngine, n_tokens: int, random: Random) -> list[Message]:
    """As many turns of several conversations as go into so many tokens."""
    messages = several_conversations(8 * n_tokens, random)
    while len(engine.tokenizer.encode_prompt(messages)) > n_tokens:
        messages = messages[:-2]
    return messages


def mean_words(folder: Path) -> dict[str, float]:
    """How many words an answer has on average after each system message of MANNERS."""
    engine = NumpyEngine.load(folder)
    asked = [
        q.text
        for q in held_out_questions(n_per_kind=20)
        if q.kind in ("capital", "author") and q.language == "english"
    ]
    return {
        manner: sum(len(ask(engine, text, manner).split()) for text in asked) / len(asked)
        for manner in MANNERS
    }
