"""Ioffe & Szegedy 2015, Figure 1: accuracy and the inputs of a sigmoid, with and without batch normalization.

The claims I1.1 to I1.6 are fixed in claims/ioffe2015.yaml; here are the numbers they ask for.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.ioffe2015 import figure1_drawings as drawings
from dropnorm.analyses.ioffe2015.figure1_drawings import NETS, PERCENTILES
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    final,
    first_crossing,
    has_diverged,
    history,
    joined,
    run_counts,
    samples,
    table_row,
    unit_history,
)

LEVEL = 0.95  # of test accuracy, for I1.2
FIRST = 400  # step from which the inputs are followed: the paper's curves begin a little before
EARLY = 4000  # step at which the paper's curves are furthest apart, nearly
UNIT = 0  # the "typical sigmoid" drawn: the first one, fixed beforehand


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    parts = [*_accuracy_samples(runs), *_input_samples(runs), *_tuned_samples(runs), *_init_samples(runs)]
    found = joined(parts, SAMPLE_COLUMNS)
    return Summary(samples=found, table=_table(runs), curves=_curves(runs), facts=_facts(runs, found))


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; `figure` is the one that stands beside the paper's."""
    return drawings.figures(curves, reference, context)


def sweep(runs: pd.DataFrame, name: str) -> dict[str, list[tuple[str, str]]]:
    """For each net the arms of a sweep, as (value as written, arm); none as long as one of them was not run."""
    found = {}
    for net in NETS:
        arms = [a for a in runs.arm.cat.categories if a.startswith(f"{net}.{name}-")]
        complete = set(arms) <= set(runs.arm.unique())
        found[net] = [(a.removeprefix(f"{net}.{name}-"), a) for a in arms] if complete else []
    return found


# --- one value a seed, for the claims ---


def _accuracy_samples(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """I1.1, I1.2: final accuracy in percent, steps to 95 %."""
    found = []
    for net in NETS:
        accuracy = history(runs, net, "test_accuracy")
        if len(accuracy):
            found.append(samples("final_accuracy", net, 100 * accuracy.iloc[-1]))
            found.append(samples("steps_to_95", net, accuracy.apply(first_crossing, level=LEVEL)))
    return found


def _input_samples(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """I1.3, I1.4: for the median unit, drift and variation of the median in final widths, and the change of width."""
    found = []
    for net in NETS:
        if (table := history_of_units(runs, net)) is not None:
            for measure, by_unit in unit_measures(*table).items():
                seeds = sorted(runs[runs.arm == net].seed.unique())
                found.append(samples(measure, net, pd.Series(np.median(by_unit, axis=1), index=seeds)))
    return found


def history_of_units(runs: pd.DataFrame, net: str) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    """Steps, and percentiles of each unit's input `[step, seed, unit]` by name; None if not followed from FIRST on."""
    mine = runs[(runs.arm == net) & (runs.quantity == "probe_p50")]
    if FIRST not in mine.step.unique():
        return None
    return np.sort(mine.step.unique()), {p: unit_history(runs, net, f"probe_{p}") for p in PERCENTILES}


def unit_measures(steps: np.ndarray, percentiles: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Measures of I1.3 and I1.4 for every unit, each `[seed, unit]`."""
    width = percentiles["p85"] - percentiles["p15"]
    p50, end = percentiles["p50"], width[-1]
    growth = end / width[steps == FIRST][0]
    regular = steps != FIRST  # the extra point at step 400 must not add to the variation
    return {
        "median_drift": np.abs(p50[steps >= FIRST] - p50[-1]).max(axis=0) / end,
        "median_variation": np.abs(np.diff(p50[regular], axis=0)).sum(axis=0) / end,
        "width_factor": np.maximum(growth, 1 / growth),
    }


def best_rates(runs: pd.DataFrame) -> dict[str, str]:
    """For each net the learning rate (as written) of the highest mean validation accuracy after the last step."""
    best = {}
    for net, arms in sweep(runs, "lr").items():
        means = {rate: final(runs, arm, "validation_accuracy").mean() for rate, arm in arms}
        if means:
            best[net] = max(means, key=means.get)
    return best


def _tuned_samples(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """I1.5: test accuracy at the rates chosen on validation images."""
    best = best_rates(runs)
    if set(best) != set(NETS):
        return []
    found = []
    for net in NETS:
        for measure, rate in (("accuracy_best_rates", best[net]), ("accuracy_baseline_rate", best["baseline"])):
            found.append(samples(measure, net, 100 * final(runs, f"{net}.lr-{rate}", "test_accuracy")))
    return found


def _init_samples(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """I1.6: for each seed the range of final test accuracy over the scales of the first weights."""
    found = []
    for net, arms in sweep(runs, "init_std").items():
        if arms:
            by_std = pd.concat([100 * final(runs, arm, "test_accuracy") for _, arm in arms], axis=1).dropna()
            found.append(samples("accuracy_range", net, by_std.max(axis=1) - by_std.min(axis=1)))
    return found


# --- what is shown ---


def _table(runs: pd.DataFrame) -> pd.DataFrame:
    """Every arm: final accuracies in percent, steps to 95 %, and how many runs diverged."""
    rows = []
    for arm in runs.arm.unique():
        for quantity in ("test_accuracy", "test_accuracy_moving_average", "validation_accuracy"):
            if len(values := final(runs, arm, quantity)):
                rows.append(table_row(arm, f"final_{quantity}_percent", 100 * values))
        crossing = history(runs, arm, "test_accuracy").apply(first_crossing, level=LEVEL)
        rows.append(table_row(arm, "steps_to_95", crossing))
        rows.append(table_row(arm, "diverged", has_diverged(runs, arm)))
    return pd.DataFrame(rows)


def _curves(runs: pd.DataFrame) -> pd.DataFrame:
    found = []
    for arm in runs.arm.unique():
        if arm in NETS or ".init_std-0.1" in arm or ".larger_init_and_rate" in arm:
            found.append(curve("accuracy", arm, 100 * history(runs, arm, "test_accuracy")))
    for net in NETS:
        mine = runs[(runs.arm == net) & (runs.unit == UNIT)]
        for p in PERCENTILES:
            if len(of_unit := history(mine, net, f"probe_{p}")):
                # The line is the first seed's unit, as the paper shows one; the band spans all seeds.
                found.append(curve(f"inputs_{net}", p, of_unit).assign(value=of_unit.iloc[:, 0].to_numpy()))
    for name in ("lr", "init_std"):
        for net, arms in sweep(runs, name).items():
            finals = {float(v): 100 * final(runs, arm, "test_accuracy") for v, arm in arms}
            if finals:
                found.append(curve(name, net, pd.DataFrame(finals).T.sort_index()))
    return joined(found, CURVE_COLUMNS)


def _facts(runs: pd.DataFrame, found: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose."""
    facts = {f"best_rate_{net}": rate for net, rate in best_rates(runs).items()}
    for measure, form in (("final_accuracy", ".2f"), ("steps_to_95", ",.0f"), ("accuracy_range", ".1f"),
                          ("accuracy_best_rates", ".2f"), ("accuracy_baseline_rate", ".2f")):  # fmt: skip
        for net in NETS:
            values = found[(found.measure == measure) & (found.arm == net)].value
            if len(values):
                facts[f"{measure}_{net}"] = format(values.mean(), form)
    return facts | _early_gaps(runs) | _unit_shares(runs) | _widths(runs) | run_counts(runs)


def _early_gaps(runs: pd.DataFrame) -> dict[str, str]:
    """Lead of batch norm at step 4,000 in points: as calibrated, with larger first weights, with a larger rate too."""
    facts = {"early_step": f"{EARLY:,}"}
    for name, ending in (("", ""), ("_larger_init", ".init_std-0.1"), ("_larger_both", ".larger_init_and_rate-0.1")):
        both = [history(runs, net + ending, "test_accuracy") for net in NETS]
        if all(EARLY in table.index for table in both):
            baseline, batchnorm = (100 * table.loc[EARLY] for table in both)
            facts[f"early_gap{name}"] = f"{(batchnorm - baseline).mean():.1f}"
        if all(len(table) for table in both):
            facts[f"end_gap{name}"] = f"{100 * (both[1].iloc[-1] - both[0].iloc[-1]).mean():.2f}"
    return facts


def _widths(runs: pd.DataFrame) -> dict[str, str]:
    """p85 - p15 of the median unit at step 400 and at the end, mean over seeds."""
    facts = {"first_step": str(FIRST)}
    for net in NETS:
        if (table := history_of_units(runs, net)) is not None:
            steps, percentiles = table
            width = np.median(percentiles["p85"] - percentiles["p15"], axis=2).mean(axis=1)
            facts[f"width_first_{net}"] = f"{width[steps == FIRST][0]:.3g}"
            facts[f"width_end_{net}"] = f"{width[-1]:.3g}"
    return facts


def _unit_shares(runs: pd.DataFrame) -> dict[str, str]:
    """Share of batch-normalised units that are steadier than the median unit of the same seed's baseline."""
    tables = {net: history_of_units(runs, net) for net in NETS}
    if any(t is None for t in tables.values()):
        return {}
    measures = {net: unit_measures(*tables[net]) for net in NETS}
    facts = {}
    for measure in ("median_drift", "median_variation"):
        typical = np.median(measures["baseline"][measure], axis=1, keepdims=True)
        if typical.shape[0] == measures["batchnorm"][measure].shape[0]:
            facts[f"share_units_{measure}"] = f"{100 * (measures['batchnorm'][measure] < typical).mean():.0f} %"
    return facts
