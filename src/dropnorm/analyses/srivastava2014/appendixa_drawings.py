"""How the figure of appendix A is drawn, and what its caption and alt text say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import tried_axis
from dropnorm.analyses.srivastava2014.error_drawings import (
    apart,
    clipped,
    error_axis,
    error_band,
    out_of_sight,
    setup,
    updates,
)
from dropnorm.analyses.tidy import select
from dropnorm.plotting import step_axis

LABELS = {
    "none": "no dropout", "dropout": "dropout", "same_rate": "same rate", "same_step": "same rate / (1 − momentum)",
    "dropout.lr-0.01": "rate 0.01", "momentum-0.9": "momentum 0.9", "momentum-0.99": "momentum 0.99",
}  # fmt: skip
PANELS = {  # title and x axis, in the order in which they stand
    "width": ("(a) A1", "width (times the units)"),
    "rate": ("(b) A2a", "learning rate"),
    "momentum": ("(c) A2b", "final momentum"),
    "speed": ("(d) A2c", "updates"),
    "limit": ("(e) A3", "learning rate"),
    "p_input": ("(f) A4", "p of the inputs"),
}
LOGARITHMIC = ("width", "rate", "limit")
STYLES = {"none": 1, "dropout": 0}  # where both are drawn, in the colours that they have in other figures


def figures(curves: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The one figure of this result, with the panels whose curves are there."""
    return {"figure": _figure(curves, context)} if len(curves) else {}


def _figure(curves: pd.DataFrame, context: Context) -> Drawing:
    hidden = "-".join(str(h) for h in context.settings["network"]["hidden"])
    caption = (
        f"Test error (%) of {hidden} units: (a) times as many units, (b) learning rates, (c) momentum at the end of "
        "its rise, (d) over training, (e) learning rates with dropout and a limit c, (f) probability of keeping an "
        "input. After the last update, but for (d). Mean of the seeds with a band from the lowest to the highest, "
        "and a bar at a mark without a line, which stands a little aside. "
        f"{out_of_sight(context)}{setup(context, curves.n)}"
    )
    alt = f"Six panels of test error in percent. {' '.join(_words(curves, panel) for panel in PANELS)}"
    return Drawing(partial(_draw, curves, context), caption, alt)


def _words(curves: pd.DataFrame, panel: str) -> str:
    """What a panel shows, point by point; of a curve over training its end."""
    parts = []
    for series in curves[curves.panel == panel].series.unique():
        mine = select(curves, panel, series)
        mine = mine.iloc[-1:] if panel == "speed" else mine
        points = ", ".join(f"{row.value:.2f} at {row.x:g}" for row in mine.itertuples())
        parts.append(f"{LABELS.get(series, series)} {points}")
    title, axis = PANELS[panel]
    return f"{title}, {axis}: {'; '.join(parts) or 'not run'}."


def _draw(curves: pd.DataFrame, context: Context) -> Figure:
    figure, axes = plt.subplots(2, 3, figsize=(8.6, 5.6))
    curves = clipped(curves, context)
    for ax, panel in zip(axes.flat, PANELS, strict=True):
        mine = curves[curves.panel == panel]
        names = list(mine.series.unique())
        aside = apart(names, mine)
        for i, series in enumerate(names):
            style = STYLES[series] if set(names) <= set(STYLES) else i
            label, marks = LABELS.get(series, series), panel != "speed"
            error_band(ax, select(mine, panel, series), style, label, marks=marks, aside=aside.get(series, 1))
        _label(ax, panel, mine, updates(context))
    for ax in axes[:, 0]:
        ax.set_ylabel("test error (%)")
    return figure


def _label(ax: Axes, panel: str, mine: pd.DataFrame, steps: int) -> None:
    title, axis = PANELS[panel]
    if len(mine):
        error_axis(ax.yaxis, mine.low[mine.low > 0].min(), mine.high.max())
        ax.legend(fontsize="x-small")
    if panel == "speed":
        step_axis(ax, steps)
    elif len(mine):
        tried_axis(ax, mine.x.unique(), logarithmic=panel in LOGARITHMIC)
    ax.set(xlabel=axis, title=title)
