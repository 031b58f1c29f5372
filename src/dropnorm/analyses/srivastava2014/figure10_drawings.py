"""How Figure 10 is drawn, and what its caption and alt text say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.srivastava2014.error_drawings import error_axis, paper_points, setup
from dropnorm.analyses.tidy import has, select
from dropnorm.plotting import series_band, series_style

NETS = {"dropout": "with dropout", "none": "without dropout", "none_small_init": "without, small first weights"}
PLAIN = ("none", "none_small_init")
ORDER = list(NETS)  # gives every net its colour, line and marker, in all panels
GAINS = {"points": "points", "gain": "%"}  # panel -> unit


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    drawings = {}
    if any(has(curves, "error", net) for net in ("none", "dropout")):
        drawings["figure"] = _figure10(curves, reference, context)
    return drawings


def _figure10(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    small = ""
    if has(curves, "gain", "none_small_init"):
        small = ", and of one with small first weights and a smaller rate (each in its colour)"
    caption = (
        "(a) Test error after the last update against the number of training images, both logarithmic. (b) Points that "
        "dropout takes off the error of a net without it, seed by seed: of the net with the same settings"
        f"{small}; crosses: the paper's. (c) The same in percent of that error. Points: mean of the seeds, each with a "
        "subset of its own where not all images are used; band: lowest to highest. Dotted grey: the paper's, bars as "
        f"drawn there. {setup(context, curves.n)}"
    )
    if context.scale == "smoke":
        caption += " The digits are fewer than the larger sizes ask for: there all of them were used."
    errors = "; ".join(_numbers(curves, "error", net, words, "%") for net, words in NETS.items())
    gains = [
        "; ".join(_numbers(curves, panel, net, f"over the net {NETS[net]}", unit) for net in PLAIN)
        for panel, unit in GAINS.items()
    ]
    of_paper = "; ".join(
        f"{NETS[net]} " + ", ".join(f"{r.value:.2f} % at {r.images:,}" for r in mine.itertuples())
        for net, mine in reference.groupby("series", sort=False)
    )
    alt = (
        f"Three panels against the number of images. Test error: {errors}. The paper's: {of_paper}. "
        f"Gain in points: {gains[0]}. In percent of the error: {gains[1]}."
    )
    return Drawing(partial(_draw, curves, reference, context), caption, alt)


def _numbers(curves: pd.DataFrame, panel: str, net: str, words: str, unit: str) -> str:
    points = ", ".join(f"{r.value:.2f} {unit} at {r.x:,.0f}" for r in select(curves, panel, net).itertuples())
    return f"{words} {points or 'not run'}"


def _draw(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(10.4, 3.6))
    paper = context.comparable(reference)
    _draw_errors(axes[0], curves, paper)
    for ax, panel in zip(axes[1:], GAINS, strict=True):
        _draw_gains(ax, curves, paper, panel)
    axes[1].set_ylabel("gain from dropout (points)")
    axes[2].set_ylabel("gain from dropout (% of the error)")
    for ax, letter in zip(axes, "abc", strict=True):
        ax.set_xscale("log")
        sizes = sorted(curves.x.unique())
        ax.set_xticks(sizes, [f"{n / 1000:g}k" if n >= 1000 else f"{n:g}" for n in sizes], minor=False)
        ax.minorticks_off()
        ax.set(xlabel="training images", title=f"({letter})")
    handles, words = axes[0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside upper center", ncols=3, fontsize="small")
    axes[1].legend(fontsize="small")
    return figure


def _draw_errors(ax: Axes, curves: pd.DataFrame, paper: pd.DataFrame | None) -> None:
    for i, net in enumerate(ORDER):
        if has(curves, "error", net):
            series_band(ax, select(curves, "error", net), i, NETS[net], marks=True)
        if paper is not None and net in set(paper.series):
            mine = paper[paper.series == net]
            paper_points(ax, mine.images, mine.value, mine.bar, series_style(i)["marker"], f"paper, {NETS[net]}")
    low, high = _span(curves, paper)
    error_axis(ax.yaxis, low, high)
    ax.set_ylabel("test error (%)")


def _span(curves: pd.DataFrame, paper: pd.DataFrame | None) -> tuple[float, float]:
    """Lowest and highest error of panel (a), the paper's included."""
    mine = curves[curves.panel == "error"]
    of_paper = [] if paper is None else list(paper.value)
    return min([mine.low.min(), *of_paper]), max([mine.high.max(), *of_paper])


def _draw_gains(ax: Axes, curves: pd.DataFrame, paper: pd.DataFrame | None, panel: str) -> None:
    ax.axhline(0, color=ax.xaxis.label.get_color(), linewidth=0.8)
    for net in PLAIN:
        if has(curves, panel, net):
            series_band(ax, select(curves, panel, net), ORDER.index(net), f"over the net {NETS[net]}", marks=True)
    if paper is not None:
        none, dropout = (paper[paper.series == net].set_index("images").value for net in ("none", "dropout"))
        gains = (none - dropout) * (1 if panel == "points" else 100 / none)
        paper_points(ax, gains.index, gains, None, "x", "paper")
