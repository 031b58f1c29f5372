"""How figures of the autoencoders are drawn, where Figures 7 and 8 do it alike."""

import pandas as pd
from matplotlib.axes import Axes

from dropnorm.analyses import Context
from dropnorm.analyses.panels import settings_panel
from dropnorm.analyses.srivastava2014.autoencoders import LABELS, NETS, SERIES, SETTINGS
from dropnorm.analyses.tidy import has, select


def setup(context: Context, n: int) -> str:
    """How every caption ends: the networks, their training, seeds, scale."""
    s = context.settings
    loss = {"squared": "squared loss", "cross_entropy": "cross-entropy"}[s["training"]["loss"]]
    return (
        f"Data: {context.data}. {s['network']['hidden']} ReLU units, p = 0.5 where there is dropout, {loss}, L2 "
        f"{s['optimiser']['l2']:g}, {s['training']['steps']:,} updates, {context.ending(n)}"
    )


def nets_in(curves: pd.DataFrame, panel: str) -> list[str]:
    """The nets that have a curve in a panel."""
    return [net for net in NETS if has(curves, panel, net)]


def released(curves: pd.DataFrame, measure: str, net: str) -> float:
    """A measure of the judged net, mean over seeds; NaN if it was not measured."""
    mine = select(curves, f"settings_{measure}", net)
    mine = mine[mine.x == 0]
    return float(mine.value.iloc[0]) if len(mine) else float("nan")


def draw_settings(ax: Axes, curves: pd.DataFrame, measure: str, label: str, paper: dict[str, float] | None = None):
    """A measure of both nets in each setting: mean of the seeds as a mark, lowest to highest as a bar.

    paper: the paper's own value of each net, drawn across.
    """
    nets = {net: (SERIES[net], LABELS[net]) for net in NETS}
    words = [w.replace(" ", "\n").replace("-", "-\n") for _, w in SETTINGS.values()]
    settings_panel(ax, curves, measure, label, nets, words, paper)
