"""Panels that several figures share: mosaics, distributions, histograms, one measure in several settings."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses.tidy import select
from dropnorm.plotting import colour, series_style


def show_mosaic(ax: Axes, picture: np.ndarray | None, title: str) -> None:
    """A mosaic of filters (`analyses.mosaics`), or an empty panel."""
    if picture is not None:
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    ax.set_title(title)
    ax.set_axis_off()


def cumulative(ax: Axes, quantiles: pd.DataFrame, i: int, label: str) -> None:
    """Quantiles (x: percent of units) of the i-th series, the value along the axis and the share of units up."""
    style = series_style(i)
    ax.fill_betweenx(quantiles.x, quantiles.low, quantiles.high, alpha=0.18, linewidth=0, color=style["color"])
    line = {k: style[k] for k in ("color", "linestyle")}
    ax.plot(quantiles.value, quantiles.x, linewidth=1.5, label=label, **line)


def histogram_steps(ax: Axes, bins: pd.DataFrame, width: float, i: int, label: str) -> None:
    """A histogram of the i-th series over its bins' left edges x, as a step line with a band."""
    style = series_style(i)
    edges = np.append(bins.x.to_numpy(float), bins.x.iloc[-1] + width)
    ax.stairs(bins.high, edges, baseline=bins.low.to_numpy(), fill=True, alpha=0.2, color=style["color"])
    line = {k: style[k] for k in ("color", "linestyle")}
    ax.stairs(bins.value, edges, baseline=None, linewidth=1.5, label=label, **line)


def settings_panel(
    ax: Axes,
    curves: pd.DataFrame,
    measure: str,
    label: str,
    nets: dict[str, tuple[int, str]],
    settings: list[str],
    paper: dict[str, float] | None = None,
) -> None:
    """A measure of each net in each setting that was run: mean of the seeds as a mark, lowest to highest as a bar.

    nets: name -> (series, label); settings: words under the axis; paper: the paper's own values, drawn across.
    """
    run = sorted(curves.x[curves.panel == f"settings_{measure}"].unique())
    places = {x: place for place, x in enumerate(run)}
    shift = np.linspace(-0.13, 0.13, len(nets))
    for (net, (i, words)), by in zip(nets.items(), shift, strict=True):
        mine, style = select(curves, f"settings_{measure}", net), series_style(i)
        x = mine.x.map(places) + by
        ax.vlines(x, mine.low, mine.high, color=style["color"], linewidth=2)
        ax.plot(x, mine.value, style["marker"], color=style["color"], markersize=5, label=words, clip_on=False)
        if paper and net in paper:
            ax.axhline(paper[net], color=colour("paper"), linestyle=style["linestyle"], linewidth=1.1)
    ax.set_xticks(range(len(run)), [settings[int(x)] for x in run], fontsize="small")
    ax.set_xlim(-0.5, max(len(run), 1) - 0.5)
    ax.set_ylabel(label)
    ax.grid(axis="x", visible=False)


def legend(ax: Axes, **place) -> None:
    """A small legend, where anything is drawn that has a name."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize="small", **place)


def legend_above(figure: Figure, ax: Axes) -> None:
    """One legend for all panels, where it hides no curve."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
