"""Figures, each with the sentence that says the same in words, from the same numbers.

The sentence is what a screen reader reads and what a test compares. Series differ in marker and
line style as well as in colour; the colours are those of Okabe and Ito, made for colour-blind
readers. Nothing is smoothed: a curve shows the numbers that the service gave.
"""

import gc
import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

T = TypeVar("T")
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
COLORS = (BLUE, ORANGE, GREEN, "#CC79A7")
MARKERS = "osD^"
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
EDGE = 10
BAR_WIDTH = 20
# Below this loss the axis is even; above it, each doubling takes the same room.
SMALL_LOSS = 0.1
LOSS_TICKS = (0, 0.1, 0.2, 0.5, 1, 2, 5)


def loss_curve(results: "pd.DataFrame", *, title: str = "Loss at each step") -> None:
    """Show training and validation loss of a result file, and print the sentence.

    results: the table of jobs.results, one row a step. The loss is the mean over the tokens
    trained on, in nats. Each full validation loss has its value beside it.
    """
    axes = new_axes()
    draw(axes, results)
    spread_small_losses(axes)
    above: dict[str, Any] = dict(xytext=(0, 14), textcoords="offset points", ha="center")
    for step, loss in series(results, "full_valid_loss").items():
        axes.annotate(f"{loss:.2f}", (step, loss), backgroundcolor="white", **above)
    axes.set_title(title)
    show(describe(results))


def as_svg(results: "pd.DataFrame") -> str:
    """Return the curves of a result file as SVG, for a page of HTML; the same each time."""
    import matplotlib.pyplot as plt

    axes = new_axes()
    draw(axes, results)
    spread_small_losses(axes)
    image = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "the same names each time"}):
        plt.savefig(image, format="svg", metadata={"Date": None})
    plt.close()  # otherwise a notebook would show it, too
    return image.getvalue().partition('.dtd">')[2]


def spread_small_losses(axes: "Axes") -> None:
    """Stretch the loss axis where losses are small, so that 0.21 and 0.17 lie apart."""
    axes.set_yscale("symlog", linthresh=SMALL_LOSS, linscale=0.3)
    axes.set_yticks(LOSS_TICKS, [f"{tick:g}" for tick in LOSS_TICKS])
    axes.minorticks_off()


def epochs(runs: "Mapping[str, pd.DataFrame]", *, title: str = "Loss after each epoch") -> None:
    """Show what several jobs had reached after each epoch, and print the sentence.

    runs: the result files by name. Of each job: the mean training loss of the steps of an epoch,
    and the full validation loss at its end.
    """
    axes = new_axes()
    tables = {name: by_epoch(run) for name, run in runs.items()}
    for (name, ends), color, marker in zip(tables.items(), COLORS, MARKERS, strict=False):
        for column, line, filled in (("training", "-", color), ("validation", "--", "white")):
            look: dict[str, Any] = dict(linestyle=line, marker=marker, markerfacecolor=filled)
            axes.plot(ends.index, ends[column], color=color, label=f"{name}, {column}", **look)
    axes.set(xlabel="epoch", ylabel="loss (nats per token)", title=title, ylim=(0, None))
    axes.set_xticks(range(1, 1 + max(map(len, tables.values()))))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))  # beside the points, never over them
    parts = [f"{name}: {tell_epochs(ends)}" for name, ends in tables.items()]
    show(f"{'; '.join(parts)}.")


def by_epoch(results: "pd.DataFrame") -> "pd.DataFrame":
    """Return one row an epoch: the mean training loss of its steps, the full validation loss."""
    import pandas as pd

    full = series(results, "full_valid_loss")
    epoch = full.index.searchsorted(results["step"]) + 1
    training = results["train_loss"].groupby(epoch).mean()
    validation = full.set_axis(range(1, len(full) + 1))
    return pd.DataFrame({"training": training, "validation": validation}).rename_axis("epoch")


def tell_epochs(ends: "pd.DataFrame") -> str:
    """Return in words where both losses begin and end, and where validation is lowest."""
    training, validation = ends["training"], ends["validation"]
    return (
        f"the training loss goes from {training.iloc[0]:.1f} to {training.iloc[-1]:.1f}, the "
        f"validation loss from {validation.iloc[0]:.1f} to {validation.iloc[-1]:.1f} "
        f"(lowest: {validation.min():.1f} after epoch {validation.idxmin()})"
    )


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


def scores(comparison: "pd.DataFrame", *, title: str = "Answers of each model") -> None:
    """Show the shares of evaluate.compare with their 95 % intervals, and print the sentence.

    Each measure has a panel of its own, whose axis is as wide as its intervals.
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import PercentFormatter

    measures = [column for column in comparison if f"{column}_low" in comparison]
    size: dict[str, Any] = dict(figsize=(7, 3.6), layout="constrained")
    figure, panels = plt.subplots(1, len(measures), squeeze=False, **size)
    for measure, axes in zip(measures, panels[0], strict=True):
        for place, (name, row) in enumerate(comparison.iterrows()):
            share, low, high = (row[measure + end] for end in ("", "_low", "_high"))
            look: dict[str, Any] = dict(fmt=MARKERS[place % 4], color=COLORS[place % 4], capsize=4)
            axes.errorbar(place, share, [[share - low], [high - share]], label=name, **look)
        axes.set(title=measure, xticks=[], xlim=(-0.6, len(comparison) - 0.4))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.grid(axis="y", alpha=0.3)
    panels[0][0].set_ylabel("share of the answers")
    figure.suptitle(title)
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    parts = [f"{name}: {tell_shares(row, measures)}" for name, row in comparison.iterrows()]
    show(f"Shares of the answers with their 95 % intervals. {'; '.join(parts)}.")


def tell_shares(row: "pd.Series", measures: list[str]) -> str:
    """Return the shares of one model and their intervals in words."""
    return ", ".join(
        f"{each} {row[each]:.0%} ({row[each + '_low']:.0%} to {row[each + '_high']:.0%})"
        for each in measures
    )


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
    spread_small_losses(axes)
    total = points[-1]["total_steps"]
    axes.set(
        title=f"Loss while the job trains: {total} steps",
        xlim=(0, 1.02 * total),  # a little more, so that the last marker is whole
        ylim=(0, None),
    )
    return axes


def counted(items: Iterable[T], *, total: int) -> Iterator[T]:
    """Yield the items; meanwhile a bar shows how many there are. It goes at the end.

    What remains of it in a notebook is an empty text, the same in each run.
    """
    from IPython import get_ipython
    from IPython.display import Markdown, display

    if get_ipython() is None:
        yield from tqdm(items, total=total, leave=False, disable=None)
        return
    shown = display(Markdown(""), display_id=True)
    for done, item in enumerate(items, start=1):
        shown.update(Markdown(f"{bar(done, total)} {done} of {total}"))
        yield item
    shown.update(Markdown(""))


def bar(done: int, total: int) -> str:
    """Return a bar in Markdown, filled as far as things are done."""
    return f"`{('█' * round(BAR_WIDTH * done / total)).ljust(BAR_WIDTH, '░')}`"


class Monitor:
    """A progress bar and a loss curve that grow in place, without widgets.

    A terminal gets the bar and the sentence; where output goes to a file, there is no bar.
    """

    def __init__(self) -> None:
        from IPython import get_ipython
        from IPython.display import Markdown, display

        self.points: list[Any] = []
        self.seen: set[str] = set()
        self.is_shown = get_ipython() is not None
        self.line = tqdm(unit=" steps", leave=False, disable=self.is_shown or None)
        if self.is_shown:
            self.bar = display(Markdown("waiting"), display_id=True)
            self.figure = display(Markdown(""), display_id=True)

    def show(self, job: "FineTuningJob", events: Iterable["FineTuningJobEvent"]) -> None:
        """Bring bar and curve up to date; events: newest first, read as far as they are new."""
        import matplotlib.pyplot as plt
        from IPython.display import Markdown

        fresh = list(takewhile(lambda event: event.id not in self.seen, events))[::-1]
        self.seen.update(event.id for event in fresh)
        metrics: list[Any] = [
            event.data for event in fresh if event.type == "metrics" and event.data
        ]
        self.points += metrics
        if metrics:
            self.line.total = metrics[-1]["total_steps"]
            self.line.update(metrics[-1]["step"] - self.line.n)
        if self.is_shown:
            self.bar.update(Markdown(progress(job, self.points)))
        if self.is_shown and metrics:
            self.figure.update(growing_curve(self.points).figure)
            plt.close()  # otherwise the notebook would show it a second time
            gc.collect()  # figures refer to themselves: many would stay for a while, 2 MB each

    def tell(self) -> None:
        """Print the sentence for the curve, once there is one; the line in a terminal goes."""
        import pandas as pd

        self.line.close()
        if self.points:
            print(describe(pd.DataFrame(self.points)))


def progress(job: "FineTuningJob", points: list[dict]) -> str:
    """Return one line of Markdown: the bar, the step, the loss, the job's status, its error."""
    line = f"**{job.status}**"
    if points:
        step, total = points[-1]["step"], points[-1]["total_steps"]
        loss = points[-1]["train_loss"]
        line = f"{bar(step, total)} step {step}/{total} · loss {loss:.2f} · {line}"
    if job.error and job.error.message:
        line += f"\n\n{job.error.message}"
    return line
