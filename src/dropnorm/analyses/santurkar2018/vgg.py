"""What the analyses of all figures with VGG nets share: windows of the paper's schedule, and one number a seed.

The rules are those of claims/santurkar2018.yaml, fixed before the runs. A table has a row a step and a column a seed.
"""

from collections.abc import Iterable
from functools import reduce

import numpy as np
import pandas as pd
from scipy.stats import gmean

from dropnorm.analyses import Summary
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

SCHEDULE = 15_000  # steps of the paper's runs
SHORT = 1000  # runs shorter than this are smoke runs: windows shrink in proportion
SMOOTHED_OVER = 200  # steps
FITTED = 95.0  # percent of training accuracy: before, a test accuracy says how fast, not how well
PAPER_GRID = (1, 2, 3, 4)  # units of the landscape's step lengths: 1/2, 1, 2, 4 times the rate
EIGHTH = 0  # unit of 1/8 of the rate, which the paper's grid does not have
MULTIPLES = (0.125, 0.5, 1, 2, 4)
FAN = (1, 10, 25, 50, 75, 90, 99)  # percentiles that are drawn

LABELS = {
    "standard": "standard",
    "batchnorm": "batch norm",
    "noisy_batchnorm": "noisy batch norm",
    "l1": "l1 norm",
    "l2": "l2 norm",
    "linf": "l∞ norm",
    "standard_noise": "standard, same noise",
    "standard_relative_noise": "standard, relative noise",
    "standard.lr-0.5": "standard, rate 0.5",
    "batchnorm.lr-0.5": "batch norm, rate 0.5",
    "standard.lr-0.01": "standard, rate 0.01",
    "batchnorm.lr-0.01": "batch norm, rate 0.01",
    "batchnorm.half_rate-0.05": "batch norm, rate 0.05",
}


def present(runs: pd.DataFrame, arms: Iterable[str]) -> list[str]:
    """Those of the arms that were run."""
    found = set(runs.arm.unique())
    return [arm for arm in arms if arm in found]


# --- steps ---


def shrink(runs: pd.DataFrame) -> float:
    """What the paper's steps are multiplied by: 1, or less for smoke runs."""
    vgg = present(runs, LABELS)
    last = runs.step[runs.arm.isin(vgg)].max() if vgg else SCHEDULE
    return 1.0 if last >= SHORT else last / SCHEDULE


def end(runs: pd.DataFrame, arms: Iterable[str]) -> int:
    """Number of steps of the shortest run among these arms."""
    return int(runs[runs.arm.isin(list(arms))].groupby("arm", observed=True).step.max().min())


def window(runs: pd.DataFrame, table: pd.DataFrame, first: int, last: int, arms: Iterable[str]) -> pd.DataFrame:
    """The rows of a window, cut where the shortest run of `arms` ends; no rows if less than a quarter is left.

    A seed that lacks a value there, for it diverged, is left out: the tame beginning alone would flatter it.
    """
    unit = shrink(runs)
    until = min(last, end(runs, arms) / unit)
    if until - first < (last - first) / 4:
        return table.iloc[:0]
    return table[(table.index >= first * unit) & (table.index < until * unit)].dropna(axis=1)


def long_enough(runs: pd.DataFrame, arm: str) -> bool:
    """Whether an arm has a quarter of the paper's steps: on fewer, that it learns nothing is not judged."""
    return end(runs, [arm]) >= SCHEDULE / 4 * shrink(runs)


def common(runs: pd.DataFrame, table: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """The rows before the shortest run of `arms` ends: what all of them have."""
    return table[table.index < end(runs, arms)]


def common_steps(runs: pd.DataFrame, arms: list[str]) -> dict[str, str]:
    """How many steps all of these arms have, for the prose."""
    return {"common_steps": f"{end(runs, arms):,}"} if arms else {}


def smoothed(runs: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The mean over 200 steps around each row."""
    spacing = np.diff(table.index.to_numpy()).min() if len(table) > 1 else 1
    rows = int(SMOOTHED_OVER * shrink(runs) / spacing) | 1  # odd, so that it lies around
    return table.rolling(rows, center=True, min_periods=1).mean()


# --- accuracy, in percent ---


def train_accuracy(runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Accuracy of single mini-batches."""
    return 100 * history(runs, arm, "train_accuracy")


def final_train_accuracy(runs: pd.DataFrame, arm: str) -> pd.Series:
    """Mean over the last tenth of the run, by seed."""
    table = train_accuracy(runs, arm)
    return table[table.index >= 0.9 * end(runs, [arm])].mean()


def mean_train_accuracy(runs: pd.DataFrame, arm: str, arms: Iterable[str]) -> pd.Series:
    """Mean over steps 0 to 5,000, cut where the shortest of `arms` ends; by seed, empty if that is too early."""
    return window(runs, train_accuracy(runs, arm), 0, 5000, arms).mean().dropna()


def steps_to(runs: pd.DataFrame, arm: str, level: float) -> pd.Series:
    """First step at which the smoothed training accuracy has reached a level; all steps of the run if it never has."""
    table, last = smoothed(runs, train_accuracy(runs, arm)), end(runs, [arm])
    reached = table >= level
    return reached.idxmax().where(reached.any(), last).astype(float)


# --- landscape ---


def by_length(runs: pd.DataFrame, arm: str, quantity: str) -> dict[int, pd.DataFrame]:
    """A quantity of the landscape, a table for each step length (`unit`, a place in MULTIPLES)."""
    mine = runs[(runs.arm == arm) & (runs.quantity == quantity)]
    return {int(unit): history(rows, arm, quantity) for unit, rows in mine.groupby("unit")}


def _over_grid(runs: pd.DataFrame, arm: str, quantity: str, extreme) -> pd.DataFrame:
    tables = by_length(runs, arm, quantity)
    on_grid = [tables[unit] for unit in PAPER_GRID if unit in tables]
    return reduce(extreme, on_grid) if on_grid else pd.DataFrame()


def largest(runs: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """The largest value over the paper's step lengths; empty if not measured."""
    return _over_grid(runs, arm, quantity, np.maximum)


def smallest(runs: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """The smallest value over the paper's step lengths; empty if not measured."""
    return _over_grid(runs, arm, quantity, np.minimum)


def band_width(runs: pd.DataFrame, arm: str, walk: str = "landscape") -> pd.DataFrame:
    """Largest minus smallest loss over the paper's step lengths."""
    return largest(runs, arm, f"{walk}_loss") - smallest(runs, arm, f"{walk}_loss")


def beta_times_rate(runs: pd.DataFrame, arm: str, unit: int) -> pd.DataFrame:
    """||gradient's change|| / ||g|| over the multiple of the rate walked: effective beta times the rate."""
    tables = by_length(runs, arm, "landscape_gradient_difference")
    if unit not in tables:
        return pd.DataFrame()
    return tables[unit] / history(runs, arm, "landscape_gradient_norm").loc[tables[unit].index] / MULTIPLES[unit]


# --- moments of activations ---


def by_channel(runs: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """A quantity of each followed channel: a table with columns (seed, channel)."""
    mine = runs[(runs.arm == arm) & (runs.quantity == quantity)]
    return mine.pivot(index="step", columns=["seed", "unit"], values="value").astype(float)


def over_channels(table: pd.DataFrame) -> pd.DataFrame:
    """Median over the channels of each seed: from `[step x (seed, channel)]` to `[step x seed]`."""
    return table.T.groupby(level="seed").median().T


def successive_change(table: pd.DataFrame) -> pd.DataFrame:
    """|x_(t+1) - x_t| wherever two steps in a row were measured, by t."""
    steps = table.index.to_numpy()
    return table.diff().abs()[1:][np.diff(steps) == 1].set_axis(steps[:-1][np.diff(steps) == 1])


def first_of_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """The regular measurements alone, without the extra one a step later."""
    steps = table.index.to_numpy()
    return table[np.r_[True, np.diff(steps) != 1]]


# --- from tables to samples, table rows and curves ---


def window_median(runs: pd.DataFrame, table: pd.DataFrame, first: int, last: int, arms: Iterable[str]) -> pd.Series:
    """The median over a window, by seed; empty if the window does not count."""
    return window(runs, table, first, last, arms).median().dropna() if len(table) else pd.Series(dtype=float)


class Collected:
    """Samples and table rows of a result, gathered side by side."""

    def __init__(self) -> None:
        self.samples: list[pd.DataFrame] = []
        self.rows: list[dict] = []

    def add(self, measure: str, arm: str, by_seed: pd.Series, *, shown_only: bool = False) -> None:
        """A measure of an arm; `shown_only` if no claim is judged by it. Nothing is added if there is no value."""
        by_seed = by_seed.dropna()
        if len(by_seed):
            if not shown_only:
                self.samples.append(samples(measure, arm, by_seed))
            self.rows.append(table_row(arm, measure, by_seed))

    def value(self, measure: str, arm: str) -> float:
        """Mean over seeds; NaN if there is none."""
        return next((r["mean"] for r in self.rows if (r["quantity"], r["arm"]) == (measure, arm)), np.nan)

    def facts(self, forms: dict[str, str]) -> dict[str, str]:
        """Means over seeds for prose, as `measure_arm`; forms: measure -> how it is printed."""
        return {
            f"{row['quantity']}_{fact_name(row['arm'])}": format(row["mean"], forms[row["quantity"]])
            for row in self.rows
            if row["quantity"] in forms
        }

    def ratios(self, pairs: dict[str, tuple[str, str, str]], form: str = ".3g") -> dict[str, str]:
        """Geometric means over seeds of ratios: name -> (measure, arm above, arm below)."""
        found = {}
        table = joined(self.samples, SAMPLE_COLUMNS)
        for name, (measure, above, below) in pairs.items():
            mine = table[table.measure == measure].pivot(index="seed", columns="arm", values="value")
            if {above, below} <= set(mine.columns):
                found[name] = format(float(gmean(mine[above] / mine[below], nan_policy="omit")), form)
        return found

    def summary(self, curves: list[pd.DataFrame], facts: dict[str, str]) -> Summary:
        """All that was gathered, with what is drawn and the numbers for prose."""
        samples = joined(self.samples, SAMPLE_COLUMNS)
        return Summary(samples, pd.DataFrame(self.rows), joined(curves, CURVE_COLUMNS), facts)


def together(*parts: Summary) -> Summary:
    """One summary of several networks that share a figure."""
    facts: dict[str, str] = {}
    for part in parts:
        facts |= part.facts
    tables = {name: [getattr(part, name) for part in parts] for name in ("samples", "table", "curves")}
    # An empty table has no types of its own, and would spoil those of the others.
    joint = {
        name: pd.concat([t for t in found if len(t)] or found[:1], ignore_index=True) for name, found in tables.items()
    }
    return Summary(**joint, facts=facts)


def ending_accuracy(runs: pd.DataFrame, arm: str) -> pd.Series:
    """Test accuracy after the last step in percent, by seed."""
    return 100 * final(runs, arm, "test_accuracy")


def fan(runs: pd.DataFrame, arm: str, layer: int, compared: Iterable[str] = ()) -> list[pd.DataFrame]:
    """Percentiles of the example channel of a layer over training, first seed: curves p1 to p99 of one panel.

    They go as far as the shortest run of `compared`, or else as this arm's own.
    """
    quantity = f"quantiles_layer{layer}"
    mine = runs[(runs.arm == arm) & (runs.quantity == quantity)]
    if mine.empty:
        return []
    mine = mine[mine.seed == mine.seed.min()]
    parts = {p: common(runs, history(mine[mine.unit == p], arm, quantity), {arm, *compared}) for p in FAN}
    return [curve(f"distribution_layer{layer}_{arm}", f"p{p}", table) for p, table in parts.items()]
