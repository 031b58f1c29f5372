"""Alternatives to batch normalization: layer normalization at small mini-batches, and ELU units in a deep network.

The claims R6.1 and R6.4 are fixed in claims/related.yaml; here are the numbers they ask for. Accuracies in percent.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import legend, over_steps, tried_axis
from dropnorm.analyses.tables import best_arm, by_unit, points_in_words, steps_to, tried_rate
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    final,
    history,
    joined,
    samples,
    select,
    table_row,
)
from dropnorm.plotting import series_band

NORMS = {"batch": "batch norm", "layer": "layer norm"}
SIZES = (2, 128)  # of the mini-batch
UNITS = {"relu": "ReLU", "elu": "ELU"}
LEVEL = 97  # percent of test accuracy (R6.4)


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    tuned = {(norm, m): best for norm in NORMS for m in SIZES if (best := best_arm(runs, f"{norm}-{m}"))}
    accuracy = {key: 100 * final(runs, arm, "test_accuracy") for key, arm in tuned.items()}
    units = {name: 100 * history(runs, name, "test_accuracy") for name in UNITS if name in set(runs.arm)}
    means = {name: mean_activations(runs, name) for name in units}
    found = [samples(f"accuracy_of_{m}", norm, values) for (norm, m), values in accuracy.items()]
    found += [samples(f"steps_to_{LEVEL}", name, steps_to(table, LEVEL)) for name, table in units.items()]
    if set(means) == set(UNITS):
        found.append(samples("excess_of_mean", "elu", (means["elu"] - means["relu"]).max().dropna()))
    return Summary(
        samples=joined(found, SAMPLE_COLUMNS),
        table=pd.DataFrame(_rows(runs, units, means)),
        curves=joined(_curves(accuracy, units, means), CURVE_COLUMNS),
        facts=_facts(accuracy, tuned, units, means),
    )


def mean_activations(runs: pd.DataFrame, name: str) -> pd.DataFrame:
    """Size of the mean activation [layer x seed], counted from one, at the step at which it was measured."""
    table = by_unit(runs, name, "mean_activation")
    return table.set_axis(table.index + 1)


def _rows(runs: pd.DataFrame, units, means) -> list[dict]:
    rows = []
    for arm in runs.arm.unique():
        for quantity in ("validation_accuracy", "test_accuracy"):
            if len(values := 100 * final(runs, arm, quantity)):
                rows.append(table_row(arm, f"{quantity}_percent", values))
    rows += [table_row(name, f"steps to {LEVEL} %", steps_to(table, LEVEL)) for name, table in units.items()]
    for name, table in means.items():
        rows += [table_row(name, f"mean activation, layer {layer}", row) for layer, row in table.iterrows()]
    return rows


def _curves(accuracy, units, means) -> list[pd.DataFrame]:
    by_size = {norm: pd.DataFrame({m: accuracy[n, m] for n, m in accuracy if n == norm}).T for norm in NORMS}
    found = [curve("size", norm, table) for norm, table in by_size.items() if len(table)]
    found += [curve("accuracy", name, table) for name, table in units.items()]
    return found + [curve("mean", name, table) for name, table in means.items()]


def _facts(accuracy, tuned, units, means) -> dict[str, str]:
    """Numbers for the page's prose."""
    facts = {"level": f"{LEVEL} %"} | {f"accuracy_{norm}_{m}": f"{v.mean():.2f} %" for (norm, m), v in accuracy.items()}
    for m in SIZES:
        if all((norm, m) in accuracy for norm in NORMS):
            facts[f"gain_{m}"] = f"{(accuracy['layer', m] - accuracy['batch', m]).mean():.2f}"
    facts |= {f"rate_{norm}_{m}": tried_rate(arm) for (norm, m), arm in tuned.items()}
    facts |= {f"steps_{name}": f"{steps_to(table, LEVEL).mean():,.0f}" for name, table in units.items()}
    facts |= {f"accuracy_{name}": f"{table.iloc[-1].mean():.2f} %" for name, table in units.items()}
    reached = {name: (table >= LEVEL).any() for name, table in units.items()}
    facts |= {f"reached_{name}": f"{seeds.sum()} of {len(seeds)}" for name, seeds in reached.items()}
    for name, table in means.items():
        facts |= {
            f"mean_{name}_first": f"{table.iloc[0].mean():.2f}",
            f"mean_{name}_last": f"{table.iloc[-1].mean():.2f}",
        }
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: accuracy by size of the mini-batch, accuracy of the deep networks, their mean activations."""
    at = context.settings["measure"]["activations_at"][0]
    caption = (
        "Left: test accuracy by size of the mini-batch, each network at its best rate. Middle: test accuracy of a "
        "network of eight hidden layers without normalization, ReLU or ELU units. Right: the size of a unit's mean "
        f"activation after {at:,} steps, mean over a layer's units. On {context.data}; mean, lowest and highest seed. "
        f"{context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    for norm, label in NORMS.items():
        mine = select(curves, "size", norm)
        at = points_in_words(mine)
        said += [f"{label}: {at}"] if at else []
    for name, label in UNITS.items():
        mine, means = select(curves, "accuracy", name), select(curves, "mean", name)
        if len(mine) and len(means):
            ends = f"{means.value.iloc[0]:.2f} in the first layer and {means.value.iloc[-1]:.2f} in the last"
            said.append(f"{label}: {mine.value.iloc[-1]:.1f} % in the end, mean activations {ends}")
    return f"Test accuracy by mini-batch size and of deep networks. {'; '.join(said)}."


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.2, 2.9))
    for i, (series, label) in enumerate((NORMS | UNITS).items()):
        for ax, panel in ((left, "size"), (middle, "accuracy"), (right, "mean")):
            if len(mine := select(curves, panel, series)):
                series_band(ax, mine, i, label, marks=panel != "accuracy")
    tried_axis(left, SIZES)
    left.set_xlabel("size of the mini-batch")
    left.set_ylabel("test accuracy (%)")
    legend(left, loc="lower right")
    over_steps(middle, curves, ["accuracy"])
    middle.set_ylabel("test accuracy (%)")
    middle.set_ylim(bottom=80)
    legend(middle, loc="lower right")
    right.set_xlabel("hidden layer")
    right.set_ylabel("|mean activation|")
    right.set_ylim(bottom=0)
    return figure
