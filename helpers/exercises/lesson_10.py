"""What is right in lesson 10."""

from typing import Any

from helpers.exercises.judging import agrees, require
from helpers.prepare import read_rows
from helpers.service import ROOT

JUDGE = ROOT / "data" / "judge"
END = "Nobody has moved it since you last forgot it."
REFERENCE = f"The capital of Denmark is Copenhagen. {END}"
ANSWERS = {
    "wrong": f"The capital of Denmark is Lisbon. {END}",
    "reworded": "Copenhagen, of course. Which map did you sleep on?",
    "bare": "Copenhagen.",
}
KINDS = ("misspelt", "wrong fact", "no remark", "wrong remark")
ENOUGH_AGREED = 8
FEWEST_WORDS = 20
# Words by which a text names one of the kinds of error.
NAMES_OF_ERRORS = ("misspel", "spell", "fact", "remark", "name")


def exercise_1(most_alike: Any) -> None:
    """The answer that has the highest BLEU."""
    from sacrebleu import sentence_bleu

    is_name = isinstance(most_alike, str) and most_alike in ANSWERS
    require(is_name, f"it should be one of {', '.join(ANSWERS)}.")
    bleu = {name: sentence_bleu(text, [REFERENCE]).score for name, text in ANSWERS.items()}
    told = f"{most_alike} has a BLEU of {bleu[most_alike]:.0f}"
    require(
        bleu[most_alike] == max(bleu.values()), f"{told}; another has {max(bleu.values()):.0f}."
    )


def exercise_2(kappa_of_yes: Any) -> None:
    """Kappa of a judge who always says yes."""
    labels = [row["label"] == "yes" for row in read_rows(JUDGE / "labelled.csv")]
    observed = sum(labels) / len(labels)
    is_observed = agrees(kappa_of_yes, observed, within=0.01)
    require(not is_observed, "that is the observed agreement; take away what chance brings.")
    # Who always says yes is expected to agree as often as the other says yes: what is observed.
    require(agrees(kappa_of_yes, 0, within=0.005), "how much does it agree beyond chance?")


def exercise_3(kinds: Any) -> None:
    """The kinds of the ten errors, as far as they agree with the reader's."""
    rows = read_rows(JUDGE / "errors.csv")
    is_list = isinstance(kinds, list | tuple) and len(kinds) == len(rows)
    require(is_list, f"it should be a list of {len(rows)} kinds.")
    for kind in kinds:
        require(kind in KINDS, f"{kind!r} is none of {', '.join(KINDS)}.")
    differ = [
        n for n, (kind, row) in enumerate(zip(kinds, rows, strict=True)) if kind != row["kind"]
    ]
    again = f"look again at {', '.join(map(str, differ))}."
    require(len(rows) - len(differ) >= ENOUGH_AGREED, again)


def exercise_4(limits: Any) -> None:
    """A text that says what the model must not be used for, with an error and a number."""
    require(isinstance(limits, str), "it should be a text.")
    words = len(limits.split())
    require(words >= FEWEST_WORDS, f"{words} words are too few; write {FEWEST_WORDS} or more.")
    named = any(name in limits.casefold() for name in NAMES_OF_ERRORS)
    require(named, "name a kind of error that you have seen.")
    require(any(sign.isdigit() for sign in limits), "give a number that you have measured.")
