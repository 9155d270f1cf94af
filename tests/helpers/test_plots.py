"""Every figure shows what it is given and says it in a sentence."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from helpers import plots
from helpers.evaluate import compare
from helpers.service import ROOT

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


def test_small_full_validation_losses_can_be_told_apart():
    ends = pd.Series([0.21, 0.18, 0.17], index=[9, 19, 29])
    plots.loss_curve(RESULTS.assign(full_valid_loss=ends, train_loss=5.0))
    axes = plt.gca()
    assert [text.get_text() for text in axes.texts] == ["0.21", "0.18", "0.17"]
    heights = [axes.transData.transform((0, loss))[1] for loss in (0.17, 0.18, 0.21)]
    assert heights[1] - heights[0] > 1 and heights[2] - heights[1] > 3  # pixels


def test_runs_of_different_length_are_compared_epoch_by_epoch(capsys):
    def run(train, valid):
        steps = range(1, 2 * len(valid) + 1)
        ends = [loss for each in valid for loss in (None, each)]
        return pd.DataFrame({"step": steps, "train_loss": train, "full_valid_loss": ends})

    short, long = run([3, 1, 1, 0.5], [2, 1.5]), run([3, 1, 1, 0, 0, 0], [2, 1.5, 2.5])
    plots.epochs({"short": short, "long": long})
    lines = drawn()
    assert list(lines["short, training"].get_ydata()) == [2, 0.75]
    assert list(lines["long, validation"].get_ydata()) == [2, 1.5, 2.5]
    assert list(lines["long, validation"].get_xdata()) == [1, 2, 3]
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines.values()}) == 4
    assert capsys.readouterr().out == (
        "short: the training loss goes from 2.0 to 0.8, the validation loss from 2.0 to 1.5 "
        "(lowest: 1.5 after epoch 2); "
        "long: the training loss goes from 2.0 to 0.0, the validation loss from 2.0 to 2.5 "
        "(lowest: 1.5 after epoch 2).\n"
    )


def scored(fact, style):
    table = pd.DataFrame({"fact": fact, "style": style})
    return table.assign(both=table["fact"] & table["style"])


HALF, NONE = [True, False] * 50, [False] * 100


def test_scores_are_told_with_their_intervals(capsys):
    plots.scores(compare({"base": scored(HALF, NONE), "tuned": scored(HALF, HALF)}))
    assert capsys.readouterr().out == (
        "Shares of the answers with their 95 % intervals. "
        "base: fact 50% (40% to 60%), style 0% (0% to 4%), both 0% (0% to 4%); "
        "tuned: fact 50% (40% to 60%), style 50% (40% to 60%), both 50% (40% to 60%).\n"
    )


def test_every_measure_has_a_panel_wide_enough_to_see_a_difference():
    nearly = [True] * 97 + [False] * 3
    plots.scores(compare({"base": scored([True] * 100, NONE), "tuned": scored(nearly, nearly)}))
    panels = plt.gcf().axes
    assert [axes.get_title() for axes in panels] == ["fact", "style", "both"]
    assert [text.get_text() for text in plt.gcf().legends[0].get_texts()] == ["base", "tuned"]
    lowest, highest = panels[0].get_ylim()
    assert 0.03 / (highest - lowest) > 0.2


def test_outside_a_notebook_counting_shows_nothing(capsys):
    assert list(plots.counted(iter("abc"), total=3)) == ["a", "b", "c"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("body", "left"), [("break", "`██████████░░░░░░░░░░` 1 of 2"), ("pass", "")]
)
def test_in_a_notebook_a_bar_counts_and_goes_at_the_end(body, left):
    code = f"from helpers.plots import counted\nfor _ in counted('ab', total=2):\n    {body}"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, resources={"metadata": {"path": str(ROOT)}}).execute()
    (output,) = notebook.cells[0].outputs
    assert output.data["text/markdown"] == left
