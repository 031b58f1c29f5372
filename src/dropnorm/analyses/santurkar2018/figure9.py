"""Santurkar et al. 2018, Figure 9: how the outputs of the deep linear network are distributed while it trains.

Claim S9.1 is fixed in claims/santurkar2018.yaml; the runs are those of figure10.
"""

import re
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.santurkar2018.figure10_drawings import setup
from dropnorm.analyses.santurkar2018.linear import NETS, arm_of
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    history,
    joined,
    sample_rows,
    samples,
    select,
    unit_history,
)
from dropnorm.plotting import colour, series_band, series_style

PLAIN = arm_of("none")
SIGMA = {"none": "without batch norm", "batch": "with batch norm"}  # nets whose sigma is shown by layer
TIMES = (0, 0.1, 1)  # of training, at which sigma is shown by layer
SHOWN = 6  # histograms of a layer, evenly over training
LARGEST = 1e30  # of a standard deviation; what it counts as in a run that diverged


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claim and its page, from tidy runs."""
    parts, curves, facts = [], [], {}
    for net in NETS:
        if (found := sigma(runs, arm_of(net))) is not None:
            parts += _samples(runs, arm_of(net), found[1])
            facts |= _facts(net, found[1]) | (_facts_over_time(net, found[1]) if net == "none" else {})
            curves += _by_layer(net, *found) if net in SIGMA else []
    curves += _histograms(runs)
    rows = sample_rows(parts)
    return Summary(joined(parts, SAMPLE_COLUMNS), pd.DataFrame(rows), joined(curves, CURVE_COLUMNS), facts)


def layers_of(runs: pd.DataFrame, quantity: str) -> list[int]:
    """The layers of which a quantity was recorded, ascending."""
    found = (re.fullmatch(rf"{quantity}\.layer(\d+)", q) for q in runs.quantity.unique())
    return sorted(int(match[1]) for match in found if match)


def sigma(runs: pd.DataFrame, arm: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Steps, and the standard deviation of every unit `[step, seed, layer, unit]`; None if the arm was not run.

    The last layer is left out: it is the network's output, and batch norm does not normalise it.
    """
    mine = runs[runs.arm == arm]
    tables = [unit_history(mine, arm, f"sigma.layer{layer}") for layer in layers_of(mine, "sigma")[:-1]]
    if not tables:
        return None
    steps = np.sort(mine[mine.quantity == "sigma.layer1"].step.unique())
    return steps, np.nan_to_num(np.stack(tables, 2), nan=LARGEST, posinf=LARGEST).clip(1 / LARGEST, LARGEST)


def _samples(runs: pd.DataFrame, arm: str, found: np.ndarray) -> list[pd.DataFrame]:
    seeds = sorted(runs[runs.arm == arm].seed.unique())
    axes = (0, 2, 3)
    measures = {
        "median_sigma": np.median(found, axes),
        "median_sigma_at_first": np.median(found[0], (1, 2)),
        "share_above_one": (found > 1).mean(axes),
    }
    return [samples(measure, arm, pd.Series(values, index=seeds)) for measure, values in measures.items()]


def _facts(net: str, found: np.ndarray) -> dict[str, str]:
    median = np.median(found, (0, 2, 3))
    low, high = np.quantile(found, (0.05, 0.95))
    return {
        f"median_{net}": f"{median.mean():.2f}",
        f"median_{net}_range": f"{median.min():.2f} to {median.max():.2f}",
        f"spread_{net}": f"{low:.2g} to {high:.2g}",
        f"share_above_one_{net}": f"{100 * (found > 1).mean():.0f} %",
    }


def _facts_over_time(net: str, found: np.ndarray) -> dict[str, str]:
    """Sigma before the first step and after the last: of all layers, and of the last of them."""
    facts = {}
    for name, step in (("first", 0), ("end", -1)):
        low, middle, high = np.quantile(found[step, :, -1], (0.05, 0.5, 0.95))
        facts[f"last_layer_{name}_{net}"] = f"{middle:.2f}"
        facts[f"last_layer_{name}_{net}_spread"] = f"{low:.2g} to {high:.2g}"
        facts[f"median_{name}_{net}"] = f"{np.median(found[step]):.2f}"
    return facts


def _by_layer(net: str, steps: np.ndarray, found: np.ndarray) -> list[pd.DataFrame]:
    """Sigma against the layer at some times: median over seeds and units, 5th and 95th percentile."""
    curves = []
    for time in TIMES:
        i = int(np.abs(steps - time * steps[-1]).argmin())
        by_layer = found[i].swapaxes(0, 1).reshape(found.shape[2], -1)  # [layer, seed * unit]
        low, middle, high = np.quantile(by_layer, (0.05, 0.5, 0.95), axis=1)
        layers = pd.DataFrame(by_layer[:, :1], index=np.arange(1, len(by_layer) + 1))
        one = curve(f"sigma_{net}", str(steps[i]), layers)
        curves.append(one.assign(value=middle, low=low, high=high, n=found.shape[1]))
    return list({c.series.iloc[0]: c for c in curves}.values())


def _histograms(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """Share of the examples by output of the first unit, first seed, at some steps of the plain network."""
    mine = runs[runs.arm == PLAIN]
    if not len(mine):
        return []
    mine = mine[mine.seed == mine.seed.min()]
    middles = unit_history(mine, PLAIN, "histogram_middle")[0, 0]
    curves = []
    for layer in layers_of(mine, "histogram"):
        shares = unit_history(mine, PLAIN, f"histogram.layer{layer}")[:, 0]  # [step, bin]
        steps = history(mine[mine.unit == 0], PLAIN, f"histogram.layer{layer}").index
        for i in np.unique(np.linspace(0, len(steps) - 1, SHOWN).round().astype(int)):
            curves.append(curve(f"histogram_layer{layer}", str(steps[i]), pd.DataFrame(shares[i], index=middles)))
    return curves


# --- drawing ---


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there; `figure` is the one that stands for the paper's."""
    layers = sorted(int(p.removeprefix("histogram_layer")) for p in set(curves.panel) if p.startswith("histogram"))
    if not layers:
        return {}
    drawings = {"figure": _figure(curves, context, layers)}
    if "sigma_batch" in set(curves.panel):
        drawings["normalised"] = _normalised(curves, context)
    return drawings


def _figure(curves: pd.DataFrame, context: Context, layers: list[int]) -> Drawing:
    of_sigma = curves[curves.panel == "sigma_none"]
    names = ", ".join(str(layer) for layer in layers)
    caption = (
        "Without batch norm. Left: how the output of one unit (the first of its layer, first seed) is distributed over "
        f"the examples, in layers {names}, at the training steps written beside it. Right: standard "
        "deviation by layer, median over units and seeds with a band from the 5th to the 95th percentile. "
        f"{setup(context, of_sigma.n)}"
    )
    words = "; ".join(
        f"step {series}: {mine.value.iloc[0]:.2f} in layer {mine.x.iloc[0]:.0f}, {mine.value.iloc[-1]:.2f} (band "
        f"{mine.low.iloc[-1]:.2g} to {mine.high.iloc[-1]:.2g}) in layer {mine.x.iloc[-1]:.0f}"
        for series, mine in of_sigma.groupby("series", sort=False)
    )
    alt = f"Histograms over training in layers {names}, and the standard deviation by layer. Median: {words}."
    return Drawing(partial(_draw, curves, layers), caption, alt)


def _draw(curves: pd.DataFrame, layers: list[int]) -> Figure:
    figure, axes = plt.subplots(1, len(layers) + 1, figsize=(2.9 + 2.1 * len(layers), 3.3))
    for ax, layer in zip(axes, layers, strict=False):
        _draw_histograms(ax, curves[curves.panel == f"histogram_layer{layer}"])
        ax.set_title(f"layer {layer}")
    axes[0].set_ylabel("training step")
    _draw_sigma(axes[-1], curves, "none")
    axes[-1].set_title("standard deviation")
    return figure


def _draw_histograms(ax: Axes, mine: pd.DataFrame) -> None:
    steps = list(dict.fromkeys(mine.series))
    seen = mine[mine.value > 0].x.abs().max()
    for i, step in enumerate(steps):
        one = mine[mine.series == step]
        height = 0.9 * one.value / mine.value.max() * len(steps) / 3
        style = {"color": series_style(0)["color"], "zorder": -i}
        ax.fill_between(one.x, i, i + height, step="mid", alpha=0.35, linewidth=0, **style)
        ax.step(one.x, i + height, where="mid", linewidth=0.9, **style)
    ax.set_yticks(range(len(steps)), [f"{int(step):,}" for step in steps], fontsize="x-small")
    ax.set_xlim(-1.15 * seen, 1.15 * seen)
    ax.set_xlabel("output of one unit")
    ax.grid(axis="y", visible=False)


def _draw_sigma(ax: Axes, curves: pd.DataFrame, net: str) -> None:
    for i, step in enumerate(dict.fromkeys(curves[curves.panel == f"sigma_{net}"].series)):
        series_band(ax, select(curves, f"sigma_{net}", step), i, f"step {int(step):,}")
    ax.axhline(1, linestyle=":", linewidth=1, color=colour("paper"))
    ax.set_yscale("log")
    ax.set_xlabel("layer")
    ax.legend(fontsize="x-small")


def _normalised(curves: pd.DataFrame, context: Context) -> Drawing:
    mine = curves[curves.panel == "sigma_batch"]
    caption = (
        "Standard deviation of the outputs by layer, before any normalisation: without batch norm, and what batch norm "
        "divides by where it stands. Median over units and seeds with a band from the 5th to the 95th percentile. "
        f"{setup(context, mine.n)}"
    )
    ends = "; ".join(
        f"{words} {last.value.iloc[-1]:.2f} (band {last.low.iloc[-1]:.2g} to {last.high.iloc[-1]:.2g})"
        for net, words in (("none", "without"), ("batch", "with"))
        if len(last := curves[curves.panel == f"sigma_{net}"])
    )
    alt = f"Two panels of standard deviation by layer. In the last layer shown, after the last step: {ends}."
    return Drawing(partial(_draw_normalised, curves), caption, alt)


def _draw_normalised(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.0), sharey=True)
    for ax, (net, words) in zip(axes, SIGMA.items(), strict=True):
        if f"sigma_{net}" in set(curves.panel):
            _draw_sigma(ax, curves, net)
        ax.set_title(words)
    axes[0].set_ylabel("standard deviation")
    return figure
