"""Srivastava et al. 2014, appendix B.1: the settings of Tables 2, 9 and 10, tuned on validation images.

There is no claim here. A row is a method; each of its arms is a trial, and the trial with the lowest mean validation
error after the last update is chosen. Test errors are not even looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.srivastava2014 import tuning_drawings as drawings
from dropnorm.analyses.srivastava2014.errors import counts, error_table, final_errors, mean_of, values, written
from dropnorm.analyses.tidy import CURVE_COLUMNS, curve, joined

RATE = "optimiser.lr"
BASE_RATE = 0.1  # of an arm that no sweep made
SWEPT = {  # by the sweep's name: what its arms set, in the order in which their names give the values
    "trial": (RATE,),
    "rate": (RATE,),
    "higher": (RATE,),
    "l2": (RATE, "regularisation.l2"),
    "l1": (RATE, "regularisation.l1"),
    "kl": (RATE, "regularisation.sparsity_cost"),
    "c": (RATE, "regularisation.max_norm"),
}
WORDS = {RATE: "rate", "regularisation.l2": "L2", "regularisation.l1": "L1", "regularisation.sparsity_cost": "cost",
         "regularisation.max_norm": "c", "network.init": "first weights"}  # fmt: skip
SMALL_INIT = {"none_small_init": {"network.init": 0.01}}
ROWS = {  # method -> the arms its trials are made from
    "none": ("none", *SMALL_INIT),
    **{row: (row,) for row in (
        "l2", "l2_l1", "l2_kl", "max_norm", "dropout_l2", "dropout_max_norm", "standard_logistic", "dropout_logistic",
        "dropout_relu", "dropout_maxout", "bernoulli", "gaussian",
    )},
}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """One trial of a row: its arm, the values it sets by their dotted keys, its mean validation error (%)."""

    arm: str
    values: dict[str, float]
    error: float

    def rank(self) -> tuple[float, float]:
        """What the trial to choose has least of: its error and, among equals, its rate."""
        return self.error, self.values[RATE]

    @property
    def words(self) -> str:
        """'rate 0.03, L2 0.0001'."""
        return ", ".join(f"{WORDS[key]} {value:g}" for key, value in self.values.items())

    @property
    def strength(self) -> str:
        """As `words`, without the rate: 'L2 0.0001', or nothing."""
        return ", ".join(f"{WORDS[key]} {value:g}" for key, value in self.values.items() if key != RATE)


def summarise(runs: pd.DataFrame) -> Summary:
    """Every trial's validation error, and which was chosen."""
    errors = final_errors(runs)
    found = errors[errors.measure == "validation_error"].reset_index(drop=True)
    table = error_table(runs, found)
    whole = whole_rows(found, runs.arm.cat.categories)
    return Summary(samples=found, table=table, curves=_curves(found, whole), facts=counts(runs) | _facts(found, whole))


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; the paper has none."""
    return drawings.figures(curves, context)


# --- trials ---


def values_of(arm: str) -> dict[str, float]:
    """What a trial sets, by dotted key, read from its arm's name: 'l2.l2-0.03-1e-05' has rate 0.03 and L2 0.00001."""
    base, _, of_sweep = arm.partition(".")
    sweep, _, label = of_sweep.partition("-")
    numbers = [float(v.replace("~", "-")) for v in label.replace("e-", "e~").split("-")] if label else [BASE_RATE]
    return dict(zip(SWEPT.get(sweep, (RATE,)), numbers, strict=True)) | SMALL_INIT.get(base, {})


def trials(found: pd.DataFrame, row: str) -> list[Trial]:
    """The trials of a row in samples (measure, arm, seed, value)."""
    arms = [arm for arm in found.arm.unique() if row_of(arm) == row]
    return [
        Trial(arm, values_of(arm), mean)
        for arm in arms
        if (mean := mean_of(found, "validation_error", arm)) is not None
    ]


def row_of(arm: str) -> str:
    """The row that an arm is a trial of."""
    base = arm.partition(".")[0]
    return next(row for row, bases in ROWS.items() if base in bases)


def choice(found: pd.DataFrame, row: str, **fixed: float) -> Trial | None:
    """The trial of a row with the lowest mean validation error, of equals the smallest rate; None if there is none.

    Equals with equal rates: the first in the protocol's order, which goes from weak to strong.
    fixed: values that it must have, by the last word of their key, as in max_norm=2.
    """
    free = [t for t in trials(found, row) if all(_last_words(t).get(k) == v for k, v in fixed.items())]
    return min(free, key=Trial.rank, default=None)


def whole_rows(found: pd.DataFrame, planned: Iterable[str]) -> dict[str, int]:
    """The rows all of whose planned arms are in samples, and how many: the best of half of them is not chosen."""
    arms: dict[str, set[str]] = {}
    for arm in planned:
        arms.setdefault(row_of(arm), set()).add(arm)
    return {row: len(arms[row]) for row in ROWS if row in arms and arms[row] <= set(found.arm)}


def _last_words(trial: Trial) -> dict[str, float]:
    return {key.split(".")[-1]: value for key, value in trial.values.items()}


# --- what is shown ---


def _curves(found: pd.DataFrame, whole: dict[str, int]) -> pd.DataFrame:
    """A panel a row, a series a strength, validation error against the rate; one more is the point that was chosen."""
    parts = []
    for row in ROWS:
        series: dict[str, dict[float, pd.Series]] = {}
        for trial in trials(found, row):
            by_seed = values(found, "validation_error", trial.arm)
            series.setdefault(trial.strength or "rates", {})[trial.values[RATE]] = by_seed
        parts += [curve(row, name, pd.DataFrame(points).T.sort_index()) for name, points in series.items()]
        if row in whole:
            best = choice(found, row)
            by_seed = values(found, "validation_error", best.arm)
            series_of_best = drawings.CHOSEN + best.strength
            parts.append(curve(row, series_of_best, pd.DataFrame({best.values[RATE]: by_seed}).T))
    return joined(parts, CURVE_COLUMNS)


def _facts(found: pd.DataFrame, whole: dict[str, int]) -> dict[str, str]:
    """Of each row all of whose trials were run: how many, the one chosen, its error, and that of the next best."""
    facts = {}
    for row, count in whole.items():
        best, *others = sorted(trials(found, row), key=Trial.rank)
        facts |= {f"choice_{row}": best.words, f"trials_{row}": str(count)}
        errors = {f"error_{row}": best.error, f"next_{row}": others[0].error if others else None}
        facts |= written(errors)
    return facts
