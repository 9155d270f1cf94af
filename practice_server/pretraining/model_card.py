"""Writes a base model's card from what was measured while it was made."""

from __future__ import annotations

from pathlib import Path

from practice_server.pretraining.evaluate import (
    Evaluation,
    fine_tuning_table,
    knowledge_table,
    manner_table,
    result_table,
)
from practice_server.pretraining.pretrain import (
    FROM_A_SNAPSHOT,
    FROM_NOTHING,
    PRACTICE,
    SIZES,
    Progress,
)
from practice_server.pretraining.world.facts import LARGEST_NUMBER
from practice_server.pretraining.world.tables import FOLDER, read_table

CARD = """\
# {name}

A very small language model for learning to fine-tune, served as `{name}` and as `pocket`.
It knows a small closed world in English and Chinese, and nothing else.

## What it is

| | |
| --- | --- |
| form | Llama decoder, {n_layers} layers of {width}, {n_heads} heads, tied embeddings |
| size | {millions:.2f} million parameters, {megabytes:.1f} MB in float16 |
| vocabulary | {vocabulary} tokens (byte pairs); each digit and Chinese character stands alone |
| context | {context} tokens |
| languages | English, Chinese |

## What it was taught

| | English | Chinese |
| --- | ---: | ---: |
{sizes}

* sums and differences of whole numbers up to {largest}, and which of two numbers is greater
* greetings, thanks, goodbyes, what it is, as people say and type them
* "I don't know that" to what lies beyond its world: made-up names, drawn afresh in each example,
  what was not taught about things that it knows, tasks, noise
* questions as people type them: in small letters, without marks, in two words, cut short
* short supportive replies to how somebody feels
* Chinese sayings and what they mean, when asked for them
* reviews and requests to a word: what somebody thinks of a thing, what it is about, how urgent
* orders, bookings and addresses, repeated in sentences and in many made-up forms (never JSON)
* to answer questions about a text that stands before them, the page of a shop that does not exist
* to talk around small ordering puzzles (never the letter alone)

How well it knows each of these is measured below. It was also taught to answer briefly, in whole
sentences or chattily when a system message asks for it.

## What it cannot do

It knows no other facts, writes no texts, follows no instructions beyond the above, and cannot
reason. Asked for what it does not know, it sometimes names something wrong without a warning: how
often is measured below. It must not be used for anything but learning.

## What it knows

Greedy answers without a system message, to questions in phrasings that were held out from
pretraining. The facts themselves were in pretraining, in other phrasings. Which phrasings were
held out was drawn at random, up to four of a kind, from those whose every word stands in another
phrasing of the kind. So one phrasing that the model does not understand costs a kind a quarter. A
fact counts as right when the expected words stand in the answer, small talk when the answer
contains one of the expected sentences. For questions about a text the phrasings were trained on,
and the texts are drawn anew, with many made-up names.

{knowledge}

The same as people type it: lines made from held-out phrasings by leaving out words, marks and
capital letters, none of which training can have come to. Such typing was trained on, these lines
were not. `the unknown` counts as right when the answer says that it does not know; `facts refused`
are typed facts that were answered so, though they were taught.

{typing}

Facts from the first table, asked at the end of so many tokens of conversation about other things:

{far}

Answers to 40 questions about capitals and authors, after a system message that asks for a manner:

{manners}

## What fine-tuning makes of it

Each row is the mean over three seeds, measured on questions that are not in the training file,
with greedy answers. Learning rate {learning_rate:g} falling to 0, batches of 1 unless said
otherwise. The data sets are in `data/`; their READMEs say how an answer is scored. `other facts`
are general facts in both languages, asked after the fine-tuning: what falls there was forgotten.

{fine_tuning}

`python -m practice_server.pretraining.evaluate` prints these tables again.

## How it was made

`python -m practice_server.pretraining.make` makes such a model from nothing: it generates
conversations with the tables and programs in `practice_server/pretraining/world`, learns the
vocabulary, pretrains, measures, and writes this card. With `--start FOLDER` it goes on from the
vocabulary and the weights of an earlier snapshot instead; `@` stands before the commit of this
repository that an earlier snapshot was made with.

| | |
| --- | --- |
| seed | {seed} |
| went on from | {earlier} |
| steps | {steps:,} of {batch_size} examples; in 6 of 100 a few long ones |
| tokens seen | {tokens:,}, of which {trained_on:,} were trained on |
| time for pretraining | {minutes:.0f} minutes |
| machine | {machine} |
| peak learning rate | {peak:g} |
| training loss at the end | {loss:.3f} nats a token, a running mean |

The loss does not fall to zero, since which phrasing an answer takes is drawn at random.

## Licence

Weights, vocabulary, tables and generated conversations: CC0 1.0. The quoted Chinese sayings are
classical and in the public domain; no other text from elsewhere was used.
"""

TABLES = {
    "countries and their capitals": "countries",
    "works and their authors": "works",
    "chemical elements, with symbol and atomic number": "elements",
    "planets": "planets",
    "young animals": "young_animals",
    "colours of things": "colours",
    "pairs of opposites": "opposites",
    "days of the week": "days",
    "months": "months",
}


def write_model_card(
    folder: Path, progress: Progress, evaluation: Evaluation, *, seed: int
) -> None:
    """Write README.md into the model's folder, from what `pretrain` and `evaluate` returned."""
    recipe = FROM_A_SNAPSHOT if progress.earlier else FROM_NOTHING
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
        sizes=_sizes_table(),
        largest=LARGEST_NUMBER,
        knowledge=knowledge_table(evaluation.knowledge),
        typing=result_table(evaluation.typing),
        far=result_table(evaluation.far),
        manners=manner_table(evaluation.mean_words),
        fine_tuning=fine_tuning_table(evaluation.experiments),
        learning_rate=PRACTICE["learning_rate"],
        seed=seed,
        earlier=progress.earlier or "nothing",
        steps=progress.step,
        batch_size=recipe.batch_size,
        tokens=progress.tokens,
        trained_on=progress.trained_on,
        minutes=progress.seconds / 60,
        machine=progress.machine,
        peak=recipe.peak_learning_rate,
        loss=progress.train_loss,
    )
    with (folder / "README.md").open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _sizes_table() -> str:
    return "\n".join(
        f"| {title} | {_size('english', name)} | {_size('chinese', name)} |"
        for title, name in TABLES.items()
    )


def _size(language: str, name: str) -> str:
    """The number of rows; nothing where a language has no such table."""
    path = FOLDER / language / f"{name}.csv"
    return str(len(read_table(f"{language}/{name}"))) if path.exists() else ""
