"""One plotting style: the Okabe-Ito colours (safe for colour-blind readers) with line styles, light and dark."""

import contextlib
from collections.abc import Iterator

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

THEMES = ("light", "dark")
_INK = {"light": "#222222", "dark": "#dddddd"}
_COLOURS = {
    "light": {"baseline": "#D55E00", "batchnorm": "#0072B2", "paper": "#555555"},
    "dark": {"baseline": "#E69F00", "batchnorm": "#56B4E9", "paper": "#bbbbbb"},
}
# For results with more series than two: the Okabe-Ito colours in an order in which neighbours differ in lightness too.
_SERIES = {
    "light": ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#56B4E9", "#555555"),
    "dark": ("#56B4E9", "#E69F00", "#2BC59B", "#E0A3C8", "#F0E442", "#9B86F0", "#bbbbbb"),
}
_DASHES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (9, 3)), (0, (8, 2, 2, 2, 2, 2)))  # dotted: the papers' curves
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = {"baseline": "--", "batchnorm": "-"}
LABELS = {"baseline": "without BN", "batchnorm": "with BN"}
_current = {"theme": "light"}


@contextlib.contextmanager
def theme(name: str) -> Iterator[None]:
    """Everything drawn inside is drawn for a light or a dark page; backgrounds stay transparent."""
    ink = _INK[name]
    style = {
        "axes.edgecolor": ink,
        "axes.labelcolor": ink,
        "axes.grid": True,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": "medium",
        "figure.constrained_layout.use": True,
        "font.size": 10,
        "grid.alpha": 0.25,
        "grid.color": ink,
        "legend.frameon": False,
        "savefig.dpi": 200,
        "savefig.transparent": True,
        "svg.fonttype": "none",  # text stays text: it can be searched and read aloud
        "svg.hashsalt": "dropnorm",  # the same figure is the same file
        "text.color": ink,
        "xtick.color": ink,
        "ytick.color": ink,
    }
    before, _current["theme"] = _current["theme"], name
    try:
        with mpl.rc_context(style):
            yield
    finally:
        _current["theme"] = before


def colour(series: str) -> str:
    """The colour of 'baseline', 'batchnorm' or 'paper' in the theme that is set."""
    return _COLOURS[_current["theme"]][series]


def series_style(i: int) -> dict:
    """Colour, dashes and marker of the i-th series of a figure (keywords of `Axes.plot`), told apart without colour."""
    colours = _SERIES[_current["theme"]]
    return {
        "color": colours[i % len(colours)],
        "linestyle": _DASHES[i % len(_DASHES)],
        "marker": _MARKERS[i % len(_MARKERS)],
    }


def series_band(ax: Axes, curve: pd.DataFrame, i: int, label: str | None = None, *, marks: bool = False) -> None:
    """The i-th series of a figure (x, value, low, high) as a line with its band, and marks at its points if few."""
    style = series_style(i)
    ax.fill_between(curve.x, curve.low, curve.high, alpha=0.18, linewidth=0, color=style["color"])
    marker = style.pop("marker")
    ax.plot(curve.x, curve.value, marker=marker if marks else None, markersize=4, linewidth=1.5, label=label, **style)


def band(ax: Axes, curve: pd.DataFrame, series: str, label: str | None = None, *, side: bool = False) -> None:
    """A curve (x, value, low, high) as a line with its band; a curve at the side is drawn fainter."""
    style = {"color": colour(series)}
    ax.fill_between(curve.x, curve.low, curve.high, alpha=0.1 if side else 0.25, linewidth=0, **style)
    ax.plot(curve.x, curve.value, LINES[series], linewidth=1.0 if side else 1.6, label=label, **style)


def step_axis(ax: Axes, steps: float) -> None:
    """An x axis of training steps, from 0 to `steps`, in thousands where there are many."""
    ax.set_xlim(0, steps)
    ax.set_xlabel("training step")
    ax.xaxis.set_major_locator(MaxNLocator(5))
    if steps >= 5000:
        ax.xaxis.set_major_formatter(lambda x, _: f"{x / 1000:g}k" if x else "0")


def paper_curve(ax: Axes, reference: pd.DataFrame, series: str, label: str | None = None) -> None:
    """A curve (step, value) read off the paper's own figure: dotted, grey, marked by its arm's line."""
    marker = {"baseline": "x", "batchnorm": "."}[series]
    every = max(len(reference) // 12, 1)
    ax.plot(
        reference.step, reference.value, ":", color=colour("paper"), marker=marker, markevery=every, markersize=4,
        linewidth=1.1, label=label,
    )  # fmt: skip
