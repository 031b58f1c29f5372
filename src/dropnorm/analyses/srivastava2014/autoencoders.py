"""What the analyses of Figures 7 and 8 share: the arms, and how numbers of the autoencoders become words and curves."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, curve, final, joined, samples, table_row, unit_history

NETS = ("none", "dropout")
LABELS = {"none": "without dropout", "dropout": "with dropout"}
SERIES = {"none": 1, "dropout": 0}  # which of the book's series styles
# The pair that is judged, and what is measured beside it: the ending of an arm's name, words.
SETTINGS = {
    "": ("", "as released"),
    "_no_l2": (".l2-0.0", "without L2"),
    "_cross_entropy": (".loss-cross_entropy", "cross-entropy"),
}
TABLE_COLUMNS = ["arm", "quantity", "n", "mean", "sd", "low", "high"]

Measures = list[tuple[str, str, pd.Series]]  # (measure, arm, value by seed)


def arms() -> list[str]:
    """Every arm: each net in each setting."""
    return [net + ending for ending, _ in SETTINGS.values() for net in NETS]


def by_unit(runs: pd.DataFrame, arm: str, quantity: str, statistic: Callable) -> pd.Series:
    """A statistic over the units (or bins) of a quantity after the last step, by seed; empty if it was not measured."""
    values = unit_history(runs, arm, quantity)
    if not values.size:
        return pd.Series(dtype=float)
    seeds = np.sort(runs[(runs.arm == arm) & (runs.quantity == quantity)].seed.unique())
    return pd.Series([statistic(of_seed) for of_seed in values[-1]], index=seeds)


def median(values: np.ndarray) -> float:
    """The median over units; a dead unit (NaN) has no value and does not count."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan


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


def in_settings(found: Measures, measures: tuple[str, ...]) -> list[tuple[str, str, pd.DataFrame]]:
    """Curves over settings: panel `settings_MEASURE`, a series a net, x the position of the setting."""
    values = {(measure, arm): v for measure, arm, v in found}
    tables = []
    for measure in measures:
        for net in NETS:
            rows = {
                x: values[measure, net + ending]
                for x, (ending, _) in enumerate(SETTINGS.values())
                if (measure, net + ending) in values
            }
            tables.append((f"settings_{measure}", net, pd.DataFrame(rows).T))
    return tables


def facts_of(found: Measures, forms: dict[str, str]) -> dict[str, str]:
    """Means over seeds for the prose: MEASURE_NET, and MEASURE_NET_SETTING of what is measured beside the pair."""
    names = {net + ending: net + setting for setting, (ending, _) in SETTINGS.items() for net in NETS}
    return {
        f"{measure}_{names[arm]}": format(values.mean(), forms[measure])
        for measure, arm, values in found
        if measure in forms and arm in names
    }
