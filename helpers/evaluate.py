"""Ask a model many questions, score its answers, and compare models that answered the same."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from helpers.preparing.split import is_classification

if TYPE_CHECKING:
    import pandas as pd

    from helpers.service import Service

# What `score` may find in an answer.
MEASURES = ("fact", "style", "fit", "both")
# Thai, Lao, Burmese, Khmer, Japanese, Chinese.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"


def answers(
    service: "Service",
    model: str,
    questions: Iterable[str | list[Any]],
    *,
    system: str | None = None,
    examples: Sequence[Mapping[str, str]] = (),
    max_tokens: int = 60,
    progress: bool = True,
    chat: bool = True,
) -> list[str]:
    """Return the model's answer to each question, in the order of the questions.

    questions: texts, or the messages of conversations.
    examples: messages that stand between the system message and the question (few-shot).
    chat: False has texts completed, as those of prompt/completion pairs are, and nothing else.
    Temperature 0: the same model gives the same answer again. Four questions are under way at
    once; a bar shows how many are answered, unless progress is False. Raises what the SDK raises,
    such as openai.NotFoundError for an unknown model.
    """
    from helpers.plots import counted

    questions = list(questions)
    start: list[Any] = [{"role": "system", "content": system}] if system else []
    settings: Any = {"model": model, "temperature": 0, "max_tokens": max_tokens}

    def answer(question: Any) -> str:
        if not chat:
            completed = service.client.completions.create(prompt=question, **settings)
            return completed.choices[0].text.strip()
        asked = [{"role": "user", "content": question}] if isinstance(question, str) else question
        messages: Any = [*start, *examples, *asked]
        completion = service.client.chat.completions.create(messages=messages, **settings)
        return (completion.choices[0].message.content or "").strip()

    with ThreadPoolExecutor(max_workers=4) as pool:
        given = pool.map(answer, questions)
        return list(counted(given, total=len(questions)) if progress else given)


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


def has_fit(answer: str, category: str, signs: Mapping[str, str]) -> bool:
    """Whether there is a sign in the answer, and every one belongs to the question's category.

    signs: the category of each sign.
    """
    found = {kind for sign, kind in signs.items() if contains(answer, sign)}
    return found == {category}


def score(
    questions: "Iterable[Mapping[str, str]] | pd.DataFrame",
    answers: Sequence[str],
    *,
    signs: Iterable[str],
) -> "pd.DataFrame":
    """Return one row a question: question, answer, and whether fact, style and both are there.

    questions: rows with the fields `question` and `fact`, in the order of the answers.
    signs: the signs of data/marv/style.csv. With the category of each, as a dict, and a field
    `category` in the questions, the column `fit` says whether the remark belongs to the question;
    it is empty for a category without signs. The rules are described in data/marv/README.md.
    Raises ValueError if there is not one answer for each question.
    """
    import pandas as pd

    asked = pd.DataFrame(questions).reset_index(drop=True)
    if len(asked) != len(answers):
        raise ValueError(f"{len(asked)} questions, but {len(answers)} answers.")
    signs = signs if isinstance(signs, Mapping) else list(signs)
    table = pd.DataFrame({"question": asked["question"], "answer": list(answers)})
    table["fact"] = list(map(has_fact, answers, asked["fact"]))
    table["style"] = [has_style(answer, signs) for answer in answers]
    if isinstance(signs, Mapping):
        fit = [has_fit(*pair, signs) for pair in zip(answers, asked["category"], strict=True)]
        taught = asked["category"].isin(signs.values())
        table["fit"] = pd.Series(fit, dtype="boolean").where(taught)
    return table.assign(both=table["fact"] & table["style"])


def nearness(answers: Sequence[str], expected: Sequence[str], *, exact: bool) -> list[float]:
    """Return how near each answer comes to the expected one, from 0 to 1.

    exact: an answer is right (1) or not (0), as `is_exact` says of labels and JSON. Otherwise it
    is the chrF, the overlap in pieces of one to six characters: M. Popović, "chrF: character
    n-gram F-score for automatic MT evaluation", Workshop on Statistical Machine Translation
    (2015). Raises ValueError if there is not one answer for each expected one.
    """
    from sacrebleu import sentence_chrf

    pairs = list(zip(answers, expected, strict=True))
    if exact:
        return [float(_value(answer) == _value(right)) for answer, right in pairs]
    return [sentence_chrf(answer, [right]).score / 100 for answer, right in pairs]


def is_exact(expected: Sequence[str]) -> bool:
    """Whether these answers are labels or JSON objects: right or wrong, and nothing between."""
    are_objects = all(isinstance(_value(text), dict) for text in expected)
    return are_objects or is_classification(expected)


def _value(text: str) -> Any:
    """Return what a JSON text holds, and of any other text its words."""
    try:
        return json.loads(text)
    except ValueError:
        return text.split()


def pieces(service: "Service", text: str) -> list[int]:
    """Return into how many tokens the base model splits the words of a text, 1,000 at most.

    Each different word counts once. Chinese and the like put no spaces between words; there each
    character counts. The service must echo prompts with their log-probabilities, as OpenAI's
    completions once did.
    """
    words = re.findall(rf"[{UNSPACED}]| ?[^\W\d_{UNSPACED}]{{1,40}}", text)
    if not words:
        return []
    echoed = service.client.completions.create(
        model=service.base_model,
        prompt=list(dict.fromkeys(words))[:1000],
        echo=True,
        logprobs=0,
        max_tokens=0,
    )
    return [len(choice.logprobs.tokens or []) for choice in echoed.choices if choice.logprobs]


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
    low, high = (middle - half) / scale, (middle + half) / scale
    # Where the share is 0 or 1 so is an end, but for what rounding made of it.
    return max(0.0, min(share, low)), min(1.0, max(share, high))


def compare(scored: "Mapping[str, pd.DataFrame]") -> "pd.DataFrame":
    """Return one row a model, from the tables that `score` gives.

    Columns: questions (how many), and for each measure the share from 0 to 1 with the ends of its
    95 % interval, as in fact, fact_low, fact_high.
    """
    import pandas as pd

    rows: dict[str, dict[str, float]] = {}
    for name, table in scored.items():
        rows[name] = {"questions": len(table)}
        for measure in table.columns.intersection(MEASURES):
            marks = table[measure].dropna()
            right = int(marks.sum())
            low, high = wilson_interval(right, len(marks))
            share = right / len(marks)
            rows[name] |= {measure: share, f"{measure}_low": low, f"{measure}_high": high}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")


def mcnemar(lost: int, gained: int) -> float:
    """Return how probable so uneven a change is by chance alone, from 0 to 1.

    Two models answered the same questions. lost: how many only the first had right; gained: how
    many only the second. If neither model were better, each of these would fall to either side
    like a coin. Exact and two-sided; Q. McNemar, "Note on the sampling error of the difference
    between correlated proportions or percentages", Psychometrika 12 (1947).
    """
    tosses = lost + gained
    one_side = sum(math.comb(tosses, few) for few in range(min(lost, gained) + 1)) / 2**tosses
    return min(1.0, 2 * one_side)
