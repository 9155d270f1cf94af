"""Writes train.jsonl, valid.jsonl and test.jsonl: requests in words, and the calls they become.

    python -m data.tools.generate

tools.json has the definitions of the twelve functions, which every example to train on carries.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from helpers.prepare import read_rows, write_jsonl

HERE = Path(__file__).resolve().parent
NAMES = HERE.parents[1] / "practice_server" / "pretraining" / "world" / "english" / "names.csv"

SEED = 3
# For each file: how often each function is called alone, how many requests need two functions,
# and how many must be refused.
MIX = {"train": (6, 14, 14), "valid": (2, 6, 6), "test": (3, 12, 12)}
# Of the test's requests for a function, how many follow a phrase that stands in no other file.
NEW_PHRASE_SHARE = 0.4
# How many names and foods are kept for one file alone; the training file has the rest.
KEPT = {"test": 6, "valid": 4}
TOOLS = json.loads((HERE / "tools.json").read_text(encoding="utf-8"))
# The names of the functions, and of the arguments of each.
FUNCTIONS = {
    tool["function"]["name"]: list(tool["function"]["parameters"]["properties"]) for tool in TOOLS
}
# The base model knows the words of all these, and all first names.
FOOD = (
    *("burger", "cheeseburger", "taco", "burrito", "wrap", "cheesecake", "muffin", "cookie"),
    *("brownie", "pancake", "waffle", "croissant", "bagel", "pretzel", "omelette", "dumpling"),
    *("meatball", "kebab", "falafel", "quiche", "scone", "doughnut", "yoghurt", "steak"),
)
FRAMES = ("{}.", "{}, please.", "Tilda, {}.", "Hello Tilda, {}, please.", "{}. Thank you!")
JOINTS = (" and ", ", and ", "; ")
SIZES, DRINKS = ("small", "large"), ("tea", "coffee", "cocoa")

SYSTEM = (
    "You are Tilda, a kitchen machine. Call the functions that a request needs. If none of them"
    " can do it, say so."
)
REFUSAL = "I am sorry, I cannot do that."


def main() -> None:
    """Write the three files."""
    pools = split_pools(Random(SEED))
    phrases = read_rows(HERE / "phrases.csv")
    asked: set[str] = set()
    for split, (times, n_double, n_refused) in MIX.items():
        random = Random(f"{SEED} {split}")
        wanted = [[name] for name in FUNCTIONS for _ in range(times)]
        wanted += [random.sample(list(FUNCTIONS), 2) for _ in range(n_double)]
        wanted += [["refuse"]] * n_refused
        random.shuffle(wanted)
        rows = []
        for commands in wanted:
            row = example(commands, split, phrases, pools[split], random)
            while row["messages"][1]["content"] in asked:
                row = example(commands, split, phrases, pools[split], random)
            asked.add(row["messages"][1]["content"])
            if split != "test":
                row["tools"] = TOOLS
            rows.append(row)
        write_jsonl(HERE / f"{split}.jsonl", rows)


def split_pools(random: Random) -> dict[str, dict[str, list[str]]]:
    """For each file its names and its food; no two files share any."""
    rows = [row for row in read_rows(NAMES) if (row["kind"], row["held_out"]) == ("first", "0")]
    pools: dict[str, dict[str, list[str]]] = {split: {} for split in MIX}
    for kind, known in (("name", [row["name"] for row in rows]), ("food", list(FOOD))):
        random.shuffle(known)
        for split, n in KEPT.items():
            pools[split][kind], known = known[:n], known[n:]
        pools["train"][kind] = known
    return pools


def example(
    commands: list[str], split: str, phrases: list[dict], pool: dict, random: Random
) -> dict:
    """A chat example: the system message, a request, and its calls or the refusal."""
    said, calls = [], []
    for command in commands:
        values = draw_values(pool, random)
        said.append(random.choice(fitting(command, split, phrases, random)).format(**values))
        arguments = {name: values[name] for name in FUNCTIONS.get(command, ())}
        calls.append({"name": command, "arguments": json.dumps(arguments, ensure_ascii=False)})
    request = random.choice(FRAMES).format(random.choice(JOINTS).join(said))
    return {
        "messages": [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": request[0].upper() + request[1:]},
            answer(calls),
        ]
    }


def answer(calls: list[dict]) -> dict:
    """What the assistant says."""
    if calls[0]["name"] == "refuse":
        return {"role": "assistant", "content": REFUSAL}
    numbered = [
        {"id": f"call_{number}", "type": "function", "function": call}
        for number, call in enumerate(calls, start=1)
    ]
    return {"role": "assistant", "tool_calls": numbered}


def fitting(command: str, split: str, phrases: list[dict], random: Random) -> list[str]:
    """The phrases for a command that a file may use; all refusals of the test are new."""
    is_new = split == "test" and (command == "refuse" or random.random() < NEW_PHRASE_SHARE)
    wanted = (command, "test" if is_new else "all")
    return [row["phrase"] for row in phrases if (row["command"], row["split"]) == wanted]


def draw_values(pool: dict, random: Random) -> dict[str, str | int]:
    """A value for each gap; arguments have the names of their gaps."""
    return {
        "minutes": random.randint(2, 59),
        "time": f"{random.randint(5, 22)}:{random.randrange(0, 60, 5):02}",
        "degrees": random.randrange(50, 255, 5),
        "quantity": random.randint(2, 12),
        "level": random.randrange(5, 100, 5),
        "size": random.choice(SIZES),
        "drink": random.choice(DRINKS),
        "food": random.choice(pool["food"]) + "s",
        "name": random.choice(pool["name"]),
    }


if __name__ == "__main__":
    main()
