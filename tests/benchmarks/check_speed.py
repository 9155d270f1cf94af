"""How fast the checker is, against a plain loop with the rules of OpenAI's cookbook.

    python tests/benchmarks/check_speed.py [EXAMPLES]

Writes a file of 200,000 chats and goes through it four ways, each in a process of its own, in
turns: the loop (json.loads and seven rules), `check_file`; the loop with one tiktoken encode a
message, `check_file` with a model. Prints the best time and the peak memory of each, ratios of
times, and how much more memory `check_file` holds than on a file a tenth as long. The clock
starts when all is imported and the vocabulary is loaded.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from peak_memory import peak_memory

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

ROUNDS = 3
MODEL = "gpt-4o-mini"
SYSTEM = (
    "You are the assistant of Blue Heron, a shop for tools, garden furniture and bicycles. Answer "
    "kindly and in at most four sentences. Ask for the order number when it is missing, never "
    "promise a date that you do not know, and name a person to call when money is concerned."
)
WORDS = re.findall(
    r"\w+",
    "the order chair table bicycle lamp saw drill bench garden green red delivery morning evening "
    "parcel box screw handle wheel came broken missing late yesterday week could please tell when "
    "will it arrive would like return refund change address colour size larger smaller because "
    "does not fit my old one is still working but makes noise every time start shop opens closed "
    "thank you very much kind regards receipt warranty repair spare part battery charger cable "
    "manual assembly instructions photograph neighbour office door",
)
SYLLABLES = ("ba", "ke", "lo", "mi", "tu", "ran", "sel", "vor", "nick", "hau", "tem", "pla")
ROLES = ("system", "user", "assistant", "function")
KEYS = ("role", "content", "name", "function_call", "weight")


def chats(n: int) -> Iterator[dict]:
    """Yield `n` chats: the same system message, one to three questions and answers."""
    draw = random.Random(1)
    for _ in range(n):
        messages = [{"role": "system", "content": SYSTEM}]
        for _ in range(draw.choice((1, 1, 1, 1, 2, 3))):
            messages.append({"role": "user", "content": text(draw, 1, 2)})
            messages.append({"role": "assistant", "content": text(draw, 1, 3)})
        yield {"messages": messages}


def text(draw: random.Random, fewest: int, most: int) -> str:
    """Return some sentences, now and then with a rare word, a number, an accent, a line end."""
    sentences = (sentence(draw) for _ in range(draw.randint(fewest, most)))
    return draw.choice((" ", " ", "\n")).join(sentences)


def sentence(draw: random.Random) -> str:
    words = [
        draw.choice(WORDS) if draw.random() > 0.04 else "".join(draw.choices(SYLLABLES, k=3))
        for _ in range(draw.randint(6, 14))
    ]
    if draw.random() < 0.15:
        words.insert(3, str(draw.randint(1, 2000)))
    if draw.random() < 0.05:
        words.insert(3, "café")
    return " ".join(words).capitalize() + draw.choice("..?")


def cookbook(path: str) -> Iterator[dict]:
    """Go through a file as the cookbook's checker does, and yield its examples.

    Seven rules: an example is an object, has messages; a message has role and content, no
    unknown keys, a known role, a text or a call; one message is the assistant's.
    """
    faults: Counter[str] = Counter()
    with open(path, encoding="utf-8") as file:
        for line in file:
            example = json.loads(line)
            if not isinstance(example, dict):
                faults["data type"] += 1
                continue
            messages = example.get("messages")
            if not messages:
                faults["no messages"] += 1
                continue
            for message in messages:
                if "role" not in message or "content" not in message:
                    faults["missing key"] += 1
                if any(key not in KEYS for key in message):
                    faults["unrecognised key"] += 1
                if message.get("role") not in ROLES:
                    faults["unrecognised role"] += 1
                content, call = message.get("content"), message.get("function_call")
                if (not content and not call) or not isinstance(content, str):
                    faults["missing content"] += 1
            if not any(message.get("role") == "assistant" for message in messages):
                faults["no assistant"] += 1
            yield example
    assert not faults


def loop(path: str) -> None:
    for _ in cookbook(path):
        pass


def loop_and_tokens(path: str) -> None:
    from helpers.tokens import _encoding

    vocabulary = _encoding("o200k_base")
    total = 0
    for example in cookbook(path):
        total += sum(len(vocabulary.encode(one["content"])) for one in example["messages"])


def check(path: str, model: str | None = None) -> None:
    from helpers.check import check_file

    assert not check_file(path, model=model).findings


def check_and_tokens(path: str) -> None:
    check(path, MODEL)


WAYS = {way.__name__: way for way in (loop, check, loop_and_tokens, check_and_tokens)}


def go(way: str, *paths: Path) -> tuple[float, float, float]:
    """Go through the last file in a process of its own.

    Returns seconds by the clock, seconds of processors, and peak memory in megabytes.
    """
    command = [sys.executable, __file__, "--way", way, *paths]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, processor_seconds, memory = map(float, done.stdout.split())
    return seconds, processor_seconds, memory


def measure(n: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        few, tenth, all_ = (Path(folder, f"{number}.jsonl") for number in (100, n // 10, n))
        for path in (few, tenth, all_):
            with open(path, "w", encoding="utf-8", newline="\n") as out:
                for one in chats(int(path.stem)):
                    out.write(json.dumps(one, ensure_ascii=False) + "\n")
        print(f"{n:,} examples, {all_.stat().st_size / 2**20:.0f} MB, {os.cpu_count()} cores")
        results = [{way: go(way, few, all_) for way in WAYS} for _ in range(ROUNDS)]
        best = {way: min(result[way] for result in results) for way in WAYS}
        for way, (seconds, processor_seconds, memory) in best.items():
            print(f"{way:17} {seconds:6.2f} s  (processors {processor_seconds:6.2f} s)  "
                  f"{memory:5.0f} MB")  # fmt: skip
        for ours, plain in (("check", "loop"), ("check_and_tokens", "loop_and_tokens")):
            print(f"{ours} is {best[plain][0] / best[ours][0]:.2f} times as fast as {plain}")
            more = best[ours][2] - go(ours, few, tenth)[2]
            print(f"{ours} holds {more:.0f} MB more than on a tenth of the file")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("examples", nargs="?", type=int, default=200_000)
    parser.add_argument("--way", nargs=3, metavar=("WAY", "FEW", "FILE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.way:
        measure(args.examples)
        return
    way, few, path = args.way
    WAYS[way](few)  # imports, and loads what is loaded once
    start, processor_start = time.perf_counter(), time.process_time()
    WAYS[way](path)
    seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor_start
    print(seconds, processor_seconds, peak_memory())


if __name__ == "__main__":
    main()
