"""The result file of a job: a row for each step.

Columns as Microsoft's documentation of the same API lists them; five decimals as in the files of
OpenAI; an empty cell where nothing was measured at that step.
"""

from __future__ import annotations

from practice_server.store import Row

FILENAME = "step_metrics.csv"
METRICS = (
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
)


def as_csv(steps: list[Row]) -> bytes:
    """`steps`: the metrics of each step, with its number as `step`."""
    lines = [",".join(("step", *METRICS))]
    for step in steps:
        cells = (f"{step[name]:.5f}" if name in step else "" for name in METRICS)
        lines.append(",".join((str(step["step"]), *cells)))
    return "".join(f"{line}\n" for line in lines).encode()
