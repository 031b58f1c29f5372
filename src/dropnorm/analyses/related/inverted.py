"""Dropout in the form of the 2014 paper and in the inverted one: outputs, paths, tuned accuracies, means over masks.

The claims R1.1 to R1.3 are fixed in claims/related.yaml; here are the numbers they ask for. Accuracies in percent.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import norm

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import legend, over_steps, tried_axis
from dropnorm.analyses.tables import arms_by_rate, best_arm, by_unit, points_in_words
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

FORMS = {"paper": "2014 form", "inverted": "inverted form"}
SIDES = ("input", "output")  # of a first-layer unit's nonlinearity
OUTPUTS = ("train_float64", "test_float64", "train_float32", "test_float32")  # one a mini-batch
ENDS = {  # what is known after the last step: measure -> quantity
    "path_converted": "converted.largest_difference",
    "path_same_rate": "same_rate.largest_difference",
    "early_accuracy_paper": "same_rate.test_accuracy_paper",
    "early_accuracy_inverted": "same_rate.test_accuracy_inverted",
} | {name: name for name in ("share_within_input", "share_within_output", "excess_of_input", "excess_of_output",
                             "output_at_test", "spread_of_input")}  # fmt: skip
CENTRES = np.arange(-3.75, 4, 0.5)  # of the bins of dropnorm.experiments.forms.mean_network


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    exact = exact_measures(runs)
    tuned = {form: best for form in FORMS if (best := best_arm(runs, form))}
    best = {form: 100 * final(runs, arm, "test_accuracy") for form, arm in tuned.items()}
    by_rate = {form: accuracy_by_rate(runs, form) for form in FORMS}
    found = [samples(measure, "exact", values) for measure, values in exact.items()]
    found += [samples("accuracy_best_rates", form, values) for form, values in best.items()]
    return Summary(
        samples=joined(found, SAMPLE_COLUMNS),
        table=pd.DataFrame(_rows(runs, exact)),
        curves=joined(_curves(runs, by_rate), CURVE_COLUMNS),
        facts=_facts_of_exact(runs, exact) | _facts_of_training(runs, tuned, best, by_rate),
    )


def exact_measures(runs: pd.DataFrame) -> dict[str, pd.Series]:
    """What the exact check found, by measure: one value a seed; of outputs the largest of all mini-batches."""
    if "exact" not in set(runs.arm):
        return {}
    # A NaN (what could not be computed) must not be lost in a maximum.
    outputs = {name: history(runs, "exact", name).max(skipna=False) for name in OUTPUTS}
    return outputs | {measure: final(runs, "exact", quantity) for measure, quantity in ENDS.items()}


def accuracy_by_rate(runs: pd.DataFrame, form: str) -> pd.DataFrame:
    """Test accuracy after the last step [rate x seed]."""
    found = {rate: 100 * final(runs, arm, "test_accuracy") for rate, arm in arms_by_rate(runs, form).items()}
    return pd.DataFrame(found).T


def by_position(runs: pd.DataFrame, side: str) -> pd.DataFrame:
    """Mean over masks less the value at test, in standard deviations of the input [its position at test x seed]."""
    return by_unit(runs, "exact", f"excess_{side}_by_position", CENTRES).dropna(how="all")


def gaussian_excess(position: np.ndarray) -> np.ndarray:
    """E[relu(z)] - relu(E[z]) for a Gaussian z of variance one with this mean."""
    return norm.pdf(position) - np.abs(position) * norm.cdf(-np.abs(position))


def _rows(runs: pd.DataFrame, exact: dict[str, pd.Series]) -> list[dict]:
    rows = [table_row("exact", measure, values) for measure, values in exact.items()]
    for form in FORMS:
        for arm in arms_by_rate(runs, form).values():
            for quantity in ("validation_accuracy", "test_accuracy"):
                rows.append(table_row(arm, f"{quantity}_percent", 100 * final(runs, arm, quantity)))
    return rows


def _curves(runs: pd.DataFrame, by_rate: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    run = set(runs.arm)
    found = [curve("accuracy", form, 100 * history(runs, form, "test_accuracy")) for form in FORMS if form in run]
    found += [curve("rate", form, table) for form, table in by_rate.items() if len(table)]
    return found + [curve("position", side, by_position(runs, side)) for side in SIDES if "exact" in run]


def _facts_of_exact(runs: pd.DataFrame, exact: dict[str, pd.Series]) -> dict[str, str]:
    """Numbers of the exact check for the page's prose: of identities the largest of all seeds, else their mean."""
    if not exact:
        return {}
    facts = {name: f"{exact[name].max():.1e}" for name in (*OUTPUTS, "path_converted")}
    facts |= {f"early_accuracy_{form}": f"{100 * exact[f'early_accuracy_{form}'].mean():.1f} %" for form in FORMS}
    facts |= {f"share_within_{side}": f"{100 * exact[f'share_within_{side}'].mean():.1f} %" for side in SIDES}
    facts |= {f"excess_of_{side}": f"{exact[f'excess_of_{side}'].mean():.2g}" for side in SIDES}
    relative = exact["excess_of_output"] / exact["output_at_test"]
    return facts | {
        "path_same_rate": f"{exact['path_same_rate'].mean():.2f}",
        "excess_relative": f"{100 * relative.mean():.1f} %",
        "output_at_test": f"{exact['output_at_test'].mean():.2f}",
        "spread_of_input": f"{exact['spread_of_input'].mean():.2f}",
        "excess_at_most": f"{by_position(runs, 'output').mean(axis=1).max():.2f}",
    }


def _facts_of_training(runs, tuned, best, by_rate) -> dict[str, str]:
    """Numbers of the trained networks for the page's prose."""
    facts = {f"accuracy_{form}": f"{100 * final(runs, form, 'test_accuracy').mean():.2f} %"
             for form in FORMS if form in set(runs.arm)}  # fmt: skip
    for form, arm in tuned.items():
        rates = {arm: rate for rate, arm in arms_by_rate(runs, form).items()}
        facts |= {f"best_rate_{form}": f"{rates[arm]:g}", f"accuracy_best_{form}": f"{best[form].mean():.2f} %"}
    for form, table in by_rate.items():
        if len(table):
            facts[f"by_rate_{form}"] = ", ".join(f"{v:.2f} % at {r:g}" for r, v in table.mean(axis=1).items())
    if set(best) == set(FORMS):
        facts["difference_best"] = f"{(best['paper'] - best['inverted']).mean():.2f}"
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: accuracy over training and by rate, and how far means over masks are from the values at test."""
    s = context.settings
    caption = (
        f"Left: test accuracy of both forms at the rate {s['optimiser']['lr']}. Middle: test accuracy after "
        f"{s['training']['steps']:,} steps by rate. Right: units of the first hidden layer after "
        f"{s['exact']['updates']:,} steps, {s['exact']['masks']:,} masks of the inputs; mean over masks less the value "
        "at test, against the input at test, both in standard deviations of the input over masks. Grey: output, if "
        "the input were Gaussian over masks. "
        f"On {context.data}; mean, lowest and highest seed. {context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    for form, label in FORMS.items():
        mine = select(curves, "rate", form)
        at = points_in_words(mine, "rate {:g}")
        said += [f"{label}: {at}."] if at else []
    for side in SIDES:
        if len(mine := select(curves, "position", side)):
            said.append(f"The mean {side} is above its value at test by {mine.value.max():.2f} at most.")
    return "Test accuracy by step and by rate; means over masks. " + " ".join(said)


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.2, 2.9))
    for i, (form, label) in enumerate(FORMS.items()):
        for ax, panel in ((left, "accuracy"), (middle, "rate")):
            if len(mine := select(curves, panel, form)):
                series_band(ax, mine, i, label, marks=panel == "rate")
    over_steps(left, curves, ["accuracy"])
    tried_axis(middle, set(curves.x[curves.panel == "rate"]))
    middle.set_xlabel("learning rate")
    for ax in (left, middle):
        ax.set_ylabel("test accuracy (%)")
    for i, side in enumerate(SIDES, start=len(FORMS)):
        if len(mine := select(curves, "position", side)):
            series_band(right, mine, i, side, marks=True)
    position = np.linspace(CENTRES[0], CENTRES[-1], 200)
    right.plot(position, gaussian_excess(position), ":", color=colour("paper"), linewidth=1.2, label="Gaussian")
    right.set_xlabel("input at test (sd over masks)")
    right.set_ylabel("mean − value at test (sd)")
    right.legend(fontsize="small", loc="upper left")
    legend(left, loc="lower right")
    return figure
