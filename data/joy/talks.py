"""Write talks whose last answer needs a word of the first line: python -m data.joy.talks

`talks.jsonl` is for training, `talks_test.jsonl` has words that no talk for training has.
"""

from pathlib import Path
from random import Random

from helpers.prepare import write_jsonl

SYSTEM = "You are Joy, a kind companion. You listen, and you ask."
# What a talk is about: words for training, and words held out.
WORDS = {
    "person": (
        ["sister", "best friend", "father", "neighbour", "son", "boss", "grandmother", "aunt"],
        ["brother", "mother", "daughter", "grandfather", "uncle", "cousin", "flatmate"],
    ),
    "pet": (["dog", "rabbit", "parrot", "puppy"], ["cat", "horse", "hamster", "goldfish"]),
    "event": (
        ["exam", "concert", "race", "speech", "meeting"],
        ["interview", "match", "driving test", "maths test"],
    ),
}
OPENED = {
    "person": [
        "My {word} does not talk to me any more.",
        "I had a quarrel with my {word}.",
        "My {word} moved far away.",
    ],
    "pet": ["My {word} is very ill.", "I miss my {word} so much.", "My {word} ran away."],
    "event": [
        "I am nervous about the {word} tomorrow.",
        "I failed the {word} again.",
        "I cannot sleep because of the {word}.",
    ],
}
TAKEN_UP = [
    "That is hard. I am listening.",
    "I am sorry to hear that. Tell me more.",
    "Thank you for telling me. How long has it been so?",
]
BETWEEN = [
    ("I slept badly.", "Then be gentle with yourself today."),
    ("It is raining here, too.", "A warm drink may help a little."),
    ("Nobody else knows.", "You may say it here, as slowly as you like."),
]
WENT_ON = ["What shall I do?", "I do not know what to do now.", "Can you help me?"]
ASKED = {
    "person": [
        "What would you most like to say to your {word}?",
        "You could write a few lines to your {word}. How would you begin?",
    ],
    "pet": [
        "What do you love most about your {word}?",
        "Who else knows your {word} well, and could be with you?",
    ],
    "event": [
        "Which part of the {word} worries you most?",
        "Who could sit with you and talk about the {word}?",
    ],
}


def talk(random: Random, kind: str, word: str) -> dict:
    """A talk of two or three turns, as a chat example."""
    turns = [(random.choice(OPENED[kind]), random.choice(TAKEN_UP))]
    if random.random() < 0.5:
        turns.append(random.choice(BETWEEN))
    turns.append((random.choice(WENT_ON), random.choice(ASKED[kind])))
    messages = [{"role": "system", "content": SYSTEM}]
    for said, answer in turns:
        messages.append({"role": "user", "content": said.format(word=word)})
        messages.append({"role": "assistant", "content": answer.format(word=word)})
    return {"messages": messages}


def main() -> None:
    random = Random(22)
    folder = Path(__file__).parent
    for part, name in enumerate(("talks.jsonl", "talks_test.jsonl")):
        words = [(kind, word) for kind, parts in WORDS.items() for word in parts[part]]
        talks = [talk(random, *each) for each in words * (3, 2)[part]]
        random.shuffle(talks)
        write_jsonl(folder / name, talks)


if __name__ == "__main__":
    main()
