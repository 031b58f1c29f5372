"""How Figure 11 is drawn, and what its caption and alt text say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.srivastava2014.error_drawings import paper_points, setup
from dropnorm.analyses.tidy import has, select
from dropnorm.plotting import band, colour, series_band

LABELS = {"arithmetic": "mean of probabilities", "geometric": "geometric mean"}
PAPER_SCALED = 1.05  # percent: the red line of Figure 11
TREND_AT = (1, 3, 5, 11, 21, 51, 101)  # of which F11.1 asks, and the alt text tells


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The one figure of this result, if networks were averaged."""
    return {"figure": _figure(curves, reference, context)} if has(curves, "error", "arithmetic") else {}


def _figure(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    paper = context.comparable(reference)
    grey = "" if paper is None else " Grey: the paper's own points and bars, and its line of weight scaling (dotted)."
    caption = (
        "(a) Test error of the averaged answer of k thinned networks, mean over the networks; band: plus and minus one "
        "standard deviation of the repeats with one network. Horizontal: the weight-scaled networks, their mean."
        f"{grey} (b) The same less each network's own weight-scaled error, for two ways to average; band: from the "
        f"lowest to the highest network. Both error axes are fitted to k = 3 and more. {setup(context, curves.n)}"
    )
    mine, scaled = select(curves, "error", "arithmetic"), select(curves, "error", "weight_scaled").value.iloc[0]
    points = "; ".join(f"{row.value:.3f} at k = {row.x:g}" for row in mine.itertuples() if row.x in TREND_AT)
    ends = "; ".join(
        f"{label} {select(curves, 'excess', mean).value.iloc[-1]:+.3f}"
        for mean, label in LABELS.items()
        if has(curves, "excess", mean)
    )
    alt = (
        f"Two panels over the number k of thinned networks. (a) Error in percent: {points}; weight scaling "
        f"{scaled:.3f}. (b) Above weight scaling at k = {mine.x.iloc[-1]:g}: {ends}."
    )
    return Drawing(partial(_draw, curves, paper), caption, alt)


def _draw(curves: pd.DataFrame, paper: pd.DataFrame | None) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.5))
    _draw_errors(axes[0], curves, paper)
    for i, (mean, label) in enumerate(LABELS.items()):
        if has(curves, "excess", mean):
            series_band(axes[1], select(curves, "excess", mean), i, label)
    axes[1].axhline(0, linestyle=":", color=colour("paper"), linewidth=1.1)
    shown = _shown(curves[curves.panel == "excess"])
    axes[1].set(ylim=_limits(shown.low.min(), shown.high.max()), ylabel="points above weight scaling", title="(b)")
    axes[1].legend(fontsize="small")
    for ax in axes:
        ax.set_xlim(0, curves.x.max())
        ax.set_xlabel("k, thinned networks averaged")
    return figure


def _draw_errors(ax: Axes, curves: pd.DataFrame, paper: pd.DataFrame | None) -> None:
    mine = select(curves, "error", "arithmetic")
    band(ax, mine, "batchnorm", "k thinned networks")
    scaled = select(curves, "error", "weight_scaled").value.iloc[0]
    ax.axhline(scaled, linestyle="--", color=colour("baseline"), linewidth=1.4, label="weight scaling")
    shown = _shown(mine)
    low, high = min(shown.low.min(), scaled), max(shown.high.max(), scaled)
    if paper is not None:
        paper_points(ax, paper.k, paper["mean"], paper.sd, ".", "paper")
        ax.axhline(PAPER_SCALED, linestyle=":", color=colour("paper"), linewidth=1.1)
        low, high = min(low, (paper["mean"] - paper.sd).min()), max(high, (paper["mean"] + paper.sd).max())
    ax.set(ylim=_limits(low, high), ylabel="test error (%)", title="(a)")
    ax.legend(loc="upper right", fontsize="small")


def _shown(mine: pd.DataFrame) -> pd.DataFrame:
    """From k = 3 on, as in the paper: one network alone would hide the rest."""
    later = mine[mine.x >= 3]
    return later if len(later) else mine


def _limits(low: float, high: float) -> tuple[float, float]:
    margin = 0.05 * (high - low) or 0.1
    return low - margin, high + margin
