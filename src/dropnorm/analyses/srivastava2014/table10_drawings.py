"""How the figure of Table 10 is drawn, and what its caption and alt text say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.srivastava2014.error_drawings import paper_points, setup, updates
from dropnorm.analyses.tidy import drawn, select
from dropnorm.plotting import band, colour, step_axis
from dropnorm.statistics import mean_interval

ARMS = {"bernoulli": "Bernoulli", "gaussian": "Gaussian"}
STYLE = {"bernoulli": "baseline", "gaussian": "batchnorm"}  # of the book's two colours
MARKS = {"bernoulli": "s", "gaussian": "o"}


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The one figure of this result, if anything was run."""
    return {"figure": _figure(curves, reference, context)} if drawn(curves, "final", ARMS) else {}


def _figure(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    seeds = curves.n[curves.panel == "history"]
    hidden = "-".join(str(h) for h in context.settings["network"]["hidden"])
    caption = (
        "(a) Test error over training, mean of the seeds with a band from the lowest to the highest. (b) Test error "
        "after the last update: each seed, and beside them the mean with its 95 % interval. Grey: the numbers of Table "
        f"10 with what is printed behind their ±. {hidden} ReLU units, p = "
        f"{context.settings['dropout']['p_hidden']:g}, inputs {context.settings['dropout']['p_input']:g}. "
        f"{setup(context, seeds)}"
    )
    numbers = "; ".join(_numbers(curves, reference, arm) for arm in drawn(curves, "final", ARMS))
    return Drawing(partial(_draw, curves, reference, context), caption, f"Two panels. Final test error: {numbers}.")


def _numbers(curves: pd.DataFrame, reference: pd.DataFrame, arm: str) -> str:
    mine, paper = select(curves, "final", arm).value, reference[reference.arm == arm].iloc[0]
    return (
        f"{ARMS[arm]} {mine.mean():.2f} % (seeds {mine.min():.2f} to {mine.max():.2f}), in the paper "
        f"{paper.value:.2f} ± {paper.plus_minus:.2f}"
    )


def _draw(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(7.8, 3.3), width_ratios=[1.5, 1])
    paper = context.comparable(reference)
    for arm in drawn(curves, "final", ARMS):
        band(axes[0], select(curves, "history", arm), STYLE[arm], ARMS[arm])
    step_axis(axes[0], updates(context))
    axes[0].set(xlabel="updates", ylabel="test error (%)", title="(a)")
    axes[0].legend(loc="upper right")
    _draw_finals(axes[1], curves, paper)
    return figure


def _draw_finals(ax: Axes, curves: pd.DataFrame, paper: pd.DataFrame | None) -> None:
    for i, arm in enumerate(ARMS):
        values = select(curves, "final", arm).value
        style = {"color": colour(STYLE[arm]), "marker": MARKS[arm]}
        ax.plot([i - 0.12] * len(values), values, linestyle="none", alpha=0.5, markersize=4, **style)
        if len(values):
            mean, low, high = mean_interval(values.to_numpy())
            ax.errorbar(i, mean, yerr=[[mean - low], [high - mean]], capsize=3, markersize=7, **style)
        if paper is not None:
            printed = paper[paper.arm == arm].iloc[0]
            paper_points(ax, i + 0.15, printed.value, printed.plus_minus, "x", "Table 10" if i == 0 else None)
    ax.set_xticks(range(len(ARMS)), list(ARMS.values()))
    ax.set(xlim=(-0.5, len(ARMS) - 0.5), ylabel="final test error (%)", title="(b)")
    if paper is not None:
        ax.legend(loc="best", fontsize="small")
