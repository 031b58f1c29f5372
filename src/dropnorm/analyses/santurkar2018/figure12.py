"""Santurkar et al. 2018, Figure 12: Figure 4 for the l_p norms, VGG (S12.1, S12.2)."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import legend_above, over_steps
from dropnorm.analyses.santurkar2018 import vgg_drawings as drawings
from dropnorm.analyses.santurkar2018.vgg import (
    Collected,
    band_width,
    common,
    common_steps,
    largest,
    present,
    window_median,
)
from dropnorm.analyses.tidy import curve, drawn

ARMS = ["standard", "batchnorm", "l1", "l2", "linf"]
PANELS = {"band": "width of the loss band", "gradient": "change of the gradient", "beta": "effective β"}
PAPER_PANELS = {"band": "fig12b_width", "gradient": "fig12c", "beta": "fig12d"}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    found, compared, curves = Collected(), present(runs, ARMS), []
    for arm in compared:
        band = band_width(runs, arm)
        edge, beta = (largest(runs, arm, f"landscape_{what}") for what in ("gradient_difference", "smoothness"))
        if not len(band):
            continue
        found.add("band_width_mid", arm, window_median(runs, band, 1000, 5000, compared))
        found.add("gradient_edge_mid", arm, window_median(runs, edge, 1000, 5000, compared), shown_only=True)
        found.add("beta_mid", arm, window_median(runs, beta, 1000, 5000, compared), shown_only=True)
        found.add("gradient_edge_at_start", arm, edge.iloc[0], shown_only=True)
        tables = {"band": band, "gradient": edge, "beta": beta}
        curves += [curve(panel, arm, common(runs, table, compared)) for panel, table in tables.items()]
    facts = found.facts({"band_width_mid": ".2f", "gradient_edge_mid": ".1f", "gradient_edge_at_start": ".1f"})
    facts |= found.ratios({f"band_ratio_{arm}": ("band_width_mid", "standard", arm) for arm in ARMS[1:]})
    return found.summary(curves, facts | common_steps(runs, compared))


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """`figure`: band width, upper edge of the gradient's change, effective beta."""
    if not len(drawn(curves, "band", ARMS)):
        return {}
    caption = (
        "Along the gradient, over steps of 1/2, 1, 2 and 4 times the rate: (a) highest less lowest loss, (b) largest "
        f"change of the gradient, (c) largest change over the distance (to 60): {drawings.SEEDS_BAND}. "
        f"{drawings.PAPER_DOTTED} " + drawings.setup(context, drawings.seeds_of(curves, "band"))
    )
    alt = f"Three panels over training steps. At the last measurement: {_told(curves)}."
    return {"figure": Drawing(partial(_draw, curves, context.comparable(reference)), caption, alt)}


def _told(curves: pd.DataFrame) -> str:
    return "; ".join(f"{title}: {drawings.ends_told(curves, panel, ARMS, '.3g')}" for panel, title in PANELS.items())


def _draw(curves: pd.DataFrame, reference: pd.DataFrame | None) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(8.8, 3.3))
    for ax, (panel, title), letter in zip(axes, PANELS.items(), "abc", strict=True):
        column = "high" if panel == "gradient" else "value"
        names = {arm: drawings.IN_PAPER[arm] for arm in ARMS}
        drawings.paper_lines(ax, reference, PAPER_PANELS[panel], names, column)
        drawings.lines(ax, curves, panel, ARMS)
        ax.set_title(f"({letter}) {title}")
    for ax in axes[:2]:
        ax.set_yscale("log")
    axes[2].set_ylim(0, 60)
    legend_above(figure, axes[0])
    over_steps(axes, curves, ["band"])
    return figure
