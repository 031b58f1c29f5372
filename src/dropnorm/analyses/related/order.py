"""The order of layers around batch normalization: before or after a sigmoid, a bias before it, max-pooling around it.

The claims R4.2 to R4.4 are fixed in claims/related.yaml; here are the numbers they ask for. Accuracies in percent.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import ticks_at
from dropnorm.analyses.tables import arms_by_rate, steps_to
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
from dropnorm.plotting import colour, series_band

ORDERS = {"before": "BN before the sigmoid", "after": "BN after the sigmoid"}
LEVEL = 90  # percent of test accuracy (R4.2)
LOWEST = 80  # percent, of the axis: what is judged happens above
STEPS_TOLD = (20, 50, 100, 200, 500, 1000, 2000, 5000)  # where the axis of steps has a tick
POOLING = ("pool_inference", "pool_training", "pool_negative")  # recorded once, at the first weights


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    orders = [order for order in ORDERS if order in set(runs.arm)]
    accuracy = {order: 100 * history(runs, order, "test_accuracy") for order in orders}
    by_rate = {order: steps_by_rate(runs, order) for order in ORDERS}
    exact = {order: _exact(runs, order) for order in orders}
    found = [samples("steps_to_90", order, steps_to(accuracy[order], LEVEL)) for order in orders]
    found += [samples(name, order, values) for order in orders for name, values in exact[order].items()]
    curves = [curve("accuracy", order, table) for order, table in accuracy.items()]
    curves += [curve("steps", order, table) for order, table in by_rate.items() if len(table)]
    return Summary(
        samples=joined(found, SAMPLE_COLUMNS),
        table=pd.DataFrame(_rows(runs) + [table_row(o, n, v) for o in orders for n, v in exact[o].items()]),
        curves=joined(curves, CURVE_COLUMNS),
        facts=_facts(accuracy, by_rate, exact),
    )


def steps_by_rate(runs: pd.DataFrame, order: str) -> pd.DataFrame:
    """Steps to LEVEL [rate x seed], for the rates that were run, in ascending order."""
    arms = arms_by_rate(runs, order)
    return pd.DataFrame(
        {rate: steps_to(100 * history(runs, arm, "test_accuracy"), LEVEL) for rate, arm in arms.items()}
    ).T


def _exact(runs: pd.DataFrame, order: str) -> dict[str, pd.Series]:
    """By quantity, the largest value of each seed."""
    found = {name: history(runs, order, name).max(skipna=False) for name in ("bias_gradient", *POOLING)}
    return {name: values.astype(float) for name, values in found.items() if len(values)}


def _rows(runs: pd.DataFrame) -> list[dict]:
    rows = []
    for arm in runs.arm.unique():
        accuracy = 100 * history(runs, arm, "test_accuracy")
        rows.append(table_row(arm, f"steps to {LEVEL} %", steps_to(accuracy, LEVEL)))
        rows.append(table_row(arm, "test_accuracy_percent", 100 * final(runs, arm, "test_accuracy")))
    return rows


def _facts(accuracy, by_rate, exact) -> dict[str, str]:
    """Numbers for the page's prose."""
    facts = {"level": f"{LEVEL} %"} | {
        f"accuracy_{order}": f"{table.iloc[-1].mean():.2f} %" for order, table in accuracy.items()
    }
    facts |= {f"steps_{order}": f"{steps_to(table, LEVEL).mean():,.0f}" for order, table in accuracy.items()}
    for order, table in by_rate.items():
        if len(table):
            facts[f"by_rate_{order}"] = ", ".join(f"{v:,.0f} at {rate:g}" for rate, v in table.mean(axis=1).items())
    for order, of in exact.items():
        facts |= {f"{name}_{order}": f"{values.max():.1e}" for name, values in of.items() if name == "bias_gradient"}
        facts |= {name: f"{of[name].max():.2g}" for name in POOLING if name in of}
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: accuracy over training, and steps to 90 % by rate."""
    rate = context.settings["optimiser"]["lr"]
    cut = f", and that of accuracies begins at {LOWEST} %" if _reaches_level(curves) else ""
    caption = (
        f"Left: test accuracy of the sigmoid network at rate {rate}, batch normalization before or after each sigmoid; "
        f"the axis of steps is logarithmic{cut}; dotted: {LEVEL} %. "
        f"Right: steps until the test accuracy reaches {LEVEL} %, by rate; a network that never does counts with its "
        f"last step. On {context.data}; mean, lowest and highest seed. {context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    for order, label in ORDERS.items():
        by_step, by_rate = select(curves, "accuracy", order), select(curves, "steps", order)
        end = f" ends at {by_step.value.iloc[-1]:.1f} %" if len(by_step) else ""
        at = ", ".join(f"{v:,.0f} steps at rate {x:g}" for x, v in zip(by_rate.x, by_rate.value, strict=True))
        said.append(f"{label}{end}; to {LEVEL} % it takes {at}." if at else "")
    return "Test accuracy by training step, and steps by rate. " + " ".join(filter(None, said))


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.8, 2.9))
    for i, (order, label) in enumerate(ORDERS.items()):
        series_band(left, select(curves, "accuracy", order), i, label)
        series_band(right, select(curves, "steps", order), i, label, marks=True)
    _closely(left, curves[(curves.panel == "accuracy") & (curves.x > 0)])
    left.set_ylabel("test accuracy (%)")
    left.legend(fontsize="small", loc="lower right")
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel("learning rate")
    right.set_ylabel(f"steps to {LEVEL} %")
    by_rate = curves[curves.panel == "steps"]
    ticks_at(right.yaxis, [x for x in STEPS_TOLD if by_rate.low.min() <= x <= by_rate.high.max()])
    return figure


def _reaches_level(curves: pd.DataFrame) -> bool:
    return bool(curves.value[curves.panel == "accuracy"].max() > LEVEL)


def _closely(ax: Axes, accuracy: pd.DataFrame) -> None:
    """Axes on which one can see when the accuracy reaches the level that is judged."""
    ax.set_xscale("log")
    ax.set_xlabel("training step")
    ax.axhline(LEVEL, linestyle=":", linewidth=1, color=colour("paper"))
    if len(accuracy):
        ax.set_xlim(accuracy.x.min(), accuracy.x.max())
        ticks_at(ax.xaxis, [x for x in STEPS_TOLD if accuracy.x.min() <= x <= accuracy.x.max()])
    if _reaches_level(accuracy):
        ax.set_ylim(LOWEST, 100)
