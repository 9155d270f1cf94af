"""The shapes of text in which people keep questions and answers.

Each is a function of the text that returns turns, a side ("prompt", "completion", "" for neither)
and what was said each, with a sentence that tells how it was read; no turns where the text has
another shape. `who` names the assistant among people.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import groupby, pairwise
from textwrap import shorten

from helpers.preparing.names import SIDES, side_of
from helpers.preparing.rows import Row, Say, UnreadableFile

Turns = list[tuple[str, str]]
Who = Callable[[Sequence[str]], str]
Shape = Callable[[str, Who], tuple[Turns, str]]

# 12/03/2024, 09:15 - Ana: text, or [12.03.24, 9:15:02 PM] Ana: text; a notice has no name.
MESSAGE = re.compile(
    r"\W*\d{1,4}([./-])\d{1,2}\1\d{1,4},?\s\d{1,2}[:.]\d\d([:.]\d\d)?(\s?[ap]\.?\s?m\.?)?(]| -)\s"
    r"(?P<key>[^:]{1,60}(?=: ))?(: )?",
    re.IGNORECASE,
)
# What the app writes in the place of a picture or of a deleted message.
NO_WORDS = re.compile(r"\s*(\u200e.*|<[^>]*>)?\s*")
MARK = re.compile(r"[\s*_>-]*(?P<key>[^\W\d_]{1,12})\s*\d*[*_]*\s*[:：][*_]*\s*")  # **Q1:**
HEADING = re.compile(r"(?P<key>#+(?=\s+\S)|\*\*(?=[^*]+\*\*:?\s*$))\s*")  # ## Title, **Title**
FENCED = re.compile(r"^(```|~~~)(?s:.*?)^\1", re.MULTILINE)


def rows_of_text(text: str, shapes: Sequence[Shape], who: Who, say: Say) -> list[Row]:
    """Return the rows of `text` in the first of `shapes` that fits, or raise UnreadableFile."""
    for shape in shapes:
        if rows := paired(*shape(text, who), say):
            return rows
    raise UnreadableFile(": no questions with answers found; put Q: and A: in front of them")


def paired(turns: Turns, sentence: str, say: Say) -> list[Row]:
    """Return a row for each prompt with a completion right after it; count what is left out."""
    turns = [(side, text) for side, text in turns if text or side == "prompt"]
    starts = [n for n, (one, other) in enumerate(pairwise(turns)) if (one[0], other[0]) == SIDES]
    if not starts:
        return []
    say(sentence)
    used = {*starts, *(n + 1 for n in starts)}
    if alone := [text for n, (_, text) in enumerate(turns) if n not in used]:
        first = shorten(alone[0], 40, placeholder=" …")
        say(f"left out, in no pair of question and answer: {len(alone)}; first {first!r}")
    return [{"prompt": turns[n][1], "completion": turns[n + 1][1]} for n in starts]


def chat(said: Turns, who: Who) -> tuple[Turns, str]:
    """What people say, by their names; what one side says in a row is one turn."""
    kept = [(name, words) for name, words in said if name and not NO_WORDS.fullmatch(words)]
    names = list(dict.fromkeys(name for name, _ in kept))
    if len(names) < 2:
        return [], ""
    assistant = who(names)
    turns = [
        (side, "\n".join(words for _, words in group))
        for side, group in groupby(kept, lambda message: SIDES[message[0] == assistant])
    ]
    others = ", ".join(name for name in names if name != assistant)
    sentence = f"chat export: {assistant!r} is the assistant, the user is {others}; left out: "
    return turns, f"{sentence}{len(said) - len(kept)} notices, pictures and deleted messages"


def marked(text: str, who: Who) -> tuple[Turns, str]:
    """Questions after Q: and answers after A:, or after words for these."""
    marks = [mark.casefold() for mark, _ in _begun(text, MARK) if side_of(mark)]
    follow = Counter(pair for pair in pairwise(marks) if (*map(side_of, pair),) == SIDES)
    if not follow:
        return [], ""
    question, answer = follow.most_common(1)[0][0]  # others may stand within an answer
    sides = {"": "", question: "prompt", answer: "completion"}
    turns = [(sides[mark.casefold()], words) for mark, words in _begun(text, MARK, sides)]
    return turns, f"what follows {question!r} is the prompt, {answer!r} the completion"


def headings(text: str, who: Who) -> tuple[Turns, str]:
    """Markdown with questions as headings, of the level that has most of them."""
    # What looks like a heading in a block of code is none; the mark before it is cleaned away.
    text = FENCED.sub(lambda block: block[0].replace("\n", "\n\u200b"), text)
    titles = [(level, words.split("\n")[0]) for level, words in _begun(text, HEADING) if level]
    asked = [level for level, title in titles if title.rstrip(" #*:").endswith(("?", "？"))]
    levels = Counter(asked or [level for level, _ in titles])
    best = max(levels, key=levels.__getitem__, default="")
    turns = []
    for level, words in _begun(text, HEADING, {each for each, _ in titles if each <= best}):
        title, _, below = words.partition("\n")
        is_asked = [("prompt", title.strip(" #*:")), ("completion", below.strip())]
        turns += is_asked if level == best else [("", words)]
    return turns, f"headings with {best} are the prompts, the texts below the completions"


def lines(text: str, who: Who) -> tuple[Turns, str]:
    """Any other text: each line a completion with an empty prompt."""
    kept = [line for line in text.splitlines() if line.strip()]
    turns = [turn for line in kept for turn in (("prompt", ""), ("completion", line))]
    return turns, "each line is a completion, with an empty prompt"


def _begun(text: str, start: re.Pattern, keys: Collection[str] | None = None) -> Turns:
    """Return the key in each line that begins as `start` tells, and the text up to the next.

    With `keys` only these keys begin another text.
    """
    texts: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        begun = start.match(line)
        if begun and (keys is None or begun["key"].casefold() in keys):
            texts.append((begun["key"] or "", []))
            line = line[begun.end() :]
        texts[-1][1].append(line)
    return [(key, said) for key, lines in texts if (said := "\n".join(lines).strip())]


def chat_export(text: str, who: Who) -> tuple[Turns, str]:
    """Messages with time and name, as phones write them."""
    return chat(_begun(text, MESSAGE), who)


SHAPES = {".txt": (chat_export, marked, lines), ".md": (chat_export, marked, headings)}
