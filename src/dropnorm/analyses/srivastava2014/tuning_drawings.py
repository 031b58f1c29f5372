"""How the trials are drawn: a panel a method, validation error against the learning rate."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import tried_axis
from dropnorm.analyses.srivastava2014.error_drawings import (
    clipped,
    error_axis,
    error_band,
    out_of_sight,
    setup,
)
from dropnorm.analyses.tidy import select
from dropnorm.plotting import colour

ACROSS = 4
NAMES = {"rates": "first weights by inputs"}  # in the legend, which only the row with two kinds of them has
CHOSEN = "chosen "  # begins the name of the series of the one point that was; its strength ends it
TITLES = {
    "none": "no regulariser", "l2": "L2", "l2_l1": "L2 + L1", "l2_kl": "L2 + KL sparsity", "max_norm": "max-norm",
    "dropout_l2": "dropout + L2", "dropout_max_norm": "dropout + max-norm", "standard_logistic": "logistic",
    "dropout_logistic": "dropout, logistic", "dropout_relu": "dropout, ReLU", "dropout_maxout": "dropout, maxout",
    "bernoulli": "Bernoulli (Table 10)", "gaussian": "Gaussian (Table 10)",
}  # fmt: skip


def figures(curves: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The one figure of this result, with the methods that were tried."""
    return {"figure": _figure(curves, context)} if len(curves) else {}


def _figure(curves: pd.DataFrame, context: Context) -> Drawing:
    caption = (
        "Error (%) on validation images after the last update of each trial, against the learning rate: mean of the "
        "seeds, with a band from the lowest to the highest. The circle is round the trial that is chosen, the lowest "
        "of its panel; there is none as long as a trial is missing. "
        f"{out_of_sight(context)}{setup(context, curves.n)}"
    )
    rows = curves.panel.unique()
    chosen = "; ".join(_words(curves, row) for row in rows if len(chosen_in(curves, row)))
    alt = f"A panel a method. Lowest validation error: {chosen}." if chosen else "A panel a method; none is whole yet."
    return Drawing(partial(_draw, curves, context), caption, alt)


def chosen_in(curves: pd.DataFrame, row: str) -> pd.DataFrame:
    """The point of a panel that was chosen, as a table of one row; of none as long as a trial is missing."""
    return curves[(curves.panel == row) & _is_chosen(curves)]


def _is_chosen(curves: pd.DataFrame) -> pd.Series:
    return curves.series.str.startswith(CHOSEN)


def _words(curves: pd.DataFrame, row: str) -> str:
    chosen = chosen_in(curves, row).iloc[0]
    strength = chosen.series.removeprefix(CHOSEN)
    return f"{TITLES[row]} {chosen.value:.2f} % at rate {chosen.x:g}" + (f", {strength}" if strength else "")


def _draw(curves: pd.DataFrame, context: Context) -> Figure:
    rows = list(curves.panel.unique())
    curves = clipped(curves, context)
    down = -(-len(rows) // ACROSS)
    figure, axes = plt.subplots(down, ACROSS, figsize=(9, 2.2 * down), squeeze=False)
    for ax, row in zip(axes.flat, rows, strict=False):
        _draw_row(ax, curves[(curves.panel == row) & ~_is_chosen(curves)], row)
        chosen = chosen_in(curves, row)
        ax.plot(chosen.x, chosen.value, "o", color=colour("paper"), markersize=11, markerfacecolor="none")
    for ax in axes.flat[len(rows) :]:
        ax.set_axis_off()
    for ax in axes[:, 0]:
        ax.set_ylabel("validation error (%)", fontsize="small")
    return figure


def _draw_row(ax, mine: pd.DataFrame, row: str) -> None:
    names = list(mine.series.unique())
    for i, series in enumerate(names):
        error_band(ax, select(mine, row, series), i, NAMES.get(series, series), marks=True)
    tried_axis(ax, mine.x.unique())
    error_axis(ax.yaxis, mine.low[mine.low > 0].min(), mine.high.max())
    ax.tick_params(labelsize="small")
    ax.set_xlabel("learning rate", fontsize="small")
    ax.set_title(TITLES[row], fontsize="small")
    if len(names) > 1:
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + (0.1 + 0.1 * len(names)) * (high - low))  # room for the legend
        ax.legend(fontsize="x-small")
