"""Panels that several figures share: mosaics, distributions, histograms, one measure in several settings."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from dropnorm.analyses.tidy import select
from dropnorm.plotting import colour, series_style, step_axis


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


def paper_values(reference: pd.DataFrame | None, measure: str, net: str) -> dict[str, dict[str, float]]:
    """The paper's own numbers as measure -> net -> value; of a reference, `measure` and `net` name the columns."""
    if reference is None:
        return {}
    return {m: dict(zip(of[net], of.value, strict=True)) for m, of in reference.groupby(measure)}


def setting_value(curves: pd.DataFrame, measure: str, net: str, place: int = 0) -> float:
    """A measure of a net at one place among the settings, mean over seeds; NaN if it was not measured."""
    mine = select(curves, f"settings_{measure}", net)
    return float(mine[mine.x == place].value.mean())


def tried_axis(ax: Axes, values: Iterable[float], *, logarithmic: bool = True) -> None:
    """An x axis with a tick at every value that was tried, and no other."""
    if logarithmic:
        ax.set_xscale("log")
    ticks_at(ax.xaxis, sorted(values))


def ticks_at(axis: Axis, values: Sequence[float]) -> None:
    """Ticks at these values alone, written as plain numbers."""
    axis.set_major_locator(FixedLocator(values))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda x, _: f"{x:g}")


def over_steps(axes: Axes | np.ndarray, curves: pd.DataFrame, panels: list[str]) -> None:
    """Step axes as long as the curves of these panels, if there are any."""
    longest = curves.x[curves.panel.isin(panels)].max()
    if longest > 0:
        for ax in np.ravel(axes):
            step_axis(ax, longest)


def legend(ax: Axes, **place) -> None:
    """A small legend, where anything is drawn that has a name."""
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize="small", **place)


def legend_above(figure: Figure, ax: Axes) -> None:
    """One legend for all panels, where it hides no curve."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
