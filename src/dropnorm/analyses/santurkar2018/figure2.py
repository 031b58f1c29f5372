"""Santurkar et al. 2018, Figure 2: noise behind batch norm, and the same noise without it (claims S2.1 to S2.4)."""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.counting import of_most
from dropnorm.analyses.panels import over_steps
from dropnorm.analyses.santurkar2018 import vgg_drawings as drawings
from dropnorm.analyses.santurkar2018.figure8 import LAYERS, mean_change
from dropnorm.analyses.santurkar2018.vgg import (
    Collected,
    common_steps,
    end,
    ending_accuracy,
    fan,
    final_train_accuracy,
    long_enough,
    mean_train_accuracy,
    present,
    smoothed,
    train_accuracy,
)
from dropnorm.analyses.tidy import curve, drawn, final

ARMS = ["standard", "batchnorm", "noisy_batchnorm"]
STOPPED = "standard_noise"  # said not to train at all, which takes a run of some length to show (S2.3)
NOISY_STANDARD = [STOPPED, "standard_relative_noise"]
UNTRAINED = 20  # percent of training accuracy at most (S2.3)


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    found, compared = Collected(), present(runs, ARMS)
    means = {arm: mean_train_accuracy(runs, arm, compared) for arm in compared}
    for arm, by_seed in means.items():
        found.add("mean_train_accuracy", arm, by_seed)
        if "batchnorm" in means and arm != "batchnorm":
            found.add("accuracy_deficit", arm, means["batchnorm"] - by_seed)
        changes = [mean_change(runs, arm, layer, compared) for layer in LAYERS]
        found.add("mean_change", arm, np.exp(sum(np.log(c) for c in changes) / len(changes)))
    for arm in present(runs, ARMS + NOISY_STANDARD):
        fitted = final_train_accuracy(runs, arm)
        found.add("final_train_accuracy", arm, fitted, shown_only=True)
        if arm in NOISY_STANDARD and (arm != STOPPED or long_enough(runs, arm)):
            found.add("final_train_accuracy_of_most", arm, of_most(fitted, spared="highest"))
        found.add("test_accuracy_at_end", arm, ending_accuracy(runs, arm), shown_only=True)
        with_noise = 100 * final(runs, arm, "test_accuracy_with_noise")
        found.add("test_accuracy_at_end_with_noise", arm, with_noise, shown_only=True)
    return found.summary(_curves(runs), _facts(runs, found))


def _facts(runs: pd.DataFrame, found: Collected) -> dict[str, str]:
    facts = found.facts(
        {"mean_train_accuracy": ".1f", "accuracy_deficit": ".1f", "final_train_accuracy": ".1f", "mean_change": ".2g",
         "test_accuracy_at_end": ".1f", "test_accuracy_at_end_with_noise": ".1f"}
    )  # fmt: skip
    if present(runs, ARMS) == ARMS:
        facts |= common_steps(runs, ARMS)
        cost = found.value("accuracy_deficit", "noisy_batchnorm") / found.value("accuracy_deficit", "standard")
        facts["share_of_gap"] = f"{100 * cost:.0f} %"
    for arm in present(runs, NOISY_STANDARD):
        fitted = final_train_accuracy(runs, arm)
        facts[f"untrained_{arm}"] = f"{(fitted <= UNTRAINED).sum()} of {len(fitted)}"
    if present(runs, [STOPPED]):
        highest = smoothed(runs, train_accuracy(runs, STOPPED)).max()
        facts[f"highest_train_accuracy_{STOPPED}"] = f"{highest.min():.0f} to {highest.max():.0f}"
    if present(runs, both := ["standard", STOPPED]) == both:
        plain = smoothed(runs, train_accuracy(runs, "standard"))
        facts["standard_when_noisy_one_ends"] = f"{plain[plain.index < end(runs, both)].iloc[-1].mean():.0f}"
    return facts


def _curves(runs: pd.DataFrame) -> list[pd.DataFrame]:
    arms = present(runs, ARMS + NOISY_STANDARD)
    found = [curve("train", arm, smoothed(runs, train_accuracy(runs, arm))) for arm in arms]
    for arm in present(runs, ARMS):
        for layer in LAYERS:
            found += fan(runs, arm, layer, present(runs, ARMS))
    return found


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """`figure`: training accuracy with noise; `distributions`: what the noise does to one channel."""
    reference, found = context.comparable(reference), {}
    if len(drawn(curves, "train", ARMS + NOISY_STANDARD)):
        found["figure"] = _accuracies(curves, reference, context)
    if arms := drawings.fan_arms(curves, LAYERS, ARMS):
        found["distributions"] = drawings.distributions(
            curves, LAYERS, arms, context, ", as far as the shortest of these runs goes"
        )
    return found


def _accuracies(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> Drawing:
    caption = (
        f"Accuracy on the mini-batches in training, smoothed: {drawings.SEEDS_BAND}. (a) Noise behind batch norm. "
        "(b) The standard net with the same noise, and with noise in units of each channel's own spread. "
        f"{drawings.LINES_END} {drawings.PAPER_DOTTED} {drawings.setup(context, drawings.seeds_of(curves, 'train'))}"
    )
    alt = (
        "Two panels of training accuracy over steps. At the end of each run: "
        f"{drawings.ends_told(curves, 'train', ARMS + NOISY_STANDARD)} %."
    )
    return Drawing(partial(_draw, curves, reference), caption, alt)


def _draw(curves: pd.DataFrame, reference: pd.DataFrame | None) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.3), sharey=True)
    drawings.paper_lines(axes[0], reference, "fig2", {arm: drawings.IN_PAPER[arm] for arm in ARMS})
    for ax, arms, title in zip(
        axes,
        (ARMS, ["standard", *NOISY_STANDARD]),
        ("(a) noise behind batch norm", "(b) noise without batch norm"),
        strict=True,
    ):
        drawings.lines(ax, curves, "train", arms)
        ax.set_title(title)
        ax.legend(fontsize="small")
    axes[0].set_ylabel("training accuracy (%)")
    axes[0].set_ylim(0, 101)
    over_steps(axes, curves, ["train"])
    return figure
