"""Srivastava et al. 2014, Table 10: test error with Bernoulli and with Gaussian noise.

The claims T10.1 to T10.4 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.srivastava2014 import table10_drawings as drawings
from dropnorm.analyses.srivastava2014.errors import (
    counts,
    error_history,
    error_table,
    final_errors,
    mean_of,
    values,
    written,
)
from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, curve, joined, samples

ARMS = ("bernoulli", "gaussian")
EARLY = 0.2  # a share of the training, to show how the difference changes


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the table, its claims and its page, from tidy runs with `attrs["settings"]`."""
    errors = final_errors(runs)
    extra = [samples("moment_deviation", arm, by_seed) for arm, by_seed in moment_deviations(runs).items()]
    found = joined([errors, *extra], SAMPLE_COLUMNS)
    facts = counts(runs) | _facts(runs, found)
    return Summary(samples=found, table=error_table(runs, errors), curves=_curves(runs, errors), facts=facts)


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name."""
    return drawings.figures(curves, reference, context)


# --- moments of the noise (T10.4) ---


def fourth_moment(noise: str, p: float) -> float:
    """Fourth central moment of the factor on a unit: r / p with r ~ Bernoulli(p), or N(1, (1 - p) / p)."""
    q = 1 - p
    return q**4 / p**3 + q if noise == "bernoulli" else 3 * (q / p) ** 2


def standard_errors(noise: str, p: float, draws: int) -> tuple[float, float]:
    """Of the mean and of the (unbiased) variance of n draws: sd / sqrt(n), and
    Var(s^2) = (mu4 - (n - 3) / (n - 1) sd^4) / n. For a fair coin mu4 = sd^4, so what is left counts.
    """
    variance = (1 - p) / p
    of_variance = (fourth_moment(noise, p) - (draws - 3) / (draws - 1) * variance**2) / draws
    return (variance / draws) ** 0.5, of_variance**0.5


def moment_deviations(runs: pd.DataFrame) -> dict[str, pd.Series]:
    """By arm and seed the largest distance, in standard errors, of a mean or variance of the noise from its theory.

    Over the noise on inputs and on hidden units; empty if none was drawn, or if it has no variance.
    """
    settings = runs.attrs.get("settings")
    if not settings or not (draws := settings["measure"]["noise_draws"]):
        return {}
    retained = [settings["dropout"]["p_input"], settings["dropout"]["p_hidden"]]
    drawn = runs[runs.quantity.isin(["noise_mean", "noise_variance"])]
    if max(retained) == 1:
        return {}
    return {arm: _deviations(drawn[drawn.arm == arm], arm, retained, draws) for arm in ARMS if (drawn.arm == arm).any()}


def _deviations(drawn: pd.DataFrame, noise: str, retained: list[float], draws: int) -> pd.Series:
    """The largest by seed. drawn: moments of one kind of noise; unit 0 is that on inputs, 1 that on hidden units."""
    worst = {}
    for seed, mine in drawn.groupby("seed"):
        moments = mine.pivot(index="unit", columns="quantity", values="value")
        distances = []
        for unit, p in enumerate(retained):
            theory, errors = (1, (1 - p) / p), standard_errors(noise, p, draws)
            measured = moments.loc[unit, ["noise_mean", "noise_variance"]]
            distances += [abs(m - t) / se for m, t, se in zip(measured, theory, errors, strict=True)]
        worst[seed] = np.max(distances)
    return pd.Series(worst)


# --- what is shown ---


def _curves(runs: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    found = []
    for arm in ARMS:
        if len(table := error_history(runs, arm)):
            found.append(curve("history", arm, table))
            each = values(errors, "test_error", arm).to_frame()
            found.append(curve("final", arm, each))  # x: the seed; one value each
    return joined(found, CURVE_COLUMNS)


def _facts(runs: pd.DataFrame, found: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose."""
    numbers, small = {}, {}
    for arm in ARMS:
        numbers[f"test_error_{arm}"] = mean_of(found, "test_error", arm)
        small[f"train_error_{arm}"] = mean_of(found, "train_error", arm)
        by_seed = values(found, "test_error", arm)
        small[f"sd_{arm}"] = float(by_seed.std()) if len(by_seed) > 1 else None
        small[f"se_{arm}"] = float(by_seed.sem()) if len(by_seed) > 1 else None
        worst = values(found, "moment_deviation", arm)
        numbers[f"moment_deviation_{arm}"] = float(worst.max()) if len(worst) else None
    return written(numbers) | written(small, ".3f") | _early_gap(runs)


def _early_gap(runs: pd.DataFrame) -> dict[str, str]:
    """Bernoulli minus Gaussian at a fifth of the training, for comparison with the end."""
    tables = [error_history(runs, arm) for arm in ARMS]
    if not all(len(table) > 1 for table in tables):
        return {}
    step = min(tables[0].index, key=lambda s: abs(s - EARLY * tables[0].index[-1]))
    ends = {"early_gap": [t.loc[step].mean() for t in tables], "end_gap": [t.iloc[-1].mean() for t in tables]}
    return {"early_step": f"{step:,}"} | written({name: a - b for name, (a, b) in ends.items()}, "+.3f")
