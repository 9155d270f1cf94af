"""What is wrong with prompt/completion pairs, and what to do about it.

These are the checks of the preparation tool that OpenAI's package had through version 2.34
(`openai tools fine_tunes.prepare_data`). What each says, and why, is in review.yml.
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from helpers.preparing.split import is_classification

Pair = dict[str, str]  # `prompt` and `completion`; perhaps earlier turns

LONGEST = 10_000  # characters of prompt and completion together
WORDS = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))


class Review:
    """Prints what it finds in `pairs`, and changes them as far as `accepts()` agrees.

    pairs: by their rows in the input. Each step sees what the steps before it have changed.
    """

    def __init__(self, pairs: dict[int, Pair], accepts: Callable[[], bool]) -> None:
        self.pairs, self.accepts = pairs, accepts

    def check(self, form: str) -> None:
        """Check what matters for `form`, "chat" or "completion"."""
        if len(self.pairs) < 100:
            self.say("few", count=len(self.pairs))
        self.drop("empty", lambda pair: not pair["completion"].strip(), must=True)
        self.say(self.task(), count=len(self.pairs), different=len(set(self.texts("completion"))))
        first = {tuple(pair.values()): pair for pair in reversed(self.pairs.values())}
        self.drop("repeated", lambda pair: first[tuple(pair.values())] is not pair)
        if self.task() != "open-ended":
            self.drop("long", lambda pair: len(pair["prompt"] + pair["completion"]) > LONGEST)
        self.lower_case("prompt")
        self.lower_case("completion")
        if form == "chat":
            self.drop("unasked", lambda pair: not pair["prompt"].strip(), must=True)
            return
        self.cut_start("prompt", least=13)
        self.cut_start("completion", least=5)
        if self.task() != "open-ended":
            self.add_end("prompt")
        if self.task() == "conditional":
            self.add_end("completion")
        self.add_space()

    def task(self) -> str:
        if not any(map(str.strip, self.texts("prompt"))):
            return "open-ended"
        return "classification" if is_classification(self.texts("completion")) else "conditional"

    def lower_case(self, column: str) -> None:
        texts = self.texts(column)
        letters = [c for text in texts for c in text if c.isupper() or c.islower()]
        share = sum(map(str.isupper, letters)) / max(1, len(letters))
        if share > 1 / 3:
            self.rewrite("capitals", column, map(str.lower, texts), share=share)

    def cut_start(self, column: str, least: int) -> None:
        """Cut off what all texts begin with, up to a space or full-width mark: whole words."""
        texts = self.texts(column)
        start = re.sub(r"[^\s，。：；？！、]+\Z", "", os.path.commonprefix(texts))
        space = " " if column == "completion" and start.startswith(" ") else ""
        ends = [space + text.removeprefix(start).lstrip(" ") for text in texts]
        if len(texts) > 1 and len(start) >= least and all(map(str.strip, ends)):
            self.rewrite(f"{column} start", column, ends, start=start)

    def add_end(self, column: str) -> None:
        """End all texts alike, if they do not yet, with a mark that none of them holds."""
        texts = self.texts(column)
        if len(texts) > 1 and len(set(texts)) == 1:
            raise ValueError(f"all {column}s are the same ({texts[0]!r}): nothing to learn")
        if os.path.commonprefix([text[::-1] for text in texts]).strip(" "):
            return
        *marks, last = WORDS[f"{column} marks"]
        marks += [last * times for times in range(1, 100)]
        mark = next(mark for mark in marks if not any(mark in text for text in texts))
        self.rewrite(f"{column} end", column, [text + mark for text in texts], mark=mark)

    def add_space(self) -> None:
        bare = [row for row, pair in self.pairs.items() if not pair["completion"][:1].isspace()]
        if bare:
            spaced = (re.sub(r"^(?=\S)", " ", text) for text in self.texts("completion"))
            self.rewrite("space", "completion", spaced, rows=named(bare))

    def texts(self, column: str) -> list[str]:
        return [pair[column] for pair in self.pairs.values()]

    def say(self, what: str, **found: Any) -> None:
        print("-", WORDS[what].format(**found))

    def drop(self, what: str, is_bad: Callable[[Pair], bool], must: bool = False) -> None:
        rows = [row for row, pair in self.pairs.items() if is_bad(pair)]
        if rows:
            self.say(what, rows=named(rows))
            count = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}"
            print(f"  {'necessary' if must else 'proposed'}: drop {count}")
            if must or self.accepts():
                self.pairs = {row: pair for row, pair in self.pairs.items() if not is_bad(pair)}
        if not self.pairs:
            raise ValueError("no row is left")

    def rewrite(self, what: str, column: str, texts: Iterable[str], **found: Any) -> None:
        finding, proposal = (words.format(column=column, **found) for words in WORDS[what])
        print(f"- {finding}\n  proposed: {proposal}")
        if self.accepts():
            for pair, text in zip(self.pairs.values(), texts, strict=True):
                pair[column] = text


def named(rows: Sequence[int]) -> str:
    """Name rows by their numbers, the first ten at most."""
    shown = ", ".join(map(str, rows[:10]))
    more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
    return f"row {shown}" if len(rows) == 1 else f"rows {shown}{more}"
