"""How Figure 12 and its companions are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import cumulative, legend_above, setting_value, settings_panel, show_mosaic
from dropnorm.analyses.srivastava2014.machines import (
    DEAD,
    NETS,
    SILENT,
    WORDS,
    in_words,
    settings_in,
    setup,
)
from dropnorm.analyses.tidy import drawn, select
from dropnorm.plotting import colour

UNITS = {  # panel -> label of its axis
    "norms": "length of weights, of the median",
    "sds": "SD of activation",
    "frequency": "spatial frequency (cycles/pixel)",
    "radius": "radius of gyration (pixels)",
}
BESIDE = {
    "dead_share": "dead by length (%)",
    "silent_share": "dead by activation (%)",
    "frequency": "frequency (cycles/pixel)",
    "radius": "radius (pixels)",
}
CAPTIONS = {
    "dead_share": "units that are dead by the length of their weights",
    "silent_share": "units that are dead by their activation",
    "frequency": "spatial frequency of the median live unit",
    "radius": "extent of the median live unit",
}


def figures(curves: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves or pictures are there."""
    drawings = {}
    if any(net in context.images for net in NETS) and len(curves):
        drawings["figure"] = _mosaics(curves, context)
    if all(drawn(curves, panel, NETS) == list(NETS) for panel in UNITS):
        drawings["units"] = _units(curves, context)
    if any((curves.panel == "settings_dead_share") & (curves.x > 0)):
        drawings["settings"] = _settings(curves, context)
    return drawings


def _mosaics(curves: pd.DataFrame, context: Context) -> Drawing:
    caption = (
        "Filters: the weights between each hidden unit and the image, (a) without and (b) with dropout, one machine "
        "each (the first seed), by decreasing length. Mid-grey is zero, white positive; one scale a panel, so a dim "
        f"tile is a unit of small weights. {setup(context, curves, 'norms')}"
    )
    numbers = [
        f"{label} {setting_value(curves, 'dead_share', net):.1f} % of the units are dead by length and the median "
        f"filter's spatial frequency is {setting_value(curves, 'frequency', net):.3f} cycles a pixel"
        for net, (_, label) in NETS.items()
        if net in context.images
    ]
    return Drawing(partial(_draw_mosaics, context), caption, f"Mosaics of all filters in grey: {'; '.join(numbers)}.")


def _draw_mosaics(context: Context) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 4.5))
    for ax, (net, (_, label)), letter in zip(axes, NETS.items(), "ab", strict=True):
        show_mosaic(ax, context.images.get(net), f"({letter}) {label}")
    return figure


def _units(curves: pd.DataFrame, context: Context) -> Drawing:
    caption = (
        "How the hidden units of a machine are spread over four measures; each line gives, for every value, the share "
        "of units at or below it. (a) Length of a unit's weights, in units of the median; (b) standard deviation of "
        "its activation over the test images; (c) mean spatial frequency of its filter; (d) the filter's extent, the "
        "radius of gyration of the squared weights. In (a) and (b), dotted: where a unit counts as dead; those dead by "
        "length are left out of (c) and (d). Lines: mean of the seeds at each share of units, band from the lowest to "
        f"the highest. {setup(context, curves, *UNITS)}"
    )
    numbers = [
        f"{label}: {', '.join(f'{_median(curves, panel, net):.3g} {words}' for panel, words in UNITS.items())}"
        for net, (_, label) in NETS.items()
    ]
    return Drawing(partial(_draw_units, curves), caption, f"Four panels. The median unit {'; '.join(numbers)}.")


def _median(curves: pd.DataFrame, panel: str, net: str) -> float:
    mine = select(curves, panel, net)
    return float(mine.value.iloc[(mine.x - 50).abs().argmin()])


def _draw_units(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 4, figsize=(8.8, 3.0), sharey=True)
    for ax, (panel, label), letter in zip(axes, UNITS.items(), "abcd", strict=True):
        for net, (i, words) in NETS.items():
            cumulative(ax, select(curves, panel, net), i, words)
        ax.set_xlabel(label, fontsize="small")
        ax.set_title(f"({letter})")
    for ax, bound in zip(axes, (DEAD, SILENT), strict=False):
        ax.axvline(bound, color=colour("paper"), linestyle=":", linewidth=1.3)
        ax.set_xlim(left=0)
    axes[0].set_ylabel("share of units (%)")
    legend_above(figure, axes[0])
    return figure


def _settings(curves: pd.DataFrame, context: Context) -> Drawing:
    shown = [m for m in BESIDE if curves.high[curves.panel == f"settings_{m}"].max() > 0]
    none = "; ".join(CAPTIONS[m] for m in BESIDE if m not in shown)
    not_drawn = f" Zero in all of them, and not drawn: {none}." if none else ""
    caption = (
        f"In several settings ({settings_in(curves)}): {', '.join(CAPTIONS[m] for m in shown)}. Mark: mean of the "
        f"seeds; bar: lowest to highest.{not_drawn} {setup(context, curves, 'settings')}"
    )
    alt = f"{len(shown)} panels, each for {settings_in(curves)}. {in_words(curves, BESIDE)}."
    return Drawing(partial(_draw_settings, curves, shown), caption, alt)


def _draw_settings(curves: pd.DataFrame, shown: list[str]) -> Figure:
    figure, axes = plt.subplots(1, len(shown), figsize=(2.6 * len(shown), 3.2), squeeze=False)
    for ax, measure in zip(axes[0], shown, strict=True):
        settings_panel(ax, curves, measure, BESIDE[measure], NETS, WORDS)
        ax.set_ylim(0, 1.05 * ax.get_ylim()[1])
    legend_above(figure, axes[0, 0])
    return figure
