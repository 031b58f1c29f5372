"""Ioffe & Szegedy 2015, section 3.4: batch normalization as a regulariser, with and without dropout.

The claims I2.6 to I2.9 are fixed in claims/ioffe2015.yaml; here are the numbers they ask for. Accuracies in percent.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Summary
from dropnorm.analyses.ioffe2015 import section34_drawings
from dropnorm.analyses.tables import best_arm, tried_rate
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    fact_name,
    final,
    history,
    joined,
    samples,
    table_row,
)

NORMS = ("none", "batch")
SIZES = (16, 64, 256, 512)  # of the statistics (I2.8)
COMPOSITIONS = {  # arms of one rate (I2.9); without normalization for comparison
    "none": {"fresh": "none", "fixed": "none-fixed"},
    "batch": {"fresh": "batch", "fixed": "fixed"},
}
LEVEL = 99  # percent of training accuracy at which nets are compared (I2.6)

figures = section34_drawings.figures


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    nets = [net for norm in NORMS for net in (norm, f"{norm}-dropout")]
    tuned = {net: best for net in nets if (best := best_arm(runs, net))}
    by_size = {part: accuracy_by_size(runs, part) for part in ("train", "test")}
    measures = _of_tuned(runs, tuned) | _of_sizes(by_size) | _of_compositions(runs)
    return Summary(
        samples=joined([samples(*key, values) for key, values in measures.items()], SAMPLE_COLUMNS),
        table=pd.DataFrame(_rows(runs, measures)),
        curves=joined(_curves(runs, tuned, by_size, measures), CURVE_COLUMNS),
        facts=_facts(measures, tuned, by_size) | _rate_facts(runs, nets),
    )


def at_level(runs: pd.DataFrame, arm: str, quantity: str) -> pd.Series:
    """A quantity, or the 'step', when training accuracy is first measured at 99 %, by seed; NaN if it never is."""
    train, values = history(runs, arm, "train_accuracy"), history(runs, arm, "test_accuracy")
    reached = 100 * train >= LEVEL
    first = reached.idxmax()  # the first step where all are False too
    found = {seed: step if quantity == "step" else values.loc[step, seed] for seed, step in first.items()}
    return pd.Series(found, dtype=float).where(reached.any())


def accuracy_by_size(runs: pd.DataFrame, part: str) -> pd.DataFrame:
    """Final training or test accuracy [size of the statistics x seed], of seeds that were run at all sizes."""
    found = {m: 100 * final(runs, f"ghost-{m}", f"{part}_accuracy") for m in SIZES}
    return pd.concat(found, axis=1, join="inner").T.dropna(axis=1, how="all")


def gap_of(by_size: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Training minus test accuracy, in points [size of the statistics x seed]."""
    return by_size["train"] - by_size["test"]


def slope(table: pd.DataFrame) -> pd.Series:
    """Least squares: how much a quantity [size x seed] grows as the size doubles, by seed."""
    x = np.log2(table.index.to_numpy(float))
    x -= x.mean()
    return table.mul(x, axis=0).sum(skipna=False) / (x @ x)


def _of_tuned(runs, tuned) -> dict[tuple[str, str], pd.Series]:
    """Values a seed by (measure, arm): the four nets at their rates, at one training accuracy and at the end."""
    found = {("accuracy_tuned", net): 100 * final(runs, arm, "test_accuracy") for net, arm in tuned.items()}
    found |= {("accuracy_in_training", net): 100 * final(runs, arm, "train_accuracy") for net, arm in tuned.items()}
    for norm in (norm for norm in NORMS if norm in tuned):
        found["accuracy_at_level", norm] = 100 * at_level(runs, tuned[norm], "test_accuracy")
        found["step_of_level", norm] = at_level(runs, tuned[norm], "step")
        if (dropout := f"{norm}-dropout") in tuned:
            gain = found["accuracy_tuned", dropout] - found["accuracy_tuned", norm]
            found["gain_of_dropout", norm] = gain.dropna()  # of seeds that both have
    return found


def _of_sizes(by_size) -> dict[tuple[str, str], pd.Series]:
    """How the gap between training and test accuracy, and the latter, change as the size of the statistics doubles."""
    if by_size["test"].empty:
        return {}
    return {("slope_of_gap", "ghost"): slope(gap_of(by_size)), ("slope_of_test", "ghost"): slope(by_size["test"])}


def _of_compositions(runs) -> dict[tuple[str, str], pd.Series]:
    """Final accuracy with mini-batches drawn anew and always the same, by norm, and what drawing anew gains."""
    found = {}
    for norm, arms in COMPOSITIONS.items():
        fresh, fixed = (100 * final(runs, arm, "test_accuracy") for arm in arms.values())
        found |= {(f"accuracy_{norm}", "fresh"): fresh, (f"accuracy_{norm}", "fixed"): fixed}
        found["gain_of_shuffling", norm] = (fresh - fixed).reindex(fresh.index.intersection(fixed.index))
    return {key: values for key, values in found.items() if len(values)}


def _rows(runs, measures) -> list[dict]:
    rows = [
        table_row(arm, f"{quantity}_percent", values)
        for arm in runs.arm.unique()
        for quantity in ("validation_accuracy", "train_accuracy", "test_accuracy")
        if len(values := 100 * final(runs, arm, quantity))
    ]
    judged = (
        "accuracy_at_level",
        "step_of_level",
        "gain_of_dropout",
        "slope_of_gap",
        "slope_of_test",
        "gain_of_shuffling",
    )
    rows += [table_row(arm, measure, values) for (measure, arm), values in measures.items() if measure in judged]
    return rows


def _curves(runs, tuned, by_size, measures) -> list[pd.DataFrame]:
    """Test accuracy over training of the four nets; the gap by size; what drawing anew gains, a point a seed."""
    found = [curve("training", net, 100 * history(runs, arm, "test_accuracy")) for net, arm in tuned.items()]
    if not by_size["test"].empty:
        found.append(curve("size", "gap", gap_of(by_size)))
    for norm in NORMS:
        if ("gain_of_shuffling", norm) in measures:
            gain = measures["gain_of_shuffling", norm]
            found.append(curve("shuffling", norm, gain.to_frame()).assign(n=len(gain)))
    return found


def _rate_facts(runs, nets) -> dict[str, str]:
    """Final training and test accuracy of the four nets at each of their rates: `test_of_batch_lr_0_01`."""
    arms = [arm for arm in runs.arm.unique() if arm.partition(".")[0] in nets]
    return {
        f"{part}_of_{fact_name(arm)}": f"{100 * final(runs, arm, f'{part}_accuracy').mean():.2f} %"
        for arm in arms
        for part in ("train", "test")
    }


def _facts(measures, tuned, by_size) -> dict[str, str]:
    """Numbers for the page's prose; of what only some seeds reach, the mean over these and how many they are."""
    facts = {"level": f"{LEVEL} %"}
    for (measure, arm), values in measures.items():
        name = f"{measure}_{fact_name(arm)}"
        if measure.startswith("accuracy"):
            facts[name] = f"{values.mean():.2f} %"
        elif measure == "step_of_level":
            facts[name] = f"{values.mean():,.0f}"
            facts[f"reached_{arm}"] = f"{values.notna().sum()} of {len(values)}"
        else:
            facts[name] = f"{values.mean():.2f}"
    for net, arm in tuned.items():
        facts[f"rate_{fact_name(net)}"] = tried_rate(arm)
    for part, table in by_size.items():
        facts |= {f"{part}_{m}": f"{row.mean():.2f} %" for m, row in table.iterrows()}
    return facts | {f"gap_{m}": f"{row.mean():.2f}" for m, row in gap_of(by_size).iterrows()}
