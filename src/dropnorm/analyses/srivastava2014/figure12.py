"""Srivastava et al. 2014, Figure 12: filters of a restricted Boltzmann machine, with and without dropout.

The claims F12.1 to F12.3 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for.
"""

from math import isqrt

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.measures import (
    Measures,
    curve_frame,
    facts_of,
    finals,
    in_settings,
    last_of_units,
    measured,
    quantiles,
    sample_frame,
    table_frame,
)
from dropnorm.analyses.mosaics import mosaic
from dropnorm.analyses.srivastava2014 import figure12_drawings as drawings
from dropnorm.analyses.srivastava2014.machines import ARMS, DEAD, NAMES, NETS, SILENT, size_of_large
from dropnorm.analyses.tidy import final, has_diverged, run_counts

SHARES = np.arange(0.02, 0.99, 0.04)  # of units, at which their distribution is drawn
CHECK = "enumeration"
CHECKS = ("conditional_error", "standard_difference", "deviation_in_se")
FORMS = {"dead_share": ".1f", "silent_share": ".1f", "frequency": ".3f", "radius": ".2f", "least_norm": ".2f",
         "squared_error": ".1f"}  # fmt: skip


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the result, its claims and its page, from tidy runs."""
    trained = [entry for arms in ARMS.values() for arm in arms for entry in _measures(runs, arm)]
    checked = [(q, CHECK, final(runs, CHECK, q)) for q in CHECKS]
    found = measured(trained + checked)
    return Summary(
        samples=sample_frame(found),
        table=table_frame(found),
        curves=_curves(runs, found),
        facts=facts_of(found, FORMS, NAMES) | size_of_large(runs) | run_counts(runs),
        images=_images(runs),
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name."""
    return drawings.figures(curves, context)


# --- one value a seed ---


def _measures(runs: pd.DataFrame, arm: str) -> Measures:
    norm, sd = (last_of_units(runs, arm, q) for q in ("norm", "activation_sd"))
    if not len(norm):
        return []
    return [
        ("dead_share", arm, percent_below(norm, DEAD * norm.median(skipna=False))),
        ("silent_share", arm, percent_below(sd, SILENT)),
        ("norm", arm, norm.median()),
        ("least_norm", arm, norm.min() / norm.median()),
        ("least_sd", arm, sd.min()),
        *((q, arm, live_median(last_of_units(runs, arm, q), norm)) for q in ("frequency", "radius")),
        *finals(runs, arm, {"squared_error": ("squared_error", 1)}),
        ("diverged", arm, has_diverged(runs, arm)),
    ]


def percent_below(table: pd.DataFrame, bound: pd.Series | float) -> pd.Series:
    """Percent of the units of a table [unit x seed] below a bound, by seed; NaN where a unit has no value."""
    return (100 * (table < bound).mean()).where(table.notna().all())


def live(table: pd.DataFrame, norm: pd.DataFrame) -> pd.DataFrame:
    """A table [unit x seed] with NaN for dead units."""
    return table.where(norm >= DEAD * norm.median())


def live_median(table: pd.DataFrame, norm: pd.DataFrame) -> pd.Series:
    """The median over the units that are not dead, by seed."""
    return live(table, norm).median()


# --- what is shown ---


def _curves(runs: pd.DataFrame, found: Measures) -> pd.DataFrame:
    tables = []
    for net in NETS:
        norm, sd = (last_of_units(runs, net, q) for q in ("norm", "activation_sd"))
        if not len(norm):
            continue
        tables.append(("norms", net, quantiles(norm / norm.median(), SHARES)))
        tables.append(("sds", net, quantiles(sd, SHARES)))
        for quantity in ("frequency", "radius"):
            tables.append((quantity, net, quantiles(live(last_of_units(runs, net, quantity), norm), SHARES)))
    measures = ("dead_share", "silent_share", "frequency", "radius")
    return curve_frame(tables + in_settings(found, measures, ARMS))


def _images(runs: pd.DataFrame) -> dict[str, np.ndarray]:
    """All filters of the first seed's machines by decreasing length, one mosaic a machine."""
    images = {}
    for net in NETS:
        W = first_filters(runs, net)
        if W.size:
            longest_first = np.argsort(-np.linalg.norm(W, axis=1), kind="stable")
            side, columns = isqrt(W.shape[1]), isqrt(len(W) - 1) + 1
            images[net] = mosaic(W[longest_first].reshape(-1, side, side), columns)
    return images


def first_filters(runs: pd.DataFrame, arm: str) -> np.ndarray:
    """The weights of the first seed's machine `[unit, pixel]`; empty if they were not kept."""
    kept = [q for q in runs.quantity.cat.categories if q.startswith("filter.")]
    mine = runs[(runs.arm == arm) & runs.quantity.isin(kept)]
    mine = mine[mine.seed == mine.seed.min()].astype({"quantity": str})  # of three digits: in order of pixels
    return mine.pivot(index="unit", columns="quantity", values="value").to_numpy(float)
