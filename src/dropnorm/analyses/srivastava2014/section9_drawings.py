"""How the figures of section 9 are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Seeds
from dropnorm.analyses.tidy import has, select
from dropnorm.plotting import band, colour

# Which of the book's two colours (with its line) a curve takes: the first for what wanders, the second what settles.
STYLE = {"iterate": "baseline", "average": "batchnorm", "trajectories_unconverted": "baseline",
         "trajectories": "batchnorm", "two_layers": "baseline", "one_layer": "batchnorm"}  # fmt: skip
LABELS = {"iterate": "weights", "average": "averaged weights",
          "trajectories_unconverted": "only weights converted", "trajectories": "rate, limit, L2 too",
          "two_layers": "two layers", "one_layer": "one softmax layer"}  # fmt: skip
SMALLEST = 1e-18  # where a difference of exactly zero stands on a logarithmic axis


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    drawings, panels = {}, set(curves.panel)
    if panels >= {"penalty", "sgd"}:
        drawings["figure"] = _marginal(curves, reference, context)
    if panels >= {"trajectories", "geometric_mean"}:
        drawings["equal"] = _equal(curves, context)
    return drawings


def _setup(context: Context, seeds: Seeds) -> str:
    return (
        f"Lines: mean of the seeds, band from the lowest to the highest. Data: {context.data}. Float64, "
        f"{context.ending(seeds)}"
    )


def _last(curves: pd.DataFrame, panel: str, series: str) -> pd.Series:
    return select(curves, panel, series).iloc[-1]


# --- the marginalised loss ---


def _marginal(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    shrinkage, sgd = select(curves, "penalty", "shrinkage"), context.settings["sgd"]
    seeds = curves.n[curves.panel.isin(["penalty", "sgd"])]
    ratios = ", ".join(f"{row.penalty_ratio:g} at p = {row.p:g}" for row in reference.itertuples())
    caption = (
        "(a) Length of the scaled weights, ||Γw̃||, as a share of its value at p = 1 (ordinary least squares), for "
        f"{context.settings['penalty']['pixels']} pixels; dotted: p itself, the exact answer where columns are "
        "orthogonal. Above: the factor (1 − p)/p of the penalty. (b) Distance of the weights to the closed form, in "
        f"units of its length, while gradient descent sees dropped inputs, p = {sgd['p']:g}; averaged after update "
        f"{sgd['average_from']:,}. Dotted: distance of ordinary least squares. {_setup(context, seeds)}"
    )
    points = "; ".join(f"{row.value:.3f} at p = {row.x:g}" for row in shrinkage.itertuples())
    ends = "; ".join(
        f"{LABELS[s]} {_last(curves, 'sgd', s).value:.4f}" for s in ("iterate", "average") if has(curves, "sgd", s)
    )
    alt = (
        f"Two panels. (a) Share of ||Γw̃|| that is left: {points}. Factor (1 − p)/p in the paper: {ratios}. (b) "
        f"Distance to the closed form after the last update: {ends}; ordinary least squares "
        f"{_last(curves, 'sgd', 'ols').value:.3f}."
    )
    return Drawing(partial(_draw_marginal, curves, reference), caption, alt)


def _draw_marginal(curves: pd.DataFrame, reference: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.4))
    _draw_penalty(axes[0], curves, reference)
    _draw_sgd(axes[1], curves)
    return figure


def _draw_penalty(ax: Axes, curves: pd.DataFrame, reference: pd.DataFrame) -> None:
    mine = select(curves, "penalty", "shrinkage")
    band(ax, mine, "batchnorm", "pixels")
    ax.plot(mine.x, mine.value, "o", color=colour("batchnorm"), markersize=4)
    ax.plot([0, 1], [0, 1], ":", color=colour("paper"), linewidth=1.3, label="orthogonal columns: p")
    ax.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="p, probability to retain an input", ylabel="||Γw̃||, share of p = 1")
    ax.legend(loc="upper left")
    above = ax.secondary_xaxis("top")
    ticks = reference.sort_values("p") if len(reference) else pd.DataFrame({"p": [], "penalty_ratio": []})
    above.set_xticks(ticks.p, [f"{ratio:g}" for ratio in ticks.penalty_ratio])
    above.set_xlabel("(1 − p)/p", fontsize="small")
    ax.set_title("(a)", x=-0.14, y=1.0)  # beside the second axis, whose ticks it would touch


def _draw_sgd(ax: Axes, curves: pd.DataFrame) -> None:
    for series in ("iterate", "average"):
        if has(curves, "sgd", series):
            band(ax, select(curves, "sgd", series), STYLE[series], LABELS[series])
    ols = _last(curves, "sgd", "ols").value
    ax.axhline(ols, linestyle=":", color=colour("paper"), linewidth=1.3, label="ordinary least squares")
    ax.set(xscale="log", yscale="log", xlabel="update", ylabel="distance to the closed form")
    ax.legend(loc="lower left", fontsize="small")
    ax.set_title("(b)")


# --- what is equal, and what is not ---


def _equal(curves: pd.DataFrame, context: Context) -> Drawing:
    s = context.settings["trajectories"]
    hidden = "-".join(str(h) for h in s["hidden"])
    seeds = curves.n[curves.panel.isin(["trajectories", "geometric_mean"])]
    caption = (
        f"(a) The paper's form of dropout and the inverted one with the same masks, {hidden} ReLU units, momentum "
        f"rising to {s['momentum_final']:g}, falling rate, L2, max-norm {s['max_norm']:g}: largest difference of any "
        "weight after each step, in units of the largest of its layer, with everything converted and with the weights "
        "only. (b) Largest difference of a class probability between the network with weights times p and the "
        f"geometric mean of all 2^{context.settings['geometric_mean']['units']} thinned networks. "
        f"{_setup(context, seeds)}"
    )
    ends = "; ".join(
        f"{LABELS[arm]} {_last(curves, 'trajectories', arm).value:.1e}"
        for arm in ("trajectories", "trajectories_unconverted")
        if has(curves, "trajectories", arm)
    )
    means = "; ".join(
        f"{LABELS[series]} at most {select(curves, 'geometric_mean', series).high.max():.1e}"
        for series in ("one_layer", "two_layers")
    )
    alt = f"Two panels with logarithmic axes. (a) Difference after the last step: {ends}. (b) Difference: {means}."
    return Drawing(partial(_draw_equal, curves), caption, alt)


def _draw_equal(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.2))
    for ax, panel, letter in zip(axes, ("trajectories", "geometric_mean"), "ab", strict=True):
        for series in LABELS:
            if has(curves, panel, series):
                _draw_differences(ax, select(curves, panel, series), series, dots=panel == "geometric_mean")
        ax.set_yscale("log")
        ax.set_title(f"({letter})")
        ax.legend(loc="center", fontsize="small")
    axes[0].set(xlabel="training step", ylabel="largest relative difference")
    axes[1].set(xlabel="p, probability to retain a unit", ylabel="largest difference", xlim=(0, 1))
    return figure


def _draw_differences(ax: Axes, mine: pd.DataFrame, series: str, *, dots: bool) -> None:
    mine = mine.assign(**{c: mine[c].clip(lower=SMALLEST) for c in ("value", "low", "high")})
    band(ax, mine, STYLE[series], LABELS[series])
    if dots:
        ax.plot(mine.x, mine.value, "o", color=colour(STYLE[series]), markersize=4)
