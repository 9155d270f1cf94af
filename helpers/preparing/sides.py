"""How people call the two sides of an example: in columns, before turns, as roles."""

import re
from collections.abc import Sequence

# Where a table has several of them, the first is taken.
_USUAL = {
    "prompt": "prompt question instruction input query ask user human customer client frage kunde "
    "pregunta cliente pergunta domanda pytanie soru вопрос клиент 问题 提问 问 客户 質問 질문",
    "completion": "completion answer response output reply assistant agent bot gpt chatgpt model "
    "support antwort respuesta réponse reponse resposta risposta odpowiedź cevap ответ "
    "回答 答案 答复 回复 答 客服 답변",
}
USUAL = {side: names.split() for side, names in _USUAL.items()}
# These mean a side only where nothing better is there.
WEAK = {
    "prompt": ["title", "subject", "message", "text", "q"],
    "completion": ["body", "label", "a"],
}
# "Customer message" holds a usual name as a word.
WITHIN = {
    side: re.compile(rf"(?<![a-z])({'|'.join(names)})s?(?![a-z])") for side, names in USUAL.items()
}


def side_of(name: str) -> str | None:
    """Return "prompt" or "completion", the side that `name` usually means; None if neither."""
    plain = name.strip().casefold()
    return next((side for side in USUAL if plain in USUAL[side] + WEAK[side]), None)


def usual(side: str, names: Sequence[str]) -> str | None:
    """Return the name that most usually means `side`; of several that hold such a word, the first.

    A name that holds words of both sides means neither: "Answer to customer".
    """
    plain = {name: name.strip().casefold() for name in names}
    within = [
        name for name in names if [s for s in WITHIN if WITHIN[s].search(plain[name])] == [side]
    ]
    exact, weak = (
        [name for word in words for name in names if plain[name] == word]
        for words in (USUAL[side], WEAK[side])
    )
    return next(iter([*exact, *within, *weak]), None)
