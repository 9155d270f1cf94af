"""Short texts and the word that says what they are: their mood, their topic, how urgent they are.

The same feature is asked for under many words, some of them made up, so that a model learns the
feature and takes the words from the question.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from practice_server.pretraining.world.drawing import Message, turn, weighted
from practice_server.pretraining.world.tables import read_table
from practice_server.pretraining.world.values import drawn, made_up
from practice_server.pretraining.world.wording import ARTICLE

CHINESE_SHARE = 0.2
TASKS = {"sentiment": 40, "topic": 40, "urgency": 20}
# Whether the words to choose from are listed, left open, or explained one by one.
ASKING = {"listed": 58, "open": 20, "mapped": 22}
TURNS = {1: 45, 2: 20, 3: 20, 4: 15}
SYSTEM_SHARE = 0.55
MOST_TOPICS = 5
MIXED_SHARE = 0.4
CASES = (str.lower, str.lower, str.lower, str.capitalize, str.upper)
LISTS = ("{}, {}", "{} or {}", "{} / {}", "{}, or {}", "{}|{}")
CHINESE_LISTS = ("{}、{}", "{}还是{}", "{}或{}", "{}/{}")


@dataclass(frozen=True)
class Asking:
    """What is asked of a text, and the word for each label that it may have."""

    language: str
    task: str
    words: dict[str, str]
    instruction: str
    answer: str


def conversation(random: Random, n_turns: int | None = None) -> list[Message]:
    """A conversation, by default of one to four turns, in which texts are labelled in one way."""
    language = "chinese" if random.random() < CHINESE_SHARE else "english"
    asking = draw_asking(random, language)
    in_system = random.random() < SYSTEM_SHARE
    messages = [{"role": "system", "content": asking.instruction}] if in_system else []
    for number in range(n_turns or weighted(TURNS, random)):
        text, answer = _labelled(asking, random)
        if number == 0 and not in_system:
            text = _together(asking.instruction, text, random)
        messages += turn(text, answer)
    return messages


def exchange(random: Random, language: str) -> tuple[str, str]:
    """A text with the question what it is, and the answer."""
    asking = draw_asking(random, language)
    text, answer = _labelled(asking, random)
    return _together(asking.instruction, text, random), answer


def draw_asking(random: Random, language: str) -> Asking:
    """A task, a set of labels, words for them, and a way to ask."""
    task = weighted(TASKS, random)
    labels = _some_labels(task, language, random)
    manner = weighted(ASKING, random)
    words = _words(task, labels, manner, language, random)
    template = random.choice(_parts(language, f"ask_{manner}", task))
    if manner == "mapped":
        names = _words(task, labels, "listed", language, random)
        said = _mapped(names, words, language, random)
        instruction = template.format(mapped=said)
    else:
        instruction = template.format(labels=_listed(list(words.values()), language, random))
    answer = random.choice(_parts(language, "answer", ""))
    return Asking(language, task, words, instruction, answer)


def draw_text(random: Random, language: str, task: str, label: str) -> str:
    """A text of one to four sentences that has this label."""
    makers = {"sentiment": _review, "topic": _message, "urgency": _request}
    sentences = makers[task](label, language, random)
    return ("" if language == "chinese" else " ").join(sentences)


def _labelled(asking: Asking, random: Random) -> tuple[str, str]:
    label = random.choice(list(asking.words))
    text = draw_text(random, asking.language, asking.task, label)
    frame = random.choice(_parts(asking.language, "text", ""))
    return frame.format(text=text), asking.answer.format(label=asking.words[label])


def _some_labels(task: str, language: str, random: Random) -> list[str]:
    if task == "topic":
        topics = _labels(language, "word_topic")
        return random.sample(topics, random.randint(2, MOST_TOPICS))
    labels = _labels(language, f"word_{task}")
    if task == "sentiment" and random.random() > MIXED_SHARE:
        labels = labels[:2]
    return random.sample(labels, len(labels))


def _words(
    task: str, labels: list[str], manner: str, language: str, random: Random
) -> dict[str, str]:
    """A word for each label: its usual one, others that belong together, or made-up ones."""
    change = random.choice(CASES)
    if manner == "mapped":
        numbers = random.sample(range(1, 100), len(labels))
        in_digits = random.random() < 0.25
        return {
            label: str(number) if in_digits else change(made_up(random, language))
            for label, number in zip(labels, numbers, strict=True)
        }
    if manner == "open":
        return {label: _parts(language, f"word_{task}", label)[0] for label in labels}
    column = random.randrange(len(_parts(language, f"word_{task}", labels[0])))
    return {label: change(_parts(language, f"word_{task}", label)[column]) for label in labels}


def _listed(words: list[str], language: str, random: Random) -> str:
    """The words one after the other, the last two joined in the way of the list."""
    form = random.choice(CHINESE_LISTS if language == "chinese" else LISTS)
    comma = "、" if language == "chinese" else ", "
    if "or" not in form and form[0] == "{":
        return form[2:-2].join(words)
    return form.format(comma.join(words[:-1]), words[-1])


def _mapped(names: dict[str, str], words: dict[str, str], language: str, random: Random) -> str:
    form = random.choice(_parts(language, "mapped", ""))
    gap = "，" if language == "chinese" else random.choice((", ", "; "))
    return gap.join(form.format(word=words[label], label=names[label]) for label in names)


def _together(instruction: str, text: str, random: Random) -> str:
    if random.random() < 0.2:
        return f"{instruction.rstrip('.?:。？')}: {text}"
    gap = random.choice((" ", "\n", "\n\n"))
    return gap.join((instruction, text) if random.random() < 0.6 else (text, instruction))


def _review(label: str, language: str, random: Random) -> Iterator[str]:
    """One or two opinions, and perhaps a sentence without any."""
    neutral = _parts(language, "neutral", "")
    if random.random() < 0.35:
        yield random.choice(neutral)
    if label == "mixed":
        yield _filled(random.choice(_parts(language, "mixed", "")), language, random)
    else:
        opinions = _parts(language, "opinion", label)
        for opinion in random.sample(opinions, random.choice((1, 1, 2))):
            yield _filled(opinion, language, random)
    if random.random() < 0.25:
        yield random.choice(neutral)


def _message(topic: str, language: str, random: Random) -> Iterator[str]:
    """One or two sentences on a thing of the topic."""
    if random.random() < 0.3:
        yield _filled(random.choice(_parts(language, "opening", "")), language, random)
    thing = random.choice(_parts(language, "noun", topic))
    sentences = _parts(language, "topic", topic)
    for sentence in random.sample(sentences, random.choice((1, 1, 2))):
        yield ARTICLE.sub(r"\1n ", sentence.format(n=thing))
    if random.random() < 0.25:
        yield _filled(random.choice(_parts(language, "closing", "")), language, random)


def _request(urgency: str, language: str, random: Random) -> list[str]:
    """Something on any topic, and whether it can wait."""
    topic = random.choice(_labels(language, "word_topic"))
    sentences = list(_message(topic, language, random))
    said = random.choice(_parts(language, "urgency", urgency))
    sentences.insert(random.randint(0, len(sentences)), said)
    return sentences


def _filled(template: str, language: str, random: Random) -> str:
    """The template with words for its slots, each drawn anew."""
    subjects = random.sample(_parts(language, "subject", ""), 2)
    words = {
        "subject": subjects[0],
        "Subject": subjects[0][0].upper() + subjects[0][1:],
        "subject_two": subjects[1],
        "name": drawn(["name"], random, language, items="")["name"],
    }
    for label in ("good", "bad"):
        words[label] = random.choice(_parts(language, "adjective", label))
        words[f"{label}_word"] = random.choice(_parts(language, f"{label}_word", "") or [""])
        if f"{{{label}_opinion}}" in template or f"{{{label}_small}}" in template:
            opinion = random.choice(_parts(language, "opinion", label))
            opinion = opinion.format_map(words)
            words |= {f"{label}_opinion": opinion, f"{label}_small": _small(opinion)}
    return template.format_map(words)


def _small(sentence: str) -> str:
    """The sentence so that it can stand after "But"."""
    if sentence.startswith(("I ", "I'")):
        return sentence
    return sentence[0].lower() + sentence[1:]


@cache
def _labels(language: str, part: str) -> list[str]:
    rows = read_table(f"{language}/label_parts")
    return list(dict.fromkeys(row["label"] for row in rows if row["part"] == part))


@cache
def _parts(language: str, part: str, label: str) -> list[str]:
    return [
        row["text"]
        for row in read_table(f"{language}/label_parts")
        if (row["part"], row["label"]) == (part, label)
    ]
