"""The shapes of text in which people keep questions and answers.

Each is a function of the text that returns turns, a side ("prompt", "completion", "" for neither)
and what was said each, with a sentence that tells how it was read; no turns where the text has
another shape. `who` names the assistant among people.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from textwrap import shorten

from helpers.preparing.rows import Row, Say, UnreadableFile
from helpers.preparing.sides import side_of

Turns = list[tuple[str, str]]
Who = Callable[[Sequence[str]], str]
Shape = Callable[[str, Who], tuple[Turns, str]]

# 12/03/2024, 09:15 - Ana: text, or [12.03.24, 9:15:02 PM] Ana: text; a notice has no name.
MESSAGE = re.compile(
    r"\W*\d{1,4}([./-])\d{1,2}\1\d{1,4},?\s\d{1,2}[:.]\d\d([:.]\d\d)?(\s?[ap]\.?\s?m\.?)?(]| -)\s"
    r"(?P<name>[^:]{1,60}(?=: ))?(: )?(?P<words>.*)",
    re.IGNORECASE,
)
# What the app writes in the place of a picture or of a deleted message.
NO_WORDS = re.compile(r"\s*(\u200e.*|<[^>]*>)\s*")
MARK = re.compile(r"[\s*_>-]*([^\W\d_]{1,12})\s*\d*[*_]*\s*[:：][*_]*\s*")
HEADING = re.compile(r"^(```|~~~)(?s:.*?)^\1|^(?P<level>#{1,6})[ \t]+(?P<title>.+)", re.MULTILINE)


def rows_of_text(text: str, shapes: Sequence[Shape], who: Who, say: Say) -> list[Row]:
    """Return a row for each question with an answer right after it, in the first shape that fits.

    What makes no such pair is left out and counted. Raises UnreadableFile if no shape fits.
    """
    for shape in shapes:
        turns, sentence = shape(text, who)
        places = [
            place
            for place, (one, other) in enumerate(pairwise(turns))
            if (one[0], other[0]) == ("prompt", "completion")
        ]
        if places:
            say(sentence)
            paired = {place + more for place in places for more in (0, 1)}
            alone = [words for place, (_, words) in enumerate(turns) if place not in paired]
            if alone:
                first = shorten(alone[0], 40, placeholder=" …")
                say(f"left out, in no pair of question and answer: {len(alone)}; first {first!r}")
            return [{"prompt": turns[n][1], "completion": turns[n + 1][1]} for n in places]
    raise UnreadableFile(": no questions with answers found; put Q: and A: in front of them")


def chat_export(text: str, who: Who) -> tuple[Turns, str]:
    """Messages with time and name; what one side says in a row is one turn."""
    messages = [["", ""]]
    for line in text.splitlines():
        if found := MESSAGE.match(line):
            messages.append([found["name"] or "", found["words"]])
        else:
            messages[-1][1] += f"\n{line}"
    said = [(name, words.strip()) for name, words in messages if words.strip()]
    kept = [(name, words) for name, words in said if name and not NO_WORDS.fullmatch(words)]
    names = list(dict.fromkeys(name for name, _ in kept))
    if len(names) < 2:
        return [], ""
    assistant = who(names)
    sides = {name: "completion" if name == assistant else "prompt" for name in names}
    turns = [
        (side, "\n".join(words for _, words in group))
        for side, group in groupby(kept, key=lambda message: sides[message[0]])
    ]
    others = ", ".join(name for name in names if name != assistant)
    sentence = f"chat export: {assistant!r} is the assistant, the user is {others}; left out: "
    return turns, f"{sentence}{len(said) - len(kept)} notices, pictures and deleted messages"


def marked(text: str, who: Who) -> tuple[Turns, str]:
    """Questions after Q: and answers after A:, or after words for these."""
    lines = [(MARK.match(line), line) for line in text.splitlines()]
    words = Counter(mark[1].casefold() for mark, _ in lines if mark).most_common()
    words_of = {side_of(word): word for word, _ in reversed(words)}  # the most frequent
    turns = [["", ""]]
    for mark, line in lines:
        side = side_of(mark[1]) if mark else None
        if mark and side and words_of[side] == mark[1].casefold():
            turns.append([side, line[mark.end() :]])
        else:
            turns[-1][1] += f"\n{line}"
    question, answer = words_of.get("prompt"), words_of.get("completion")
    return _filled(turns), f"what follows {question!r} is the prompt, {answer!r} the completion"


def headings(text: str, who: Who) -> tuple[Turns, str]:
    """Markdown with the questions as headings, all of the level that has the most of them."""
    found = [heading for heading in HEADING.finditer(text) if heading["level"]]
    count = Counter(len(heading["level"]) for heading in found)
    level = max(count, key=lambda each: (count[each], each), default=0)
    found = [heading for heading in found if len(heading["level"]) <= level]
    starts = [heading.start() for heading in found] + [len(text)]
    turns = [["", text[: starts[0]]]]
    for heading, end in zip(found, starts[1:], strict=True):
        sides = ("prompt", "completion") if len(heading["level"]) == level else ("", "")
        turns.append([sides[0], heading["title"].strip(" #")])
        turns.append([sides[1], text[heading.end() : end]])
    return _filled(turns), f"headings of level {level} are the prompts, the text below the answers"


def lines(text: str, who: Who) -> tuple[Turns, str]:
    """Any other text: each line a completion with an empty prompt."""
    kept = [line for line in text.splitlines() if line.strip()]
    turns = [turn for line in kept for turn in (("prompt", ""), ("completion", line))]
    return turns, "each line is a completion, with an empty prompt"


def _filled(turns: list[list[str]]) -> Turns:
    return [(side, words.strip()) for side, words in turns if words.strip()]


SHAPES: dict[str, Sequence[Shape]] = {
    ".txt": (chat_export, marked, lines),
    ".md": (chat_export, marked, headings),
}
