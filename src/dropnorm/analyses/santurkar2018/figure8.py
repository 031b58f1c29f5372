"""Santurkar et al. 2018, Figure 8: the first two moments of activations from step to step, and over training.

Claims S8.1 and S8.2. A change from one step to the next contains that of the mini-batch, as in the paper.
"""

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
    first_of_pairs,
    over_channels,
    present,
    successive_change,
)
from dropnorm.analyses.tidy import curve

ARMS = ["standard", "batchnorm", "noisy_batchnorm"]
LAYERS = [2, 9, 13]
MOMENTS = {"mean": "mean", "var": "variance"}
EXAMPLE = 0  # the channel drawn in (b), fixed beforehand


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    found, compared = Collected(), present(runs, ARMS)
    for arm in compared:
        for layer in LAYERS:
            found.add(f"mean_change_layer{layer}", arm, mean_change(runs, arm, layer, compared))
            variance = mean_change(runs, arm, layer, compared, "var")
            found.add(f"variance_change_layer{layer}", arm, variance, shown_only=True)
            relative = relative_change(runs, arm, layer, compared)
            found.add(f"relative_change_layer{layer}", arm, relative)
            spread = common(runs, _spread(runs, arm, layer), compared)
            found.add(f"first_spread_layer{layer}", arm, spread.iloc[:1].median(), shown_only=True)
            found.add(f"spread_layer{layer}", arm, spread.median(), shown_only=True)
    forms = {f"{what}_change_layer{layer}": ".3g" for what in ("mean", "relative", "variance") for layer in LAYERS}
    forms |= {f"{what}_layer{layer}": ".2g" for what in ("first_spread", "spread") for layer in LAYERS}
    ratios = {
        f"{what}_ratio_layer{layer}": (f"{what}_change_layer{layer}", "noisy_batchnorm", "standard")
        for what in ("mean", "relative")
        for layer in LAYERS
    }
    facts = found.facts(forms) | found.ratios(ratios, ".2g") | common_steps(runs, compared)
    return found.summary(_curves(runs), facts)


def mean_change(runs: pd.DataFrame, arm: str, layer: int, arms: list[str], moment: str = "mean") -> pd.Series:
    """Median of a moment's change from step to step, over channels and the steps that all `arms` have; by seed."""
    table = by_channel(runs, arm, f"{moment}_layer{layer}")
    if table.empty:
        return pd.Series(dtype=float)
    return common(runs, successive_change(table), arms).stack(level="unit", future_stack=True).median()


def relative_change(runs: pd.DataFrame, arm: str, layer: int, arms: list[str]) -> pd.Series:
    """The same of the mean, in units of the channel's own standard deviation at that step."""
    mean, var = (by_channel(runs, arm, f"{moment}_layer{layer}") for moment in MOMENTS)
    if mean.empty:
        return pd.Series(dtype=float)
    change = common(runs, successive_change(mean), arms)
    return (change / np.sqrt(var.loc[change.index])).stack(level="unit", future_stack=True).median()


def _spread(runs: pd.DataFrame, arm: str, layer: int) -> pd.DataFrame:
    """Standard deviation of a channel at each measurement, median over channels `[step x seed]`."""
    return over_channels(np.sqrt(first_of_pairs(by_channel(runs, arm, f"var_layer{layer}"))))


def _curves(runs: pd.DataFrame) -> list[pd.DataFrame]:
    found = []
    for arm in present(runs, ARMS):
        for layer in LAYERS:
            for moment in MOMENTS:
                table = by_channel(runs, arm, f"{moment}_layer{layer}")
                if len(table):
                    change = over_channels(successive_change(table))
                    found.append(curve(f"change_{moment}_layer{layer}", arm, change))
                    example = first_of_pairs(table).xs(EXAMPLE, axis=1, level="unit")
                    drift = (example - example.iloc[0]).iloc[:, [0]]
                    found.append(curve(f"drift_{moment}_layer{layer}", arm, drift).assign(n=example.shape[1]))
    return found


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """`figure`: changes from step to step; `drift`: how far one channel's moments have moved since the first step."""
    if not len(curves):
        return {}
    setup = drawings.setup(context, curves.n)
    caption = (
        "Change of a channel's mean (above) and variance (below) from one step to the next, every "
        f"{context.settings['measure']['activations_every']} steps: median over the channels followed, "
        f"{drawings.SEEDS_BAND}. {drawings.LINES_END} {setup}"
    )
    alt = "Six panels of changes over steps. Change of the mean at the end of each run: " + "; ".join(
        f"layer {layer}: {drawings.ends_told(curves, f'change_mean_layer{layer}', ARMS, '.2g')}" for layer in LAYERS
    )
    drift = (
        "Mean (above) and variance (below) of one channel, first seed, less what they were at the first step. The "
        f"channel was drawn beforehand. {drawings.LINES_END} {setup}"
    )
    drift_alt = "Six panels of differences over steps. Of the mean at the end of each run: " + "; ".join(
        f"layer {layer}: {drawings.ends_told(curves, f'drift_mean_layer{layer}', ARMS, '.2g')}" for layer in LAYERS
    )
    return {
        "figure": Drawing(partial(_draw, curves, "change"), caption, f"{alt}."),
        "drift": Drawing(partial(_draw, curves, "drift"), drift, f"{drift_alt}."),
    }


def _draw(curves: pd.DataFrame, what: str) -> Figure:
    figure, axes = plt.subplots(2, len(LAYERS), figsize=(8.6, 4.4), sharex=True)
    for row, (moment, word) in zip(axes, MOMENTS.items(), strict=True):
        for ax, layer in zip(row, LAYERS, strict=True):
            drawings.lines(ax, curves, f"{what}_{moment}_layer{layer}", ARMS)
            if what == "change":
                ax.set_yscale("log")
        row[0].set_ylabel(f"{what} of the {word}")
    for ax, layer in zip(axes[0], LAYERS, strict=True):
        ax.set_title(f"layer {layer}")
    legend_above(figure, axes[0][0])
    over_steps(axes, curves, list(curves.panel.unique()))
    for ax in axes[0]:
        ax.set_xlabel("")
    return figure
