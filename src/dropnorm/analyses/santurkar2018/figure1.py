"""Santurkar et al. 2018, Figure 1: accuracy of VGG nets with and without batch norm, and their activations.

The claims S1.1 to S1.5 are fixed in claims/santurkar2018.yaml; here are the numbers they ask for.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.counting import of_most
from dropnorm.analyses.panels import over_steps
from dropnorm.analyses.santurkar2018 import vgg_drawings as drawings
from dropnorm.analyses.santurkar2018.vgg import (
    FITTED,
    SCHEDULE,
    Collected,
    end,
    ending_accuracy,
    fan,
    final_train_accuracy,
    long_enough,
    present,
    shrink,
    smoothed,
    steps_to,
    train_accuracy,
)
from dropnorm.analyses.tidy import curve, drawn, fact_name, final, has_diverged, history, run_counts

ARMS = ["standard", "batchnorm", "standard.lr-0.5", "batchnorm.lr-0.5"]
IN_PAPER = {"standard": "std.1", "batchnorm": "bn.1", "standard.lr-0.5": "std.5", "batchnorm.lr-0.5": "bn.5"}
STOPPED = "standard.lr-0.5"  # said to stay at the level of guessing (S1.2)
LAYERS = [3, 11]
LEVELS = (15, 70, 80)  # percent of training accuracy; the first is a little above guessing
HIGH = 90  # of S1.2
FROZEN = 5  # the layer whose gradient is looked at: if it is zero, nothing below can move


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    found = Collected()
    for arm in present(runs, runs.arm.cat.categories):
        _measure(runs, arm, found)
    facts = found.facts(
        dict.fromkeys((f"steps_to_{level}" for level in LEVELS), ",.0f")
        | {"final_train_accuracy": ".1f", "test_accuracy_at_end": ".1f", "products_error": ".3f",
           "test_accuracy_at_end_with_noise": ".1f"}
    )  # fmt: skip
    facts |= {f"steps_{fact_name(arm)}": f"{end(runs, [arm]):,}" for arm in present(runs, runs.arm.cat.categories)}
    facts |= found.ratios({"ratio_steps_to_70": ("steps_to_70", "standard", "batchnorm")})
    return found.summary(_curves(runs), facts | run_counts(runs) | _gap(runs) | _reached(runs) | _dead(runs))


def _measure(runs: pd.DataFrame, arm: str, found: Collected) -> None:
    """Everything that is one number a seed of one arm."""
    fitted, tested = final_train_accuracy(runs, arm), ending_accuracy(runs, arm)
    found.add("final_train_accuracy", arm, fitted, shown_only=True)
    if arm == STOPPED and long_enough(runs, arm):
        found.add("final_train_accuracy_of_most", arm, of_most(fitted, spared="highest"))
    for level in LEVELS:
        found.add(f"steps_to_{level}", arm, steps_to(runs, arm, level))
    highest = smoothed(runs, train_accuracy(runs, arm)).max()
    found.add("highest_train_accuracy_so_far", arm, highest, shown_only=True)
    whole = end(runs, [arm]) >= SCHEDULE * shrink(runs)
    found.add("highest_train_accuracy", arm, highest if whole or (highest >= HIGH).all() else highest.iloc[:0])
    found.add("test_accuracy_at_end", arm, tested, shown_only=True)
    found.add(
        "test_accuracy_at_end_with_noise", arm, 100 * final(runs, arm, "test_accuracy_with_noise"), shown_only=True
    )
    found.add("final_test_accuracy", arm, tested[fitted.reindex(tested.index) >= FITTED])
    found.add("products_error", arm, history(runs, arm, "products_error").median(), shown_only=True)
    found.add("diverged", arm, has_diverged(runs, arm), shown_only=True)


def _gap(runs: pd.DataFrame) -> dict[str, str]:
    """How far batch norm leads on test pictures when both runs end, whether or not they are trained to the end."""
    if len(present(runs, ARMS[:2])) < 2:
        return {}
    lead = (ending_accuracy(runs, "batchnorm") - ending_accuracy(runs, "standard")).dropna()
    return {"test_lead_at_end": f"{lead.mean():.1f}"} if len(lead) else {}


def _reached(runs: pd.DataFrame) -> dict[str, str]:
    """In how many seeds each net reaches the level of S1.1: where one does not, its steps are a lower bound."""
    highest = {arm: smoothed(runs, train_accuracy(runs, arm)).max() for arm in present(runs, ARMS[:2])}
    return {f"reached_80_{arm}": f"{(of >= LEVELS[-1]).sum()} of {len(of)}" for arm, of in highest.items()}


def _dead(runs: pd.DataFrame) -> dict[str, str]:
    """In how many seeds an arm's gradient in FROZEN ends at exactly zero, and from which step on in all of those."""
    facts = {}
    for arm in present(runs, runs.arm.cat.categories):
        alive = history(runs, arm, f"shift_length_layer{FROZEN}") != 0
        dying = alive.loc[:, ~alive.iloc[-1]] if len(alive) else alive
        if dying.size:
            still = dying[::-1].cummax()[::-1].any(axis=1)  # alive now or later
            facts[f"dead_{fact_name(arm)}"] = f"{dying.shape[1]} of {alive.shape[1]}"
            facts[f"dead_from_{fact_name(arm)}"] = f"{dying.index[~still][0]:,}"
    return facts


def _curves(runs: pd.DataFrame) -> list[pd.DataFrame]:
    found = []
    for arm in present(runs, ARMS):
        found.append(curve("train", arm, smoothed(runs, train_accuracy(runs, arm))))
        found.append(curve("test", arm, 100 * history(runs, arm, "test_accuracy")))
    for arm in present(runs, ARMS[:2]):
        for layer in LAYERS:
            found += fan(runs, arm, layer)
    return found


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """`figure`: accuracies; `distributions`: what goes into the ReLUs of one channel."""
    reference, found = context.comparable(reference), {}
    if len(drawn(curves, "train", ARMS)):
        found["figure"] = _accuracies(curves, reference, context)
    if arms := drawings.fan_arms(curves, LAYERS, ARMS[:2]):
        found["distributions"] = drawings.distributions(curves, LAYERS, arms, context)
    return found


def _accuracies(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> Drawing:
    seeds = drawings.seeds_of(curves, "train")
    caption = (
        f"(a) Accuracy on the mini-batches in training, smoothed, and (b) on the test pictures: {drawings.SEEDS_BAND}. "
        f"{drawings.LINES_END} {drawings.PAPER_DOTTED} {drawings.setup(context, seeds)}"
    )
    alt = (
        f"Two panels over training steps. Training accuracy at the end: {drawings.ends_told(curves, 'train', ARMS)} %. "
        f"Test accuracy at the end: {drawings.ends_told(curves, 'test', ARMS)} %."
    )
    return Drawing(partial(_draw_accuracies, curves, reference), caption, alt)


def _draw_accuracies(curves: pd.DataFrame, reference: pd.DataFrame | None) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.3), sharey=True)
    for ax, panel, title in zip(axes, ("train", "test"), ("(a) training", "(b) test"), strict=True):
        drawings.paper_lines(ax, reference, {"train": "fig1a", "test": "fig1b"}[panel], IN_PAPER)
        drawings.lines(ax, curves, panel, ARMS)
        ax.set_title(title)
    axes[0].set_ylabel("accuracy (%)")
    axes[0].set_ylim(0, 101)
    axes[1].legend(fontsize="small")
    over_steps(axes, curves, ["train", "test"])
    return figure
