"""Figures, each with the sentence that says the same in words, from the same numbers.

The sentence is what a screen reader reads and what a test compares. Series differ in marker and
line style as well as in colour; the colours are those of Okabe and Ito, made for colour-blind
readers. Nothing is smoothed: a curve shows the numbers that the service gave.
"""

from collections.abc import Iterable, Mapping
from itertools import cycle, takewhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
NAMES = {"loss": "loss", "mean_token_accuracy": "token accuracy"}
# Series of a result file: the column's beginning, what it is called, and how it is drawn.
SERIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("train", "training", dict(color=BLUE, linewidth=0.9)),
    ("valid", "validation", dict(color=ORANGE, linestyle="--", marker="o", markersize=4)),
    ("full_valid", "full validation", dict(color=GREEN, linestyle=":", marker="D", markersize=7)),
)
EDGE = 10
BAR_WIDTH = 20


def loss_curve(
    results: "pd.DataFrame", *, title: str = "Loss at each step", measure: str = "loss"
) -> None:
    """Show training and validation loss of a result file, and print the sentence.

    results: the table of jobs.results, one row a step. The loss is the mean over the tokens
    trained on, in nats. measure: "loss", or "mean_token_accuracy" for the share of tokens that
    the model would have put first.
    """
    axes = new_axes()
    draw(axes, results, measure)
    axes.set_title(title)
    show(describe(results, measure))


def draw(axes: "Axes", results: "pd.DataFrame", measure: str) -> None:
    """Draw the training, validation and full validation values that a table has."""
    for name, label, style in SERIES:
        points = series(results, f"{name}_{measure}")
        if len(points):
            axes.plot(points.index, points, label=label, **style)
    axes.set(xlabel="step", ylabel=NAMES[measure])
    axes.legend()


def series(results: "pd.DataFrame", column: str) -> "pd.Series":
    """Return the values of a column that are there, indexed by step; empty if it is missing."""
    return results.set_index("step").reindex(columns=[column])[column].dropna()


def describe(results: "pd.DataFrame", measure: str) -> str:
    """Return the sentence for one measure of a result file."""
    train = series(results, f"train_{measure}")
    edge = min(EDGE, len(train))
    text = (
        f"Over {len(train)} steps the training {NAMES[measure]} goes from "
        f"{train.head(edge).mean():.2f} (mean of the first {edge} steps) to "
        f"{train.tail(edge).mean():.2f} (mean of the last {edge})"
    )
    full, valid = (series(results, f"{name}_{measure}") for name in ("full_valid", "valid"))
    at = [f"{value:.2f} at step {step}" for step, value in (full if len(full) else valid).items()]
    if len(full):
        text += f"; the full validation {NAMES[measure]} is {', '.join(at)}"
    elif at:
        text += f"; the validation {NAMES[measure]} goes from {at[0]} to {at[-1]}"
    return f"{text}."


def compare_runs(
    runs: Mapping[str, "pd.DataFrame"],
    *,
    column: str = "full_valid_loss",
    title: str = "Validation loss of each run",
) -> None:
    """Show one column of several result files in one figure, and print the sentence.

    runs: a name for each table of jobs.results.
    """
    axes = new_axes()
    looks = cycle(zip((BLUE, ORANGE, GREEN, PURPLE), "oDsv", ("-", "--", ":", "-."), strict=True))
    sentences = []
    for (name, results), (color, marker, line) in zip(runs.items(), looks, strict=False):
        points = series(results, column)
        axes.plot(points.index, points, label=name, color=color, marker=marker, linestyle=line)
        sentences.append(
            f"{name} ends at {points.iloc[-1]:.2f}, lowest {points.min():.2f} at step "
            f"{points.idxmin()} of {results['step'].max()}"
        )
    axes.set(xlabel="step", ylabel=column.replace("_", " "), title=title)
    axes.legend()
    show(f"{column}: {'; '.join(sentences)}.")


def scores(comparison: "pd.DataFrame", *, title: str = "Facts and manner of each model") -> None:
    """Show the shares of evaluate.compare with their 95 % intervals, and print the sentence."""

    def told(row: "pd.Series", measure: str) -> str:
        low, high = row[f"{measure}_low"], row[f"{measure}_high"]
        return f"{measure} {row[measure]:.0%} ({low:.0%} to {high:.0%})"

    axes = new_axes()
    for measure, color, marker, shift in (
        ("fact", BLUE, "o", -0.08),
        ("style", ORANGE, "s", 0.08),
    ):
        share, low, high = (comparison[measure + end] for end in ("", "_low", "_high"))
        places = [place + shift for place in range(len(comparison))]
        error = [share - low, high - share]
        axes.errorbar(places, share, error, fmt=marker, color=color, capsize=4, label=measure)
    axes.set_xticks(range(len(comparison)), comparison.index)
    axes.set(ylim=(-0.03, 1.03), ylabel="share of the answers", title=title)
    axes.margins(x=0.2)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))  # beside the points, never over them
    rows = comparison.iterrows()
    parts = [f"{name}: {told(row, 'fact')}, {told(row, 'style')}" for name, row in rows]
    show(f"Shares of the answers with their 95 % intervals. {'; '.join(parts)}.")


def new_axes(*, height: float = 3.6) -> "Axes":
    """Return empty axes of the size that all figures of the course have."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(7, height), layout="constrained")
    axes.grid(alpha=0.3)
    return axes


def show(sentence: str) -> None:
    """Show the current figure and print its sentence under it."""
    import matplotlib.pyplot as plt

    plt.show()
    print(sentence)


class Monitor:
    """A progress bar and a loss curve that grow in place, without widgets.

    Outside a notebook there is no place to update: then it keeps the points and shows nothing.
    """

    def __init__(self) -> None:
        import matplotlib.pyplot as plt
        from IPython import get_ipython
        from IPython.display import Markdown, display

        self.points: list[Any] = []
        self.seen: set[str] = set()
        self.axes = new_axes(height=2.6)
        plt.close()  # otherwise the notebook would show it a second time
        self.is_shown = get_ipython() is not None
        if self.is_shown:
            self.bar = display(Markdown("waiting"), display_id=True)
            self.figure = display(self.axes.figure, display_id=True)

    def show(self, job: "FineTuningJob", events: Iterable["FineTuningJobEvent"]) -> None:
        """Bring bar and curve up to date; events: newest first, read as far as they are new."""
        import pandas as pd
        from IPython.display import Markdown

        fresh = list(takewhile(lambda event: event.id not in self.seen, events))[::-1]
        self.seen.update(event.id for event in fresh)
        metrics = [event.data for event in fresh if event.type == "metrics" and event.data]
        self.points += metrics
        if self.is_shown:
            self.bar.update(Markdown(progress(job, self.points)))
        if self.is_shown and metrics:
            self.axes.clear()
            self.axes.grid(alpha=0.3)
            draw(self.axes, pd.DataFrame(self.points), "loss")
            self.figure.update(self.axes.figure)


def progress(job: "FineTuningJob", points: list[dict]) -> str:
    """Return one line of Markdown: the bar, the step, the loss, the job's status, its error."""
    line = f"**{job.status}**"
    if points:
        step, total = points[-1]["step"], points[-1]["total_steps"]
        full = round(BAR_WIDTH * step / total)
        bar = "█" * full + "░" * (BAR_WIDTH - full)
        line = f"`{bar}` step {step}/{total} · loss {points[-1]['train_loss']:.2f} · {line}"
    if job.error and job.error.message:
        line += f"\n\n{job.error.message}"
    return line
