"""What the analyses of trained networks share: final errors a seed, their table, and numbers for prose.

All errors are in percent: the share of images that a whole network, without noise, answers wrongly.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, curve, history, joined, run_counts, table_row

QUANTITIES = ("test_error", "validation_error", "train_error")
# An error is a count of images over their number, in single precision: what comes after these decimals is noise,
# and would decide on which side of a half a mean of it falls, not always alike on a page and in its figure.
DECIMALS = 5


def final_errors(runs: pd.DataFrame) -> pd.DataFrame:
    """Rows (measure, arm, seed, value): the errors of every arm after its last update."""
    last = _last(runs[runs.quantity.isin(QUANTITIES)]).rename(columns={"quantity": "measure"})
    errors = last[SAMPLE_COLUMNS].astype({"measure": str, "arm": str, "value": float}).round({"value": DECIMALS})
    errors.attrs.clear()  # pandas would copy them at every step
    return errors


def _last(rows: pd.DataFrame) -> pd.DataFrame:
    """The row of the last step for each arm, quantity and seed; arms in the protocol's order."""
    by_step = rows.sort_values(["arm", "quantity", "seed", "step"], ignore_index=True)
    return by_step.groupby(["arm", "quantity", "seed"], observed=True).tail(1)


def values(found: pd.DataFrame, measure: str, arm: str) -> pd.Series:
    """A measure of an arm by seed; empty if it was not measured."""
    return found[(found.measure == measure) & (found.arm == arm)].set_index("seed").value


def mean_of(found: pd.DataFrame, measure: str, arm: str) -> float | None:
    """The mean over seeds of a measure of an arm; None if it was not measured."""
    by_seed = values(found, measure, arm)
    return float(by_seed.mean()) if len(by_seed) else None


def by_level(errors: pd.DataFrame, measure: str, arms: dict[float, str]) -> pd.DataFrame:
    """A measure as a table [level x seed], from the arm of each level; only levels that were run."""
    table = {level: by_seed for level, arm in arms.items() if len(by_seed := values(errors, measure, arm))}
    return pd.DataFrame(table).T


def error_table(runs: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Every arm's errors after the last update, and how many runs diverged where any did."""
    rows = [
        table_row(arm, f"final_{measure}_percent", mine.set_index("seed").value)
        for (arm, measure), mine in errors.groupby(["arm", "measure"], sort=False)
    ]
    for arm, mine in _diverged(runs).groupby("arm", observed=True, sort=False):
        if mine.value.any():
            rows.append(table_row(arm, "diverged", mine.set_index("seed").value.astype(float)))
    return pd.DataFrame(rows)


def counts(runs: pd.DataFrame) -> dict[str, str]:
    """How many networks were trained, how many of them diverged, and the number of updates."""
    return run_counts(runs) | {"updates": f"{int(runs.step.max()):,}"}


def _diverged(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a network: `value` says whether it diverged."""
    last = _last(runs[runs.quantity == "diverged_at"])
    return last.assign(value=last.value >= 0)


def written(numbers: dict[str, float | None], form: str = ".2f") -> dict[str, str]:
    """Numbers for prose by name, less those that were not measured; a minus is a real one, and none is before zero."""
    texts = {name: format(x, form) for name, x in numbers.items() if x is not None}
    return {name: (text if text.strip("-0.,") else text.lstrip("-")).replace("-", "−") for name, text in texts.items()}


def change_written(value: float, low: float, high: float, form: str) -> str:
    """A difference for prose, with its sign and its interval in brackets."""
    return f"{value:{form}} [{low:{form}}, {high:{form}}]".replace("-", "−")


def error_history(runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    """The test error of an arm over training as a table [step x seed]; empty if it was not run."""
    return history(runs, arm, "test_error").round(DECIMALS)


def error_curves(runs: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """Test errors over training (panel `history`) and after the last update (`final`), a series an arm that was run."""
    tables = {arm: table for arm in arms if len(table := error_history(runs, arm))}
    found = [curve("history", arm, table) for arm, table in tables.items()]
    found += [curve("final", arm, table.iloc[-1:]) for arm, table in tables.items()]
    return joined(found, CURVE_COLUMNS)


def slopes(errors: pd.DataFrame) -> pd.Series:
    """Least-squares slope of errors [x x seed] against x, by seed; seeds that lack a value are left out."""
    whole = errors.dropna(axis=1)
    return pd.Series(np.polyfit(whole.index.to_numpy(float), whole.to_numpy(float), 1)[0], index=whole.columns)
