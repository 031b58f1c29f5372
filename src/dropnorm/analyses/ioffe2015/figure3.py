"""Ioffe & Szegedy 2015, Figure 3: higher rates, fewer steps and sigmoid units, in small convolutional nets.

The claims I2.1 to I2.5 are fixed in claims/ioffe2015.yaml; here are the numbers they ask for. Accuracies in percent.
L* is the rate at which the net without batch norm has the highest mean accuracy on validation pictures; `baseline-x5`
is that net at 5 L*. A net whose loss is no longer finite guesses: from then on its accuracy is that of chance.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.counting import of_most
from dropnorm.analyses.ioffe2015 import figure3_drawings as drawings
from dropnorm.analyses.tables import best_arm
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    fact_name,
    final,
    first_crossing,
    has_diverged,
    history,
    joined,
    samples,
    table_row,
)

NETS = ("baseline", "batchnorm")  # ReLU units, nine layers with weights
DEPTHS = (6, 9, 12)  # layers with weights of the nets of sigmoid units
MULTIPLES = (1, 5, 30)  # of L*
CHANCE = 10.0  # percent
EARLY = 1 / 5  # of the steps (I2.3)


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    by_arm = {arm: accuracy_of(runs, arm) for arm in runs.arm.unique()}
    judged = judged_arms(runs)
    accuracy = {name: by_arm[arm] for name, arm in judged.items()}
    steps = steps_to_best(accuracy)
    nets = [*NETS, *(sigmoid(depth, norm) for depth in DEPTHS for norm in (False, True))]
    tuned = {net: arm for net in nets if (arm := best_arm(runs, net))}
    by_rate = {net: {rate: end(by_arm[arm]) for rate, arm in arms_of(runs, net).items()} for net in nets}
    measures = _of_rates(accuracy, steps) | _of_nets({net: end(by_arm[arm]) for net, arm in tuned.items()}, by_rate)
    return Summary(
        samples=joined([samples(*key, values) for key, values in measures.items()], SAMPLE_COLUMNS),
        table=pd.DataFrame(_rows(runs, by_arm)),
        curves=joined([*_over_steps(by_arm, accuracy, steps, tuned), *_over_nets(by_rate, measures)], CURVE_COLUMNS),
        facts=_rate_facts(runs, judged, tuned) | _facts(runs, judged, measures) | _end_facts(by_rate["batchnorm"]),
    )


# --- which arm is which ---


def sigmoid(depth: int, norm: bool) -> str:
    """The name of a net of sigmoid units."""
    return f"sigmoid-{depth}-batchnorm" if norm else f"sigmoid-{depth}"


def rate_of(runs: pd.DataFrame, arm: str) -> float:
    """The rate of an arm `net.SWEEP-RATE`; a net itself has the rate of the settings."""
    return float(arm.rpartition("-")[2]) if "." in arm else runs.attrs["settings"]["optimiser"]["lr"]


def arms_of(runs: pd.DataFrame, net: str) -> dict[float, str]:
    """The arms of a net that were run, by rate in ascending order."""
    arms = [arm for arm in runs.arm.unique() if arm == net or arm.startswith(f"{net}.")]
    return dict(sorted((rate_of(runs, arm), arm) for arm in arms))


def judged_arms(runs: pd.DataFrame) -> dict[str, str]:
    """The arms at L*, 5 L* and 30 L*, as far as they were run, by names such as `batchnorm-x5`."""
    if (best := best_arm(runs, "baseline")) is None:
        return {}
    wanted = {m: round(m * rate_of(runs, best), 9) for m in MULTIPLES}
    arms = {net: arms_of(runs, net) for net in NETS}
    return {f"{net}-x{m}": arms[net][rate] for net in NETS for m, rate in wanted.items() if rate in arms[net]}


# --- measures ---


def accuracy_of(runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Test accuracy of an arm [step x seed]; that of chance behind a loss that was not finite."""
    table = 100 * history(runs, arm, "test_accuracy")
    diverged = final(runs, arm, "diverged_at").reindex(table.columns).to_numpy()
    after = (table.index.to_numpy()[:, None] > diverged) & (diverged >= 0)
    return table.mask(after, CHANCE)


def end(accuracy: pd.DataFrame) -> pd.Series:
    """The accuracy after the last step, by seed."""
    return accuracy.iloc[-1]


def steps_to_best(accuracy: dict[str, pd.DataFrame]) -> dict[str, pd.Series]:
    """Steps until each net has reached the best accuracy of the same seed's baseline at L*; at least one step."""
    if "baseline-x1" not in accuracy:
        return {}
    best = accuracy["baseline-x1"].max()
    found = {
        name: {seed: first_crossing(table[seed], best[seed]) for seed in table.columns.intersection(best.index)}
        for name, table in accuracy.items()
    }
    return {name: pd.Series(by_seed, dtype=float).clip(lower=1) for name, by_seed in found.items()}


def early(accuracy: pd.DataFrame) -> pd.Series:
    """Mean accuracy over the first fifth of the steps, those before the first update aside, by seed."""
    steps = accuracy.index
    return accuracy[(steps > 0) & (steps <= EARLY * steps.max())].mean()


def _of_rates(accuracy, steps) -> dict[tuple[str, str], pd.Series]:
    """I2.1 to I2.3: values a seed by (measure, arm)."""
    found = {("final_accuracy", name): end(table) for name, table in accuracy.items()}
    found |= {("early_accuracy", name): early(table) for name, table in accuracy.items()}
    found |= {("steps_to_best", name): by_seed for name, by_seed in steps.items()}
    if {"baseline-x1", "baseline-x5"} <= set(accuracy):
        lost = (end(accuracy["baseline-x1"]) - end(accuracy["baseline-x5"])).dropna()
        found["points_lost", "baseline-x5"] = of_most(lost, spared="lowest")
    return found


def _of_nets(tuned, by_rate) -> dict[tuple[str, str], pd.Series]:
    """I2.4 and I2.5: of nets whose rates were all run, the accuracy at the best rate, and the highest of any rate.

    The highest is of seeds that were run at all rates.
    """
    at_all = {net: pd.concat(by_rate[net], axis=1, join="inner") for net in tuned}
    highest = {net: table.max(axis=1, skipna=False) for net, table in at_all.items()}
    return {("tuned_accuracy", net): values for net, values in tuned.items()} | {
        ("highest_accuracy", net): values for net, values in highest.items()
    }


# --- what is shown ---


def _rows(runs: pd.DataFrame, by_arm) -> list[dict]:
    rows = []
    for arm, accuracy in by_arm.items():
        rows.append(table_row(arm, "test_accuracy_percent", end(accuracy)))
        rows.append(table_row(arm, "validation_accuracy_percent", 100 * final(runs, arm, "validation_accuracy")))
        rows.append(table_row(arm, "diverged", has_diverged(runs, arm)))
    return rows


def _over_steps(by_arm, accuracy, steps, tuned) -> list[pd.DataFrame]:
    """Accuracy over steps, and the points at which nets have the baseline's best one, if they have in every seed."""
    found = [curve("steps", name, table) for name, table in accuracy.items()]
    if (net := sigmoid(9, True)) in tuned:
        found.append(curve("steps", "sigmoid", by_arm[tuned[net]]))
    for name, by_seed in steps.items():
        level = accuracy["baseline-x1"].max()[by_seed.index]
        if (accuracy[name].max()[by_seed.index] >= level).all():
            found.append(curve("reached", name, pd.DataFrame([level], index=[by_seed.mean()])))
    return found


def _over_nets(by_rate, measures) -> list[pd.DataFrame]:
    """Final accuracy by rate, and of sigmoid nets by depth."""
    shown = {"baseline": "baseline", "batchnorm": "batchnorm", "sigmoid": sigmoid(9, True)}
    found = [curve("rate", name, pd.DataFrame(by_rate[net]).T) for name, net in shown.items() if by_rate[net]]
    for series, norm, measure in (("baseline", False, "highest_accuracy"), ("batchnorm", True, "tuned_accuracy")):
        by_depth = {depth: measures.get((measure, sigmoid(depth, norm))) for depth in DEPTHS}
        if measured := {depth: values for depth, values in by_depth.items() if values is not None}:
            found.append(curve("depth", series, pd.DataFrame(measured).T))
    return found


def _rate_facts(runs, judged, tuned) -> dict[str, str]:
    """The best rates, the multiples of L*, and whether a rate on either side of it was tried."""
    facts = {f"tuned_rate_{fact_name(net)}": f"{rate_of(runs, arm):g}" for net, arm in tuned.items()}
    if "baseline-x1" not in judged:
        return facts
    rates, best = list(arms_of(runs, "baseline")), rate_of(runs, judged["baseline-x1"])
    place = {rates[0]: "the lowest", rates[-1]: "the highest"}.get(best, "neither the lowest nor the highest")
    multiples = {f"rate_x{m}": f"{m * best:g}" for m in MULTIPLES}
    return facts | multiples | {"rates": ", ".join(f"{rate:g}" for rate in rates), "place": place}


def _end_facts(by_rate: dict[float, pd.Series]) -> dict[str, str]:
    """Final accuracy with batch norm at each rate: `end_batchnorm_0_12`."""
    return {f"end_batchnorm_{fact_name(f'{rate:g}')}": f"{by_seed.mean():.1f}" for rate, by_seed in by_rate.items()}


def _facts(runs, judged, measures) -> dict[str, str]:
    """Numbers for the page's prose."""
    facts = {}
    for (measure, arm), values in measures.items():
        facts[f"{measure}_{fact_name(arm)}"] = format(values.mean(), ",.0f" if measure == "steps_to_best" else ".1f")
    for name, arm in judged.items():
        diverged = final(runs, arm, "diverged_at") >= 0
        facts[f"diverged_{fact_name(name)}"] = f"{int(diverged.sum())} of {len(diverged)}"
    base = measures.get(("steps_to_best", "baseline-x1"))
    for m in MULTIPLES:
        if (by_seed := measures.get(("steps_to_best", f"batchnorm-x{m}"))) is not None:
            facts[f"times_x{m}"] = f"{np.exp(np.log(base / by_seed).mean()):.1f}"
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure of this result."""
    return drawings.figures(curves, context)
