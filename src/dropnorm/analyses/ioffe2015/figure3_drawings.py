"""How Figure 3 of Ioffe & Szegedy 2015 is drawn: accuracy over steps, by rate, and by depth of sigmoid nets."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import legend, over_steps
from dropnorm.analyses.tables import points_in_words
from dropnorm.analyses.tidy import select
from dropnorm.plotting import series_band, series_style

STEPS = {
    "baseline-x1": "without BN, L*",
    "batchnorm-x1": "BN, L*",
    "batchnorm-x5": "BN, 5 L*",
    "batchnorm-x30": "BN, 30 L*",
    "sigmoid": "BN, sigmoid",
}
RATES = {"baseline": "without BN", "batchnorm": "BN", "sigmoid": "BN, sigmoid"}
DEPTHS = {"baseline": "without BN", "batchnorm": "BN"}
# Without batch norm as in other figures; at L* it has the colour that it has by rate and by depth.
STYLES = {"baseline-x1": 1, "batchnorm-x1": 0, "batchnorm-x5": 2, "batchnorm-x30": 3, "sigmoid": 4}
STYLES |= {"baseline": STYLES["baseline-x1"], "batchnorm": STYLES["batchnorm-x1"]}
REQUIRED = (12, 60)  # percent (I2.4)


def figures(curves: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The only figure."""
    caption = (
        "Left: test accuracy over training, ReLU units without batch normalization at its best rate L*, with it at L*, "
        "5 L* and 30 L*, and sigmoid units with it at their own best rate; crosses: where the best accuracy of the net "
        "without is reached, mean over the seeds. Middle: test accuracy after the last step, by rate. Right: the same "
        "for nets of sigmoid units, by depth: with batch normalization at the best rate, without at the one with the "
        "highest test accuracy; dotted: what I2.4 asks for. "
        f"On {context.data}; mean, lowest and highest seed. {context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    for name, label in STEPS.items():
        mine, reached = select(curves, "steps", name), select(curves, "reached", name)
        if len(mine):
            at = f", best of the net without BN at step {reached.x.iloc[0]:,.0f}" if len(reached) else ""
            said.append(f"{label}: {mine.value.iloc[-1]:.1f} % in the end{at}")
    parts = [f"Test accuracy over training. {'; '.join(said)}."]
    parts += _points(curves, "rate", RATES, "Accuracy by rate", "")
    parts += _points(curves, "depth", DEPTHS, "Sigmoid nets by depth", "depth ")
    return " ".join(parts)


def _points(curves: pd.DataFrame, panel: str, labels: dict[str, str], title: str, before: str) -> list[str]:
    said = [
        f"{label}: {points_in_words(mine, before + '{:g}')}"
        for series, label in labels.items()
        if len(mine := select(curves, panel, series))
    ]
    return [f"{title}. {'; '.join(said)}."] if said else []


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.2, 3.2), width_ratios=[1.3, 1, 0.8])
    _draw_steps(left, curves)
    _draw_points(middle, curves, "rate", RATES)
    middle.set_xscale("log")
    middle.set_xlabel("learning rate")
    _draw_points(right, curves, "depth", DEPTHS)
    for level in REQUIRED:
        right.axhline(level, linestyle=":", linewidth=1, color=series_style(6)["color"])
    right.set_xticks(sorted(curves.x[curves.panel == "depth"].unique()))
    right.set_xlabel("depth, sigmoid units")
    for ax in (left, middle, right):
        ax.set_ylim(bottom=0)
    left.set_ylabel("test accuracy (%)")
    return figure


def _draw_points(ax: Axes, curves: pd.DataFrame, panel: str, labels: dict[str, str]) -> None:
    for series, label in labels.items():
        if len(mine := select(curves, panel, series)):
            series_band(ax, mine, STYLES[series], label, marks=True)
    legend(ax, loc="best")


def _draw_steps(ax: Axes, curves: pd.DataFrame) -> None:
    for name, label in STEPS.items():
        if len(mine := select(curves, "steps", name)):
            series_band(ax, mine, STYLES[name], label)
        if len(reached := select(curves, "reached", name)):
            colour = series_style(STYLES[name])["color"]
            ax.plot(reached.x, reached.value, "x", color=colour, markersize=7, markeredgewidth=2)
    over_steps(ax, curves, ["steps"])
    legend(ax, loc="center right", bbox_to_anchor=(1, 0.44))  # between nets that learn and nets that do not
