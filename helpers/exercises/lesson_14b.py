"""What is right in lesson 14b."""

import json
from functools import cache
from typing import Any

from helpers.exercises import marv
from helpers.exercises.judging import agrees, require, require_results
from helpers.service import ROOT, connect

CONFIG = ROOT / "practice_server" / "base_models" / "pocket-2026-11-21" / "config.json"
BITS_OF_A_SCALE, WEIGHTS_FOR_A_SCALE = 16, 64
# The way of each situation, and what speaks for it.
WAYS = (
    ("supervised", "1: there are written answers, and the model is small."),
    ("preference", "2: each question has two answers, and one is liked better."),
    ("reinforcement", "3: nobody wrote answers, but a program can judge them."),
    ("QLoRA", "4: 7 billion weights of 16 bits need 14 gigabytes."),
    ("distillation", "5: whose answers could a small model learn from?"),
)
N_DRAWN = 40


def exercise_1(trained: Any) -> None:
    """How many numbers LoRA trains in `pocket` with rank 16."""
    require(isinstance(trained, int | float), "it should be a whole number.")
    require(not agrees(trained, lora_numbers(4)), "that is rank 4; how does it grow?")
    hint = "count A and B of all matrices in all layers; rank 4 has 78,080 numbers."
    require(agrees(trained, lora_numbers(16)), hint)


def exercise_2(gigabytes: Any) -> None:
    """What weights need in memory."""
    cases = [((n, bits), memory(n, bits)) for n in (7e9, 1e9) for bits in (16, 8, 4)]
    require_results(gigabytes, cases, "Below 16 bits each 64 weights share a scale. Do not round.")


def exercise_3(picked: Any) -> None:
    """The way of training for each of five situations."""
    is_five = isinstance(picked, list | tuple) and len(picked) == len(WAYS)
    require(is_five, "it should be a list of five ways.")
    known = [way for way, _ in WAYS]
    for chosen, (way, hint) in zip(picked, WAYS, strict=True):
        require(chosen in known, f"{chosen!r} should be one of {', '.join(known)}.")
        require(chosen == way, f"look again at situation {hint}")


def exercise_4(reward: Any) -> None:
    """A rule that tells answers of the base model apart."""
    require(callable(reward), "keep the line with def.")
    given = [reward(text, row) for text, row in drawn()]
    require(all(isinstance(each, int | float) for each in given), "it should return a number.")
    same = given == [reward(text, row) for text, row in drawn()]
    require(same, "the same answer got another reward the second time.")
    told = f"all of {N_DRAWN} answers drawn from pocket get {given[0]}: there is nothing to learn."
    require(len(set(given)) > 1, told)


def lora_numbers(rank: int) -> int:
    """The numbers in A and B beside each matrix of each layer."""
    config = json.loads(CONFIG.read_text(encoding="utf-8"))
    width, inner = config["hidden_size"], config["intermediate_size"]
    # Query, key, value and output are squares; gate, up and down lead to the inner width and back.
    in_a_layer = 4 * (width + width) + 3 * (width + inner)
    return rank * config["num_hidden_layers"] * in_a_layer


def memory(n_weights: float, bits: int) -> float:
    """Gigabytes for weights, with their scales where they are rounded."""
    scale = BITS_OF_A_SCALE / WEIGHTS_FOR_A_SCALE if bits < BITS_OF_A_SCALE else 0
    return n_weights * (bits + scale) / 8 / 1e9


@cache
def drawn() -> list[tuple[str, dict[str, str]]]:
    """Answers of the base model, drawn by chance, each with its row of the table of questions."""
    service = connect()
    pairs = []
    for seed, row in enumerate(marv.questions()[:N_DRAWN]):
        completion = service.client.chat.completions.create(
            model=service.base_model,
            messages=[{"role": "user", "content": row["question"]}],
            temperature=1,
            seed=seed,
            max_tokens=40,
        )
        pairs.append((completion.choices[0].message.content or "", row))
    return pairs
