"""What is wrong with prompt/completion pairs, and what to do about it.

These are the checks of the preparation tool that OpenAI's package had through version 2.34
(`openai tools fine_tunes.prepare_data`), each with its place, its reason and its fix.
"""

import os
import re
from collections.abc import Callable, Sequence

from helpers.preparing.split import is_classification

Pair = dict[str, str]  # `prompt` and `completion`; perhaps earlier turns

FEW = 100
LONGEST = 10_000  # characters of prompt and completion together
UPPER_CASE_SHARE = 1 / 3
SHORTEST_START = {"prompt": 13, "completion": 5}
FULL_WIDTH_MARKS = "，。：；？！、"  # no space follows them
SEPARATORS = (" ->", "\n\n###\n\n", "\n\n===\n\n", "\n\n---\n\n", "\n\n@@@\n\n")
ENDINGS = ("\n", ".", " END", "***", "+++", "&&&", "@@@")
EMPTY = "the completion is empty: nothing can be learnt from it"
REPEATED = (
    "the same as an earlier row: a repeated example counts double and may stand in training and "
    "validation"
)
LONG = (
    f"more than {LONGEST:,} characters: what goes over the model's limit is cut off at the end, "
    "where the answer stands"
)


class Review:
    """Prints what it finds in `pairs`, and changes them as far as `accepts()` agrees.

    pairs: by their rows in the input. Each step sees what the steps before it have changed.
    """

    def __init__(self, pairs: dict[int, Pair], accepts: Callable[[], bool]) -> None:
        self.pairs = pairs
        self.accepts = accepts

    def for_every_form(self) -> None:
        """Look at what matters for chat examples, too."""
        if len(self.pairs) < FEW:
            reason = "a service wants at least 10; a gain usually shows from 50 to 100"
            print(f"- {len(self.pairs)} pairs: {reason}, and grows with more")
        self.drop(lambda pair: not pair["completion"].strip(), EMPTY, "necessary")
        self.name_task()
        first = {tuple(pair.values()): pair for pair in reversed(self.pairs.values())}
        self.drop(lambda pair: first[tuple(pair.values())] is not pair, REPEATED)
        if not self.is_open_ended():
            self.drop(lambda pair: len(pair["prompt"] + pair["completion"]) > LONGEST, LONG)
        self.lower_case("prompt")
        self.lower_case("completion")

    def for_chat(self) -> None:
        """Look at what matters only for models that know roles."""
        self.drop(lambda pair: not pair["prompt"].strip(), "no question to answer", "necessary")

    def for_completion(self) -> None:
        """Look at what matters only for models that continue a text."""
        reason = (
            "a tuned model needs no instruction that is always the same, and every token costs"
        )
        self.cut_start("prompt", reason, " (then leave it out when you ask the model, too)")
        self.cut_start("completion", "the model would spend its answer on words that say nothing")
        reason = "the model cannot tell where the prompt ends and its answer begins"
        self.add_mark("prompt", SEPARATORS, reason, "do so when you ask the model, too")
        if not is_classification(self.texts("completion")):
            advice = "give it as `stop` when you ask the model"
            self.add_mark("completion", ENDINGS, "the model does not learn where to stop", advice)
        self.add_leading_space()

    def name_task(self) -> None:
        completions = self.texts("completion")
        task = "conditional generation: for information"
        if self.is_open_ended():
            task = "all prompts are empty: open-ended generation: for information"
        elif is_classification(completions):
            labels = f"{len(set(completions))} different completions in {len(completions)} pairs"
            advice = "the smallest model is often enough; hold data out with --split to measure it"
            task = f"{labels}: classification: {advice}"
        print(f"- {task}")

    def lower_case(self, field: str) -> None:
        letters = [c for text in self.texts(field) for c in text if c.isupper() or c.islower()]
        upper = sum(c.isupper() for c in letters)
        if upper > UPPER_CASE_SHARE * len(letters):
            reason = "models know ordinary writing best, and capitals take more tokens"
            finding = f"{field}: {upper / len(letters):.0%} of the letters are capitals: {reason}"
            self.rewrite(field, str.lower, finding, f"write every {field} in lower case")

    def cut_start(self, field: str, reason: str, advice: str = "") -> None:
        """Cut off what all texts begin with, up to a space or full-width mark: whole words."""
        texts = self.texts(field)
        start = re.sub(rf"[^\s{FULL_WIDTH_MARKS}]+\Z", "", os.path.commonprefix(texts))
        nothing_left = any(not text.removeprefix(start).strip() for text in texts)
        if len(texts) < 2 or len(start) < SHORTEST_START[field] or nothing_left:
            return
        space = " " if field == "completion" and start.startswith(" ") else ""
        self.rewrite(
            field,
            lambda text: space + text.removeprefix(start).lstrip(" "),
            f"every {field} starts with {start!r}: {reason}",
            f"cut this start off every {field}{advice}",
        )

    def add_mark(self, field: str, marks: Sequence[str], reason: str, advice: str) -> None:
        """End all texts alike, if they do not yet, with a mark that none of them holds."""
        texts = self.texts(field)
        if self.is_open_ended():
            return
        if len(texts) > 1 and len(set(texts)) == 1:
            raise ValueError(f"all {field}s are the same ({texts[0]!r}): nothing to learn")
        if os.path.commonprefix([text[::-1] for text in texts]).strip(" "):
            return
        longer = [marks[-1] * times for times in range(2, 100)]
        mark = next(mark for mark in [*marks, *longer] if not any(mark in text for text in texts))
        finding = f"the {field}s do not end alike: without a mark {reason}"
        proposal = f"end every {field} with {mark!r} (then {advice})"
        self.rewrite(field, lambda text: text + mark, finding, proposal)

    def add_leading_space(self) -> None:
        bare = [row for row, pair in self.pairs.items() if not pair["completion"][:1].isspace()]
        if bare:
            reason = "most words are one token with the space before them, and two without"
            self.rewrite(
                "completion",
                lambda text: text if text[:1].isspace() else f" {text}",
                f"{named(bare)}: the completion does not start with a space: {reason}",
                "start every completion with a space",
            )

    def texts(self, field: str) -> list[str]:
        return [pair[field] for pair in self.pairs.values()]

    def is_open_ended(self) -> bool:
        return not any(text.strip() for text in self.texts("prompt"))

    def drop(self, is_bad: Callable[[Pair], bool], finding: str, word: str = "proposed") -> None:
        rows = [row for row, pair in self.pairs.items() if is_bad(pair)]
        if not rows:
            return
        print(f"- {named(rows)}: {finding}")
        print(f"  {word}: drop {len(rows)} {'row' if len(rows) == 1 else 'rows'}")
        if word == "necessary" or self.accepts():
            for row in rows:
                del self.pairs[row]
        if not self.pairs:
            raise ValueError("no row is left")

    def rewrite(self, field: str, change: Callable, finding: str, proposal: str) -> None:
        print(f"- {finding}\n  proposed: {proposal}")
        if self.accepts():
            for pair in self.pairs.values():
                pair[field] = change(pair[field])


def named(rows: Sequence[int]) -> str:
    """Name rows by their numbers, the first ten at most."""
    shown = ", ".join(map(str, rows[:10]))
    more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
    return f"row {shown}" if len(rows) == 1 else f"rows {shown}{more}"
