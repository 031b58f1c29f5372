"""Dropout and ridge regression: the number of masks, gradient descent with masks, columns of unequal length.

The claims R2.1 to R2.3 are fixed in claims/related.yaml; here are the numbers they ask for.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import linregress

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import ticks_at
from dropnorm.analyses.tables import by_unit
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    final,
    joined,
    samples,
    select,
    table_row,
)
from dropnorm.plotting import series_band, series_style

COLUMNS = {"unequal": "lengths 0.1 to 10", "standardised": "standardised"}
EXPONENTS = np.linspace(-6, 3, 91)  # of lambda: as in dropnorm.experiments.dropout_ridge


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    settings = runs.attrs["settings"]
    by_masks = by_unit(runs, "masks", "distance", settings["masks"])
    by_rate = by_unit(runs, "constant", "mean_square", settings["descent"]["rates"])
    by_lambda = {arm: by_unit(runs, arm, "distance_by_lambda", 10**EXPONENTS) for arm in COLUMNS}
    found = {
        ("slope", "masks"): slopes(by_masks),
        ("distance_of_average", "falling"): _last(runs, "falling", "distance_of_average"),
        ("slope_of_variance", "constant"): slopes(by_rate),
    } | {("distance_to_ridge", arm): final(runs, arm, "distance_to_ridge") for arm in COLUMNS}
    found = {key: values for key, values in found.items() if len(values)}
    tables = {("masks", "masks"): by_masks, ("rate", "constant"): by_rate}
    tables |= {("lambda", arm): table for arm, table in by_lambda.items()}
    rows = [table_row(arm, measure.replace("_", " "), values) for (measure, arm), values in found.items()]
    rows += [table_row("masks", f"distance after {m:,} masks", v) for m, v in by_masks.iterrows()]
    rows += [table_row("constant", f"mean squared distance at rate {r:g}", v) for r, v in by_rate.iterrows()]
    return Summary(
        samples=joined([samples(measure, arm, values) for (measure, arm), values in found.items()], SAMPLE_COLUMNS),
        table=pd.DataFrame(rows),
        curves=joined([curve(*key, table) for key, table in tables.items() if len(table)], CURVE_COLUMNS),
        facts=_facts(found, by_masks) | _each_alone(runs, settings["descent"]["rates"]),
    )


def slopes(table: pd.DataFrame) -> pd.Series:
    """Of the logarithm of each seed's values by that of the index, by least squares."""
    logs = np.log(table.index.to_numpy(float)) if len(table) else None
    return pd.Series({seed: linregress(logs, np.log(table[seed])).slope for seed in table}, dtype=float)


def _last(runs: pd.DataFrame, arm: str, quantity: str) -> pd.Series:
    """The value of the only rate, by seed."""
    table = by_unit(runs, arm, quantity, [0])
    return table.iloc[0] if len(table) else pd.Series(dtype=float)


def _facts(found: dict[tuple[str, str], pd.Series], by_masks: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose."""
    forms = {"slope": ".3f", "slope_of_variance": ".3f", "distance_of_average": ".4f"}
    facts = {name: f"{values.mean():{forms[name]}}" for (name, _), values in found.items() if name in forms}
    if ("distance_to_ridge", "unequal") in found:
        facts["least_unequal"] = f"{found['distance_to_ridge', 'unequal'].min():.2f}"
    if ("distance_to_ridge", "standardised") in found:
        facts["largest_standardised"] = f"{found['distance_to_ridge', 'standardised'].max():.1e}"
    if len(by_masks):
        facts |= {
            "distance_first": f"{by_masks.iloc[0].mean():.3f}",
            "distance_last": f"{by_masks.iloc[-1].mean():.5f}",
        }
    return facts


def _each_alone(runs: pd.DataFrame, rates: list[float]) -> dict[str, str]:
    """Distances to the closed form with an average at the highest constant rate, and with a falling rate and none."""
    averaged, falling = by_unit(runs, "constant", "distance_of_average", rates), _last(runs, "falling", "mean_square")
    facts = {"distance_average_alone": f"{averaged.loc[max(rates)].mean():.4f}"} if len(averaged) else {}
    return facts | ({"distance_falling_alone": f"{np.sqrt(falling).mean():.4f}"} if len(falling) else {})


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: distances by number of masks, by rate, and to ridge regression by lambda."""
    problem, p = context.settings["problem"], context.settings["problem"]["p"]
    caption = (
        "Left: relative distance of the least-squares weights over M drawn masks to the closed form; dotted: a slope "
        "of −1/2. Middle: mean squared distance of the weights of gradient descent with masks at a constant rate; "
        "dotted: in proportion to the rate. Right: relative distance between dropout's solution and ordinary ridge "
        "regression by its lambda, in units of dropout's mean penalty. "
        f"{problem['examples']} examples of {problem['inputs']} drawn inputs, p = {p}; mean, lowest and highest seed. "
        f"{context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    for panel, arm, words in (("masks", "masks", "masks"), ("rate", "constant", "rate")):
        if len(mine := select(curves, panel, arm)):
            first, last = mine.iloc[0], mine.iloc[-1]
            said.append(f"distance {first.value:.2g} at {words} {first.x:g}, {last.value:.2g} at {last.x:,g}")
    for arm, label in COLUMNS.items():
        if len(mine := select(curves, "lambda", arm)):
            least = mine.loc[mine.value.idxmin()]
            said.append(f"columns {label}: mean curve nearest to ridge at lambda {least.x:.2g}, {least.value:.2g} away")
    return f"Distances to the closed form and to ridge regression: {'; '.join(said)}."


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.2, 2.9))
    _with_slope(left, select(curves, "masks", "masks"), 0, -0.5)
    _with_slope(middle, select(curves, "rate", "constant"), 0, 1)
    for i, (arm, label) in enumerate(COLUMNS.items()):
        if len(mine := select(curves, "lambda", arm)):
            series_band(right, mine, i, label)
    for ax in (left, middle, right):
        ax.set_xscale("log")
    left.set_xlabel("masks M")
    left.set_ylabel("relative distance")
    middle.set_xlabel("learning rate")
    middle.set_ylabel("mean squared distance")
    ticks_at(middle.xaxis, sorted(curves.x[curves.panel == "rate"].unique()))
    right.set_xlabel("lambda")
    right.set_ylabel("distance to ridge")
    right.set_ylim(bottom=0)
    if (curves.panel == "lambda").any():
        right.legend(title="columns", fontsize="small")
    return figure


def _with_slope(ax: Axes, mine: pd.DataFrame, i: int, slope: float) -> None:
    """A curve on logarithmic axes, and a dotted line of this slope through its geometric middle."""
    ax.set_yscale("log")
    if len(mine) == 0:
        return
    series_band(ax, mine, i, marks=True)
    logs = np.log(mine[["x", "value"]].to_numpy(float))
    through = logs[:, 1].mean() + slope * (logs[:, 0] - logs[:, 0].mean())
    ax.plot(mine.x, np.exp(through), ":", color=series_style(1)["color"], linewidth=1.2)
