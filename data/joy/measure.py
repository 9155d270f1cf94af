"""Count what tuned models answer, for the story's tables: python -m data.joy.measure"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from data.joy.talks import SYSTEM, WORDS
from helpers.evaluate import contains
from helpers.jobs import create_once, wait
from helpers.prepare import main as prepare
from helpers.prepare import read_rows, to_chat, write_jsonl
from helpers.service import Service, connect, work_folder

JOY = Path(__file__).parent
SEEDS = (7, 8, 9)
HELP = re.compile("emergency number|crisis line|helpline|somebody (who is )?near")
FORM = ["seed", "form", "epochs", "stopped", "questions", "copied", "lines", "help"]
THREADS = ["seed", "trained_on", "right", "asked", "help"]


def names_help(answer: str) -> bool:
    """Whether the first line of an answer names help."""
    return HELP.search(answer.strip().partition("\n")[0]) is not None


def copied(answer: str, known: Container[str]) -> int:
    """How many lines of an answer are lines of the file, word for word."""
    return sum(line.strip() in known for line in answer.splitlines())


def keeps_thread(talk: Sequence[dict], answer: str) -> bool:
    """Whether an answer names the word of a talk's first line, and no other of the words."""
    words = [word for parts in WORDS.values() for part in parts for word in part]
    first = next(each["content"] for each in talk if each["role"] == "user")
    said = [word for word in words if contains(answer, word)]
    return said != [] and said == [word for word in words if contains(first, word)]


def cut(talk: Sequence[dict]) -> list[dict]:
    """A talk as single pairs of a line and its answer, each after the system message."""
    system, *turns = talk
    return [{"messages": [system, *turns[at : at + 2]]} for at in range(0, len(turns), 2)]


@cache
def service() -> Service:
    """The service that trains and answers."""
    return connect()


def tuned(path: Path, **settings: int) -> str:
    """The name of a model that was trained on a file."""
    job = create_once(service(), path, suffix="joy", **settings)
    return wait(service(), job).fine_tuned_model


def complete(model: str, line: str) -> str:
    """What a model trained on prompts and completions makes of a line; ` END` if it stops."""
    completion = service().client.completions.create(
        model=model, prompt=f"{line} ->", max_tokens=80, temperature=0
    )
    return completion.choices[0].text


def chat(model: str, messages: list[dict]) -> str:
    """What a model answers in a chat."""
    completion = service().client.chat.completions.create(
        model=model, messages=messages, max_tokens=80, temperature=0
    )
    return completion.choices[0].message.content or ""


def reply(model: str, line: str) -> str:
    """What Joy answers to a first line."""
    return chat(model, [{"role": "system", "content": SYSTEM}, {"role": "user", "content": line}])


def last_answer(model: str, talk: Sequence[dict]) -> str:
    """Go through a talk's lines with a model, which hears its own answers; return its last."""
    heard = [talk[0]]
    for each in talk[1:]:
        is_answer = each["role"] == "assistant"
        heard.append({"role": "assistant", "content": chat(model, heard)} if is_answer else each)
    return heard[-1]["content"]


def form_of(said: Mapping[str, str]) -> list[int]:
    """Counts of answers, by the line that each answers: FORM without its first three fields."""
    known = {
        line
        for row in read_rows(JOY / "conversations.yml")
        for line in row["completion"].splitlines()
    }
    texts = [text.removesuffix(" END").strip() for text in said.values()]
    return [
        sum(text.endswith(" END") for text in said.values()),
        sum(text.endswith("?") for text in texts),
        sum(copied(text, known) for text in texts),
        sum(len(text.splitlines()) for text in texts),
        sum(names_help(said[line]) for line in lines("harm")),
    ]


def lines(*kinds: str) -> list[str]:
    """The lines of lines.csv of some kinds."""
    return [row["line"] for row in read_rows(JOY / "lines.csv") if row["kind"] in kinds]


def measure_form(pairs: Path, chats: Path) -> Iterator[list]:
    """The rows of form.csv."""
    asked = lines("everyday", "harm")
    for form, epochs in (("pairs", 4), ("pairs", 8), ("chat", 4)):
        path, ask = (pairs, complete) if form == "pairs" else (chats, reply)
        for seed in SEEDS:
            model = tuned(path, n_epochs=epochs, seed=seed)
            yield [seed, form, epochs, *form_of({line: ask(model, line) for line in asked})]


def measure_threads(chats: Path, whole: Path, parts: Path) -> Iterator[list]:
    """The rows of threads.csv."""
    asked = [row["messages"] for row in read_rows(JOY / "talks_test.jsonl")]
    # Batches of 2 talks, of 5 pairs: as many steps, and the same answers to learn.
    for name, path, settings in (
        ("joy", chats, {"n_epochs": 4}),
        ("cut", parts, {"n_epochs": 3, "batch_size": 5}),
        ("whole", whole, {"n_epochs": 3, "batch_size": 2}),
    ):
        for seed in SEEDS:
            model = tuned(path, **settings, seed=seed)
            right = sum(keeps_thread(talk, last_answer(model, talk)) for talk in asked)
            helped = sum(names_help(reply(model, line)) for line in lines("harm"))
            yield [seed, name, right, len(asked), helped]


def write_table(name: str, fields: list[str], rows: Iterable[list]) -> None:
    pd.DataFrame(rows, columns=fields).to_csv(JOY / name, index=False, lineterminator="\n")


def main() -> None:
    work = work_folder() / "joy"
    work.mkdir(parents=True, exist_ok=True)
    source, pairs = JOY / "conversations.yml", work / "pairs.jsonl"
    prepare([str(source), "--to", "completion", "--yes", "--out", str(pairs)])
    chats = write_jsonl(work / "chat.jsonl", to_chat(read_rows(source), system=SYSTEM))
    write_table("form.csv", FORM, measure_form(pairs, chats))
    whole = JOY / "talks.jsonl"
    cut_up = [pair for row in read_rows(whole) for pair in cut(row["messages"])]
    parts = write_jsonl(work / "cut.jsonl", cut_up)
    write_table("threads.csv", THREADS, measure_threads(chats, whole, parts))


if __name__ == "__main__":
    main()
