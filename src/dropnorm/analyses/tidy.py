"""Small steps that analyses share: from tidy runs to values a seed, curves and tables."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from dropnorm.statistics import mean_interval

SAMPLE_COLUMNS = ["measure", "arm", "seed", "value"]
CURVE_COLUMNS = ["panel", "series", "x", "value", "low", "high", "n"]
TABLE_COLUMNS = ["arm", "quantity", "n", "mean", "sd", "low", "high"]


def history(runs: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """One quantity of one arm as a table [step x seed]; empty if it was not measured."""
    mine = runs[(runs.arm == arm) & (runs.quantity == quantity)]
    return mine.pivot(index="step", columns="seed", values="value").astype(float)


def unit_history(runs: pd.DataFrame, arm: str, quantity: str) -> np.ndarray:
    """A quantity measured for each unit, `[step, seed, unit]`; steps and seeds in ascending order."""
    mine = runs[(runs.arm == arm) & (runs.quantity == quantity)].sort_values(["step", "seed", "unit"])
    shape = (mine.step.nunique(), mine.seed.nunique(), mine.unit.nunique())
    return mine.value.to_numpy(float).reshape(shape)


def final(runs: pd.DataFrame, arm: str, quantity: str) -> pd.Series:
    """The value after the last step, by seed; empty if it was not measured."""
    table = history(runs, arm, quantity)
    return table.iloc[-1] if len(table) else pd.Series(dtype=float)


def has_diverged(runs: pd.DataFrame, arm: str) -> pd.Series:
    """1 for a seed whose loss was no finite number at some step, else 0."""
    return (final(runs, arm, "diverged_at") >= 0).astype(float)


def run_counts(runs: pd.DataFrame) -> dict[str, str]:
    """How many networks were trained and how many of them diverged, for the prose."""
    at = runs[runs.quantity == "diverged_at"].sort_values("step").groupby(["arm", "seed"], observed=True).value.last()
    return {"runs": f"{len(at):,}", "runs_diverged": f"{(at >= 0).sum():,}"}


def first_crossing(curve: pd.Series, level: float) -> float:
    """The step (interpolated) at which a curve by step first reaches a level; its last step if it never does."""
    steps, values = curve.index.to_numpy(float), curve.to_numpy(float)
    above = np.flatnonzero(values >= level)
    if len(above) == 0:
        return float(steps[-1])
    i = above[0]
    if i == 0:
        return float(steps[0])
    fraction = (level - values[i - 1]) / (values[i] - values[i - 1])
    return float(steps[i - 1] + fraction * (steps[i] - steps[i - 1]))


def samples(measure: str, arm: str, by_seed: pd.Series) -> pd.DataFrame:
    """Rows (measure, arm, seed, value) from one value a seed."""
    return pd.DataFrame({"measure": measure, "arm": arm, "seed": by_seed.index, "value": by_seed.to_numpy(float)})


def table_row(arm: str, quantity: str, by_seed: pd.Series) -> dict:
    """One row of a result's table: mean, standard deviation and 95 % t-interval over the seeds that have a value."""
    by_seed = by_seed.dropna()
    mean, low, high = mean_interval(by_seed.to_numpy(float))
    sd = by_seed.std() if len(by_seed) > 1 else np.nan
    return {"arm": arm, "quantity": quantity, "n": len(by_seed), "mean": mean, "sd": sd, "low": low, "high": high}


def sample_rows(parts: list[pd.DataFrame]) -> list[dict]:
    """A table's rows of samples, one for each measure of an arm."""
    return [table_row(p.arm.iloc[0], p.measure.iloc[0], p.set_index("seed").value) for p in parts]


def fact_name(arm: str) -> str:
    """An arm's name as part of a fact's: 'standard.lr-0.5' -> 'standard_lr_0_5'."""
    return arm.replace(".", "_").replace("-", "_")


def joined(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """All parts below each other; an empty frame with these columns if there is none."""
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def curve(panel: str, series: str, table: pd.DataFrame) -> pd.DataFrame:
    """Rows (panel, series, x, value, low, high, n) from a table [x x seed]: mean over seeds, smallest, largest.

    n: the seeds that have a value there.
    """
    return pd.DataFrame(
        {
            "panel": panel,
            "series": series,
            "x": table.index.to_numpy(),
            "value": table.mean(axis=1).to_numpy(),
            "low": table.min(axis=1).to_numpy(),
            "high": table.max(axis=1).to_numpy(),
            "n": table.notna().sum(axis=1).to_numpy(),
        }
    )


def select(curves: pd.DataFrame, panel: str, series: str) -> pd.DataFrame:
    """The rows of one curve."""
    return curves[(curves.panel == panel) & (curves.series == series)]


def drawn(curves: pd.DataFrame, panel: str, names: Iterable[str]) -> list[str]:
    """Those of the names that a panel has a curve of."""
    have = set(curves.series[curves.panel == panel])
    return [name for name in names if name in have]


def has(curves: pd.DataFrame, panel: str, series: str) -> bool:
    """Whether a curve was measured."""
    return len(select(curves, panel, series)) > 0
