"""Batch normalization in training mode and in inference mode, with the same weights.

The claims R5.1 to R5.5 are fixed in claims/related.yaml; here are the numbers they ask for. Accuracies in percent.
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

STANDARD, HIGH_RATE = "standard", "high_rate"
EXACT = {  # measure: the quantity that was recorded
    "answers_to_one": "answers_to_one",
    "gradient_of_one": "gradient_of_one",
    "change_by_batching": "change_by_batching",
    "change_by_mates": "change_by_mates_training",
    "folded_float32": "folded_float32",
    "folded_float64": "folded_float64",
}
BESIDES = ("gradient_above", "change_by_batching_float32", "change_by_mates_inference")  # for the page alone
READINGS = {"training": "training mode", "inference": "inference mode"}
AVERAGES = ("fast", "slow")  # running averages


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    accuracy, exact, behind = accuracies(runs), _exact(runs), {name: lag(runs, name) for name in AVERAGES}
    behind = {name: table for name, table in behind.items() if len(table)}
    found = [samples("accuracy", name, values) for name, values in accuracy.items()]
    found += [samples(measure, STANDARD, exact[measure]) for measure in EXACT if measure in exact]
    if "fast" in behind:
        found.append(samples("lag", HIGH_RATE, second_half(behind["fast"])))
    return Summary(
        samples=joined(found, SAMPLE_COLUMNS),
        table=pd.DataFrame(_rows(runs, accuracy, exact, behind)),
        curves=joined(_curves(accuracy, behind), CURVE_COLUMNS),
        facts=_facts(runs, accuracy, exact, behind),
    )


def accuracies(runs: pd.DataFrame) -> dict[str, pd.Series]:
    """Final test accuracy by seed: in inference mode, and in training mode for each size, the smallest one first."""
    if STANDARD not in set(runs.arm):
        return {}
    sizes = sorted(runs.attrs["settings"]["measure"]["test_sizes"])
    quantities = {"inference": "accuracy_population"} | {f"batch-{m}": f"accuracy_of_{m}" for m in sizes}
    return {name: 100 * final(runs, STANDARD, quantity) for name, quantity in quantities.items()}


def _exact(runs: pd.DataFrame) -> dict[str, pd.Series]:
    quantities = EXACT | {name: name for name in BESIDES}
    found = {name: final(runs, STANDARD, quantity) for name, quantity in quantities.items()}
    return {name: values for name, values in found.items() if len(values)}


def lag(runs: pd.DataFrame, average: str) -> pd.DataFrame:
    """Points of test accuracy by which Algorithm 2 is better than a running average `[step x seed]`, high rate.

    Without step 0, where the average has seen no mini-batch.
    """
    population, by_average = (history(runs, HIGH_RATE, f"accuracy_{n}") for n in ("population", f"{average}_average"))
    return 100 * (population - by_average)[population.index > 0]


def second_half(table: pd.DataFrame) -> pd.Series:
    """Mean over the measurements of the second half of training, by seed."""
    return table[table.index > table.index.max() / 2].mean(skipna=False)


def _rows(runs, accuracy, exact, behind) -> list[dict]:
    rows = [table_row(STANDARD, f"accuracy, {name}_percent", values) for name, values in accuracy.items()]
    rows += [table_row(STANDARD, name, values) for name, values in exact.items()]
    if behind:
        accuracy = 100 * final(runs, HIGH_RATE, "accuracy_population")
        rows.append(table_row(HIGH_RATE, "accuracy, inference_percent", accuracy))
    return rows + [
        table_row(HIGH_RATE, f"lag of the {name} average, points", second_half(table)) for name, table in behind.items()
    ]


def _curves(accuracy: dict[str, pd.Series], behind: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Accuracy by size of the test mini-batch in both modes; running averages minus Algorithm 2 over training."""
    found = [curve("from_population", name, -table) for name, table in behind.items()]
    sizes = {int(name.removeprefix("batch-")): values for name, values in accuracy.items() if name != "inference"}
    if sizes:
        by_mode = {"training": sizes, "inference": dict.fromkeys(sizes, accuracy["inference"])}
        found += [curve("accuracy", mode, pd.DataFrame(of_sizes).T) for mode, of_sizes in by_mode.items()]
    return found


def _facts(runs, accuracy, exact, behind) -> dict[str, str]:
    """Numbers for the page's prose; of an exact statement, the seed that comes nearest to breaking it."""
    facts = {fact_name(name): f"{values.mean():.2f} %" for name, values in accuracy.items()}
    losses = {name: accuracy["inference"] - values for name, values in accuracy.items() if name != "inference"}
    facts |= {f"loss_{fact_name(name)}": f"{loss.mean():.2f}" for name, loss in losses.items()}
    facts |= {name: f"{values.max():.2g}" for name, values in exact.items()}
    if "change_by_mates" in exact:  # of it the claim says at least
        facts["change_by_mates"] = f"{exact['change_by_mates'].min():.2f}"
    for name, table in behind.items():
        late = second_half(table)
        early = table[table.index <= table.index.max() / 2].mean()
        facts |= {f"lag_{name}": f"{late.mean():.3f}", f"early_lag_{name}": f"{early.mean():.3f}"}
    if behind:
        facts["high_rate"] = f"{100 * final(runs, HIGH_RATE, 'accuracy_population').mean():.2f} %"
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: accuracy by size of the test mini-batch, and running averages against Algorithm 2."""
    measure, steps = context.settings["measure"], context.settings["training"]["steps"]
    caption = (
        "Left: test accuracy of the trained network in training mode, by size of the test mini-batch, and in inference "
        "mode. Right: at the high rate, test accuracy with running averages minus that with Algorithm 2, while the "
        f"network trains; fast keeps {measure['fast_average']} of itself a step, slow {measure['moving_average']}. "
        f"{steps:,} steps on {context.data}; mean, lowest and highest seed. "
        f"{context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    if len(mine := select(curves, "accuracy", "training")):
        at = points_in_words(mine)
        inference = select(curves, "accuracy", "inference").value.iloc[0]
        said.append(f"Test accuracy in training mode by mini-batch size: {at}; in inference mode {inference:.1f} %.")
    for name in AVERAGES:
        if len(mine := select(curves, "from_population", name)):
            ends = f"between {mine.value.min():.2f} and {mine.value.max():.2f} points"
            said.append(f"The {name} running average is {ends} from Algorithm 2, {mine.value.iloc[-1]:.2f} in the end.")
    return " ".join(said)


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.8, 2.9))
    for i, (mode, label) in enumerate(READINGS.items()):
        series_band(left, select(curves, "accuracy", mode), i, label, marks=mode == "training")
    tried_axis(left, select(curves, "accuracy", "training").x)
    left.set_xlabel("size of the test mini-batch")
    left.set_ylabel("test accuracy (%)")
    left.legend(fontsize="small", loc="lower right")
    for i, name in enumerate(AVERAGES):
        series_band(right, select(curves, "from_population", name), i, f"{name} running average")
    over_steps(right, curves, ["from_population"])
    right.axhline(0, linewidth=1, color=plt.rcParams["axes.edgecolor"])
    right.set_ylabel("points from Algorithm 2")
    right.legend(fontsize="small")
    return figure
