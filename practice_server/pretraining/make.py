"""Makes `pocket`: vocabulary, pretraining, measurement, model card.

From nothing it takes about five hours on two processors, from the snapshot of another day one or
two, and minutes with an accelerator.

Run it with: python -m practice_server.pretraining.make [--start FOLDER]
or, for the mean of snapshots: python -m practice_server.pretraining.make --mean FOLDER FOLDER
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from practice_server.pretraining.evaluate import POCKET, evaluate
from practice_server.pretraining.make_vocabulary import make_vocabulary
from practice_server.pretraining.model_card import write_model_card
from practice_server.pretraining.pretrain import (
    FROM_A_SNAPSHOT,
    FROM_NOTHING,
    pretrain,
    read_progress,
    save_mean,
)

SEED = 20261120
WORK = Path(__file__).parents[2] / "work" / "base_models"


def main() -> None:
    """Make the base model; after an interruption, go on from the last snapshot."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch (default: 2)")
    parser.add_argument("--folder", type=Path, default=POCKET, help="where the model is written")
    parser.add_argument(
        "--start",
        type=Path,
        help="a snapshot whose vocabulary and weights are gone on from (default: from nothing)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        default=WORK,
        help="where the snapshot is kept; delete it to begin anew",
    )
    parser.add_argument(
        "--card-only",
        action="store_true",
        help="measure the model that is in the folder already, and write its card anew",
    )
    parser.add_argument(
        "--mean",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="pretrain nothing; take the mean of the weights of these snapshots",
    )
    arguments = parser.parse_args()
    if arguments.mean:
        save_mean(arguments.mean, arguments.folder)
    elif not arguments.card_only:
        make(arguments.folder, arguments.work, arguments.start, n_threads=arguments.threads)
    describe(arguments.folder)


def make(folder: Path, work: Path, start: Path | None, *, n_threads: int) -> None:
    """Make the base model in `folder`: vocabulary, then weights."""
    if start:
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("tokenizer.tiktoken", "tokenizer_config.json"):
            shutil.copy(start / file, folder)
    else:
        make_vocabulary(folder, seed=SEED)
    recipe = FROM_A_SNAPSHOT if start else FROM_NOTHING
    pretrain(folder, work, seed=SEED, n_threads=n_threads, recipe=recipe, start=start)


def describe(folder: Path) -> None:
    """Measure the model in `folder`, write its card, and print it."""
    write_model_card(folder, read_progress(folder), evaluate(folder), seed=SEED)
    print((folder / "README.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
