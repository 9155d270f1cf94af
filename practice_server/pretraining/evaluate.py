"""Measures a base model: what it knows, and what fine-tuning makes of it.

Run it with: python -m practice_server.pretraining.evaluate [FOLDER]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean

from tqdm import tqdm

from practice_server.machine.children import THREAD_VARIABLES
from practice_server.machine.limits import usable_processors
from practice_server.pretraining.fine_tunings import (
    Measured,
    daoyan,
    labels,
    lsat,
    marv,
    orders,
    preferences,
)
from practice_server.pretraining.knowledge import (
    MOODS,
    READING,
    SAYINGS,
    SMALL_TALK,
    Result,
    far_into_a_conversation,
    knowledge,
    mean_words,
    typing,
)
from practice_server.pretraining.world.facts import NUMBER_KINDS
from practice_server.pretraining.world.tables import LANGUAGES

POCKET = Path(__file__).parents[1] / "base_models" / "pocket-2026-11-21"
SEEDS = (1, 2, 3)


@dataclass(frozen=True)
class Experiment:
    """Something to measure: a function of the model's folder and a seed, and how long it trains.

    Without a step nothing is trained, so that one seed tells all.
    """

    data: str
    setting: str
    n_steps: int
    run: Callable[[Path, int], Measured]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds that it is run with."""
        return SEEDS if self.n_steps else SEEDS[:1]


EXPERIMENTS = (
    Experiment("marv", "base model", 0, partial(marv, n_epochs=0)),
    Experiment("marv", "60 examples, 3 epochs", 180, partial(marv, n_epochs=3)),
    Experiment("marv", "60 examples, 10 epochs", 600, partial(marv, n_epochs=10)),
    Experiment("marv", "60 examples, 30 epochs", 1800, partial(marv, n_epochs=30)),
    Experiment("orders", "base model", 0, partial(orders, n_examples=0)),
    Experiment("orders", "25 examples, 3 epochs", 75, partial(orders, n_examples=25)),
    Experiment("orders", "50 examples, 3 epochs", 150, partial(orders, n_examples=50)),
    Experiment("orders", "100 examples, 3 epochs", 300, partial(orders, n_examples=100)),
    Experiment("orders", "200 examples, 3 epochs", 600, partial(orders, n_examples=200)),
    Experiment("labels", "base model", 0, partial(labels, n_examples=0)),
    Experiment("labels", "10 examples, 3 epochs", 30, partial(labels, n_examples=10)),
    Experiment("labels", "40 examples, 3 epochs", 120, partial(labels, n_examples=40)),
    Experiment("labels", "160 examples, 3 epochs", 480, partial(labels, n_examples=160)),
    Experiment("daoyan", "base model", 0, partial(daoyan, n_epochs=0)),
    Experiment("daoyan", "46 examples, 3 epochs", 138, daoyan),
    Experiment("lsat", "base model", 0, partial(lsat, n_epochs=0)),
    Experiment("lsat", "20 examples, 10 epochs, batches of 3", 67, lsat),
    Experiment("preferences (dpo)", "base model", 0, partial(preferences, n_epochs=0)),
    Experiment(
        "preferences (dpo)", "pairs of marv, 6 epochs", 90, partial(preferences, n_epochs=6)
    ),
)


@dataclass(frozen=True)
class Evaluation:
    """All that was measured of one model."""

    knowledge: list[Result]
    typing: list[Result]
    far: list[Result]
    mean_words: dict[str, float]
    experiments: dict[Experiment, list[Measured]]


def evaluate(folder: Path) -> Evaluation:
    """Measure the model in `folder`, on as many processors as there are."""
    # One thread each: small matrices gain little by more, and the processes share the machine.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(usable_processors(), context) as pool:
        # The longest come first, so that no processor idles at the end.
        longest_first = sorted(EXPERIMENTS, key=lambda experiment: -experiment.n_steps)
        runs = {
            experiment: [pool.submit(experiment.run, folder, seed) for seed in experiment.seeds]
            for experiment in longest_first
        }
        asked: dict[Callable[[Path, str], list[Result]], list[Future]] = {
            ask: [pool.submit(ask, folder, language) for language in LANGUAGES]
            for ask in (knowledge, typing, far_into_a_conversation)
        }
        words = pool.submit(mean_words, folder)
        _show_progress([run for several in (*runs.values(), *asked.values()) for run in several])
        told = [[result for run in both for result in run.result()] for both in asked.values()]
        known, typed, far = told
        return Evaluation(
            known,
            typed,
            far,
            mean_words=words.result(),
            experiments={e: [run.result() for run in runs[e]] for e in EXPERIMENTS},
        )


def _show_progress(futures: list[Future]) -> None:
    for _ in tqdm(as_completed(futures), total=len(futures), desc="evaluation", unit="run"):
        pass


def knowledge_table(results: list[Result]) -> str:
    """How many questions of each kind were answered right, by language, in Markdown."""
    others = (*NUMBER_KINDS, SMALL_TALK, SAYINGS, MOODS, READING)
    facts = [result for result in results if result.kind not in others]
    together = [replace(result, kind="**all facts**") for result in facts]
    return result_table([*results, *together])


def result_table(results: list[Result]) -> str:
    """Shares of results of the same kind, by language, in Markdown."""
    lines = [
        "| asked for | " + " | ".join(LANGUAGES) + " |",
        "| --- |" + " ---: |" * len(LANGUAGES),
    ]
    for kind in dict.fromkeys(result.kind for result in results):
        cells = (_share_of(results, kind, language) for language in LANGUAGES)
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _share_of(results: list[Result], kind: str, language: str) -> str:
    chosen = [r for r in results if (r.kind, r.language) == (kind, language)]
    if not chosen:
        return ""
    right, asked = sum(r.right for r in chosen), sum(r.asked for r in chosen)
    return f"{right} of {asked} ({right / asked:.0%})"


def fine_tuning_table(experiments: dict[Experiment, list[Measured]]) -> str:
    """Each measure as the mean over the seeds, with the lowest and the highest, in Markdown."""
    lines = [
        "| data | trained on | measured | mean | lowest to highest |",
        "| --- | --- | --- | ---: | ---: |",
    ]
    for experiment, runs in experiments.items():
        for measure in runs[0]:
            values = [run[measure] for run in runs]
            spread = f"{_shown(measure, min(values))} to {_shown(measure, max(values))}"
            lines.append(
                f"| {experiment.data} | {experiment.setting} | {measure} "
                f"| {_shown(measure, mean(values))} | {spread if len(runs) > 1 else ''} |"
            )
    return "\n".join(lines)


def _shown(measure: str, value: float) -> str:
    return f"{value:.2f}" if measure.startswith("loss") else f"{value:.0%}"


def manner_table(words: dict[str, float]) -> str:
    """The mean numbers of words in Markdown."""
    lines = ["| system message | words in an answer, on average |", "| --- | ---: |"]
    return "\n".join([*lines, *(f"| {manner} | {mean:.1f} |" for manner, mean in words.items())])


def main() -> None:
    """Measure what a base model knows, and what fine-tuning makes of it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=POCKET)
    evaluation = evaluate(parser.parse_args().folder)
    print(knowledge_table(evaluation.knowledge), end="\n\n")
    print(result_table(evaluation.typing), end="\n\n")
    print(result_table(evaluation.far), end="\n\n")
    print(fine_tuning_table(evaluation.experiments), end="\n\n")
    print(manner_table(evaluation.mean_words))


if __name__ == "__main__":
    main()
