"""How the figures of the theorems are drawn: marks for the kinds of cases, and lines; what captions say of the runs."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from dropnorm.analyses import Context
from dropnorm.analyses.tidy import select
from dropnorm.plotting import band, colour

COLOURS = {"random": "baseline", "network": "batchnorm"}
MARKS = {"random": "o", "network": "s"}


def setup(context: Context, curves: pd.DataFrame) -> str:
    """The end of every caption: cases, network, data, seeds, scale."""
    r, n = context.settings["random"], context.settings["network"]
    hidden = "-".join(str(h) for h in n["hidden"])
    return (
        f"Random cases: batches of {r['batch_size']}; network: {hidden} ReLU units with batch normalization, "
        f"{n['steps']} steps on {context.data}; float64, "
        f"{context.ending(curves.n)}"
    )


def words(series: str) -> str:
    """'random.convex' -> 'convex', 'network.layer1' -> 'layer 1'."""
    return series.partition(".")[2].replace("layer", "layer ")


def bars(ax: Axes, curves: pd.DataFrame, panel: str, *, percent: bool = True) -> None:
    """One mark a kind of cases with a line from the lowest to the highest seed: random losses, then layers."""
    mine = curves[curves.panel == panel]
    scale = 100 if percent else 1
    for position, row in enumerate(mine.itertuples()):
        arm = row.series.partition(".")[0]
        ax.vlines(position, scale * row.low, scale * row.high, color=colour(COLOURS[arm]), linewidth=1.6)
        ax.plot(position, scale * row.value, MARKS[arm], color=colour(COLOURS[arm]), markersize=6)
    ax.set_xticks(range(len(mine)), [words(s) for s in mine.series], rotation=40, ha="right")
    ax.set_xlim(-0.6, len(mine) - 0.4)
    if percent:
        ax.set_ylim(-4, 104)


def share_panels(curves: pd.DataFrame, panels: dict[str, str]) -> plt.Figure:
    """Panels of bars side by side, in percent; panels: name -> title."""
    figure, axes = plt.subplots(1, len(panels), figsize=(2.7 * len(panels) + 0.5, 2.9), sharey=True, squeeze=False)
    for ax, (panel, title) in zip(axes[0], panels.items(), strict=True):
        bars(ax, curves, panel)
        ax.set_title(title)
    axes[0][0].set_ylabel("share of cases (%)")
    return figure


def told(curves: pd.DataFrame, panel: str, *, percent: bool = True) -> str:
    """The values of a panel of bars in words, for an alt text."""
    rows = curves[curves.panel == panel].itertuples()
    form = (lambda v: f"{100 * v:.0f} %") if percent else (lambda v: f"{v:.3g}")
    return ", ".join(f"{words(row.series)} {form(row.value)}" for row in rows)


def line(ax: Axes, curves: pd.DataFrame, panel: str, series: str, arm: str, label: str) -> None:
    """A curve with its band, and a mark at each of its points."""
    mine = select(curves, panel, series)
    band(ax, mine, COLOURS[arm], label)
    ax.plot(mine.x, mine.value, MARKS[arm], color=colour(COLOURS[arm]), markersize=4, clip_on=False)


def changes_by_factor(ax: Axes, curves: pd.DataFrame, labels: dict[str, str]) -> None:
    """Panel `by_factor`: largest change of an output against the factor on the weights, a line for each arm named."""
    ends = ["value", "low", "high"]
    seen = curves.assign(**{end: curves[end].where(curves[end] > 0) for end in ends})  # no logarithm of 0: a gap
    for arm, label in labels.items():
        line(ax, seen, "by_factor", arm, arm, label)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_ylim(1e-6, 5)
    ax.set_xlabel("factor on the weights")
    ax.set_ylabel("largest change of an output")
    ax.legend(fontsize="small")
