"""How Figure 10 and its companions are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Seeds
from dropnorm.analyses.santurkar2018.linear import power
from dropnorm.analyses.santurkar2018.linear_landscape import PARTS
from dropnorm.analyses.santurkar2018.linear_panels import IN_PAPER, STYLES
from dropnorm.analyses.tidy import drawn, select
from dropnorm.plotting import LABELS, band, colour, series_band, series_style, step_axis

SERIES = {"none": "baseline", "batch": "batchnorm"}  # of the book's two colours
RATES = {"5e-07": ".lr-5e-07", "1e-06": "", "2e-06": ".lr-2e-06"}
MEASURES = {
    "loss_edge_early": "loss, first third: median",
    "loss_edge_early_maximum": "loss, first third: maximum",
    "difference_edge_early": "gradient, first third: median",
    "difference_edge_early_maximum": "gradient, first third: maximum",
    "loss_edge_late": "loss, last third: median",
    "difference_edge_late": "gradient, last third: median",
}
HIGHEST = 1e20  # of the axes: single blow-ups go beyond


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    reference = context.comparable(reference)
    drawings, nets = {}, drawn(curves, "loss_upper", SERIES)
    if nets:
        drawings["figure"] = _landscape(curves, reference, context, nets)
    if "ratio_batch" in set(curves.panel):
        panels = {"loss": "fig10a", "difference": "fig10b"}
        drawings["seeds"] = seeds_drawing(curves, reference, context, {"batch": "batch norm"}, panels)
    if rates := [rate for rate, ending in RATES.items() if len(select(curves, "over_edge", f"linear_batch{ending}"))]:
        drawings["rates"] = _rates(curves, context, rates)
    return drawings


def setup(context: Context, seeds: Seeds) -> str:
    """What every caption ends with."""
    s = context.settings
    return (
        f"{s['network']['depth']} linear layers of {s['network']['width']} units, {s['data']['examples']:,} examples "
        f"in every step, {s['training']['steps']:,} steps of gradient descent. Data: {context.data}. "
        f"{context.ending(seeds)}"
    )


def lengths(context: Context) -> str:
    """The step lengths in words."""
    factors = context.settings["measure"]["step_lengths"]
    return f"{len(factors)} step lengths from {factors[0]:g} to {factors[-1]:g} times the rate"


# --- Figure 10 (a), (b), (c) ---


def _landscape(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context, nets: list[str]) -> Drawing:
    seeds, rate = curves.n[curves.panel == "beta"], context.settings["optimiser"]["lr"]
    caption = (
        f"Along the gradient from the weights of each step, over {lengths(context)}: (a) smallest to largest loss; (b) "
        "smallest to largest change of the gradient; edges are medians over the seeds, the thin line is the highest "
        "upper edge of any seed. (c) Effective beta-smoothness, median of the seeds with a band from the lowest to the "
        f"highest; dash-dotted: 2 / learning rate. Dotted grey: the paper's own upper edges and its beta (x: without "
        f"BN). Learning rate {rate:g}. {setup(context, seeds)}"
    )
    third = context.settings["training"]["steps"] / 3
    words = "; ".join(
        f"{LABELS[SERIES[net]]} {power(_middle(curves, 'loss_upper', net, third))} for the loss, "
        f"{power(_middle(curves, 'difference_upper', net, third))} for the change of the gradient, beta "
        f"{power(_middle(curves, 'beta', net, third))}"
        for net in nets
    )
    alt = (
        "Three panels over training steps, logarithmic axes. Upper edges in the first third, medians over the steps of "
        f"the lines drawn: {words}."
    )
    return Drawing(partial(_draw_landscape, curves, reference, context, nets), caption, alt)


def _middle(curves: pd.DataFrame, panel: str, net: str, until: float) -> float:
    """log10 of the median over the first steps of a curve that is itself a median over seeds."""
    mine = select(curves, panel, net)
    return float(np.log10(mine[mine.x <= until].value.median()))


def _draw_landscape(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context, nets: list[str]) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(9.2, 3.3))
    steps = context.settings["training"]["steps"]
    for ax, quantity, label in zip(axes, ("loss", "difference"), ("loss", "change of the gradient"), strict=False):
        for net in nets:
            _draw_band(ax, curves, quantity, net)
        ax.set_ylabel(label)
    for net in nets:
        band(axes[2], select(curves, "beta", net), SERIES[net], LABELS[SERIES[net]])
    edge = {"linestyle": "-.", "linewidth": 1, "color": colour("paper"), "zorder": 3}  # over the line that lies on it
    axes[2].axhline(2 / context.settings["optimiser"]["lr"], **edge)
    axes[2].set_ylabel("effective beta")
    if reference is not None:
        for ax, panel in zip(axes, ("fig10a", "fig10b", "fig10c"), strict=True):
            _draw_paper(ax, reference[reference.panel == panel])
    for ax, letter in zip(axes, "abc", strict=True):
        step_axis(ax, steps)
        ax.set_yscale("log")
        ax.set_ylim(top=min(ax.get_ylim()[1], HIGHEST))
        ax.set_title(f"({letter})")
    axes[0].legend(loc="upper right", fontsize="small")
    return figure


def _draw_band(ax: Axes, curves: pd.DataFrame, quantity: str, net: str) -> None:
    lower, upper = (select(curves, f"{quantity}_{edge}", net) for edge in ("lower", "upper"))
    both = upper.assign(low=lower.value.to_numpy(), high=upper.value)
    band(ax, both, SERIES[net], LABELS[SERIES[net]])
    ax.plot(upper.x, upper.high, linewidth=0.5, alpha=0.7, color=colour(SERIES[net]))


def _draw_paper(ax: Axes, reference: pd.DataFrame) -> None:
    for net in SERIES:
        mine = reference[reference.series == IN_PAPER[net]].sort_values("step")
        marker = {"none": "x", "batch": "."}[net]
        every = max(len(mine) // 12, 1)
        ax.plot(mine.step, mine.value, ":", marker=marker, markevery=every, markersize=4, linewidth=0.9,
                color=colour("paper"), label=f"paper, {LABELS[SERIES[net]]}")  # fmt: skip


# --- seed by seed ---


def seeds_drawing(
    curves: pd.DataFrame,
    reference: pd.DataFrame | None,
    context: Context,
    nets: dict[str, str],
    panels: dict[str, str],
) -> Drawing:
    """log10 of plain over normalised upper edges, a dot a seed, for every measure and every net (name: words).

    panels: where in `reference` the paper's own edges are.
    """
    there = {net: words for net, words in nets.items() if f"ratio_{net}" in set(curves.panel)}
    seeds = curves.n[curves.panel.isin([f"ratio_{net}" for net in there])]
    caption = (
        "Upper edge of the band without normalisation over that with it, log10, a dot for each seed: median and "
        "maximum over the steps of the first third of training, and median over those of the last third, for the loss "
        "and for the change of the gradient. Dash-dotted: a factor of 10. Crosses: the paper's own run. "
        f"{setup(context, seeds)}"
    )
    counts = "; ".join(
        f"{words}, {label}: {(mine.value > 1).sum()} of {len(mine)} above a factor of 10, "
        f"{(mine.value < 0).sum()} below 1"
        for net, words in there.items()
        for measure, label in MEASURES.items()
        if len(mine := select(curves, f"ratio_{net}", measure))
    )
    alt = f"Dots for each seed. {counts}."
    of_paper = {}
    if reference is not None:
        of_paper = {(net, m): paper_ratio(reference, panels, net, m) for net in there for m in MEASURES}
    return Drawing(partial(_draw_seeds, curves, there, of_paper), caption, alt)


def paper_ratio(reference: pd.DataFrame, panels: dict[str, str], net: str, measure: str) -> float:
    """log10 of plain over `net` for a measure, from the paper's curves; NaN if they are not there."""
    quantity, name = measure.split("_edge_")
    first, last = (10_000 * share for share in PARTS[name.removesuffix("_maximum")])
    edges = []
    for each in ("none", net):
        mine = reference[(reference.panel == panels[quantity]) & (reference.series == IN_PAPER[each])]
        value = mine[(mine.step >= first) & (mine.step <= last)].value
        edges.append(value.max() if name.endswith("maximum") else value.median())
    return float(np.log10(edges[0] / edges[1]))


def _draw_seeds(curves: pd.DataFrame, nets: dict[str, str], of_paper: dict[tuple[str, str], float]) -> Figure:
    figure, ax = plt.subplots(figsize=(7.6, 3.0 + 0.5 * (len(nets) > 1)))
    for i, (net, words) in enumerate(nets.items()):
        style = series_style(STYLES[net])
        for row, measure in enumerate(MEASURES):
            mine = select(curves, f"ratio_{net}", measure)
            height = row + 0.18 * (i - (len(nets) - 1) / 2)
            ax.plot(mine.value, np.full(len(mine), height), style["marker"], color=style["color"], markersize=4,
                    alpha=0.75, label=words if row == 0 else None)  # fmt: skip
            if (net, measure) in of_paper:
                ax.plot(of_paper[net, measure], height, "x", color=colour("paper"), markersize=5)
    ax.axvline(0, linewidth=0.8, color=colour("paper"))
    ax.axvline(1, linestyle="-.", linewidth=1, color=colour("paper"))
    ax.set_yticks(range(len(MEASURES)), MEASURES.values())
    ax.invert_yaxis()
    ax.set_xlabel("log10 of the upper edge, without normalisation over with it")
    if len(nets) > 1:
        ax.legend(loc="lower right", fontsize="small")
    return figure


# --- at other rates ---


def _rates(curves: pd.DataFrame, context: Context, rates: list[str]) -> Drawing:
    seeds = curves.n[curves.panel == "over_edge"]
    caption = (
        "Effective beta times half the learning rate, at several rates: 1 is the edge of stability. Median of the "
        f"seeds with a band from the lowest to the highest. The axis ends at 10⁻⁴ and 10⁴. {setup(context, seeds)}"
    )
    ends = "; ".join(
        f"rate {rate}: {select(curves, 'over_edge', f'linear_batch{RATES[rate]}').value.median():.3f} with BN"
        + (f", {plain.value.median():.2g} without" if len(plain := _plain(curves, rate)) else "")
        for rate in rates
    )
    alt = f"A panel for each rate. Beta over the edge, median over the steps of the line drawn: {ends}."
    return Drawing(partial(_draw_rates, curves, context, rates), caption, alt)


def _plain(curves: pd.DataFrame, rate: str) -> pd.DataFrame:
    return select(curves, "over_edge", f"linear_none{RATES[rate]}")


def _draw_rates(curves: pd.DataFrame, context: Context, rates: list[str]) -> Figure:
    figure, axes = plt.subplots(1, len(rates), figsize=(2.4 + 2.2 * len(rates), 2.9), sharey=True, squeeze=False)
    for ax, rate in zip(axes[0], rates, strict=True):
        for i, (net, words) in enumerate((("batch", "with BN"), ("none", "without BN"))):
            mine = select(curves, "over_edge", f"linear_{net}{RATES[rate]}")
            series_band(ax, mine, i, words)
        ax.axhline(1, linestyle="-.", linewidth=1, color=colour("paper"), zorder=3)
        ax.set_title(f"rate {rate}")
        ax.set_yscale("log")
        step_axis(ax, context.settings["training"]["steps"])
    axes[0, 0].set_ylim(1e-4, 1e4)
    axes[0, 0].set_ylabel("beta × rate / 2")
    axes[0, 0].legend(fontsize="small")
    return figure
