"""What the drawings of trained networks' errors share."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis

from dropnorm.analyses import Context, Seeds
from dropnorm.analyses.panels import ticks_at
from dropnorm.plotting import colour, series_band, series_style

ERROR_TICKS = [x * 10**k for k in (-1, 0, 1) for x in (1, 1.5, 2, 3, 5)]  # percent
HIGHEST = 20.0  # percent: a net that diverged errs on nine images of ten, and would squeeze all others together
ASIDE = 1.05  # times x, from one mark to the next of those that would stand in one place
WIDE = 4  # highest over lowest from which an axis of errors is logarithmic


def paper_points(ax: Axes, x, value, bar=None, marker: str = "x", label: str | None = None) -> None:
    """Numbers of the paper, printed or read off its figure: dotted, grey, with its own bars if it has any."""
    style = {"color": colour("paper"), "marker": marker, "markersize": 4, "linewidth": 1.1, "linestyle": ":"}
    ax.errorbar(x, value, yerr=bar, elinewidth=0.8, capsize=2, label=label, **style)


def setup(context: Context, seeds: Seeds) -> str:
    """How a caption tells what was trained: data, mini-batches, updates, seeds, scale."""
    width = context.settings["network"]["width"]
    narrower = f"Units of every layer times {width:g}. " if width != 1 else ""
    return (
        f"Data: {context.data}. {narrower}Mini-batches of {context.settings['training']['batch_size']}, "
        f"{updates(context):,} updates, {context.ending(seeds)}"
    )


def updates(context: Context) -> int:
    """Updates of the whole training."""
    return round(context.settings["training"]["stretch"] * context.settings["training"]["steps"])


def clipped(curves: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Errors with nothing above HIGHEST, and whether a point was `above`; at smoke scale most are, and stay."""
    if context.scale == "smoke":
        return curves.assign(above=False)
    cut = {c: curves[c].clip(upper=HIGHEST) for c in ("value", "low", "high")}
    return curves.assign(**cut, above=~(curves.value <= HIGHEST))


def error_band(ax: Axes, curve: pd.DataFrame, i: int, label: str | None, *, marks: bool, aside: float = 1) -> None:
    """A series of clipped errors as `series_band` draws it, with an arrow up from each mark that stands for more.

    One point alone gets a bar, as a band has no width there, at `aside` times its x.
    """
    if marks and len(curve) == 1:
        curve = curve.assign(x=aside * curve.x)
        bars = (curve.value - curve.low, curve.high - curve.value)
        style = series_style(i) | {"linestyle": "", "markersize": 4, "capsize": 2}
        ax.errorbar(curve.x, curve.value, bars, label=label, **style)
    else:
        series_band(ax, curve, i, label, marks=marks)
    for point in curve[curve.above].itertuples() if marks else ():
        ax.annotate("↑", (point.x, point.value), (0, 2), textcoords="offset points", ha="center",
                    color=series_style(i)["color"])  # fmt: skip


def apart(names: list[str], curves: pd.DataFrame) -> dict[str, float]:
    """By which factor on x the marks of those series stand apart that have one point, so that none hides another."""
    lone = [name for name in names if (curves.series == name).sum() == 1]
    return {name: ASIDE ** (k - (len(lone) - 1) / 2) for k, name in enumerate(lone)}


def out_of_sight(context: Context) -> str:
    """What a caption says of it."""
    if context.scale == "smoke":
        return ""
    return f"What lies above {HIGHEST:g} %, as after divergence, is drawn there, marks with an arrow. "


def error_axis(axis: Axis, low: float, high: float) -> None:
    """An axis of errors in percent; where they differ much, logarithmic with round numbers."""
    if high > WIDE * low:
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        ticks_at(axis, [t for t in ERROR_TICKS if low / 1.5 <= t <= high * 1.5])
