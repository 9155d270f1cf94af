"""What `auto` means: the numbers of passes and the size of batches, chosen from the examples."""

from __future__ import annotations

import math
from typing import Any

TARGET_EPOCHS = 3
FEWEST_TARGET_EXAMPLES = 100
MOST_TARGET_EXAMPLES = 25_000
MOST_DEFAULT_EPOCHS = 25
LARGEST_BATCH = 256
NAMES = {
    "supervised": ("n_epochs", "batch_size", "learning_rate_multiplier"),
    "dpo": ("n_epochs", "batch_size", "learning_rate_multiplier", "beta"),
}
LARGEST_BETA = 2
# As in the experiments of Rafailov et al., 2023 (arXiv:2305.18290, section 6 and appendix B).
DEFAULT_BETA = 0.1
# Preferences need small steps: at the full rate the practice model had nothing left to learn from
# a dozen of them after one epoch, at a tenth after two or three.
DEFAULT_MULTIPLIER = {"supervised": 1.0, "dpo": 0.1}


def default_epochs(n_examples: int) -> int:
    """The rule of OpenAI's cookbook, Chat_finetuning_data_prep: 10 epochs for 10, 3 for 100."""
    if n_examples * TARGET_EPOCHS < FEWEST_TARGET_EXAMPLES:
        return min(MOST_DEFAULT_EPOCHS, FEWEST_TARGET_EXAMPLES // n_examples)
    if n_examples * TARGET_EPOCHS > MOST_TARGET_EXAMPLES:
        return max(1, MOST_TARGET_EXAMPLES // n_examples)
    return TARGET_EPOCHS


def default_batch_size(n_examples: int) -> int:
    """About 0.2 % of the examples, as OpenAI's first guide had it; at least 1, at most 256."""
    return max(1, min(LARGEST_BATCH, math.ceil(n_examples / 500)))


def choose(wanted: dict[str, Any], n_examples: int, method: str) -> dict[str, Any]:
    """Replace each `"auto"` in `wanted` (keys: NAMES of a method) by a number."""
    chosen = {
        "n_epochs": default_epochs(n_examples),
        "batch_size": default_batch_size(n_examples),
        "learning_rate_multiplier": DEFAULT_MULTIPLIER[method],
        "beta": DEFAULT_BETA,
    }
    return {name: chosen[name] if value == "auto" else value for name, value in wanted.items()}
