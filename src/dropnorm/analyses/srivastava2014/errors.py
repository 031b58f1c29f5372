"""What the analyses of trained networks share: final errors a seed, their table, and numbers for prose.

All errors are in percent: the share of images that a whole network, without noise, answers wrongly.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from dropnorm.analyses.tidy import CURVE_COLUMNS, curve, final, history, joined, samples, table_row

QUANTITIES = ("test_error", "validation_error", "train_error")


def final_samples(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """The errors of every arm after its last update, one value a seed."""
    found = [(q, arm, final(runs, arm, q)) for arm in runs.arm.unique() for q in QUANTITIES]
    return [samples(q, arm, values) for q, arm, values in found if len(values)]


def error_table(runs: pd.DataFrame) -> pd.DataFrame:
    """Every arm's errors after the last update, and how many runs diverged where any did."""
    rows = []
    for arm in runs.arm.unique():
        for quantity in QUANTITIES:
            if len(values := final(runs, arm, quantity)):
                rows.append(table_row(arm, f"final_{quantity}_percent", values))
        if (diverged := final(runs, arm, "diverged_at") >= 0).any():
            rows.append(table_row(arm, "diverged", diverged.astype(float)))
    return pd.DataFrame(rows)


def error_curves(runs: pd.DataFrame, arms: Iterable[str]) -> pd.DataFrame:
    """Test errors over training (panel `history`) and after the last update (`final`), a series an arm that was run."""
    tables = {arm: table for arm in arms if len(table := history(runs, arm, "test_error"))}
    found = [curve("history", arm, table) for arm, table in tables.items()]
    found += [curve("final", arm, table.iloc[-1:]) for arm, table in tables.items()]
    return joined(found, CURVE_COLUMNS)


def slopes(errors: pd.DataFrame) -> pd.Series:
    """Least-squares slope of errors [x x seed] against x, by seed; seeds that lack a value are left out."""
    whole = errors.dropna(axis=1)
    return pd.Series(np.polyfit(whole.index.to_numpy(float), whole.to_numpy(float), 1)[0], index=whole.columns)


def counts(runs: pd.DataFrame) -> dict[str, str]:
    """How many networks were trained, how many of them diverged, and the number of updates."""
    diverged = runs[runs.quantity == "diverged_at"]
    return {
        "runs": f"{len(diverged):,}",
        "runs_diverged": str(int((diverged.value >= 0).sum())),
        "updates": f"{int(runs.step.max()):,}",
    }


def mean_of(found: pd.DataFrame, measure: str, arm: str) -> float | None:
    """The mean over seeds of a measure of an arm; None if it was not measured."""
    values = found[(found.measure == measure) & (found.arm == arm)].value
    return float(values.mean()) if len(values) else None


def written(numbers: dict[str, float | None], form: str = ".2f") -> dict[str, str]:
    """Numbers for prose by name, less those that were not measured; a minus is a real one."""
    return {name: format(x, form).replace("-", "−") for name, x in numbers.items() if x is not None}
