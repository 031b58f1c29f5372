"""The figure of Ioffe & Szegedy 2015, section 3.4: four nets, the size of the statistics, what shuffling gains."""

from functools import partial

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import legend, over_steps
from dropnorm.analyses.tidy import select
from dropnorm.plotting import series_band, series_style

NETS = {"none": "neither", "none-dropout": "dropout", "batch": "batch norm", "batch-dropout": "both"}
NORMS = {"none": "no norm", "batch": "batch norm"}
STYLES = {"none": 1, "none-dropout": 3, "batch": 0, "batch-dropout": 2}  # with and without norm as in other figures
FEW = 12  # points of a curve that are marked


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: test accuracy with and without norm and dropout, the gap by size, what shuffling gains."""
    caption = (
        "Left: test accuracy over training with batch norm, dropout, both or neither, each net at its best rate; the "
        "nets with dropout are measured less often, and between measurements, at first too, their lines are straight. "
        "Middle: training minus test accuracy in the end, by how many examples of a mini-batch give statistics "
        "together. Lines: mean, lowest and highest seed. Right: test accuracy with mini-batches drawn anew each epoch "
        "minus that where the same examples always meet, without and with batch norm; a point a seed, line: their "
        f"mean. On {context.data}. {context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    for name, label in NETS.items():
        if len(mine := select(curves, "training", name)):
            said.append(f"{label}: {mine.value.iloc[-1]:.1f} %")
    if len(gap := select(curves, "size", "gap")):
        at = ", ".join(f"{v:.1f} at {x:g}" for x, v in zip(gap.x, gap.value, strict=True))
        said.append(f"gap in points by size of the statistics: {at}")
    for name, label in NORMS.items():
        if len(mine := select(curves, "shuffling", name)):
            ends = f"from {mine.value.min():.2f} to {mine.value.max():.2f}"
            said.append(f"gain of shuffling with {label}: {mine.value.mean():.2f} points on average, {ends}")
    return f"Test accuracy in the end, and the gap to training accuracy. {'; '.join(said)}."


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.2, 2.9))
    _draw_training(left, curves)
    _draw_sizes(middle, curves)
    _draw_shuffling(right, curves)
    return figure


def _draw_training(ax: Axes, curves: pd.DataFrame) -> None:
    for name, label in NETS.items():
        if len(mine := select(curves, "training", name)):
            series_band(ax, mine, STYLES[name], label, marks=len(mine) <= FEW)
    over_steps(ax, curves, ["training"])
    legend(ax, loc="lower right")
    ax.set_ylabel("test accuracy (%)")


def _draw_sizes(ax: Axes, curves: pd.DataFrame) -> None:
    if len(gap := select(curves, "size", "gap")):
        series_band(ax, gap, 0, marks=True)
        ax.set_xscale("log", base=2)
        ax.set_xticks(list(gap.x), [f"{m:g}" for m in gap.x])
        ax.minorticks_off()
    ax.set_xlabel("examples that give statistics")
    ax.set_ylabel("training − test accuracy (points)")


def _draw_shuffling(ax: Axes, curves: pd.DataFrame) -> None:
    ax.axhline(0, linewidth=0.8, color=mpl.rcParams["axes.edgecolor"])
    for i, name in enumerate(NORMS):
        if len(mine := select(curves, "shuffling", name)):
            style = series_style(STYLES[name])  # the colours of the same nets on the left
            x = i + np.linspace(-0.12, 0.12, len(mine))  # seeds side by side, as some are alike
            ax.plot(x, mine.value, style["marker"], color=style["color"], markersize=4)
            ax.plot([i - 0.2, i + 0.2], [mine.value.mean()] * 2, color=style["color"], linewidth=1.6)
    ax.set_xticks(range(len(NORMS)), list(NORMS.values()))
    ax.set_xlim(-0.6, len(NORMS) - 0.4)
    ax.set_ylabel("gain of shuffling (points)")
