"""How tables of errors are drawn: a row a method, ours beside the paper's; and the same errors over training."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.srivastava2014.error_drawings import error_axis, setup, updates
from dropnorm.analyses.tidy import has, select
from dropnorm.plotting import colour, series_band

HEIGHT_OF_ROW = 0.27  # inches
BELOW = 0.28  # rows: where the paper's mark stands, so that ours does not hide it


def figures(
    curves: pd.DataFrame, reference: pd.DataFrame, context: Context, labels: dict[str, str], table: str
) -> dict[str, Drawing]:
    """`figure`, a row an arm in the order of `labels`, and `training`; none if nothing was run.

    curves: panels `final` and `history`, a series an arm. reference: (row, arm, error, quoted) of the paper's `table`.
    """
    if not set(curves.series) & set(labels):
        return {}
    return {
        "figure": _rows(curves, reference, context, labels, table),
        "training": _training(curves, context, labels),
    }


# --- a row a method ---


def _rows(curves, reference, context: Context, labels: dict[str, str], table: str) -> Drawing:
    final = curves[curves.panel == "final"]
    paper = context.comparable(reference)
    paper = reference.iloc[:0] if paper is None else paper
    shown = {arm: label for arm, label in labels.items() if has(curves, "final", arm) or arm in set(paper.arm)}
    quoted = "; hollow diamonds: quoted there from others" if paper.quoted.any() else ""
    marks = f" Grey crosses: {table} of the paper{quoted}." if len(paper) else ""
    single = " Hollow dots: one seed." if (final.n == 1).any() else ""
    caption = (
        "Test error after the last update. Dots: mean of the seeds, with a line from the lowest to the highest; the "
        f"number is the mean.{single}{marks} {setup(context, final.n)}{_other_lengths(curves, context, labels)}"
    )
    numbers = "; ".join(_row_words(arm, label, curves, paper) for arm, label in shown.items())
    return Drawing(partial(_draw_rows, curves, paper, shown), caption, f"Test errors in percent. {numbers}.")


def _other_lengths(curves: pd.DataFrame, context: Context, labels: dict[str, str]) -> str:
    """What a caption adds for rows that were trained for another time than the rest."""
    last = {arm: mine.x.max() for arm in labels if len(mine := select(curves, "history", arm))}
    others = [f"{labels[arm].strip('– ')}: {x:,.0f} updates" for arm, x in last.items() if x != updates(context)]
    return f" {'; '.join(others)}." if others else ""


def _row_words(arm: str, label: str, curves: pd.DataFrame, paper: pd.DataFrame) -> str:
    mine, printed = select(curves, "final", arm), paper[paper.arm == arm].error
    ours = [
        f"{e.value:.2f} ({f'seeds {e.low:.2f} to {e.high:.2f}' if e.n > 1 else 'one seed'})" for e in mine.itertuples()
    ] or ["no dots"]
    return ", ".join([f"{label}: {ours[0]}", *(f"paper {value:.2f}" for value in printed)])


def _draw_rows(curves: pd.DataFrame, paper: pd.DataFrame, labels: dict[str, str]) -> Figure:
    figure, ax = plt.subplots(figsize=(7.8, 1.0 + HEIGHT_OF_ROW * len(labels)))
    for i, arm in enumerate(labels):
        for mine in select(curves, "final", arm).itertuples():
            ax.plot([mine.low, mine.high], [i, i], color=colour("batchnorm"), linewidth=2, alpha=0.5)
            fill = {"markerfacecolor": "none"} if mine.n == 1 else {}
            ax.plot(mine.value, i, "o", color=colour("batchnorm"), markersize=6, **fill)
            ax.annotate(f"{mine.value:.2f}", (1, i), (4, 0), ("axes fraction", "data"), "offset points", va="center",
                        ha="left", fontsize="small")  # fmt: skip
        for printed in paper[paper.arm == arm].itertuples():
            style = {"marker": "D", "markerfacecolor": "none"} if printed.quoted else {"marker": "x"}
            ax.plot(printed.error, i + BELOW, color=colour("paper"), markersize=6, linestyle="none", **style)
    low, high = _span(ax)
    error_axis(ax.xaxis, low, high)
    ax.set_xlim(low / 1.06, high * 1.06)
    ax.set_yticks(range(len(labels)), list(labels.values()))
    ax.set(ylim=(len(labels) - 0.5, -0.5), xlabel="test error (%)")
    return figure


def _span(ax: Axes) -> tuple[float, float]:
    """The lowest and the highest value that is drawn."""
    values = [x for line in ax.lines for x in line.get_xdata() if x > 0]
    return (min(values), max(values)) if values else (1, 10)


# --- over training ---


def _training(curves: pd.DataFrame, context: Context, labels: dict[str, str]) -> Drawing:
    caption = (
        "Test error against the fraction of each training completed: mean of the seeds with a band from the lowest to "
        "the highest. Schedules of rate and momentum are a share of the training too, and every curve ends with the "
        f"rate at zero. {setup(context, curves[curves.panel == 'history'].n)}"
        f"{_other_lengths(curves, context, labels)}"
    )
    shown = {arm: label for arm, label in labels.items() if len(select(curves, "history", arm))}
    ends = "; ".join(f"{label} {_at(curves, arm, 0):.2f}, {_at(curves, arm, -1):.2f}" for arm, label in shown.items())
    alt = f"Test error in percent at the first and at the last measurement: {ends}."
    return Drawing(partial(_draw_training, curves, shown), caption, alt)


def _at(curves: pd.DataFrame, arm: str, position: int) -> float:
    return select(curves, "history", arm).value.iloc[position]


def _draw_training(curves: pd.DataFrame, shown: dict[str, str]) -> Figure:
    figure, ax = plt.subplots(figsize=(8.2, 4.2))
    for i, (arm, label) in enumerate(shown.items()):
        mine = select(curves, "history", arm)
        series_band(ax, mine.assign(x=100 * mine.x / mine.x.max()), i, label)
    every = curves[(curves.panel == "history") & curves.series.isin(list(shown))]
    error_axis(ax.yaxis, every.low[every.low > 0].min(), every.high.max())
    ax.set(xlim=(0, 100), xlabel="share of the training (%)", ylabel="test error (%)")
    figure.legend(loc="outside right upper", fontsize="small")
    return figure
