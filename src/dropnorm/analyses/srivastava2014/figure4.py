"""Srivastava et al. 2014, Figure 4: test error of six architectures over training, with and without dropout.

The claims F4.1 to F4.5 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for. Measures of a curve
take its whole length (`updates`) as an argument, so that the paper's own curves can be measured by the same functions.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.srivastava2014 import figure4_drawings as drawings
from dropnorm.analyses.srivastava2014.errors import (
    change_written,
    counts,
    error_history,
    error_table,
    final_errors,
    mean_of,
    values,
    written,
)
from dropnorm.analyses.srivastava2014.figure4_drawings import SIZES
from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, curve, first_crossing, joined, samples
from dropnorm.statistics import welch_test

GROUPS = ("none", "dropout")
LONGER = {group: f"longer_{group}_2x1024" for group in GROUPS}  # beside the twelve: what more updates change
# Shares of the training: the paper's 50,000, 100,000, 800,000 and 900,000 of 1,000,000 updates.
APART, EARLY, LATE, END = 0.05, 0.1, 0.8, 0.9
NEAR = 0.05  # points above its final value: how near a curve must come to count as trained


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    nets = {group: by_seed(runs, group) for group in GROUPS}
    steps, errors = runs.step[~runs.arm.isin(LONGER.values())], final_errors(runs)
    updates = int(steps.max()) if len(steps) else 0
    found = joined([errors, *_group_samples(nets, updates), *_gap_samples(nets, updates)], SAMPLE_COLUMNS)
    facts = counts(runs) | _facts(found, nets, updates) | _longer_facts(runs, errors)
    curves = _curves(runs, errors, nets)
    return Summary(samples=found, table=error_table(runs, errors), curves=curves, facts=facts)


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; `figure` is the one that stands beside the paper's."""
    return drawings.figures(curves, reference, context)


def by_seed(runs: pd.DataFrame, group: str) -> dict[int, pd.DataFrame]:
    """For each seed that all six nets of a group have: test error [step x net]; none if a net was not run."""
    nets = {size: error_history(runs, f"{group}_{size}") for size in SIZES}
    common = set.intersection(*(set(table.columns) for table in nets.values()))
    return {seed: pd.DataFrame({size: table[seed] for size, table in nets.items()}) for seed in sorted(common)}


# --- measures of one group of nets, or of both: tables of test error [step x net] ---


def from_share(nets: pd.DataFrame, share: float, updates: int) -> pd.DataFrame:
    """The evaluations from a share of the training on."""
    return nets[nets.index >= share * updates - 1e-6]


def distance_apart(none: pd.DataFrame, dropout: pd.DataFrame) -> pd.Series:
    """At each evaluation the best net without dropout less the worst with it; above 0 the clusters are apart."""
    return none.min(axis=1) - dropout.max(axis=1)


def late_line(nets: pd.DataFrame, updates: int) -> tuple[float, float]:
    """A straight line through the mean error from 10 % of the training on: its values there and at the end."""
    mean = from_share(nets, EARLY, updates).mean(axis=1)
    slope, offset = np.polyfit(mean.index / updates, mean, 1)
    return offset + EARLY * slope, offset + slope


def error_at(nets: pd.DataFrame, share: float, updates: int) -> float:
    """The mean error of the nets at a share of the training, interpolated between evaluations."""
    return float(np.interp(share * updates, nets.index, nets.mean(axis=1)))


def updates_to_final(nets: pd.DataFrame, updates: int) -> float:
    """Updates until the mean error is first within NEAR of its mean over the last tenth of the training."""
    mean = nets.mean(axis=1)
    goal = from_share(nets, END, updates).mean(axis=1).mean() + NEAR
    return first_crossing(-mean, -goal)


# --- one value a seed, for the claims ---


def _group_samples(nets: dict[str, dict[int, pd.DataFrame]], updates: int) -> list[pd.DataFrame]:
    """F4.3 to F4.5: what each group of six comes to."""
    found = []
    for group, tables in nets.items():
        lines = {seed: late_line(t, updates) for seed, t in tables.items() if len(from_share(t, EARLY, updates)) > 1}
        found += [
            _samples("mean_error", group, tables, lambda t: t.iloc[-1].mean()),
            _samples("architecture_sd", group, tables, lambda t: t.iloc[-1].std()),
            _samples("error_at", f"{group}_10", tables, lambda t: error_at(t, EARLY, updates)),
            _samples("error_at", f"{group}_80", tables, lambda t: error_at(t, LATE, updates)),
            _samples("updates_to_final", group, tables, lambda t: updates_to_final(t, updates)),
            _samples("late_line", f"{group}_start", lines, lambda line: line[0]),
            _samples("late_line", f"{group}_end", lines, lambda line: line[1]),
        ]
    return [part for part in found if len(part)]


def _gap_samples(nets: dict[str, dict[int, pd.DataFrame]], updates: int) -> list[pd.DataFrame]:
    """F4.2: the smallest distance of the clusters from 5 % of the training on."""
    apart = _distances(nets)
    gaps = {seed: from_share(d.to_frame(), APART, updates).min().item() for seed, d in apart.items()}
    return [_samples("smallest_gap", "all", gaps, float)] if gaps else []


def _distances(nets: dict[str, dict[int, pd.DataFrame]]) -> dict[int, pd.Series]:
    """The distance of the clusters at each evaluation, by seed."""
    none, dropout = (nets[group] for group in GROUPS)
    return {seed: distance_apart(none[seed], dropout[seed]) for seed in sorted(set(none) & set(dropout))}


def _samples(measure: str, arm: str, by_seed: dict, value) -> pd.DataFrame:
    return samples(measure, arm, pd.Series({seed: value(x) for seed, x in by_seed.items()}, dtype=float))


# --- what is shown ---


def _curves(runs: pd.DataFrame, errors: pd.DataFrame, nets: dict[str, dict[int, pd.DataFrame]]) -> pd.DataFrame:
    longer = {group: table for group, arm in LONGER.items() if len(table := error_history(runs, arm))}
    found = [curve("longer", group, table) for group, table in longer.items()]
    for arm in [arm for arm in errors.arm.unique() if arm not in LONGER.values()]:
        at = SIZES.index(arm.partition("_")[2])
        found.append(curve("test_error", arm, error_history(runs, arm)))
        found.append(curve("final", arm, values(errors, "test_error", arm).to_frame(at).T))
    for group, tables in nets.items():
        if tables:
            # Mean, lowest and highest over nets and seeds; n counts the seeds.
            found.append(curve("clusters", group, pd.concat(tables, axis=1)).assign(n=len(tables)))
    return joined(found, CURVE_COLUMNS)


def _facts(found: pd.DataFrame, nets: dict[str, dict[int, pd.DataFrame]], updates: int) -> dict[str, str]:
    """Numbers for the page's prose."""
    numbers = {}
    for group in GROUPS:
        for measure in ("mean_error", "architecture_sd"):
            numbers[f"{measure}_{group}"] = mean_of(found, measure, group)
        early, late = (mean_of(found, "error_at", f"{group}_{at}") for at in ("10", "80"))
        numbers |= {f"early_error_{group}": early, f"late_error_{group}": late}
    shares = {f"share_to_final_{group}": mean_of(found, "updates_to_final", group) for group in GROUPS}
    shares = {name: x and 100 * x / updates for name, x in shares.items()}
    return written(numbers) | written(shares, ".0f") | _arm_facts(found) | _apart_facts(nets, updates)


def _arm_facts(found: pd.DataFrame) -> dict[str, str]:
    """Errors of every net, those with the norm limit alone and those trained longer included."""
    arms = [f"{group}_{size}" for group in ("limit", *GROUPS) for size in SIZES] + list(LONGER.values())
    errors, train = ({f"{q}_{arm}": mean_of(found, q, arm) for arm in arms} for q in ("test_error", "train_error"))
    return written(errors) | written(train, ".3f")


def _longer_facts(runs: pd.DataFrame, errors: pd.DataFrame) -> dict[str, str]:
    """Two layers of 1024, trained as the others and longer: by how many points dropout is ahead."""
    facts = {}
    for name, arms in {"short": [f"{group}_2x1024" for group in GROUPS], "longer": LONGER.values()}.items():
        none, dropout = (values(errors, "test_error", arm).to_numpy() for arm in arms)
        if len(none) > 1 and len(dropout) > 1:
            gap = welch_test(none, dropout, 0.0, "above")
            facts[f"gap_{name}"] = change_written(gap.value, gap.low, gap.high, "+.2f")
    steps = runs.step[runs.arm.isin(LONGER.values())]
    return facts | ({"updates_longer": f"{int(steps.max()):,}"} if len(steps) else {})


def _apart_facts(nets: dict[str, dict[int, pd.DataFrame]], updates: int) -> dict[str, str]:
    """In how many seeds the clusters are apart at the end, and over all evaluations that count."""
    apart = _distances(nets)
    if not apart:
        return {}
    always = [bool((from_share(d.to_frame(), APART, updates) > 0).all().item()) for d in apart.values()]
    at_end = [d.iloc[-1] > 0 for d in apart.values()]
    n = len(apart)
    worst = max(tables.iloc[-1].max() for tables in nets["dropout"].values())
    best = min(tables.iloc[-1].min() for tables in nets["none"].values())
    return {
        "seeds_always_apart": f"{sum(always)} of {n}",
        "seeds_apart_at_end": f"{sum(at_end)} of {n}",
    } | written(
        {"worst_dropout": worst, "best_none": best, "gap_at_end": np.mean([d.iloc[-1] for d in apart.values()])}
    )
