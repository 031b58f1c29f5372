"""Normalization in a convolutional net: batch norm before or after ReLU, and group norm as mini-batches get small.

The claims R4.1 and R6.2 are fixed in claims/related.yaml; here are the numbers they ask for. Accuracies in percent.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import legend, tried_axis
from dropnorm.analyses.tables import points_in_words
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    fact_name,
    final,
    has_diverged,
    joined,
    run_counts,
    samples,
    select,
    table_row,
)
from dropnorm.plotting import series_band, series_style

NORMS = {"batch": "batch norm", "group": "group norm"}
SIZES = (2, 4, 8, 32, 128)  # of the mini-batch
SMALL, LARGE = SIZES[0], SIZES[-1]
BEFORE, AFTER = "batch-128", "after"  # the two orders of R4.1
MARGIN = 0.5  # points of test accuracy that count as no difference (R4.1)
TIMES = 3  # as large as group norm's must be batch norm's drop (R6.2)


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    arms = [arm for arm in runs.arm.cat.categories if arm in set(runs.arm)]
    accuracy = {arm: 100 * final(runs, arm, "test_accuracy") for arm in arms}
    by_size = {norm: table for norm in NORMS if (table := accuracy_by_size(accuracy, norm)).size}
    measures = _measures(accuracy, by_size)
    diverged = {arm: has_diverged(runs, arm) for arm in arms}
    return Summary(
        samples=joined([samples(*key, values) for key, values in measures.items()], SAMPLE_COLUMNS),
        table=pd.DataFrame(_rows(measures, diverged)),
        curves=joined(_curves(measures, by_size), CURVE_COLUMNS),
        facts=_facts(measures, by_size) | run_counts(runs),
    )


def accuracy_by_size(accuracy: dict[str, pd.Series], norm: str) -> pd.DataFrame:
    """Accuracy [size x seed] of the sizes that were run, for the seeds that all of them have."""
    found = {m: accuracy[arm] for m in SIZES if (arm := f"{norm}-{m}") in accuracy}
    return pd.concat(found, axis=1, join="inner").T if found else pd.DataFrame()


def difference(a: pd.Series, b: pd.Series) -> pd.Series:
    """a minus b, for the seeds that both have."""
    both = a.index.intersection(b.index)
    return a[both] - b[both]


def _measures(accuracy, by_size) -> dict[tuple[str, str], pd.Series]:
    """Values a seed by (measure, arm); what compares sizes belongs to a norm in place of an arm."""
    found = {("accuracy", arm): values for arm, values in accuracy.items()}
    if {BEFORE, AFTER} <= set(accuracy):
        found["after_minus_before", AFTER] = difference(accuracy[AFTER], accuracy[BEFORE])
    for norm, table in by_size.items():
        if len(table) == len(SIZES):
            found["range_over_sizes", norm] = table.max(skipna=False) - table.min(skipna=False)
        if {SMALL, LARGE} <= set(table.index):
            found["drop", norm] = table.loc[LARGE] - table.loc[SMALL]
    if all(("drop", norm) in found for norm in NORMS):
        # Three times a gain would be a bound below zero, which even a net without a drop could pass: it counts as 0.
        bound = TIMES * found["drop", "group"].clip(lower=0)
        found["excess_of_drop", "batch"] = difference(found["drop", "batch"], bound)
    return {key: values for key, values in found.items() if len(values)}


def _rows(measures, diverged) -> list[dict]:
    rows = []
    for (name, arm), values in measures.items():
        rows.append(table_row(arm, "test_accuracy_percent" if name == "accuracy" else name, values))
    return rows + [table_row(arm, "diverged", values) for arm, values in diverged.items() if values.any()]


def _curves(measures, by_size) -> list[pd.DataFrame]:
    """Accuracy by size, a series a norm; the difference of the two orders by seed."""
    found = [curve("size", norm, table) for norm, table in by_size.items()]
    if ("after_minus_before", AFTER) in measures:
        values = measures["after_minus_before", AFTER]
        found.append(curve("order", "seed", values.to_frame()).assign(n=len(values)))
    return found


def _facts(measures, by_size) -> dict[str, str]:
    """Numbers for the page's prose."""
    facts = {}
    for (name, arm), values in measures.items():
        if name == "accuracy":
            facts[f"accuracy_{fact_name(arm)}"] = f"{values.mean():.2f} %"
        elif name == "after_minus_before":
            ends = {name: values.mean(), f"{name}_lowest": values.min(), f"{name}_highest": values.max()}
            facts |= {key: f"{v:.2f}" for key, v in ends.items()}
        else:
            facts[f"{name}_{arm}"] = f"{values.mean():.2f}"
    for norm, table in by_size.items():
        if len(table) == len(SIZES):
            means = table.mean(axis=1)
            facts[f"range_of_means_{norm}"] = f"{means.max() - means.min():.2f}"
    for m in (SMALL, LARGE):
        if all(m in by_size.get(norm, pd.DataFrame()).index for norm in NORMS):
            gain = difference(by_size["batch"].loc[m], by_size["group"].loc[m])
            facts[f"batch_minus_group_{m}"] = f"{gain.mean():.2f}"
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: accuracy by size of the mini-batch, and what the order of batch norm and ReLU changes."""
    o, training = context.settings["optimiser"], context.settings["training"]
    order = (
        f"test accuracy with batch norm after ReLU minus before it, mini-batches of {LARGE}, a point a seed; line: "
        f"their mean; shaded: {MARGIN} points to both sides. On {context.data}. {context.ending(_seeds(curves).n)}"
    )
    caption = order[0].upper() + order[1:]
    if nets := " and with ".join(NORMS[norm] for norm in _compared(curves)):
        caption = (
            f"Left: test accuracy by size of the mini-batch, with {nets}; rate {o['lr']} at {training['batch_size']} "
            "and in proportion to the size, as many pictures at all sizes; mean, lowest and highest of the seeds that "
            f"all sizes have ({curves[curves.panel == 'size'].n.min()}). Right: "
        ) + order
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _seeds(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves whose seeds a caption ends with: those of the order, which can be more than those of the sizes."""
    order = select(curves, "order", "seed")
    return order if len(order) else curves


def _compared(curves: pd.DataFrame) -> list[str]:
    """The kinds of normalisation that were run with more sizes than one."""
    return [norm for norm in NORMS if len(select(curves, "size", norm)) > 1]


def _alt(curves: pd.DataFrame) -> str:
    said = []
    for norm, label in NORMS.items():
        mine = select(curves, "size", norm)
        at = points_in_words(mine)
        said += [f"{label}: {at}"] if at else []
    if len(mine := select(curves, "order", "seed")):
        ends = f"from {mine.value.min():.2f} to {mine.value.max():.2f} points"
        said.append(f"batch norm after ReLU minus before: {mine.value.mean():.2f} points on average, {ends}")
    return f"Test accuracy by mini-batch size and by order of layers. {'; '.join(said)}."


def _draw(curves: pd.DataFrame) -> Figure:
    panels = 2 if _compared(curves) else 1
    figure, axes = plt.subplots(1, panels, figsize=(0.4 + 3.7 * panels, 2.9), squeeze=False)
    if _compared(curves):
        _draw_sizes(axes[0, 0], curves)
    _draw_order(axes[0, -1], select(curves, "order", "seed"))
    return figure


def _draw_sizes(ax: Axes, curves: pd.DataFrame) -> None:
    for i, (norm, label) in enumerate(NORMS.items()):
        if norm in _compared(curves):
            series_band(ax, select(curves, "size", norm), i, label, marks=True)
    tried_axis(ax, SIZES)
    ax.set(xlabel="size of the mini-batch", ylabel="test accuracy (%)")
    legend(ax, loc="lower left")


def _draw_order(ax: Axes, mine: pd.DataFrame) -> None:
    """Differences of the two orders, a point a seed, around the margin that counts as none."""
    style = series_style(2)
    ax.axhspan(-MARGIN, MARGIN, color=style["color"], alpha=0.15, linewidth=0)
    if len(mine):
        ax.plot(mine.x, mine.value, linestyle="", marker=style["marker"], markersize=5, color=style["color"])
        ax.axhline(mine.value.mean(), color=style["color"], linewidth=1.2, linestyle="--")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set_xlabel("seed")
    ax.set_ylabel("after minus before (points)")
