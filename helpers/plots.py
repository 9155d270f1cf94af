"""Figures, each with the sentence that says the same in words, from the same numbers.

The sentence is what a screen reader reads and what a test compares. Series differ in marker and
line style as well as in colour; the colours are those of Okabe and Ito, made for colour-blind
readers. Nothing is smoothed: a curve shows the numbers that the service gave.
"""

from collections.abc import Iterable
from itertools import takewhile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
# Series of a result file: the column, what it is called, and how it is drawn.
SERIES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("train_loss", "training", dict(color=BLUE, linewidth=0.9)),
    ("valid_loss", "validation", dict(color=ORANGE, linestyle="--", marker="o", markersize=4)),
    (
        "full_valid_loss",
        "full validation",
        dict(color=GREEN, linestyle=":", marker="D", markersize=7),
    ),
)
TOLD = (
    "{}: fact {fact:.0%} ({fact_low:.0%} to {fact_high:.0%}), "
    "style {style:.0%} ({style_low:.0%} to {style_high:.0%})"
)
EDGE = 10
BAR_WIDTH = 20


def loss_curve(results: "pd.DataFrame", *, title: str = "Loss at each step") -> None:
    """Show training and validation loss of a result file, and print the sentence.

    results: the table of jobs.results, one row a step. The loss is the mean over the tokens
    trained on, in nats.
    """
    axes = new_axes()
    draw(axes, results)
    axes.set_title(title)
    show(describe(results))


def draw(axes: "Axes", results: "pd.DataFrame") -> None:
    """Draw the training, validation and full validation loss that a table has."""
    for column, label, style in SERIES:
        points = series(results, column)
        if len(points):
            axes.plot(points.index, points, label=label, **style)
    axes.set(xlabel="step", ylabel="loss (nats per token)")
    axes.legend()


def series(results: "pd.DataFrame", column: str) -> "pd.Series":
    """Return the values of a column that are there, indexed by step; empty if it is missing."""
    return results.set_index("step").reindex(columns=[column])[column].dropna()


def describe(results: "pd.DataFrame") -> str:
    """Return the sentence for a result file."""
    train, valid, full = (series(results, column) for column, _, _ in SERIES)
    edge = min(EDGE, len(train))
    text = (
        f"Over {len(train)} steps the training loss goes from "
        f"{train.head(edge).mean():.2f} (mean of the first {edge} steps) to "
        f"{train.tail(edge).mean():.2f} (mean of the last {edge})"
    )
    at = [f"{value:.2f} at step {step}" for step, value in (full if len(full) else valid).items()]
    if len(full):
        text += f"; the full validation loss is {', '.join(at)}"
    elif at:
        text += f"; the validation loss goes from {at[0]} to {at[-1]}"
    return f"{text}."


def scores(comparison: "pd.DataFrame", *, title: str = "Facts and style of each model") -> None:
    """Show the shares of evaluate.compare with their 95 % intervals, and print the sentence."""
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
    parts = [TOLD.format(name, **row) for name, row in comparison.iterrows()]
    show(f"Shares of the answers with their 95 % intervals. {'; '.join(parts)}.")


def new_axes() -> "Axes":
    """Return empty axes of the size that all figures of the course have."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    axes.grid(alpha=0.3)
    return axes


def show(sentence: str) -> None:
    """Show the current figure and print its sentence under it."""
    import matplotlib.pyplot as plt

    plt.show()
    print(sentence)


def growing_curve(points: list[dict]) -> "Axes":
    """Draw the loss of the steps so far, on an axis that has room for all steps of the job.

    points: the data of a job's metrics events, the oldest first.
    """
    import pandas as pd

    axes = new_axes()
    draw(axes, pd.DataFrame(points))
    total = points[-1]["total_steps"]
    axes.set(
        title=f"Loss while the job trains: {total} steps",
        xlim=(0, 1.02 * total),  # a little more, so that the last marker is whole
        ylim=(0, None),
    )
    return axes


class Monitor:
    """A progress bar and a loss curve that grow in place, without widgets.

    Outside a notebook there is no place to update: then it keeps the points and shows nothing.
    """

    def __init__(self) -> None:
        from IPython import get_ipython
        from IPython.display import Markdown, display

        self.points: list[Any] = []
        self.seen: set[str] = set()
        self.is_shown = get_ipython() is not None
        if self.is_shown:
            self.bar = display(Markdown("waiting"), display_id=True)
            self.figure = display(Markdown(""), display_id=True)

    def show(self, job: "FineTuningJob", events: Iterable["FineTuningJobEvent"]) -> None:
        """Bring bar and curve up to date; events: newest first, read as far as they are new."""
        import matplotlib.pyplot as plt
        from IPython.display import Markdown

        fresh = list(takewhile(lambda event: event.id not in self.seen, events))[::-1]
        self.seen.update(event.id for event in fresh)
        metrics = [event.data for event in fresh if event.type == "metrics" and event.data]
        self.points += metrics
        if self.is_shown:
            self.bar.update(Markdown(progress(job, self.points)))
        if self.is_shown and metrics:
            self.figure.update(growing_curve(self.points).figure)
            plt.close()  # otherwise the notebook would show it a second time

    def tell(self) -> None:
        """Print the sentence for the curve, once there is one."""
        import pandas as pd

        if self.is_shown and self.points:
            print(describe(pd.DataFrame(self.points)))


def progress(job: "FineTuningJob", points: list[dict]) -> str:
    """Return one line of Markdown: the bar, the step, the loss, the job's status, its error."""
    line = f"**{job.status}**"
    if points:
        step, total = points[-1]["step"], points[-1]["total_steps"]
        bar = ("█" * round(BAR_WIDTH * step / total)).ljust(BAR_WIDTH, "░")
        line = f"`{bar}` step {step}/{total} · loss {points[-1]['train_loss']:.2f} · {line}"
    if job.error and job.error.message:
        line += f"\n\n{job.error.message}"
    return line
