"""Santurkar et al. 2018, Figure 3: internal covariate shift by Definition 2.1, in VGG (S3.1, S3.2).

The deep linear network (S3.3 to S3.5) is in `linear` and `linear_panels`.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import over_steps
from dropnorm.analyses.santurkar2018 import linear, linear_panels
from dropnorm.analyses.santurkar2018 import vgg_drawings as drawings
from dropnorm.analyses.santurkar2018.vgg import (
    Collected,
    present,
    smoothed,
    together,
    train_accuracy,
    window,
)
from dropnorm.analyses.tidy import curve, drawn, fact_name, history

RATES = {"0.1": ["standard", "batchnorm"], "0.01": ["standard.lr-0.01", "batchnorm.lr-0.01"]}
LAYERS = [5, 10]
WINDOWS = {"first": (0, 1), "early": (0, 2000), "mid": (2000, 10_000)}
IN_PAPER = {
    "standard": "lr.1/{}/std", "batchnorm": "lr.1/{}/bn",
    "standard.lr-0.01": "lr.01/{}/std", "batchnorm.lr-0.01": "lr.01/{}/bn",
}  # fmt: skip
ACCURACY_IN_PAPER = {
    "standard": "acc/lr0.1/std", "batchnorm": "acc/lr0.1/bn",
    "standard.lr-0.01": "acc/lr0.01/std", "batchnorm.lr-0.01": "acc/lr0.01/bn",
}  # fmt: skip


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    found = Collected()
    for arms in RATES.values():
        compared = present(runs, arms)
        for arm in compared:
            for layer in LAYERS:
                _measure(runs, arm, layer, compared, found)
    forms = {
        f"{what}_{name}_layer{layer}": form
        for what, form in (("shift", ".3g"), ("cosine", "z.2f"), ("relative", ".2f"))
        for name in WINDOWS
        for layer in LAYERS
    }
    pairs = {
        f"ratio_{name}_layer{layer}_{fact_name(rate)}": (f"shift_{name}_layer{layer}", arms[1], arms[0])
        for rate, arms in RATES.items()
        for name in WINDOWS
        for layer in LAYERS
    }
    vgg = found.summary(_curves(runs), found.facts(forms) | found.ratios(pairs))
    return together(vgg, linear.figure3(runs))


def _measure(runs: pd.DataFrame, arm: str, layer: int, compared: list[str], found: Collected) -> None:
    """Shift (geometric mean), cosine (mean), and shift over the gradient's length, by window."""
    l2, cosine, length = (history(runs, arm, f"shift_{what}_layer{layer}") for what in ("l2", "cosine", "length"))
    for name, (first, last) in WINDOWS.items():
        if name == "first":
            of_l2, of_cosine, of_relative = l2.iloc[:1], cosine.iloc[:1], (l2 / length).iloc[:1]
        else:
            of_l2, of_cosine, of_relative = (
                window(runs, table, first, last, compared) for table in (l2, cosine, l2 / length)
            )
        found.add(f"shift_{name}_layer{layer}", arm, _geometric_mean(of_l2))
        found.add(f"cosine_{name}_layer{layer}", arm, of_cosine.mean())
        found.add(f"relative_{name}_layer{layer}", arm, _geometric_mean(of_relative), shown_only=True)


def _geometric_mean(table: pd.DataFrame) -> pd.Series:
    """By seed; zero where a value is."""
    with np.errstate(divide="ignore"):
        return np.exp(np.log(table).mean())


def _curves(runs: pd.DataFrame) -> list[pd.DataFrame]:
    found = []
    for rate, arms in RATES.items():
        for arm in present(runs, arms):
            found.append(curve(f"accuracy_{rate}", arm, smoothed(runs, train_accuracy(runs, arm))))
            for layer in LAYERS:
                l2, cosine = (history(runs, arm, f"shift_{what}_layer{layer}") for what in ("l2", "cosine"))
                if len(l2):
                    found.append(curve(f"shift_{rate}_layer{layer}", arm, l2))
                    found.append(curve(f"cosine_{rate}_layer{layer}", arm, cosine))
    return found


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """`figure`: the VGG half of the paper's figure; `linear`: the other half."""
    reference = context.comparable(reference)
    found = linear_panels.shift(curves, reference, context)
    rates = [r for r, arms in RATES.items() if drawn(curves, f"shift_{r}_layer{LAYERS[0]}", arms)]
    if not rates:
        return found
    seeds = drawings.seeds_of(curves, *(f"shift_{rate}_layer{LAYERS[0]}" for rate in rates))
    caption = (
        "Accuracy in training (smoothed), ||G - G'|| of Definition 2.1 (log scale) and cos(G, G') of two layers, at "
        f"rates {' and '.join(rates)}: {drawings.SEEDS_BAND}. {drawings.PAPER_DOTTED} {drawings.setup(context, seeds)}"
    )
    ends = "; ".join(
        f"rate {rate}, layer {layer}: {drawings.ends_told(curves, f'cosine_{rate}_layer{layer}', RATES[rate], '.2f')}"
        for rate in rates
        for layer in LAYERS
    )
    alt = f"A grid of lines over training steps, a row a rate. Cosine at the last measurement: {ends}."
    return {"figure": Drawing(partial(_draw, curves, reference, rates), caption, alt)} | found


def _draw(curves: pd.DataFrame, reference: pd.DataFrame | None, rates: list[str]) -> Figure:
    figure, axes = plt.subplots(len(rates), 5, figsize=(11, 2.3 * len(rates) + 0.5), squeeze=False)
    for row, rate in zip(axes, rates, strict=True):
        _draw_row(row, curves, reference, rate)
    for ax, title in zip(
        axes[0], ("accuracy (%)", *(f"{q}, layer {n}" for n in LAYERS for q in ("‖G − G′‖", "cosine"))), strict=True
    ):
        ax.set_title(title)
    for row in axes:
        row[0].legend(fontsize="x-small", handlelength=1.6)
    return figure


def _draw_row(row, curves: pd.DataFrame, reference: pd.DataFrame | None, rate: str) -> None:
    arms = RATES[rate]
    panels = [f"accuracy_{rate}"] + [f"{what}_{rate}_layer{n}" for n in LAYERS for what in ("shift", "cosine")]
    drawings.paper_lines(row[0], reference, "fig3a", {arm: ACCURACY_IN_PAPER[arm] for arm in arms})
    for ax, panel in zip(row, panels, strict=True):
        what, layer = panel.partition("_")[0], panel.rpartition("layer")[2]
        if what != "accuracy":
            kind = {"shift": "l2", "cosine": "cos"}[what]
            names = {arm: f"{kind}/{IN_PAPER[arm].format(f'L{layer}')}" for arm in arms}
            drawings.paper_lines(ax, reference, "fig3a", names)
        drawings.lines(ax, curves, panel, arms)
        if what == "shift":
            ax.set_yscale("log")
    row[0].set_ylabel(f"rate {rate}")
    over_steps(row, curves, panels)
    for ax in row:
        ax.locator_params(axis="x", nbins=3)  # five panels side by side: more labels run together
