"""Santurkar et al. 2018, Figure 13: Figure 10 with normalisation by l_p norms, in the deep linear network.

Claim S13.1 is fixed in claims/santurkar2018.yaml; the runs are those of figure10.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import legend_above
from dropnorm.analyses.santurkar2018.figure10_drawings import HIGHEST, IN_PAPER, lengths, seeds_drawing, setup
from dropnorm.analyses.santurkar2018.linear import NETS, WORDS, arm_of, power
from dropnorm.analyses.santurkar2018.linear_landscape import (
    EDGES,
    edge_curves,
    edge_samples,
    log_rate,
    over_edge,
    part,
    quotients,
    ratio_curves,
)
from dropnorm.analyses.santurkar2018.linear_panels import STYLES
from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, drawn, joined, sample_rows, samples, select
from dropnorm.criteria import by_seed
from dropnorm.plotting import colour, series_style, step_axis

PANELS = {
    "loss_upper": ("fig13b", "loss"),
    "difference_upper": ("fig13c", "change of the gradient"),
    "beta": ("fig13d", "effective beta"),
}
STEPS_TOLD = {0.01: "hundredth", 0.1: "tenth", 1: "rate"}  # times the rate: those lengths whose quotients are told


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claim and its page, from tidy runs."""
    parts = [s for net in NETS for s in edge_samples(runs, arm_of(net))]
    for net in NETS:
        if (beta := over_edge(runs, arm_of(net))) is not None:
            parts.append(samples("beta_over_edge", arm_of(net), 10 ** part(beta, "settled").median()))
    found = joined(parts, SAMPLE_COLUMNS)
    curves = [c for net in NETS for c in edge_curves(runs, net, ("upper",))]
    curves += [c for net in NETS[1:] for c in ratio_curves(found, net)]
    rows = sample_rows(parts)
    return Summary(found, pd.DataFrame(rows), joined(curves, CURVE_COLUMNS), _facts(found) | _quotient_facts(runs))


def _facts(found: pd.DataFrame) -> dict[str, str]:
    facts = {}
    for net in NETS:
        mine = found[found.arm == arm_of(net)]
        for measure, values in mine.groupby("measure", sort=False).value:
            if measure == "beta_over_edge":
                facts[f"{measure}_{net}"] = f"{values.median():.2f}"
                facts[f"{measure}_{net}_range"] = f"{values.min():.2g} to {values.max():.3g}"
            else:
                facts[f"{measure}_{net}"] = power(values.mean())
        for measure in [f"{q}_edge_early{ending}" for q in EDGES for ending in ("", "_maximum")]:
            plain, other = (by_seed(found, measure, arm_of(each)) for each in ("none", net))
            ratio = (plain - other).dropna()
            if net != "none" and len(ratio):
                facts[f"{measure}_above_ten_{net}"] = f"{(ratio > 1).sum()} of {len(ratio)}"
    return facts


def _quotient_facts(runs: pd.DataFrame) -> dict[str, str]:
    """With the l_inf norm: change over distance at single step lengths, in units of the edge; where it is largest."""
    found = {eta: part(of, "settled") for eta, of in quotients(runs, arm_of("linf")).items()}
    if not found:
        return {}
    facts, rate = {}, log_rate(runs, arm_of("linf"))
    multiples = {eta: round(eta / 10**rate, 3) for eta in found}
    for eta, of in found.items():
        if (name := STEPS_TOLD.get(multiples[eta])) is not None:
            by_seed = 10 ** (of + rate - np.log10(2)).median()
            facts[f"quotient_{name}_linf_range"] = f"{by_seed.min():.2f} to {by_seed.max():.2f}"
            facts[f"quotient_{name}_linf_above"] = f"{(by_seed > 1).sum()} of {len(by_seed)}"
    largest = np.stack([of.to_numpy() for of in found.values()]).argmax(axis=0)
    tenth = [multiple == 0.1 for multiple in multiples.values()]
    return facts | {"largest_at_tenth_linf": f"{100 * np.isin(largest, np.flatnonzero(tenth)).mean():.0f} %"}


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there; `figure` is the one that stands beside the paper's."""
    reference = context.comparable(reference)
    drawings, nets = {}, drawn(curves, "loss_upper", NETS)
    if nets:
        drawings["figure"] = _landscape(curves, reference, context, nets)
    if any(f"ratio_{net}" in set(curves.panel) for net in nets):
        panels = {"loss": PANELS["loss_upper"][0], "difference": PANELS["difference_upper"][0]}
        words = {net: WORDS[net] for net in nets if net != "none"}
        drawings["seeds"] = seeds_drawing(curves, reference, context, words, panels)
    return drawings


def _landscape(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context, nets: list[str]) -> Drawing:
    seeds = curves.n[curves.panel == "beta"]
    caption = (
        f"Along the gradient, over {lengths(context)}: upper edge of the loss, upper edge of the change of the "
        "gradient, and effective beta-smoothness, for no normalisation and four kinds; above ours, lines are medians "
        "over the seeds; below the paper's one run, on axes of its own. Dash-dotted: 2 / learning rate. Learning "
        f"rate {context.settings['optimiser']['lr']:g}. {setup(context, seeds)}"
    )
    third = context.settings["training"]["steps"] / 3
    words = "; ".join(
        f"{WORDS[net]} {_typical(curves, 'loss_upper', net, third)} for the loss, "
        f"{_typical(curves, 'difference_upper', net, third)} for the change of the gradient"
        for net in nets
    )
    alt = (
        "Three columns over training steps, logarithmic axes. Upper edges in the first third, medians over the steps "
        f"of the lines drawn: {words}."
    )
    return Drawing(partial(_draw, curves, reference, context, nets), caption, alt)


def _typical(curves: pd.DataFrame, panel: str, net: str, until: float) -> str:
    mine = select(curves, panel, net)
    return f"{mine[mine.x <= until].value.median():.1e}"


def _draw(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context, nets: list[str]) -> Figure:
    with_paper = reference is not None
    figure, axes = plt.subplots(1 + with_paper, 3, figsize=(9.2, 3.1 + 2.7 * with_paper), sharex=True, squeeze=False)
    for net in nets:
        style = {k: v for k, v in series_style(STYLES[net]).items() if k != "marker"} | {"linewidth": 1.3}
        for column, (panel, (of_paper, _)) in enumerate(PANELS.items()):
            mine = select(curves, panel, net)
            axes[0, column].plot(mine.x, mine.value, label=WORDS[net], **style)
            if with_paper:
                theirs = reference[(reference.panel == of_paper) & (reference.series == IN_PAPER[net])]
                theirs = theirs.sort_values("step")
                axes[1, column].plot(theirs.step, theirs.value, **style)
    for column, (_, label) in enumerate(PANELS.values()):
        for ax, whose in zip(axes[:, column], ("ours", "the paper"), strict=False):
            ax.set_yscale("log")
            ax.set_title(f"{label}, {whose}" if with_paper else label)
            if column == 2:
                ax.axhline(2 / context.settings["optimiser"]["lr"], linestyle="-.", linewidth=1, color=colour("paper"))
        top = axes[0, column].get_ylim()[1]
        axes[0, column].set_ylim(top=min(top, HIGHEST))
        step_axis(axes[-1, column], context.settings["training"]["steps"])
    legend_above(figure, axes[0, 0])
    return figure
