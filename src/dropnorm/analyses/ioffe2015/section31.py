"""Ioffe & Szegedy 2015, section 3.1: the statistics that a trained network is tested with.

The claims I2.10 to I2.13 are fixed in claims/ioffe2015.yaml; here are the numbers they ask for. Accuracies in percent.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import over_steps, tried_axis
from dropnorm.analyses.tables import points_in_words
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    fact_name,
    final,
    history,
    joined,
    samples,
    select,
    table_row,
)
from dropnorm.plotting import series_band

SIZES = (2, 4, 60, 128)  # of the mini-batch; an arm each
DECAYED = "decayed"
READINGS = {
    "population": "Algorithm 2",
    "biased": "Algorithm 2 without m / (m − 1)",
    "slow_average": "slow moving average",
    "fast_average": "fast moving average",
    "batch": "the test mini-batch",
}
SHOWN = ("population", "biased", "batch")  # against the size of the mini-batch
AVERAGES = ("slow", "fast")
LINEAR = 0.1  # points up to which the axis of gaps is linear
MIDDLE = (0.25, 0.75)  # of training (I2.13)


def arm_of(size: int) -> str:
    """The arm that trains with mini-batches of this size."""
    return f"batch-{size}"


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    arms = [arm for arm in (*map(arm_of, SIZES), DECAYED) if arm in set(runs.arm)]
    accuracy = {arm: {name: 100 * final(runs, arm, f"accuracy_{name}") for name in READINGS} for arm in arms}
    gaps = {name: _gap(runs, name) for name in AVERAGES} if DECAYED in arms else {}
    ends = {name: _middle_and_end(gap) for name, gap in gaps.items()}
    rows = [table_row(arm, f"accuracy_{name}_percent", v) for arm in arms for name, v in accuracy[arm].items()]
    return Summary(
        samples=joined([*_by_size(runs, accuracy), *_of_gaps(ends)], SAMPLE_COLUMNS),
        table=pd.DataFrame(rows),
        curves=joined([*_over_size(accuracy), *(curve("gap", n, g) for n, g in gaps.items())], CURVE_COLUMNS),
        facts=_facts(runs, accuracy, ends),
    )


def _gap(runs: pd.DataFrame, name: str) -> pd.DataFrame:
    """Points of test accuracy between a moving average and Algorithm 2, by step `[step x seed]`."""
    average, population = (history(runs, DECAYED, f"accuracy_{n}") for n in (f"{name}_average", "population"))
    return 100 * (average - population).abs()


def _middle_and_end(gap: pd.DataFrame) -> dict[str, pd.Series]:
    """Mean over the middle of training, and after the last step, by seed."""
    low, high = (share * gap.index.max() for share in MIDDLE)
    return {"middle": gap[(gap.index >= low) & (gap.index <= high)].mean(), "end": gap.iloc[-1]}


def _by_size(runs: pd.DataFrame, accuracy: dict[str, dict[str, pd.Series]]) -> list[pd.DataFrame]:
    """Samples of I2.10 to I2.12, for each size of the mini-batch."""
    found = []
    for arm in (arm for arm in accuracy if arm != DECAYED):
        of = accuracy[arm]
        found += [
            samples("change_by_mates", arm, final(runs, arm, "change_by_mates_inference")),
            samples("gain_of_population", arm, of["population"] - of["batch"]),
            samples("change_by_correction", arm, (of["population"] - of["biased"]).abs()),
        ]
    return found


def _of_gaps(ends: dict[str, dict[str, pd.Series]]) -> list[pd.DataFrame]:
    """Samples of I2.13."""
    return [samples(f"gap_{name}", when, gap) for name, both in ends.items() for when, gap in both.items()]


def _over_size(accuracy: dict[str, dict[str, pd.Series]]) -> list[pd.DataFrame]:
    """Final accuracy against the size of the mini-batch, a curve for each reading that is shown."""
    sizes = [size for size in SIZES if arm_of(size) in accuracy]
    return [
        curve("accuracy", name, pd.DataFrame({size: accuracy[arm_of(size)][name] for size in sizes}).T)
        for name in SHOWN
        if sizes
    ]


def _facts(runs: pd.DataFrame, accuracy: dict[str, dict[str, pd.Series]], ends) -> dict[str, str]:
    """Numbers for the page's prose."""
    of_arm = {arm: fact_name(arm) for arm in accuracy}
    facts = {f"{name}_{of_arm[arm]}": f"{v.mean():.2f} %" for arm, of in accuracy.items() for name, v in of.items()}
    for arm in accuracy:
        gain = accuracy[arm]["population"] - accuracy[arm]["batch"]
        facts[f"gain_{of_arm[arm]}"] = f"{gain.mean():.2f}"
        mates = final(runs, arm, "change_by_mates_training")
        facts[f"mates_{of_arm[arm]}"] = f"{mates.mean():.2f}"
    return facts | {f"gap_{name}_{when}": f"{g.mean():.2f}" for name, both in ends.items() for when, g in both.items()}


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: accuracy by size and reading, and the gap of moving averages over training."""
    steps = context.settings["training"]["steps"]
    measure = context.settings["measure"]
    caption = (
        "Left: test accuracy after the last step against the size of the mini-batch, with several statistics in place "
        "of the mini-batch's own. Right: how far the accuracy by moving averages is from Algorithm 2's, while the rate "
        f"falls to zero, on an axis that is linear up to {LINEAR} points; slow keeps {measure['moving_average']} of "
        f"itself a step, fast {measure['fast_average']}. "
        f"{steps:,} steps on {context.data}; mean, lowest and highest seed. {context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    by_size = [
        f"{label} {points_in_words(mine)}"
        for name, label in ((name, READINGS[name]) for name in SHOWN)
        for mine in [select(curves, "accuracy", name)]
    ]
    gaps = [
        f"{name} {mine.value.max():.2f} at most after the first step and {mine.value.iloc[-1]:.2f} at the end"
        for name in AVERAGES
        if len(mine := select(curves[curves.x > 0], "gap", name))
    ]
    return f"Test accuracy by batch size: {'; '.join(by_size)}. Gap of moving averages in points: {'; '.join(gaps)}."


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.1))
    for i, name in enumerate(SHOWN):
        series_band(left, select(curves, "accuracy", name), i, READINGS[name], marks=True)
    if left.lines:
        left.lines[0].set(markersize=8, fillstyle="none", zorder=3)  # rings: the next series lies on the first
    tried_axis(left, SIZES)
    left.set_xlabel("size of the mini-batch")
    left.set_ylabel("test accuracy (%)")
    left.legend(fontsize="small", loc="lower right")
    for i, name in enumerate(AVERAGES):
        series_band(right, select(curves, "gap", name), i, READINGS[f"{name}_average"])
    over_steps(right, curves, ["gap"])
    right.set_yscale("symlog", linthresh=LINEAR)
    right.set_ylim(bottom=0)
    right.set_ylabel("points from Algorithm 2")
    right.legend(fontsize="small")
    return figure
