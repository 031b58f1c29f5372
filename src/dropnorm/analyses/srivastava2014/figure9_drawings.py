"""How Figure 9 is drawn, and what its caption and alt text say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import ticks_at
from dropnorm.analyses.srivastava2014.error_drawings import paper_points, setup
from dropnorm.analyses.tidy import has, select
from dropnorm.plotting import series_band, series_style

P = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
PANELS = {"a": "(a) n fixed", "b": "(b) p n fixed"}
SERIES = {"test": "test error", "train": "training error"}
LEGEND = [before + words for before in ("", "paper, ") for words in SERIES.values()]  # not the order of drawing
NO_LIMIT = "test_no_limit"
PAPER_TOP = {"a": 3.5, "b": 3.0}  # of the paper's axes
FLAT = (0.3, 0.9)  # the middle, drawn large


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    drawings = {}
    if any(has(curves, panel, "test") for panel in PANELS):
        drawings["figure"] = _figure9(curves, reference, context)
    return drawings


def _figure9(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    n = curves.n[curves.panel.isin(PANELS)]
    no_limit = " Diamond: the net of (a) without dropout and without norm limit." if has(curves, "a", NO_LIMIT) else ""
    caption = (
        "Test and training error after the last update against p, the probability to retain a hidden unit: (a) the "
        f"same network for every p; (b) layers of n units with p n held fixed. No input is dropped.{no_limit} A p "
        "that was not run has no point. Top: "
        "all, logarithmic above 1 %; bottom: the low end of the test errors. Points: mean of the seeds; band, or bar "
        "where it has no width: from the lowest to the highest. Dotted grey: the paper's, bars as it draws them. "
        f"{setup(context, n)}"
    )
    alt = f"Errors against p. {' '.join(_numbers(curves, reference, panel) for panel in PANELS)}"
    return Drawing(partial(_draw, curves, reference, context), caption, alt)


def _numbers(curves: pd.DataFrame, reference: pd.DataFrame, panel: str) -> str:
    """The numbers of a panel in words, ours with the paper's."""
    parts = []
    for series, words in SERIES.items():
        mine, paper = select(curves, panel, series), _of_paper(reference, panel, series)
        points = ", ".join(f"{r.value:.2f} at {r.x:g}" for r in mine.itertuples())
        of_paper = ", ".join(f"{r.value:g} at {r.p:g}" for r in paper.itertuples())
        parts.append(f"{words}, ours: {points or 'not run'}; the paper's: {of_paper}")
    return f"{PANELS[panel]}: {'; '.join(parts)}."


def _of_paper(reference: pd.DataFrame, panel: str, series: str) -> pd.DataFrame:
    return reference[(reference.panel == panel) & (reference.series == series)]


def _draw(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Figure:
    figure, axes = plt.subplots(2, 2, figsize=(8.4, 5.6), sharex=True, height_ratios=[1.3, 1])
    paper = context.comparable(reference)
    for column, panel in zip(axes.T, PANELS, strict=True):
        for ax, shown in zip(column, (SERIES, ("test",)), strict=True):
            _draw_panel(ax, curves, paper, panel, shown)
        _limits(column, curves, paper, panel)
        column[0].set_title(PANELS[panel])
        column[1].set_xlabel("p, probability to retain a hidden unit")
    for row in axes:
        row[0].set_ylabel("error (%)")
    drawn = dict(zip(*reversed(axes[0, 0].get_legend_handles_labels()), strict=True))
    words = [word for word in LEGEND if word in drawn]
    axes[0, 0].legend([drawn[word] for word in words], words, loc="upper right", fontsize="small")
    return figure


def _draw_panel(ax: Axes, curves: pd.DataFrame, paper: pd.DataFrame | None, panel: str, shown) -> None:
    for i, series in reversed(list(enumerate(SERIES))):  # test errors over the training errors, which they may cover
        if series not in shown:
            continue
        # A p that was not run leaves a gap in the line.
        mine = select(curves, panel, series).set_index("x").reindex(P).reset_index()
        series_band(ax, mine, i, SERIES[series], marks=True)
        lone = mine[mine.value.notna() & mine.value.shift().isna() & mine.value.shift(-1).isna()]
        ax.vlines(lone.x, lone.low, lone.high, color=series_style(i)["color"])  # a band has no width there
        if paper is not None:
            of_paper = _of_paper(paper, panel, series)
            label = f"paper, {SERIES[series]}"
            paper_points(ax, of_paper.p, of_paper.value, of_paper.bar, series_style(i)["marker"], label)
    if has(curves, panel, NO_LIMIT):
        point = select(curves, panel, NO_LIMIT)
        bars = (point.value - point.low, point.high - point.value)
        ax.errorbar(point.x, point.value, yerr=bars, fmt="D", capsize=2, color=series_style(0)["color"], mfc="none")


def _limits(column, curves: pd.DataFrame, paper: pd.DataFrame | None, panel: str) -> None:
    """Above from 0 to the highest point; below what the test errors of the middle span, with some room."""
    test = select(curves, panel, "test")
    column[0].set_xlim(0, 1.03)
    top = max([PAPER_TOP[panel] if paper is not None else 0, *(1.3 * test.high)])  # logarithmic: room for a whole mark
    column[0].set_yscale("symlog", linthresh=1)  # training errors may be 0, and a small p errs on a fifth of the images
    column[0].set_ylim(0, top or None)  # as it comes if this panel has no run yet
    ticks_at(column[0].yaxis, [t for t in (0, 0.5, 1, 2, 3, 5, 10, 20, 50, 90) if t <= top])
    low, high = [*test.low], [*test[test.x.between(*FLAT)].high]
    if paper is not None:
        of_paper = _of_paper(paper, panel, "test")
        low += [*(of_paper.value - of_paper.bar)]
        high += [*(of_paper.value + of_paper.bar)[of_paper.p.between(*FLAT)]]
    if low and high:
        room = 0.08 * (max(high) - min(low)) or 0.1
        column[1].set_ylim(min(low) - room, max(high) + room)
