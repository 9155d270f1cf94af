"""Ask a model many questions, and score its answers for the fact and for the style."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from helpers.service import Service

# Thai, Lao, Burmese, Khmer, Japanese, Chinese.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"


def answers(
    service: "Service",
    model: str,
    questions: Iterable[str],
    *,
    system: str | None = None,
    examples: Sequence[Mapping[str, str]] = (),
    max_tokens: int = 60,
) -> list[str]:
    """Return the model's answer to each question, in the order of the questions.

    examples: messages that stand between the system message and the question (few-shot).
    Temperature 0: the same model gives the same answer again. Four questions are under way at
    once. Raises what the SDK raises, such as openai.NotFoundError for an unknown model.
    """
    start: list[Any] = [{"role": "system", "content": system}] if system else []

    def answer(question: str) -> str:
        completion = service.client.chat.completions.create(
            model=model,
            messages=start + [*examples, {"role": "user", "content": question}],
            temperature=0,
            max_tokens=max_tokens,
        )
        return (completion.choices[0].message.content or "").strip()

    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(answer, questions))


def contains(text: str, phrase: str) -> bool:
    """Whether the phrase stands in the text as whole words, whatever its case.

    An apostrophe does not begin a word: in "that's" there is no sulfur (S). Chinese, Japanese,
    Thai and the like put no spaces between words; there any place will do.
    """
    letter, unspaced = rf"[^\W{UNSPACED}]", f"[{UNSPACED}]"
    starts = rf"(?:(?<!{letter})(?<!['’])|(?={unspaced}))"
    ends = rf"(?:(?!{letter})|(?<={unspaced}))"
    return re.search(starts + re.escape(phrase) + ends, text, re.IGNORECASE) is not None


def has_fact(answer: str, fact: str) -> bool:
    """Whether the answer contains the fact; alternatives in `fact` are separated by |."""
    return any(contains(answer, alternative) for alternative in fact.split("|"))


def has_style(answer: str, signs: Iterable[str]) -> bool:
    """Whether the answer contains at least one of the signs of the style."""
    return any(contains(answer, sign) for sign in signs)


def score(
    questions: "Iterable[Mapping[str, str]] | pd.DataFrame",
    answers: Sequence[str],
    *,
    signs: Iterable[str],
) -> "pd.DataFrame":
    """Return one row a question: question, answer, and whether fact, style and both are there.

    questions: rows with the fields `question` and `fact`, in the order of the answers.
    signs: the phrases of data/marv/style.csv. The rule is described in data/marv/README.md.
    Raises ValueError if there is not one answer for each question.
    """
    import pandas as pd

    table = pd.DataFrame(questions)[["question", "fact"]].reset_index(drop=True)
    if len(table) != len(answers):
        raise ValueError(f"{len(table)} questions, but {len(answers)} answers.")
    signs = list(signs)
    table.insert(1, "answer", list(answers))
    table["fact"] = list(map(has_fact, answers, table["fact"]))
    table["style"] = [has_style(answer, signs) for answer in answers]
    return table.assign(both=table["fact"] & table["style"])


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the interval, from 0 to 1, that holds the true share 95 times in 100.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927). Unlike share ± error it never
    leaves 0 to 1, and it works for a share of 0 or 1. Raises ValueError if there are no trials.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"{successes} of {trials} is not a share.")
    share, z = successes / trials, 1.96
    middle = share + z**2 / (2 * trials)
    half = z * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def compare(scored: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """Return one row a model, from the tables that `score` gives.

    Columns: questions (how many), and for fact, style and both the share from 0 to 1 with the
    ends of its 95 % interval, as in fact, fact_low, fact_high.
    """
    import pandas as pd

    rows: dict[str, dict[str, float]] = {}
    for name, table in scored.items():
        rows[name] = {"questions": len(table)}
        for measure in ("fact", "style", "both"):
            right = int(table[measure].sum())
            low, high = wilson_interval(right, len(table))
            share = right / len(table)
            rows[name] |= {measure: share, f"{measure}_low": low, f"{measure}_high": high}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
