"""Every figure shows what it is given and says it in a sentence."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers import plots
from helpers.evaluate import compare

STEPS = range(1, 31)
RESULTS = pd.DataFrame(
    {
        "step": STEPS,
        "train_loss": [4 - 0.1 * step for step in STEPS],
        "valid_loss": [3.0 - 0.05 * step if step % 10 == 0 else None for step in STEPS],
        "full_valid_loss": [2.0 - 0.02 * step if step % 15 == 0 else None for step in STEPS],
    }
)


@pytest.fixture(autouse=True)
def no_figures_are_left():
    yield
    plt.close("all")


def drawn():
    """The lines of the figure that was shown last, by their label."""
    return {line.get_label(): line for line in plt.gca().get_lines()}


def test_the_loss_curve_shows_every_value_as_it_is(capsys):
    plots.loss_curve(RESULTS)
    lines = drawn()
    assert list(lines["training"].get_ydata()) == list(RESULTS["train_loss"])
    assert list(lines["validation"].get_xdata()) == [10, 20, 30]
    assert list(lines["full validation"].get_xdata()) == [15, 30]
    assert capsys.readouterr().out == (
        "Over 30 steps the training loss goes from 3.45 (mean of the first 10 steps) to 1.45 "
        "(mean of the last 10); the full validation loss is 1.70 at step 15, 1.40 at step 30.\n"
    )


def test_series_differ_by_more_than_their_colour():
    plots.loss_curve(RESULTS)
    looks = {(line.get_linestyle(), line.get_marker()) for line in drawn().values()}
    assert len(looks) == 3


def test_without_full_validation_the_sentence_tells_the_validation_loss(capsys):
    plots.loss_curve(RESULTS.drop(columns="full_valid_loss"))
    assert "goes from 2.50 at step 10 to 1.50 at step 30." in capsys.readouterr().out


def test_without_a_validation_file_there_is_one_curve(capsys):
    plots.loss_curve(RESULTS[["step", "train_loss"]])
    assert list(drawn()) == ["training"]
    assert capsys.readouterr().out.endswith("(mean of the last 10).\n")


def test_a_short_run_does_not_claim_ten_steps(capsys):
    plots.loss_curve(RESULTS.head(4))
    assert "mean of the first 4 steps" in capsys.readouterr().out


def test_scores_are_shown_with_their_intervals(capsys):
    def scored(fact, style):
        table = pd.DataFrame({"fact": fact, "style": style})
        return table.assign(both=table["fact"] & table["style"])

    half = [True, False] * 50
    none = [False] * 100
    plots.scores(compare({"base": scored(half, none), "tuned": scored(half, half)}))
    assert [text.get_text() for text in plt.gca().get_xticklabels()] == ["base", "tuned"]
    assert capsys.readouterr().out == (
        "Shares of the answers with their 95 % intervals. "
        "base: fact 50% (40% to 60%), style 0% (0% to 4%); "
        "tuned: fact 50% (40% to 60%), style 50% (40% to 60%).\n"
    )
