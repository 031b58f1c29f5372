"""How the deep linear network is drawn in the figures that it shares with VGG: 3 (b), 5 (b) and 11 (b)."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import over_steps
from dropnorm.analyses.santurkar2018.linear import LAYERS, NETS, RATES
from dropnorm.analyses.santurkar2018.vgg import LABELS
from dropnorm.analyses.santurkar2018.vgg_drawings import (
    ends_told,
    paper_lines,
    paper_medians,
    seeds_of,
    single_steps_panel,
    style_of,
)
from dropnorm.analyses.tidy import drawn, select
from dropnorm.plotting import series_band

# The nets have the colours and the names of their counterparts in VGG, which stand on the same pages.
IN_VGG = dict(zip(NETS, ("standard", "batchnorm", "l1", "l2", "linf"), strict=True))
STYLES = {net: style_of(arm) for net, arm in IN_VGG.items()}
WORDS = {net: LABELS[arm] for net, arm in IN_VGG.items()}
IN_PAPER = {"none": "std", "batch": "bn", "l1": "l1", "l2": "l2", "linf": "linf"}
RATE_IN_PAPER = {"1e-06": "1e-6", "1e-07": "1e-7"}
BAND = "median of the seeds with a band from the lowest to the highest"


def _setup(context: Context, curves: pd.DataFrame, *panels: str) -> str:
    return f"Deep linear network, see Figure 10 for its settings; {context.ending(seeds_of(curves, *panels))}"


def _lines(
    ax: Axes, curves: pd.DataFrame, panel: str, reference: pd.DataFrame | None, of_paper: tuple[str, str]
) -> None:
    """One line a net; of_paper: panel of the reference, and its series with a gap for the net."""
    nets = drawn(curves, panel, NETS)
    names = {IN_VGG[net]: of_paper[1].format(IN_PAPER[net]) for net in nets}
    paper_lines(ax, reference, of_paper[0], names)
    for net in nets:
        series_band(ax, select(curves, panel, net), STYLES[net], WORDS[net])


# --- Figure 3 (b) ---


def shift(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """Loss, shift and cosine in two layers at two rates; nothing if no rate was run."""
    rates = [rate for rate in RATES if drawn(curves, f"linear_loss_{rate}", NETS)]
    if not rates:
        return {}
    caption = (
        f"Loss, ||G - G'|| (log scales, {BAND}) and cos(G, G') (mean) in layers {' and '.join(map(str, LAYERS))}, "
        "a row a rate. Faint and dotted: the paper's own curves, where they could be read. "
        f"{_setup(context, curves, *(f'linear_loss_{rate}' for rate in rates))}"
    )
    ends = "; ".join(
        f"rate {rate}, layer {layer}: {ends_told(curves, f'linear_cosine_layer{layer}_{rate}', NETS, '.2f', WORDS)}"
        for rate in rates
        for layer in LAYERS
    )
    alt = f"A grid of lines over training steps. Cosine at the last measurement: {ends}."
    return {"linear": Drawing(partial(_draw_shift, curves, reference, rates), caption, alt)}


def _draw_shift(curves: pd.DataFrame, reference: pd.DataFrame | None, rates: list[str]) -> Figure:
    figure, axes = plt.subplots(len(rates), 5, figsize=(11, 2.3 * len(rates) + 0.5), squeeze=False)
    titles = ["loss"] + [f"{what}, layer {layer}" for layer in LAYERS for what in ("‖G − G′‖", "cosine")]
    for row, rate in zip(axes, rates, strict=True):
        panels = {f"linear_loss_{rate}": ("fig3b", f"loss/lr{RATE_IN_PAPER[rate]}/{{}}")}
        for layer in LAYERS:
            for what, short in (("shift", "l2"), ("cosine", "cos")):
                panels[f"linear_{what}_layer{layer}_{rate}"] = ("fig3b", f"{short}/{RATE_IN_PAPER[rate]}/L{layer}/{{}}")
        for ax, (panel, of_paper) in zip(row, panels.items(), strict=True):
            _lines(ax, curves, panel, reference, of_paper)
            if "cosine" not in panel:
                ax.set_yscale("log")
        row[0].set_ylabel(f"rate {rate}")
        over_steps(row, curves, list(panels))
    for ax, title in zip(axes[0], titles, strict=True):
        ax.set_title(title)
    axes[0][0].legend(fontsize="small")
    return figure


# --- Figure 5 (b) ---


def training(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """Loss over training with every normalisation; nothing if none was run."""
    if not drawn(curves, "linear_loss", NETS):
        return {}
    setup = _setup(context, curves, "linear_loss")
    caption = f"Training loss: {BAND}. Faint and dotted: the paper's own curves. {setup}"
    alt = (
        f"Loss over training steps on a log scale. At the end: {ends_told(curves, 'linear_loss', NETS, ',.0f', WORDS)}."
    )
    return {"linear": Drawing(partial(_draw_training, curves, reference), caption, alt)}


def _draw_training(curves: pd.DataFrame, reference: pd.DataFrame | None) -> Figure:
    figure, ax = plt.subplots(figsize=(6.2, 3.6))
    _lines(ax, curves, "linear_loss", reference, ("fig5b", "{}"))
    ax.set_yscale("log")
    ax.set_ylabel("training loss")
    ax.legend(fontsize="small")
    over_steps(ax, curves, ["linear_loss"])
    return figure


# --- Figure 11 (b) ---


def change(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The gradient's change against the step length; nothing if no net was run."""
    nets = drawn(curves, "linear_difference", NETS)
    if not nets:
        return {}
    caption = (
        "Change of the gradient against the step length, both on log scales. Thin: single training steps of the first "
        "seed; thick: median over steps and seeds, with a band over all; grey and dotted: the medians of the "
        f"paper's curves. {_setup(context, curves, 'linear_difference')}"
    )
    told = "; ".join(
        f"{WORDS[net]} "
        + ", ".join(f"{row.value:.2g} at {row.x:.2g}" for row in select(curves, "linear_difference", net).itertuples())
        for net in nets
    )
    alt = f"Two panels of curves over the step's length. Medians: {told}."
    return {"linear": Drawing(partial(_draw_change, curves, reference, nets), caption, alt)}


def _draw_change(curves: pd.DataFrame, reference: pd.DataFrame | None, nets: list[str]) -> Figure:
    figure, axes = plt.subplots(1, len(nets), figsize=(4.3 * len(nets), 3.3), sharey=True, squeeze=False)
    for ax, net in zip(axes[0], nets, strict=True):
        single_steps_panel(ax, curves, "linear_difference", f"linear_difference_{net}", net, STYLES[net])
        paper_medians(ax, reference, "fig11b", IN_PAPER[net])
        ax.set(xscale="log", yscale="log", title=WORDS[net], xlabel="step length")
    axes[0][0].set_ylabel("change of the gradient")
    return figure
