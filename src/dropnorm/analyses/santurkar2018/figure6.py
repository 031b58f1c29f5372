"""Santurkar et al. 2018, Figure 6: how activations are distributed with five normalisations, VGG layer 11 (S6.1)."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import legend_above, over_steps
from dropnorm.analyses.santurkar2018 import vgg_drawings as drawings
from dropnorm.analyses.santurkar2018.vgg import (
    Collected,
    by_channel,
    common,
    common_steps,
    fan,
    first_of_pairs,
    over_channels,
    present,
)
from dropnorm.analyses.tidy import curve

ARMS = ["standard", "batchnorm", "l1", "l2", "linf"]
LAYER = 11
EARLY = 500  # steps in which variances grow out of the first weights
SMALLEST_VARIANCE = 1e-12  # a channel that has died has none, and its logarithm must stay finite


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    found, compared, curves = Collected(), present(runs, ARMS), []
    for arm in compared:
        tables = [first_of_pairs(by_channel(runs, arm, f"{what}_layer{LAYER}")) for what in ("mean", "var", "kurtosis")]
        mean, var, kurtosis = (common(runs, table, compared) for table in tables)
        drifts = {"mean_drift": _mean_steps(mean, var), "variance_drift": _variance_steps(var)}
        if len(later := drifts["variance_drift"].loc[EARLY + 1 :]):
            found.add("variance_drift_later", arm, later.sum().groupby(level="seed").median(), shown_only=True)
        for measure, steps in drifts.items():
            found.add(measure, arm, steps.sum().groupby(level="seed").median())
            curves.append(curve(measure, arm, over_channels(steps.cumsum())))
        found.add("kurtosis", arm, kurtosis.stack(level="unit", future_stack=True).median(), shown_only=True)
        curves += fan(runs, arm, LAYER, compared)
    facts = found.facts(
        {"mean_drift": ".2f", "variance_drift": ".2f", "variance_drift_later": ".2f", "kurtosis": ".2f"}
    )
    facts |= found.ratios({f"{measure}_ratio_{arm}": (measure, arm, "standard")
                           for measure in ("mean_drift", "variance_drift") for arm in ARMS[1:]})  # fmt: skip
    return found.summary(curves, facts | common_steps(runs, compared))


def _mean_steps(mean: pd.DataFrame, var: pd.DataFrame) -> pd.DataFrame:
    """Change of each channel's mean from one measurement to the next, in units of its root mean variance."""
    return mean.diff()[1:].abs() / np.sqrt(var.mean().clip(lower=SMALLEST_VARIANCE))


def _variance_steps(var: pd.DataFrame) -> pd.DataFrame:
    """Change of the logarithm of each channel's variance."""
    return np.log(var.clip(lower=SMALLEST_VARIANCE)).diff()[1:].abs()


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """`figure`: distributions over training; `drift`: how far moments have drifted."""
    arms = drawings.fan_arms(curves, [LAYER], ARMS)
    if not arms:
        return {}
    setup = drawings.setup(context, drawings.seeds_of(curves, "mean_drift"))
    caption = f"Distributions over training in layer {LAYER}: {drawings.FAN_WORDS}. The vertical scales differ. {setup}"
    alt = (
        f"A distribution for each net. At the end 10th to 90th percentile: {drawings.fans_told(curves, [LAYER], arms)}."
    )
    every = context.settings["measure"]["activations_every"]
    words = (
        f"Layer {LAYER}: changes from one measurement to the next, every {every} steps, added up (logarithmic axes); "
        "(a) of a channel's mean in units of its own spread, (b) of the logarithm of its variance; "
        f"median over channels, {drawings.SEEDS_BAND}. {setup}"
    )
    drift_alt = (
        f"Two panels of rising lines. At the end (a): {drawings.ends_told(curves, 'mean_drift', ARMS, '.2g')}; "
        f"(b): {drawings.ends_told(curves, 'variance_drift', ARMS, '.2g')}."
    )
    return {
        "figure": Drawing(partial(_draw, curves, arms), caption, alt),
        "drift": Drawing(partial(_draw_drift, curves), words, drift_alt),
    }


def _draw(curves: pd.DataFrame, arms: list[str]) -> Figure:
    figure, axes = plt.subplots(1, len(arms), figsize=(1.75 * len(arms) + 0.6, 2.7), squeeze=False)
    for ax, arm in zip(axes[0], arms, strict=True):
        drawings.fan(ax, curves, f"distribution_layer{LAYER}_{arm}", drawings.style_of(arm))
        ax.set_title(drawings.LABELS[arm], fontsize="small")
    over_steps(axes, curves, [f"distribution_layer{LAYER}_{arm}" for arm in arms])
    for ax in axes[0]:
        ax.locator_params(axis="x", nbins=3)  # narrow panels
    return figure


def _draw_drift(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.2))
    for ax, panel, title in zip(axes, ("mean_drift", "variance_drift"), ("(a) mean", "(b) log variance"), strict=True):
        drawings.lines(ax, curves, panel, ARMS)
        ax.set(title=title, yscale="log")
    axes[0].set_ylabel("drift so far")
    legend_above(figure, axes[0])
    over_steps(axes, curves, ["mean_drift"])
    return figure
