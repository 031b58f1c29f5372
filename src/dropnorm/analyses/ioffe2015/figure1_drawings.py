"""How Figure 1 and its companions are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Seeds
from dropnorm.analyses.tidy import drawn, select
from dropnorm.plotting import LABELS, band, colour, paper_curve, step_axis

NETS = ("baseline", "batchnorm")
IN_PAPER = {"baseline": "nobn", "batchnorm": "bn"}  # their names in the digitised curves
PERCENTILES = ("p15", "p50", "p85")
STARTS = [
    ("", "as calibrated"),
    (".init_std-0.1", "first weights larger"),
    (".larger_init_and_rate-0.1", "and rate larger"),
]


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    drawings = {}
    if drawn(curves, "accuracy", NETS):
        drawings["figure"] = _figure1(curves, reference, context)
    if set(curves.panel) >= {"lr", "init_std"}:
        drawings["sweeps"] = _sweeps(curves, context)
    arms = [net + ending for net in NETS for ending, _ in STARTS]
    if drawn(curves, "accuracy", arms) == arms:
        drawings["early"] = _early(curves, context)
    return drawings


def _setup(context: Context, seeds: Seeds) -> str:
    s = context.settings
    hidden = "-".join(str(h) for h in s["network"]["hidden"])
    return (
        f"Data: {context.data}. {hidden} sigmoid units, plain SGD, mini-batches of {s['training']['batch_size']}, "
        f"{s['training']['steps']:,} steps, {context.ending(seeds)}"
    )


def _end(curves: pd.DataFrame, panel: str, series: str) -> pd.Series:
    return select(curves, panel, series).iloc[-1]


# --- Figure 1 (a), (b), (c) ---


def _figure1(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    ends = {net: _end(curves, "accuracy", net) for net in drawn(curves, "accuracy", NETS)}
    seeds = [end.n for end in ends.values()]
    rate, std = context.settings["optimiser"]["lr"], context.settings["network"]["init_std"]
    caption = (
        "(a) Test accuracy over training, mean of the seeds with a band from the lowest to the highest; (b, c) 15th, "
        "50th (thick) and 85th percentile, over the same test images, of the input to one sigmoid of the last hidden "
        "layer (the first unit of the first seed; band: that unit in all seeds). Dotted grey: the paper's own curves. "
        f"Learning rate {rate}, first weights N(0, {std}²). {_setup(context, seeds)}"
    )
    numbers = "; ".join(f"{LABELS[net]} {e.value:.2f} % (seeds {e.low:.2f} to {e.high:.2f})" for net, e in ends.items())
    widths = "; ".join(
        f"{LABELS[net]} the 15th to 85th percentile spans {_width(curves, net, 0):.2f} at first, "
        f"{_width(curves, net, -1):.2f} at the end"
        for net in ends
    )
    alt = f"Three panels over training steps. Final test accuracy: {numbers}. Inputs of one sigmoid: {widths}."
    steps = context.settings["training"]["steps"]
    return Drawing(partial(_draw_figure1, curves, context.comparable(reference), steps), caption, alt)


def _width(curves: pd.DataFrame, net: str, position: int) -> float:
    low, high = (select(curves, f"inputs_{net}", p).value for p in ("p15", "p85"))
    return high.iloc[position] - low.iloc[position] if len(low) else float("nan")


def _draw_figure1(curves: pd.DataFrame, reference: pd.DataFrame | None, steps: int) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(8.6, 3.1), width_ratios=[1.25, 1, 1])
    _draw_accuracy(axes[0], curves, reference)
    axes[0].set_ylim((0, 101) if reference is None else (70, 100))  # the paper's own axis
    for ax, net, letter in zip(axes[1:], NETS, "bc", strict=True):
        _draw_inputs(ax, curves, reference, net)
        ax.set_title(f"({letter}) {LABELS[net]}")
        ax.set_ylim(-3, 3)
    axes[1].set_ylabel("input of one sigmoid")
    for ax in axes:
        step_axis(ax, steps)
    return figure


def _draw_accuracy(ax: Axes, curves: pd.DataFrame, reference: pd.DataFrame | None) -> None:
    for net in NETS:
        band(ax, select(curves, "accuracy", net), net, LABELS[net])
        if reference is not None:
            of_paper = reference[(reference.panel == "fig1a") & (reference.series == IN_PAPER[net])]
            paper_curve(ax, of_paper.assign(value=100 * of_paper.value), net, f"paper, {LABELS[net]}")
    ax.set_ylabel("test accuracy (%)")
    ax.set_title("(a)")
    ax.legend(loc="lower right" if reference is not None else "best", fontsize="small")


def _draw_inputs(ax: Axes, curves: pd.DataFrame, reference: pd.DataFrame | None, net: str) -> None:
    for p in PERCENTILES:
        band(ax, select(curves, f"inputs_{net}", p), net, side=p != "p50")
        if reference is not None:
            series = f"{IN_PAPER[net]}/{p}"
            paper_curve(ax, reference[(reference.panel == "fig1bc") & (reference.series == series)], net)


# --- companions ---


def _early(curves: pd.DataFrame, context: Context) -> Drawing:
    early = [net + ending for net in NETS for ending, _ in STARTS]
    caption = (
        "Test accuracy in the first fifth of training: with the calibrated first weights and rate; with first weights "
        "N(0, 0.1²); with these and learning rate 0.3. Mean of the seeds, band from the lowest to the highest. "
        + _setup(context, curves.n[(curves.panel == "accuracy") & curves.series.isin(early)])
    )
    x = context.settings["training"]["steps"] * 0.08
    gaps = [f"{words} {_gap(curves, ending, x):.1f} points" for ending, words in STARTS]
    alt = f"Three panels of test accuracy. Lead of batch normalization at step {x:,.0f}: {'; '.join(gaps)}."
    return Drawing(partial(_draw_early, curves, context), caption, alt)


def _gap(curves: pd.DataFrame, ending: str, x: float) -> float:
    def at(net: str) -> float:
        mine = select(curves, "accuracy", net + ending)
        return mine.value.iloc[(mine.x - x).abs().argmin()]

    return at("batchnorm") - at("baseline")


def _draw_early(curves: pd.DataFrame, context: Context) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(8.6, 2.8), sharey=True)
    for ax, (ending, words) in zip(axes, STARTS, strict=True):
        for net in NETS:
            band(ax, select(curves, "accuracy", net + ending), net, LABELS[net])
        ax.set_title(words)
        step_axis(ax, context.settings["training"]["steps"] / 5)
    axes[0].set_ylabel("test accuracy (%)")
    axes[-1].legend(loc="lower right")
    return figure


def _sweeps(curves: pd.DataFrame, context: Context) -> Drawing:
    seeds = curves.n[curves.panel.isin(["lr", "init_std"])]
    caption = (
        "Final test accuracy against the learning rate (nets trained on the images left by the validation split) and "
        "against the standard deviation of the first weights. Points: mean of the seeds; band from the lowest to the "
        f"highest. {_setup(context, seeds)}"
    )
    best = [
        f"{LABELS[net]} best {mine.value.max():.2f} % at rate {mine.x.iloc[mine.value.argmax()]:g}"
        for net in NETS
        for mine in [select(curves, "lr", net)]
    ]
    spans = [
        f"{LABELS[net]} from {mine.value.min():.2f} % to {mine.value.max():.2f} %"
        for net in NETS
        for mine in [select(curves, "init_std", net)]
    ]
    alt = f"Two panels. Over learning rates: {'; '.join(best)}. Over scales of first weights: {'; '.join(spans)}."
    return Drawing(partial(_draw_sweeps, curves), caption, alt)


def _draw_sweeps(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 2.9), sharey=True)
    for ax, name, label in zip(axes, ("lr", "init_std"), ("learning rate", "sd of first weights"), strict=True):
        for net in NETS:
            mine = select(curves, name, net)
            band(ax, mine, net, LABELS[net])
            ax.plot(mine.x, mine.value, "o", color=colour(net), markersize=4)
        ax.set_xscale("log")
        ax.set_xlabel(label)
    axes[0].set_ylabel("final test accuracy (%)")
    axes[0].legend(loc="lower right")
    return figure
