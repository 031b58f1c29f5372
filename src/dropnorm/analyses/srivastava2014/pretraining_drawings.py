"""How the figures of the pretrained networks are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import legend_above
from dropnorm.analyses.tidy import has, select
from dropnorm.plotting import colour, series_band, series_style, step_axis

ARMS = {  # arm -> words
    "random": "random weights",
    "random_dropout": "random, dropout, small rate",
    "random_dropout_large": "random, dropout, large rate",
    "dbn": "belief net",
    "dbn_dropout": "belief net, dropout, small rate",
    "dbn_dropout_large": "belief net, dropout, large rate",
    "dbm": "Boltzmann machine",
    "dbm_dropout": "Boltzmann machine, dropout",
}
PANELS = (  # of the course of the error: title, arms
    ("without dropout, small rate", ("random", "dbn", "dbm")),
    ("with dropout, small rate", ("random_dropout", "dbn_dropout", "dbm_dropout")),
    ("with dropout, large rate", ("random_dropout_large", "dbn_dropout_large")),
)
STYLES = {"random": 2, "dbn": 0, "dbm": 1}  # series style of a model


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    if not len(curves):
        return {}
    of_paper = context.comparable(reference)
    paper = {} if of_paper is None else dict(zip(of_paper.arm, of_paper.test_error, strict=True))
    return {"figure": _errors(curves, paper, context), "course": _course(curves, context)}


def _style(arm: str) -> dict:
    return series_style(STYLES[arm.split("_")[0]])


def _setup(curves: pd.DataFrame, context: Context) -> str:
    s = context.settings
    return (
        f"Data: {context.data}. Logistic units; pretraining {s['pretraining']['updates']:,} updates a layer, "
        f"fine-tuning {s['training']['steps']:,}, rate {s['optimiser']['lr']:g} where it is not the large one, "
        f"p = {s['dropout']['p_input']:g} for inputs and {s['dropout']['p_hidden']:g} for hidden units where there is "
        f"dropout, {context.ending(curves.n)}"
    )


def _errors(curves: pd.DataFrame, paper: dict[str, float], context: Context) -> Drawing:
    crosses = " Cross: the paper's Table 2." if paper else ""
    caption = (
        f"Test error after the last update of networks whose first weights are {_models(curves)}; with dropout, "
        "pretrained weights are multiplied by 1/p. Mark, hollow without and filled with dropout: mean of the seeds; "
        f"bar: lowest to highest.{crosses} {_setup(curves, context)}"
    )
    numbers = []
    for row in curves[curves.panel == "errors"].itertuples():
        own = f" (paper {paper[row.series]:g})" if row.series in paper else ""
        numbers.append(f"{ARMS[row.series]} {row.value:.2f} % ({row.low:.2f} to {row.high:.2f}){own}")
    return Drawing(partial(_draw_errors, curves, paper), caption, f"Test errors: {'; '.join(numbers)}.")


def _models(curves: pd.DataFrame) -> str:
    """The kinds of first weights that were trained, with their marks."""
    words = {"random": "random (triangle)", "dbn": "those of a deep belief net (circle)",
             "dbm": "those of a deep Boltzmann machine (square)"}  # fmt: skip
    models = {series.split("_")[0] for series in curves.series[curves.panel == "errors"]}
    return " or ".join(text for model, text in words.items() if model in models)


def _draw_errors(curves: pd.DataFrame, paper: dict[str, float]) -> Figure:
    shown = [arm for arm in ARMS if arm in paper or has(curves, "errors", arm)]
    figure, ax = plt.subplots(figsize=(7.4, 1.0 + 0.33 * len(shown)))
    for y, arm in enumerate(shown):
        mine, style = select(curves, "errors", arm), _style(arm)
        ax.hlines([y] * len(mine), mine.low, mine.high, color=style["color"], linewidth=2)
        filled = style["color"] if "dropout" in arm else "none"
        ax.plot(
            mine.value, [y] * len(mine), style["marker"], color=style["color"], markerfacecolor=filled, markersize=7
        )
        if arm in paper:
            ax.plot(paper[arm], y, "x", color=colour("paper"), markersize=8, markeredgewidth=2)
    ax.set_yticks(range(len(shown)), [ARMS[arm] for arm in shown])
    ax.set(xlabel="test error (%)", xscale="log", ylim=(len(shown) - 0.5, -0.5))
    _plain_ticks(ax)
    return figure


def _plain_ticks(ax: Axes) -> None:
    """Numbers, not powers of ten, on a logarithmic axis of errors."""
    low, high = ax.get_xlim()
    ticks = [x for x in (0.6, 0.8, 1, 1.2, 1.5, 2, 3, 5, 10, 20, 40, 90) if low <= x <= high]
    ax.set_xticks(ticks, [f"{x:g}" for x in ticks])
    ax.minorticks_off()


def _course(curves: pd.DataFrame, context: Context) -> Drawing:
    caption = (
        "Test error in the course of fine-tuning, on a logarithmic axis. Mean of the seeds, band from the lowest to "
        f"the highest. {_setup(curves, context)}"
    )
    numbers = []
    for arm, words in ARMS.items():
        mine = select(curves, "course", arm)
        if len(mine):
            numbers.append(f"{words} {mine.value.iloc[0]:.2f} % at update {mine.x.iloc[0]:,.0f}, "
                           f"{mine.value.iloc[-1]:.2f} % at the end")  # fmt: skip
    return Drawing(partial(_draw_course, curves), caption, f"Three panels of test error. {'; '.join(numbers)}.")


def _draw_course(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 3, figsize=(8.8, 3.1), sharey=True)
    labels = {"random": "random", "dbn": "belief net", "dbm": "Boltzmann machine"}
    for ax, (title, arms) in zip(axes, PANELS, strict=True):
        for arm in arms:
            mine, model = select(curves, "course", arm), arm.split("_")[0]
            if len(mine):
                series_band(ax, mine, STYLES[model], labels[model])
        step_axis(ax, curves[curves.panel == "course"].x.max())
        ax.set(yscale="log", xlabel="update", title=title)
    axes[0].set_ylabel("test error (%)")
    ticks = [x for x in (0.8, 1, 1.5, 2, 3, 5, 10, 20, 50, 90) if axes[0].get_ylim()[0] <= x <= axes[0].get_ylim()[1]]
    axes[0].set_yticks(ticks, [f"{x:g}" for x in ticks])
    for ax in axes:
        ax.minorticks_off()
    legend_above(figure, max(axes, key=lambda ax: len(ax.get_legend_handles_labels()[0])))
    return figure
