"""Tests on one number a seed, by SciPy and statsmodels: an estimate, its 95 % interval, a one-sided p.

Seeds are the unit of replication. Arms of one seed are paired, so a comparison of two arms is a test on one number a
seed: their difference, or the logarithm of their ratio. Where arms of one seed have too little in common for that to
help, Welch's test compares them as two groups.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

LEVEL = 0.95  # of every interval


@dataclass(frozen=True)
class Estimate:
    """What n seeds say: an estimate with its 95 % interval, and the one-sided p of the claimed direction."""

    value: float
    low: float
    high: float
    p: float
    n: int


def mean_test(x: np.ndarray, bound: float, claim: str) -> Estimate:
    """Student's t on the mean of x `[seed]`. claim: 'above' or 'below' the bound.

    Fewer than two seeds have no interval: NaN. Seeds that all agree have one of no width.
    """
    n, mean = len(x), float(np.mean(x)) if len(x) else np.nan
    if n < 2:
        return Estimate(mean, np.nan, np.nan, np.nan, n)
    if _agree(x):
        holds = mean > bound if claim == "above" else mean < bound
        return Estimate(mean, mean, mean, 0.0 if holds else 1.0, n)
    test = stats.ttest_1samp(x, bound, alternative="greater" if claim == "above" else "less")
    low, high = stats.ttest_1samp(x, bound).confidence_interval(LEVEL)
    return Estimate(mean, float(low), float(high), float(test.pvalue), n)


def _agree(x: np.ndarray) -> bool:
    """Whether x `[seed]` differ by no more than rounding: such a spread says nothing about seeds."""
    return bool(np.isfinite(x).all() and np.ptp(x) <= 20 * np.finfo(float).eps * np.max(np.abs(x)))


def log_mean_test(x: np.ndarray, bound: float, claim: str) -> Estimate:
    """As `mean_test`, for positive x on a log scale: the estimate is the geometric mean."""
    on_log = mean_test(np.log(x), np.log(bound), claim)
    return Estimate(*(float(np.exp(v)) for v in (on_log.value, on_log.low, on_log.high)), on_log.p, on_log.n)


def welch_test(a: np.ndarray, b: np.ndarray, bound: float, claim: str) -> Estimate:
    """Welch's t on mean(a) - mean(b), for groups of unequal variance. claim: 'above' or 'below' the bound.

    n is the size of the smaller group; with fewer than two seeds in one of them there is no interval: NaN.
    """
    n = min(len(a), len(b))
    difference = float(np.mean(a) - np.mean(b)) if n else np.nan
    if n < 2:
        return Estimate(difference, np.nan, np.nan, np.nan, n)
    if _agree(a) and _agree(b):
        return mean_test(np.full(n, difference), bound, claim)
    test = stats.ttest_ind(a - bound, b, equal_var=False, alternative="greater" if claim == "above" else "less")
    low, high = stats.ttest_ind(a, b, equal_var=False).confidence_interval(LEVEL)
    return Estimate(difference, float(low), float(high), float(test.pvalue), n)


def equivalence(low: Estimate, high: Estimate) -> Estimate:
    """Two one-sided tests (TOST) as one: `low` tests 'above' the lower margin, `high` 'below' the upper one."""
    return replace(low, p=float(np.max([low.p, high.p])))


def share_test(holds: np.ndarray) -> Estimate:
    """Share of seeds for which something holds, above one half: exact binomial test, Clopper-Pearson interval."""
    n = len(holds)
    if n == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan, 0)
    test = stats.binomtest(int(np.sum(holds)), n, 0.5, alternative="greater")
    interval = stats.binomtest(int(np.sum(holds)), n, 0.5).proportion_ci(LEVEL)
    return Estimate(test.statistic, interval.low, interval.high, test.pvalue, n)


def holm(p_values: list[float]) -> list[float]:
    """Holm's step-down adjustment of a whole family of tests.

    One that is still to be made (NaN) stays NaN, but counts: else a verdict could be lost when it is made.
    """
    p = np.asarray(p_values, dtype=float)
    to_come = np.isnan(p)
    adjusted = multipletests(np.where(to_come, 1.0, p), method="holm")[1] if len(p) else p
    return np.where(to_come, np.nan, adjusted).tolist()


def mean_interval(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and 95 % t-interval over the first axis (seeds): mean, low, high, each of the remaining shape.

    NaN where there is nothing to say: no mean of no seed, no interval of fewer than two.
    """
    n = len(values)
    mean = np.mean(values, axis=0) if n else np.full(np.shape(values)[1:], np.nan)
    if n < 2:
        return mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = stats.t.ppf((1 + LEVEL) / 2, n - 1) * stats.sem(values, axis=0)
    return mean, mean - half, mean + half
