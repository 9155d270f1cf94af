"""How people call the two sides of an example: in columns, before turns, as roles."""

import re
from collections.abc import Sequence

# Where a table has several of them, the first is taken.
_TEXTS = {
    "prompt": "prompt question instruction input query ask frage pregunta pergunta domanda "
    "pytanie soru вопрос 问题 提问 問題 質問 질문",
    "completion": "completion answer response output reply antwort respuesta réponse reponse "
    "resposta risposta odpowiedź cevap ответ 回答 答案 答复 回复 답변",
}
# In a table these may also be names of people; these of texts only where nothing better is there.
_PEOPLE = {
    "prompt": "user human customer client kunde cliente клиент 客户",
    "completion": "assistant agent bot gpt chatgpt model support 客服",
}
_WEAK = {"prompt": "title subject message text q 问", "completion": "body label a 答"}
USUAL, PEOPLE, WEAK = (
    {side: names.split() for side, names in each.items()} for each in (_TEXTS, _PEOPLE, _WEAK)
)
# "Customer message" holds a usual name as a word.
WITHIN = {
    side: re.compile(rf"(?<![a-z])({'|'.join(USUAL[side] + PEOPLE[side])})s?(?![a-z])")
    for side in USUAL
}


def side_of(name: str) -> str | None:
    """Return "prompt" or "completion", the side that `name` usually means; None if neither."""
    plain = name.strip().casefold()
    return next((side for side in USUAL if plain in USUAL[side] + PEOPLE[side] + WEAK[side]), None)


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
