"""What the drawings of trained networks' errors share."""

import pandas as pd
from matplotlib.axes import Axes

from dropnorm.analyses import Context
from dropnorm.analyses.tidy import select
from dropnorm.plotting import colour


def paper_points(ax: Axes, x, value, bar=None, marker: str = "x", label: str | None = None) -> None:
    """Numbers of the paper, printed or read off its figure: dotted, grey, with its own bars if it has any."""
    style = {"color": colour("paper"), "marker": marker, "markersize": 4, "linewidth": 1.1, "linestyle": ":"}
    ax.errorbar(x, value, yerr=bar, elinewidth=0.8, capsize=2, label=label, **style)


def setup(context: Context, n: int) -> str:
    """How a caption tells what was trained: data, mini-batches, updates, seeds, scale."""
    width = context.settings["network"]["width"]
    narrower = f"Units of every layer times {width:g}. " if width != 1 else ""
    return (
        f"Data: {context.data}. {narrower}Mini-batches of {context.settings['training']['batch_size']}, "
        f"{updates(context):,} updates, {context.ending(n)}"
    )


def updates(context: Context) -> int:
    """Updates of the whole training."""
    return round(context.settings["training"]["stretch"] * context.settings["training"]["steps"])


def fewest(curves: pd.DataFrame) -> int:
    """Seeds of the curve that has fewest."""
    return int(curves.n.min())


def has(curves: pd.DataFrame, panel: str, series: str) -> bool:
    return len(select(curves, panel, series)) > 0
