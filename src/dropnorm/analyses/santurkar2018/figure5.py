"""Santurkar et al. 2018, Figure 5: average l_p norms in place of batch norm's, in VGG (S5.1).

The deep linear network (S5.2, S5.3) is in `linear` and `linear_panels`.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import over_steps
from dropnorm.analyses.santurkar2018 import linear, linear_panels
from dropnorm.analyses.santurkar2018 import vgg_drawings as drawings
from dropnorm.analyses.santurkar2018.vgg import (
    Collected,
    common_steps,
    ending_accuracy,
    mean_train_accuracy,
    present,
    smoothed,
    steps_to,
    together,
    train_accuracy,
)
from dropnorm.analyses.tidy import curve, drawn

ARMS = ["standard", "batchnorm", "l1", "l2", "linf"]


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    found, compared = Collected(), present(runs, ARMS)
    for arm in compared:
        found.add("mean_train_accuracy", arm, mean_train_accuracy(runs, arm, compared))
        found.add("steps_to_70", arm, steps_to(runs, arm, 70), shown_only=True)
        found.add("test_accuracy_at_end", arm, ending_accuracy(runs, arm), shown_only=True)
    facts = found.facts({"mean_train_accuracy": ".1f", "steps_to_70": ",.0f"}) | common_steps(runs, compared)
    curves = [curve("train", arm, smoothed(runs, train_accuracy(runs, arm))) for arm in compared]
    return together(found.summary(curves, facts), linear.figure5(runs))


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """`figure`: training accuracy of the VGG nets; `linear`: loss of the deep linear ones."""
    reference = context.comparable(reference)
    found = linear_panels.training(curves, reference, context)
    if not len(drawn(curves, "train", ARMS)):
        return found
    curves = _compared(curves)
    caption = (
        f"Accuracy on the mini-batches in training, smoothed: {drawings.SEEDS_BAND}. The axis ends where the shortest "
        f"of these runs does. {drawings.PAPER_DOTTED} " + drawings.setup(context, drawings.seeds_of(curves, "train"))
    )
    alt = f"Training accuracy over steps. At the end of the axis: {drawings.ends_told(curves, 'train', ARMS)} %."
    return {"figure": Drawing(partial(_draw, curves, reference), caption, alt)} | found


def _compared(curves: pd.DataFrame) -> pd.DataFrame:
    """The lines of training accuracy, as far as the shortest of them goes: the others hide it on a longer axis."""
    mine = curves[curves.panel == "train"]
    return mine[mine.x <= mine.groupby("series").x.max().min()]


def _draw(curves: pd.DataFrame, reference: pd.DataFrame | None) -> Figure:
    figure, ax = plt.subplots(figsize=(6.2, 3.6))
    drawings.paper_lines(ax, reference, "fig5a", {arm: drawings.IN_PAPER[arm] for arm in ARMS})
    drawings.lines(ax, curves, "train", ARMS)
    ax.set_ylabel("training accuracy (%)")
    ax.set_ylim(0, 101)
    ax.legend(fontsize="small")
    over_steps(ax, curves, ["train"])
    return figure
