"""How Figure 4 and its companions are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import legend_above, over_steps
from dropnorm.analyses.santurkar2018 import vgg_drawings as drawings
from dropnorm.analyses.santurkar2018.vgg import LABELS, MULTIPLES
from dropnorm.analyses.tidy import drawn, select
from dropnorm.plotting import colour, series_band, series_style

ARMS = ["standard", "batchnorm"]
PAPER_PANELS = {"landscape_loss": "fig4a", "landscape_gradient": "fig4b"}
LOSS_TICKS = [m * 10.0**e for e in range(-5, 2) for m in (1, 2, 5)]
HIGHEST_BETA = 10  # of the axis, in units of 1 / rate


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """`figure`: the paper's three panels; `plateau`, `random`, `equal_loss`: our own tests of it."""
    reference, found = context.comparable(reference), {}
    if not len(drawn(curves, "beta", ARMS)):
        return found
    setup = drawings.setup(context, drawings.seeds_of(curves, "beta"))
    caption = (
        "Along the gradient, over steps of 1/2, 1, 2 and 4 times the rate: (a) lowest to highest loss, (b) smallest to "
        "largest change of the gradient, (c) largest change of the gradient over the distance (to 60). (a, b): means "
        f"over the seeds of both edges; (c): {drawings.SEEDS_BAND}. Faint and dotted: the paper's upper edges and its "
        f"(c). {setup}"
    )
    found["figure"] = Drawing(partial(_draw, curves, reference), caption, _told(curves, "landscape"))
    found["plateau"] = _plateau(curves, setup)
    if len(drawn(curves, "random_loss", ARMS)):
        words = (
            "Along a random direction as long as the gradient, over the same steps: (a) highest less lowest loss, "
            f"{drawings.SEEDS_BAND}; (b) smallest to largest change of the gradient, means over the seeds of both "
            f"edges. {setup}"
        )
        found["random"] = Drawing(partial(_draw_random, curves), words, _told(curves, "random"))
    found["equal_loss"] = _equal_loss(curves, setup)
    return found


def _told(curves: pd.DataFrame, walk: str) -> str:
    """Median widths and edges of the bands over all steps, in words."""
    parts = []
    for arm in drawn(curves, f"{walk}_loss", ARMS):
        loss, gradient = select(curves, f"{walk}_loss", arm), select(curves, f"{walk}_gradient", arm)
        parts.append(
            f"{LABELS[arm]}: width of the loss band {(loss.high - loss.low).median():.2g}, upper edge of the "
            f"gradient's change {gradient.high.median():.3g}"
        )
    return f"Bands over training steps. Medians over all steps: {'; '.join(parts)}."


def _band(ax: Axes, curve: pd.DataFrame, arm: str) -> None:
    style = {key: series_style(drawings.style_of(arm))[key] for key in ("color", "linestyle")}
    ax.fill_between(curve.x, curve.low, curve.high, alpha=0.3, linewidth=0, color=style["color"])
    ax.plot(curve.x, curve.high, linewidth=1.1, label=LABELS[arm], **style)
    ax.plot(curve.x, curve.low, linewidth=0.6, **style)


def _bands(ax: Axes, curves: pd.DataFrame, panel: str, reference: pd.DataFrame | None) -> None:
    names = {arm: drawings.IN_PAPER[arm] for arm in ARMS}
    drawings.paper_lines(ax, reference, PAPER_PANELS.get(panel, ""), names, "high")
    for arm in drawn(curves, panel, ARMS):
        _band(ax, select(curves, panel, arm), arm)


def _draw(curves: pd.DataFrame, reference: pd.DataFrame | None) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(8.8, 3.2))
    _bands(axes[0], curves, "landscape_loss", reference)
    _bands(axes[1], curves, "landscape_gradient", reference)
    drawings.paper_lines(axes[2], reference, "fig4c", {arm: drawings.IN_PAPER[arm] for arm in ARMS})
    drawings.lines(axes[2], curves, "beta", ARMS)
    for ax, title in zip(axes, ("(a) loss", "(b) change of the gradient", "(c) effective β"), strict=True):
        ax.set_title(title)
    for ax in axes[:2]:
        ax.set_yscale("log")
    axes[2].set_ylim(0, 60)
    legend_above(figure, axes[0])
    over_steps(axes, curves, ["beta"])
    return figure


def _draw_random(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.0))
    drawings.lines(axes[0], curves, "random_width", ARMS)
    _bands(axes[1], curves, "random_gradient", None)
    for ax, title in zip(axes, ("(a) width of the loss band", "(b) change of the gradient"), strict=True):
        ax.set_title(title)
        ax.set_yscale("log")
    legend_above(figure, axes[0])
    over_steps(axes, curves, ["random_loss"])
    return figure


def _plateau(curves: pd.DataFrame, setup: str) -> Drawing:
    caption = (
        "The change of the gradient over the distance walked, times the rate, for each step length (multiple of the "
        f"rate): {drawings.SEEDS_BAND}. The paper's plateau is at 2 (dash-dotted): the edge of stability, "
        "or the shortest step of its grid. With a step of 1/8 the second would be at 8. The axis ends at "
        f"{HIGHEST_BETA}. {setup}"
    )
    ends = "; ".join(
        f"{LABELS[arm]} at {m:g} times the rate {select(curves, f'beta_times_rate_{m:g}', arm).value.iloc[-1]:.2f}"
        for arm in drawn(curves, "beta", ARMS)
        for m in (MULTIPLES[0], MULTIPLES[1])
    )
    return Drawing(partial(_draw_plateau, curves), caption, f"Two panels of lines over steps. At the end: {ends}.")


def _draw_plateau(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.2), sharey=True)
    for ax, arm in zip(axes, ARMS, strict=True):
        for i, m in enumerate(MULTIPLES):
            series_band(ax, select(curves, f"beta_times_rate_{m:g}", arm), i, f"{m:g} × rate")
        ax.axhline(2, linestyle="-.", linewidth=1.3, color=colour("paper"))
        ax.set_title(LABELS[arm])
    axes[0].set_ylabel("effective β × rate")
    axes[0].set_ylim(0, HIGHEST_BETA)
    legend_above(figure, axes[1])
    over_steps(axes, curves, ["beta"])
    return figure


def _equal_loss(curves: pd.DataFrame, setup: str) -> Drawing:
    caption = (
        "Width of the loss band against the smoothed training loss at the same step: every measurement of every seed. "
        f"Training goes from left to right. {setup}"
    )
    points = {arm: select(curves, "against_loss", arm) for arm in drawn(curves, "against_loss", ARMS)}
    medians = "; ".join(
        f"{LABELS[arm]} {len(p)} points, losses {p.x.min():.2f} to {p.x.max():.2f}, median width {p.value.median():.2f}"
        for arm, p in points.items()
    )
    return Drawing(partial(_draw_equal_loss, curves), caption, f"A cloud of points for each net: {medians}.")


def _draw_equal_loss(curves: pd.DataFrame) -> Figure:
    figure, ax = plt.subplots(figsize=(5.6, 3.6))
    for arm in drawn(curves, "against_loss", ARMS):
        mine, style = select(curves, "against_loss", arm), series_style(drawings.style_of(arm))
        ax.plot(mine.x, mine.value, style["marker"], color=style["color"], markersize=3, alpha=0.6, label=LABELS[arm])
    ax.set(xscale="log", yscale="log", xlabel="training loss", ylabel="width of the loss band")
    low, high = ax.get_xlim()
    ticks = [x for x in LOSS_TICKS if low <= x <= high]
    ax.set_xticks(ticks, [f"{x:g}" for x in ticks])
    ax.set_xticks([], minor=True)
    ax.invert_xaxis()
    ax.legend(fontsize="small")
    return figure
