"""How figures of the autoencoders are drawn, where Figures 7 and 8 do it alike."""

import pandas as pd
from matplotlib.axes import Axes

from dropnorm.analyses import Context, Seeds
from dropnorm.analyses.panels import settings_panel
from dropnorm.analyses.srivastava2014.autoencoders import LABELS, NETS, SERIES, SETTINGS


def setup(context: Context, seeds: Seeds) -> str:
    """How every caption ends: the networks, their training, seeds, scale."""
    s = context.settings
    loss = {"squared": "squared loss", "cross_entropy": "cross-entropy"}[s["training"]["loss"]]
    return (
        f"Data: {context.data}. {s['network']['hidden']} ReLU units, p = 0.5 where there is dropout, {loss}, L2 "
        f"{s['optimiser']['l2']:g}, {s['training']['steps']:,} updates, {context.ending(seeds)}"
    )


def draw_settings(ax: Axes, curves: pd.DataFrame, measure: str, label: str, paper: dict[str, float] | None = None):
    """A measure of both nets in each setting: mean of the seeds as a mark, lowest to highest as a bar.

    paper: the paper's own value of each net, drawn across.
    """
    nets = {net: (SERIES[net], LABELS[net]) for net in NETS}
    words = [w.replace(" ", "\n").replace("-", "-\n") for _, w in SETTINGS.values()]
    settings_panel(ax, curves, measure, label, nets, words, paper)
