"""How Figure 4 and its companion are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.srivastava2014.error_drawings import setup, updates
from dropnorm.analyses.tidy import has, select
from dropnorm.plotting import band, colour, step_axis

SIZES = ("2x1024", "3x1024", "4x1024", "2x2048", "3x2048", "4x2048")
GROUPS = {"none": "without dropout", "dropout": "with dropout", "limit": "without dropout, with norm limit"}
STYLE = {"none": "baseline", "dropout": "batchnorm"}  # of the book's two colours
DASHES = {"2": "-", "3": "--", "4": ":"}  # by hidden layers
WIDTHS = {"1024": 0.9, "2048": 1.8}  # by units
MARKS = {"none": "s", "dropout": "o", "limit": "D"}
LONGER_SIZE = "2x1024"  # the architecture that was also trained for a longer time
PAPER_UPDATES, PAPER_END = 1_000_000, 900_000
PAPER_AXIS = (0.7, 2.6)
PAPER_DASHES = {"none": ":", "dropout": "--"}
TOP = 4  # percent, of the axis that the clusters are drawn on


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    drawings = {}
    if set(curves.panel) >= {"test_error"}:
        drawings["figure"] = _figure4(curves, reference, context)
    if all(has(curves, "clusters", group) for group in STYLE):
        drawings["clusters"] = _clusters(curves, reference, context)
    if all(has(curves, "longer", group) and has(curves, "test_error", f"{group}_{LONGER_SIZE}") for group in STYLE):
        drawings["longer"] = _longer(curves, reference, context)
    return drawings


# --- twelve curves ---


def _figure4(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    mine = curves[curves.panel == "test_error"]
    caption = (
        "(a) Test error over training of six architectures, with and without dropout, each the mean of the seeds. "
        "(b) The paper's twelve curves, one run each; which curve is which architecture it does not say, so all have "
        f"the same line. {setup(context, mine.n)}"
    )
    ends = "; ".join(f"{_words(arm)} {select(mine, 'test_error', arm).value.iloc[-1]:.2f} %" for arm in _arms(curves))
    alt = f"Two panels of test error over updates. Ours after the last update: {ends}. {_paper_ends(reference)}"
    return Drawing(partial(_draw_figure4, curves, reference, context), caption, alt)


def _arms(curves: pd.DataFrame) -> list[str]:
    """The arms of the paper's figure that were run."""
    return [f"{group}_{size}" for group in STYLE for size in SIZES if has(curves, "test_error", f"{group}_{size}")]


def _words(arm: str) -> str:
    group, _, size = arm.partition("_")
    return f"{size.replace('x', ' x ')} {GROUPS[group]}"


def _paper_ends(reference: pd.DataFrame) -> str:
    late = reference[reference.updates >= PAPER_END].groupby(["group", "curve"]).value.mean()
    spans = [f"{GROUPS[g]} {late[g].min():.2f} to {late[g].max():.2f} %" for g in STYLE]
    return f"The paper's, mean over the last tenth: {'; '.join(spans)}."


def _draw_figure4(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 4.0), sharey=context.scale != "smoke")
    for arm in _arms(curves):
        mine, (group, _, size) = select(curves, "test_error", arm), arm.partition("_")
        depth, _, units = size.partition("x")
        style = {"color": colour(STYLE[group]), "linestyle": DASHES[depth], "linewidth": WIDTHS[units]}
        axes[0].plot(mine.x, mine.value, **style)
    for (group, _), mine in reference.groupby(["group", "curve"]):
        axes[1].plot(mine.updates, mine.value, color=colour(STYLE[group]), linewidth=0.9)
    for ax, last, title in zip(axes, (updates(context), PAPER_UPDATES), ("(a) ours", "(b) the paper"), strict=True):
        step_axis(ax, last)
        ax.set_xlabel("updates")
        ax.set_title(title)
    axes[1].set_ylim(PAPER_AXIS)
    axes[0].set_ylabel("test error (%)")
    _legend(figure, axes[0].xaxis.label.get_color())
    return figure


def _legend(figure: Figure, ink) -> None:
    """Above both panels: colours for the groups, dashes and widths for the architectures of ours."""
    groups = [Line2D([], [], color=colour(s), label=GROUPS[g]) for g, s in STYLE.items()]
    sizes = [
        Line2D([], [], color=ink, linestyle=DASHES[d], linewidth=WIDTHS[u], label=f"{d} layers of {u}")
        for d, _, u in (size.partition("x") for size in SIZES)
    ]
    figure.legend(handles=[*groups, *sizes], loc="outside upper center", ncols=4, fontsize="small")


# --- clusters, and how they end ---


def _clusters(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    mine = curves[curves.panel == "clusters"]
    limited = any(has(curves, "final", f"limit_{size}") for size in SIZES)
    diamonds = "; diamonds: nets without dropout but with the norm limit" if limited else ""
    caption = (
        "(a) Mean test error of the six nets of each kind against the share of the training, with a band from the "
        "lowest to the highest of all nets and seeds; grey: the same of the paper's curves (a million updates, one run "
        "a net). (b) Test error after the last update of each architecture: mean of the seeds, bars from the lowest to "
        f"the highest{diamonds}; grey bands: from the lowest to the highest of the paper's curves, each its mean over "
        f"the last tenth of the training, the upper band without dropout. {setup(context, mine.n)}"
    )
    ends = [select(curves, "clusters", group).iloc[-1] for group in STYLE]
    spans = "; ".join(
        f"{GROUPS[g]} mean {e.value:.2f} %, from {e.low:.2f} to {e.high:.2f}" for g, e in zip(STYLE, ends, strict=True)
    )
    limits = "; ".join(
        f"{_words(f'limit_{size}')} {mine.value.iloc[0]:.2f} %"
        for size in SIZES
        if len(mine := select(curves, "final", f"limit_{size}"))
    )
    limits = f"{limits}. " if limits else ""
    alt = f"Two panels. At the end of the training: {spans}. {limits}{_paper_ends(reference)}"
    return Drawing(partial(_draw_clusters, curves, reference, context), caption, alt)


def _draw_clusters(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.6), width_ratios=[1.3, 1])
    paper = context.comparable(reference)
    _draw_spans(axes[0], curves, paper, updates(context))
    _draw_ends(axes[1], curves, paper)
    return figure


def _draw_spans(ax: Axes, curves: pd.DataFrame, reference: pd.DataFrame | None, last: int) -> None:
    for group, style in STYLE.items():
        mine = select(curves, "clusters", group)
        band(ax, mine.assign(x=100 * mine.x / last), style, GROUPS[group])
        if reference is not None:
            _draw_paper(ax, reference, group, 100 / PAPER_UPDATES)
    ax.set(xlim=(0, 100), xlabel="share of the training (%)", ylabel="test error (%)", title="(a)")
    if reference is not None:
        ax.set_ylim(top=min(ax.get_ylim()[1], TOP))  # one bad start would flatten all the rest
    ax.legend(loc="upper right", fontsize="small")


def _draw_paper(ax: Axes, reference: pd.DataFrame, group: str, x_of_update: float) -> None:
    """The mean of the paper's curves of one kind, with a band from the lowest to the highest."""
    by_update = reference[reference.group == group].groupby("updates").value
    x = by_update.mean().index * x_of_update
    ax.fill_between(x, by_update.min(), by_update.max(), alpha=0.15, linewidth=0, color=colour("paper"))
    style = {"linestyle": PAPER_DASHES[group], "color": colour("paper"), "linewidth": 1.3}
    ax.plot(x, by_update.mean(), label=f"paper, {GROUPS[group]}", **style)


def _draw_ends(ax: Axes, curves: pd.DataFrame, reference: pd.DataFrame | None) -> None:
    if reference is not None:
        late = reference[reference.updates >= PAPER_END].groupby(["group", "curve"]).value.mean()
        for group in STYLE:
            ax.axhspan(late[group].min(), late[group].max(), alpha=0.2, linewidth=0, color=colour("paper"))
    for i, group in enumerate(GROUPS):
        mine = curves[(curves.panel == "final") & curves.series.str.startswith(f"{group}_")]
        bars = (mine.value - mine.low, mine.high - mine.value)
        fill = {"markerfacecolor": "none"} if group == "limit" else {}
        ax.errorbar(
            mine.x + 0.15 * (i - 1), mine.value, yerr=bars, fmt=MARKS[group], markersize=5, capsize=2,
            color=colour(STYLE.get(group, "baseline")), **fill,
        )  # fmt: skip
    ax.set_xticks(range(len(SIZES)), [size.replace("x", "\nx ") for size in SIZES], fontsize="small")
    ax.set(xlim=(-0.6, len(SIZES) - 0.4), ylabel="final test error (%)", title="(b)")


# --- one architecture for a longer time ---


def _longer(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    pairs = {group: _short_and_longer(curves, group) for group in STYLE}
    short, longer = (max(pair[i].x.max() for pair in pairs.values()) for i in (0, 1))
    paper = context.comparable(reference)
    grey = " Grey: the paper's six curves of each kind, their mean and a band from the lowest to the highest."
    caption = (
        f"Test error of nets with {LONGER_SIZE.replace('x', ' layers of ')} units over training (logarithmic): mean "
        f"of the seeds with a band from the lowest to the highest. Faint: {short:,.0f} updates, as in the figures "
        f"above; strong: the same schedule stretched to {longer:,.0f} updates.{grey if paper is not None else ''} "
        f"{setup(context, pd.concat([part for pair in pairs.values() for part in pair]).n)}"
    )
    ends = "; ".join(
        f"{GROUPS[group]} {', '.join(f'{m.value.iloc[-1]:.2f} % after {m.x.iloc[-1]:,.0f} updates' for m in pair)}"
        for group, pair in pairs.items()
    )
    return Drawing(partial(_draw_longer, pairs, paper), caption, f"Test error over updates, at the end: {ends}.")


def _short_and_longer(curves: pd.DataFrame, group: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    return select(curves, "test_error", f"{group}_{LONGER_SIZE}"), select(curves, "longer", group)


def _draw_longer(pairs: dict[str, tuple[pd.DataFrame, pd.DataFrame]], paper: pd.DataFrame | None) -> Figure:
    figure, ax = plt.subplots(figsize=(7.6, 3.8))
    for group, (short, longer) in pairs.items():
        band(ax, short, STYLE[group], side=True)
        band(ax, longer, STYLE[group], GROUPS[group])
        if paper is not None:
            _draw_paper(ax, paper, group, 1)
    first = min(part.x[part.x > 0].min() for pair in pairs.values() for part in pair)
    ax.set(xscale="log", xlim=(first, None), xlabel="updates", ylabel="test error (%)")
    if paper is not None:
        ax.set_ylim(PAPER_AXIS)
    ax.legend(loc="upper right", fontsize="small")
    return figure
