"""What the analyses of all theorems share: from recorded errors and counts to one value a seed, bars and facts.

A recorded quantity is named `error_equality.convex`: what, and on which part of the cases. Parts of the arm `random`
are kinds of loss, parts of the arm `network` its hidden layers.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Summary
from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, joined, samples, table_row

ARMS = ("random", "network")


def of(runs: pd.DataFrame, arm: str, what: str) -> pd.DataFrame:
    """The rows of one quantity of an arm, with the part of the cases in the column `part`."""
    mine = runs[(runs.arm == arm) & runs.quantity.astype(str).str.startswith(f"{what}.")]
    return mine.assign(part=mine.quantity.astype(str).str.split(".", n=1).str[1])


def worst(runs: pd.DataFrame, arm: str, what: str) -> pd.Series:
    """The largest error of each seed; NaN where one is, since what cannot be computed supports nothing."""
    return of(runs, arm, what).groupby("seed").value.agg(lambda v: v.max(skipna=False)).astype(float)


def shares(runs: pd.DataFrame, arm: str, what: str) -> pd.DataFrame:
    """In which share of the cases something holds [seed x part], and over all parts in the column `all`."""
    holds, cases = (of(runs, arm, name).pivot_table("value", "seed", "part", "sum") for name in (what, f"of_{what}"))
    found = holds / cases.where(cases > 0)
    return found.assign(all=holds.sum(axis=1) / cases.sum(axis=1))


def means(runs: pd.DataFrame, arm: str, what: str) -> pd.DataFrame:
    """A recorded mean, averaged over steps [seed x part], and over all parts in the column `all`."""
    found = of(runs, arm, what).pivot_table("value", "seed", "part", "mean")
    return found.assign(all=found.mean(axis=1))


def bars(panel: str, arm: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table [seed x part] as curves: one series a part, mean over seeds, smallest, largest."""
    parts = table.drop(columns="all")
    return pd.DataFrame(
        {
            "panel": panel,
            "series": [f"{arm}.{part}" for part in parts],
            "x": np.arange(parts.shape[1]),
            "value": parts.mean().to_numpy(),
            "low": parts.min().to_numpy(),
            "high": parts.max().to_numpy(),
            "n": len(parts),
        }
    )


def by_factor(panel: str, series: str, rows: pd.DataFrame, x: tuple[float, ...]) -> pd.DataFrame:
    """A quantity recorded for each of x (`unit` counts them), as a curve: mean over seeds, smallest, largest."""
    table = rows.groupby(["unit", "seed"]).value.mean().unstack("seed").astype(float)
    ends = {"value": table.mean(axis=1), "low": table.min(axis=1), "high": table.max(axis=1)}
    columns = {name: column.to_numpy() for name, column in ends.items()}
    return pd.DataFrame({"panel": panel, "series": series, "x": x} | columns | {"n": table.shape[1]})


def summary(
    runs: pd.DataFrame,
    errors: tuple[str, ...] = (),
    holds: tuple[str, ...] = (),
    averages: tuple[str, ...] = (),
    more_curves: tuple[pd.DataFrame, ...] = (),
    more_facts: dict[str, str] | None = None,
) -> Summary:
    """Samples, table, bars and facts of the quantities named, for the arms that were run."""
    found, rows, curves, facts = [], [], [*more_curves], _counts(runs, holds) | (more_facts or {})
    for arm in (a for a in ARMS if a in set(runs.arm)):
        for what in errors:
            found.append(samples(what, arm, worst(runs, arm, what)))
            rows.append(table_row(arm, f"largest {what.replace('_', ' ')}", worst(runs, arm, what)))
        for what in holds:
            table = shares(runs, arm, what)
            found.append(samples(what, arm, table["all"]))
            curves.append(bars(what, arm, table))
            rows += [table_row(arm, f"{what}: {part}_percent", 100 * table[part]) for part in table]
            facts |= {f"{what}_{arm}_{part}": f"{100 * table[part].mean():.1f} %" for part in table}
        for what in averages:
            table = means(runs, arm, what)
            curves.append(bars(what, arm, table))
            rows += [table_row(arm, f"{what.replace('_', ' ')}: {part}", table[part]) for part in table]
            facts |= {f"{what}_{arm}_{part}": f"{table[part].mean():.3g}" for part in table}
    return Summary(joined(found, SAMPLE_COLUMNS), pd.DataFrame(rows), joined(curves, CURVE_COLUMNS), facts)


def _counts(runs: pd.DataFrame, holds: tuple[str, ...]) -> dict[str, str]:
    """How many cases there were of each arm."""
    arms = [arm for arm in ARMS if holds and arm in set(runs.arm)]
    return {f"cases_{arm}": f"{int(of(runs, arm, f'of_{holds[0]}').value.sum()):,}" for arm in arms}
