"""How Figure 13 and its companion are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import histogram_steps, legend_above, paper_values, setting_value, settings_panel
from dropnorm.analyses.srivastava2014.machines import NETS, WORDS, in_words, settings_in, setup
from dropnorm.analyses.tidy import drawn, select
from dropnorm.plotting import series_band, step_axis

BESIDE = {"share_below": "below 0.1 (%)", "share_above": "above 0.9 (%)", "mean": "mean activation"}
JUDGED = 3  # the position of the machines of 1,024 units among the settings


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    drawings = {}
    paper = paper_values(context.comparable(reference), "measure", "net")
    if drawn(curves, "activations_batch", NETS):
        drawings["figure"] = _histograms(curves, context)
    if drawn(curves, "share_below", NETS) == list(NETS):
        drawings["course"] = _course(curves, context)
    if any((curves.panel == "settings_share_below") & (curves.x != JUDGED)):
        drawings["settings"] = _settings(curves, paper, context)
    return drawings


def _histograms(curves: pd.DataFrame, context: Context) -> Drawing:
    images = context.settings["measure"]["mini_batch"]
    caption = (
        f"Activations P(h = 1 | v) of 1,024 hidden units on {images} test images, as in the paper, of whole machines "
        "and not multiplied by p. (a) Mean activation of each unit over the images; (b) single activations, share of "
        "all on a logarithmic axis. Steps: mean of the seeds, band from the lowest to the highest. "
        f"{setup(context, curves, 'activations_batch')}"
    )
    nets = drawn(curves, "activations_batch", NETS)
    below, above, mean = ([setting_value(curves, m, net, JUDGED) for net in nets] for m in BESIDE)
    numbers = [
        f"{NETS[net][1]} {b:.1f} % are below 0.1, {a:.1f} % above 0.9 and the mean is {m:.3f}"
        for net, b, a, m in zip(nets, below, above, mean, strict=True)
    ]
    return Drawing(
        partial(_draw_histograms, curves), caption, f"Two histograms. On all test images, {'; '.join(numbers)}."
    )


def _draw_histograms(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.4))
    for ax, panel in zip(axes, ("units_batch", "activations_batch"), strict=True):
        for net in drawn(curves, panel, NETS):
            bins = select(curves, panel, net)
            histogram_steps(ax, bins, bins.x.iloc[1] - bins.x.iloc[0], *NETS[net])
    axes[0].set(xlabel="mean activation of a unit", ylabel="units (%)", title="(a)", xlim=(0, 1), ylim=(0, None))
    axes[1].set(xlabel="activation", ylabel="activations (%)", title="(b)", xlim=(0, 1), yscale="log")
    axes[0].legend(loc="upper right")
    return figure


def _course(curves: pd.DataFrame, context: Context) -> Drawing:
    caption = (
        "Share of the activations of 1,024 hidden units, on all test images, (a) below 0.1 and (b) above 0.9, over "
        f"training. Mean of the seeds, band from the lowest to the highest. {setup(context, curves, 'share_')}"
    )
    numbers = []
    for measure, words in (("share_below", "below 0.1"), ("share_above", "above 0.9")):
        for net, (_, label) in NETS.items():
            mine = select(curves, measure, net)
            ends = f"{mine.value.iloc[0]:.1f} % at update {mine.x.iloc[0]:,.0f}, {mine.value.iloc[-1]:.1f} % at the end"
            numbers.append(f"{words}, {label}: {ends}")
    return Drawing(partial(_draw_course, curves), caption, f"Two panels over training. {'; '.join(numbers)}.")


def _draw_course(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.0))
    for ax, measure, letter in zip(axes, ("share_below", "share_above"), "ab", strict=True):
        for net, (i, label) in NETS.items():
            series_band(ax, select(curves, measure, net), i, label, marks=True)
        step_axis(ax, 1.02 * curves[curves.panel == measure].x.max())  # room for half a mark
        ax.set(ylabel=BESIDE[measure], ylim=(0, None), xlabel="update", title=f"({letter})")
    axes[0].legend(loc="best")
    return figure


def _settings(curves: pd.DataFrame, paper: dict[str, dict[str, float]], context: Context) -> Drawing:
    lines = "; lines across: the paper's own machines (solid with, dashed without dropout)" if paper else ""
    caption = (
        f"Activations on all test images in other settings: {settings_in(curves)}. Share below 0.1, share above 0.9, "
        "mean. "
        f"Mark: mean of the seeds; bar: lowest to highest{lines}. {setup(context, curves, 'settings')}"
    )
    own = [f"{BESIDE[m]} {value:g} {NETS[net][1]}" for m, by_net in paper.items() for net, value in by_net.items()]
    of_paper = f" In the paper: {'; '.join(own)}." if own else ""
    alt = f"Three panels, each for {settings_in(curves)}. {in_words(curves, BESIDE)}.{of_paper}"
    return Drawing(partial(_draw_settings, curves, paper), caption, alt)


def _draw_settings(curves: pd.DataFrame, paper: dict[str, dict[str, float]]) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(8.6, 3.1))
    for ax, (measure, label) in zip(axes, BESIDE.items(), strict=True):
        settings_panel(ax, curves, measure, label, NETS, WORDS, paper.get(measure))
        ax.set_ylim(bottom=0)
    legend_above(figure, axes[0])
    return figure
