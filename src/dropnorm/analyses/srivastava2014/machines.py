"""What the analyses of Figures 12 and 13 share: the machines, their settings, and how captions speak of them."""

import pandas as pd

from dropnorm.analyses import Context
from dropnorm.analyses.measures import last_of_units
from dropnorm.analyses.tidy import select

DEAD = 0.1  # of the median length of a unit's weights: below it a unit is dead by length
SILENT = 0.01  # standard deviation of an activation over the test images: below it a unit is dead by activation
NETS = {"standard": (1, "without dropout"), "dropout": (0, "with dropout")}  # name -> (series style, label)
# What a machine is trained with besides: ending of its arm's name, name for facts, words under an axis, words in text.
SETTINGS = [
    ("", "", "small", "the small machine"),
    (".l2-0.0", "_no_l2", "small,\nno L2", "the small machine without L2"),
    (".pixels-sampled", "_sampled", "small,\nbinary\npixels", "the small machine with binary pixels"),
    ("_1024", "_1024", "large", "the large machine"),
]
ARMS = {net: [net + ending for ending, *_ in SETTINGS] for net in NETS}
NAMES = {net + ending: net + name for ending, name, *_ in SETTINGS for net in NETS}  # arm -> its name in facts
WORDS = [words for *_, words, _ in SETTINGS]
LARGE = "_1024"  # the ending of the machines of the size that the bars of Figure 13 add up to
IN_TEXT = [words for *_, words in SETTINGS]


def size_of_large(runs: pd.DataFrame) -> dict[str, str]:
    """How many hidden units the large machines have, for the prose: the fact `large`."""
    units = max(len(last_of_units(runs, net + LARGE, "norm")) for net in NETS)
    return {"large": f"{units:,}"} if units else {}


def setup(context: Context, curves: pd.DataFrame, *panels: str) -> str:
    """How a caption ends: training, data, scale, and the seeds behind the curves of its panels.

    panels: how their names begin.
    """
    t, seeds = context.settings["training"], curves.n[curves.panel.str.startswith(panels)]
    return (
        f"Data: {context.data}. Contrastive divergence, rate {t['lr']:g}, L2 {t['l2']:g} where not said otherwise, "
        f"{t['steps']:,} updates, p = 0.5 where there is dropout, {context.ending(seeds)}"
    )


def settings_in(curves: pd.DataFrame) -> str:
    """The settings that were run, in words."""
    run = sorted(curves.x[curves.panel.str.startswith("settings_")].unique())
    return "; ".join(IN_TEXT[int(x)] for x in run)


def in_words(curves: pd.DataFrame, measures: dict[str, str]) -> str:
    """For an alt text: each measure (name -> words) of each net in all settings that were run."""
    numbers = []
    for measure, words in measures.items():
        for net, (_, label) in NETS.items():
            mine = select(curves, f"settings_{measure}", net)
            values = ", ".join(f"{IN_TEXT[int(row.x)]} {row.value:.3g}" for row in mine.itertuples())
            numbers.append(f"{words}, {label}: {values}")
    return "; ".join(numbers)
