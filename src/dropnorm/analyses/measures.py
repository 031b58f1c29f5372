"""Measures of arms: one value a seed each, and how they become samples, tables and curves."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    TABLE_COLUMNS,
    curve,
    final,
    joined,
    samples,
    table_row,
    unit_history,
)

Measures = list[tuple[str, str, pd.Series]]  # (measure, arm, value by seed)


def last_of_units(runs: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """A quantity of each unit (or bin) after the last step [unit x seed]; empty if it was not measured."""
    values = unit_history(runs, arm, quantity)
    if not values.size:
        return pd.DataFrame()
    seeds = np.sort(runs[(runs.arm == arm) & (runs.quantity == quantity)].seed.unique())
    return pd.DataFrame(values[-1].T, columns=seeds)


def over_units(runs: pd.DataFrame, arm: str, quantity: str, statistic: Callable) -> pd.Series:
    """A statistic over the units of a quantity after the last step, by seed; empty if it was not measured."""
    table = last_of_units(runs, arm, quantity)
    return table.apply(statistic) if len(table) else pd.Series(dtype=float)


def finals(runs: pd.DataFrame, arm: str, quantities: dict[str, tuple[str, float]]) -> Measures:
    """Measures that are a quantity after the last step times a factor: measure -> (quantity, factor)."""
    return [(m, arm, factor * final(runs, arm, quantity)) for m, (quantity, factor) in quantities.items()]


def measured(found: Measures) -> Measures:
    """Those that were measured."""
    return [entry for entry in found if len(entry[2])]


def sample_frame(found: Measures) -> pd.DataFrame:
    """All measures as samples."""
    return joined([samples(*entry) for entry in found], SAMPLE_COLUMNS)


def table_frame(found: Measures) -> pd.DataFrame:
    """All measures as a table."""
    return pd.DataFrame([table_row(arm, measure, values) for measure, arm, values in found], columns=TABLE_COLUMNS)


def curve_frame(found: list[tuple[str, str, pd.DataFrame]]) -> pd.DataFrame:
    """Curves from (panel, series, table [x x seed]); those without rows are left out."""
    return joined([curve(*entry) for entry in found if len(entry[2])], CURVE_COLUMNS)


def in_settings(
    found: Measures, measures: tuple[str, ...], arms: dict[str, list[str]]
) -> list[tuple[str, str, pd.DataFrame]]:
    """Curves over settings: panel `settings_MEASURE`, a series a net, x the position of its arm in `arms[net]`.

    A table of its own for each arm, as arms may have been run with different seeds.
    """
    values = {(measure, arm): v for measure, arm, v in found}
    return [
        (f"settings_{m}", net, values[m, arm].to_frame(x).T)
        for m in measures
        for net, of_net in arms.items()
        for x, arm in enumerate(of_net)
        if (m, arm) in values
    ]


def facts_of(found: Measures, forms: dict[str, str], names: dict[str, str]) -> dict[str, str]:
    """Means over seeds for the prose, as MEASURE_NAME; names: arm -> its name in facts."""
    return {
        f"{measure}_{names[arm]}": format(values.mean(), forms[measure])
        for measure, arm, values in found
        if measure in forms and arm in names
    }


def quantiles(table: pd.DataFrame, shares: np.ndarray) -> pd.DataFrame:
    """Quantiles over the units of a table [unit x seed] at `shares`, as [percent of units x seed]; NaN does not count.

    Empty if no unit of some seed has a value.
    """
    if not len(table) or table.isna().all().any():
        return pd.DataFrame()
    return pd.DataFrame(np.nanquantile(table.to_numpy(float), shares, axis=0), 100 * shares, table.columns)
