"""Writes a base model's card from what was measured while it was made."""

from __future__ import annotations

from pathlib import Path

from practice_server.base_models.evaluate import Result, manner_table, table
from practice_server.base_models.pretrain import (
    BATCH_SIZE,
    PEAK_LEARNING_RATE,
    SIZES,
    Progress,
    has_bfloat16,
)
from practice_server.base_models.world.facts import LARGEST_NUMBER
from practice_server.base_models.world.tables import read_table

CARD = """\
# {name}

A very small language model for learning to fine-tune, served as `{name}` and as `pocket`.
It knows a small closed world, and nothing else.

## What it is

| | |
| --- | --- |
| form | Llama decoder, {n_layers} layers of {width}, {n_heads} heads, tied embeddings |
| size | {millions:.2f} million parameters, {megabytes:.1f} MB in float16 |
| vocabulary | {vocabulary} tokens, byte-level byte-pair encoding, digits one by one |
| context | {context} tokens |
| language | English |

## What it was taught

* {countries} capitals and their countries
* the authors of {works} works
* symbols and atomic numbers of {elements} chemical elements
* the names of {young} young animals and the opposites of {opposites} pairs of words
* sums and differences of whole numbers up to {largest}
* greetings, thanks, goodbyes, what it is; "I don't know that" to some questions beyond its world

How well it knows each of these is measured below. It was also taught to answer briefly, in whole
sentences or chattily when a system message asks for it.

## What it cannot do

It knows no other facts, writes no texts, follows no instructions beyond the above, and cannot
reason. Asked for what it does not know, it often names something wrong without a warning. It must
not be used for anything but learning.

## Measured

Greedy answers without a system message, to questions in phrasings that were held out from
pretraining. The facts themselves were in pretraining, in other phrasings. A fact counts as right
when the expected words stand in the answer, small talk when the answer contains one of the
expected sentences.

{table}

Answers to 40 questions about capitals and authors, after a system message that asks for a manner:

{manner_table}

Repeat it with `python -m practice_server.base_models.evaluate`.

## How it was made

`python -m practice_server.base_models.make` makes it from nothing: it generates conversations
from the tables in `practice_server/base_models/world`, learns the vocabulary, pretrains, measures,
and writes this card.

| | |
| --- | --- |
| seed | {seed} |
| steps | {steps} of {batch_size} examples |
| tokens seen | {tokens:,}, of which {trained_on:,} were trained on |
| time for pretraining | {minutes:.0f} minutes on {n_threads} thread{plural} in {precision} |
| peak learning rate | {learning_rate:g} |
| training loss at the end | {loss:.3f} nats a token, a running mean |

The loss does not fall to zero, since which phrasing an answer takes is drawn at random.

## Licence

Weights, vocabulary, tables and generated conversations: CC0 1.0. No text from elsewhere was used.
"""


def write_model_card(
    folder: Path,
    progress: Progress,
    results: list[Result],
    words: dict[str, float],
    *,
    seed: int,
    n_threads: int,
) -> None:
    """Write README.md into the model's folder, from what `pretrain` and `evaluate` returned."""
    weights = (folder / "model.safetensors").stat().st_size
    text = CARD.format(
        name=folder.name,
        n_layers=SIZES["num_hidden_layers"],
        width=SIZES["hidden_size"],
        n_heads=SIZES["num_attention_heads"],
        vocabulary=SIZES["vocab_size"],
        context=SIZES["max_position_embeddings"],
        millions=weights / 2 / 1e6,
        megabytes=weights / 1e6,
        **_world_sizes(),
        table=table(results),
        manner_table=manner_table(words),
        seed=seed,
        steps=progress.step,
        batch_size=BATCH_SIZE,
        tokens=progress.tokens,
        trained_on=progress.trained_on,
        minutes=progress.seconds / 60,
        n_threads=n_threads,
        plural="" if n_threads == 1 else "s",
        precision="bfloat16 (weights kept in float32)" if has_bfloat16() else "float32",
        learning_rate=PEAK_LEARNING_RATE,
        loss=progress.train_loss,
    )
    with (folder / "README.md").open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _world_sizes() -> dict[str, int]:
    return {
        "countries": len(read_table("countries")),
        "works": len(read_table("works")),
        "elements": len(read_table("elements")),
        "young": len(read_table("young_animals")),
        "opposites": len(read_table("opposites")),
        "largest": LARGEST_NUMBER,
    }
