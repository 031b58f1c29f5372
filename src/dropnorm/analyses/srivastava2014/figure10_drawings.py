"""How Figure 10 is drawn, and what its caption and alt text say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.srivastava2014.error_drawings import fewest, paper_points, setup
from dropnorm.analyses.tidy import has, select
from dropnorm.plotting import series_band, series_style

NETS = {"dropout": "with dropout", "none": "without dropout", "none_small_init": "without, small first weights"}
PLAIN = ("none", "none_small_init")
ORDER = list(NETS)  # gives every net its colour, line and marker, in both panels
PAPER_TOP = 30  # of the paper's axis


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    drawings = {}
    if any(has(curves, "error", net) for net in ("none", "dropout")):
        drawings["figure"] = _figure10(curves, reference, context)
    return drawings


def _figure10(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    n, small = fewest(curves), ""
    if has(curves, "gain", "none_small_init"):
        small = ", and of one with small first weights and a smaller rate (each in its colour)"
    caption = (
        "(a) Test error after the last update against the number of training images. (b) What dropout takes off the "
        "error of a net without it, in percent of that error, seed by seed: of the net with the same settings"
        f"{small}. Points: mean of the seeds, each with a subset of its own; band: lowest to highest. Dotted grey: the "
        f"paper's, bars as drawn there. {setup(context, n)}"
    )
    if context.scale == "smoke":
        caption += " The digits are fewer than the larger sizes ask for: there all of them were used."
    errors = "; ".join(_numbers(curves, "error", net, words, "%") for net, words in NETS.items())
    gains = "; ".join(_numbers(curves, "gain", net, f"over the net {NETS[net]}", "%") for net in PLAIN)
    of_paper = "; ".join(
        f"{NETS[net]} " + ", ".join(f"{r.value:.2f} % at {r.images:,}" for r in mine.itertuples())
        for net, mine in reference.groupby("series", sort=False)
    )
    alt = f"Two panels against the number of images. Test error: {errors}. The paper's: {of_paper}. Gain: {gains}."
    return Drawing(partial(_draw, curves, reference, context), caption, alt)


def _numbers(curves: pd.DataFrame, panel: str, net: str, words: str, unit: str) -> str:
    points = ", ".join(f"{r.value:.2f} {unit} at {r.x:,.0f}" for r in select(curves, panel, net).itertuples())
    return f"{words} {points or 'not run'}"


def _draw(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.6))
    paper = context.comparable(reference)
    _draw_errors(axes[0], curves, paper)
    _draw_gains(axes[1], curves, paper)
    for ax, letter in zip(axes, "ab", strict=True):
        ax.set_xscale("log")
        sizes = sorted(curves.x.unique())
        ax.set_xticks(sizes, [f"{n / 1000:g}k" if n >= 1000 else f"{n:g}" for n in sizes], minor=False)
        ax.minorticks_off()
        ax.set(xlabel="training images", title=f"({letter})")
    handles, words = axes[0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside upper center", ncols=3, fontsize="small")
    return figure


def _draw_errors(ax: Axes, curves: pd.DataFrame, paper: pd.DataFrame | None) -> None:
    for i, net in enumerate(ORDER):
        if has(curves, "error", net):
            series_band(ax, select(curves, "error", net), i, NETS[net], marks=True)
        if paper is not None and net in set(paper.series):
            mine = paper[paper.series == net]
            paper_points(ax, mine.images, mine.value, mine.bar, series_style(i)["marker"], f"paper, {NETS[net]}")
    highest = curves[curves.panel == "error"].high.max()
    ax.set_ylim(0, max(highest * 1.05, PAPER_TOP if paper is not None else 0))
    ax.set_ylabel("test error (%)")


def _draw_gains(ax: Axes, curves: pd.DataFrame, paper: pd.DataFrame | None) -> None:
    ax.axhline(0, color=ax.xaxis.label.get_color(), linewidth=0.8)
    for net in PLAIN:
        if has(curves, "gain", net):
            series_band(ax, select(curves, "gain", net), ORDER.index(net), f"over the net {NETS[net]}", marks=True)
    if paper is not None:
        none, dropout = (paper[paper.series == net].set_index("images").value for net in ("none", "dropout"))
        gains = 100 * (none - dropout) / none
        paper_points(ax, gains.index, gains, None, "x", "paper")
    ax.set_ylabel("gain from dropout (% of the error)")
