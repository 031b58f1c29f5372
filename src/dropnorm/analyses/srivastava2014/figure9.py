"""Srivastava et al. 2014, Figure 9: test and training error against p, (a) n fixed, (b) p n fixed.

The claims F9.1 to F9.6 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.srivastava2014 import figure9_drawings as drawings
from dropnorm.analyses.srivastava2014.errors import (
    by_level,
    counts,
    error_table,
    final_errors,
    mean_of,
    values,
    written,
)
from dropnorm.analyses.srivastava2014.figure9_drawings import P
from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, curve, joined, samples

PLATEAU = (0.4, 0.5, 0.6, 0.7, 0.8)
FITTED_FROM = 0.3  # below it nets underfit, which no parabola follows
ARMS = {"a": {p: "a" if p == 0.5 else f"a.p-{p}" for p in P}, "b": {p: f"b-{p}" for p in P}}
NO_LIMIT = "a_no_limit"


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    errors = final_errors(runs)
    test, train = (
        {panel: by_level(errors, measure, arms) for panel, arms in ARMS.items()}
        for measure in ("test_error", "train_error")
    )
    found = joined([errors, *_plateau_samples(test["a"]), *_best_samples(test["b"])], SAMPLE_COLUMNS)
    return Summary(
        samples=found,
        table=error_table(runs, errors),
        curves=_curves(errors, test, train),
        facts=counts(runs) | _facts(found, test),
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; `figure` is the one that stands beside the paper's."""
    return drawings.figures(curves, reference, context)


# --- one value a seed, for the claims ---


def above_plateau(errors: pd.DataFrame) -> pd.DataFrame:
    """Error [p x seed] less the same seed's mean over the plateau; empty as long as a p of the plateau is missing."""
    if not set(PLATEAU) <= set(errors.index):
        return pd.DataFrame()
    return errors - errors.loc[list(PLATEAU)].mean(skipna=False)


def lowest_of_parabola(errors: pd.Series) -> float:
    """The p at which a parabola through errors by p is lowest; if not within them, the p of least error."""
    square, linear, _ = np.polyfit(errors.index.to_numpy(float), errors.to_numpy(), 2)
    lowest = -linear / (2 * square) if square > 0 else np.nan
    return lowest if errors.index.min() <= lowest <= errors.index.max() else float(errors.idxmin())


def _plateau_samples(errors: pd.DataFrame) -> list[pd.DataFrame]:
    """F9.1, F9.2."""
    return [samples("above_plateau", ARMS["a"][p], row.dropna()) for p, row in above_plateau(errors).iterrows()]


def _best_samples(errors: pd.DataFrame) -> list[pd.DataFrame]:
    """F9.5; nothing as long as a p is missing: the best of half of them is no best."""
    whole = errors.dropna(axis=1)
    if set(whole.index) != set(P) or whole.shape[1] == 0:
        return []
    best = whole.mean(axis=1).idxmin()
    fitted = whole[whole.index >= FITTED_FROM - 1e-9]
    return [
        samples("best_p", "b", fitted.apply(lowest_of_parabola)),
        samples("above_best", ARMS["b"][0.5], whole.loc[0.5] - whole.loc[best]),
    ]


# --- what is shown ---


def _curves(errors: pd.DataFrame, test: dict[str, pd.DataFrame], train: dict[str, pd.DataFrame]) -> pd.DataFrame:
    found = [
        curve(panel, series, table)
        for series, tables in (("test", test), ("train", train))
        for panel, table in tables.items()
        if len(table)
    ]
    if len(by_seed := values(errors, "test_error", NO_LIMIT)):
        found.append(curve("a", "test_no_limit", by_seed.to_frame(1.0).T))
    return joined(found, CURVE_COLUMNS)


def _facts(found: pd.DataFrame, test: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Numbers for the page's prose: `a_test_01` is the test error of (a) at p = 0.1."""
    two, three = {}, {}
    for panel, arms in ARMS.items():
        for p, arm in arms.items():
            name = f"{round(10 * p):02d}"
            two[f"{panel}_test_{name}"] = mean_of(found, "test_error", arm)
            three[f"{panel}_train_{name}"] = mean_of(found, "train_error", arm)
    two["test_no_limit"] = mean_of(found, "test_error", NO_LIMIT)
    two["best_p"] = mean_of(found, "best_p", "b")
    return written(two) | written(three, ".3f") | _least(test)


def _least(test: dict[str, pd.DataFrame]) -> dict[str, str]:
    """For each panel the p of the lowest mean test error, the lowest, and the range of means over the plateau."""
    facts = {}
    for panel, table in test.items():
        means = table.mean(axis=1)
        if set(P) <= set(means.index):
            facts |= {f"{panel}_least_at": f"{means.idxmin():g}", **written({f"{panel}_least": means.min()})}
        if set(PLATEAU) <= set(means.index):
            flat = means.loc[list(PLATEAU)]
            facts |= written({f"{panel}_flat_low": flat.min(), f"{panel}_flat_high": flat.max()})
    return facts
