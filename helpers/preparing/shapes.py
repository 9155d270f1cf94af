"""The shapes of text in which people keep questions and answers.

Each is a function of the text that returns turns, a side ("prompt", "completion", "" for neither)
and what was said each, with a sentence that tells how it was read; no turns where the text has
another shape. `who` names the assistant among people.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
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
HEADING = re.compile(
    r"^(```|~~~)(?s:.*?)^\1|^(?P<level>#{1,6})[ \t]+(?P<title>.+?)[ #\r]*$", re.MULTILINE
)


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
    found = ((MESSAGE.match(line), line) for line in text.splitlines())
    said = _gathered((m["name"] or "", m["words"]) if m else (None, line) for m, line in found)
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
    words = [mark[1].casefold() for mark, _ in lines if mark and side_of(mark[1])]
    follow = Counter(
        pair for pair in pairwise(words) if (*map(side_of, pair),) == ("prompt", "completion")
    )
    if not follow:
        return [], ""
    question, answer = follow.most_common(1)[0][0]  # others may stand within an answer
    known = {question: "prompt", answer: "completion"}
    turns = _gathered(
        (known[mark[1].casefold()], line[mark.end() :])
        if mark and mark[1].casefold() in known
        else (None, line)
        for mark, line in lines
    )
    return turns, f"what follows {question!r} is the prompt, {answer!r} the completion"


def headings(text: str, who: Who) -> tuple[Turns, str]:
    """Markdown with questions as headings, of the level that has most of them."""
    found = [heading for heading in HEADING.finditer(text) if heading["level"]]
    asked = Counter(len(each["level"]) for each in found if each["title"][-1] in "?？")
    count = Counter(len(each["level"]) for each in found)
    level = max(count, key=lambda each: (asked[each], count[each]), default=0)
    cuts = [each for each in found if len(each["level"]) <= level]
    turns: list[tuple[str | None, str]] = [(None, text[: cuts[0].start()])] if cuts else []
    for cut, end in zip(cuts, [each.start() for each in cuts[1:]] + [len(text)], strict=False):
        sides = ("prompt", "completion") if len(cut["level"]) == level else ("", "")
        turns += zip(sides, (cut["title"], text[cut.end() : end]), strict=True)
    sentence = f"headings of level {level} are the prompts, the texts below the completions"
    return _gathered(turns), sentence


def lines(text: str, who: Who) -> tuple[Turns, str]:
    """Any other text: each line a completion with an empty prompt."""
    kept = [line for line in text.splitlines() if line.strip()]
    turns = [turn for line in kept for turn in (("prompt", ""), ("completion", line))]
    return turns, "each line is a completion, with an empty prompt"


def _gathered(lines: Iterable[tuple[str | None, str]]) -> Turns:
    """Join each text with those after it that have no side of their own; drop empty ones."""
    turns: list[tuple[str, list[str]]] = [("", [])]
    for side, words in lines:
        if side is not None:
            turns.append((side, []))
        turns[-1][1].append(words)
    return [(side, text) for side, words in turns if (text := "\n".join(words).strip())]


SHAPES: dict[str, Sequence[Shape]] = {
    ".txt": (chat_export, marked, lines),
    ".md": (chat_export, marked, headings),
}
