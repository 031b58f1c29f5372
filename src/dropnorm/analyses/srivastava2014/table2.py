"""Srivastava et al. 2014, Table 2: errors as dropout, rectified units, the norm limit and size come in.

The claims T2.1 to T2.6 and T2.8 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for. Rows 2 and
10 to 13 are results of their own.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.srivastava2014 import table_drawings
from dropnorm.analyses.srivastava2014.errors import (
    by_level,
    change_written,
    counts,
    error_curves,
    error_history,
    error_table,
    final_errors,
    mean_of,
    slopes,
    values,
    written,
)
from dropnorm.analyses.tidy import SAMPLE_COLUMNS, joined, samples, table_row
from dropnorm.statistics import mean_interval

LABELS = {
    "standard": "1  standard, logistic, 2 × 800",
    "svm": "2  support vector machine",
    "logistic": "–  logistic, 3 × 1024, no dropout",
    "dropout_logistic": "3  dropout, logistic, 3 × 1024",
    "dropout_relu": "4  dropout, ReLU, 3 × 1024",
    "max_norm_3x1024": "5  dropout + max-norm, 3 × 1024",
    "max_norm_3x2048": "6  dropout + max-norm, 3 × 2048",
    "max_norm_2x4096": "7  dropout + max-norm, 2 × 4096",
    "max_norm_2x8192": "8  dropout + max-norm, 2 × 8192",
    "max_norm_3x8192": "–  dropout + max-norm, 3 × 8192",
    "maxout": "9  dropout + max-norm, maxout, 2 × (5 × 240)",
    "dbn": "10 DBN, fine-tuned",
    "dbm": "11 DBM, fine-tuned",
    "dbn_dropout": "12 DBN, fine-tuned with dropout",
    "dbm_dropout": "13 DBM, fine-tuned with dropout",
    "float32": "–  row 5 in float32 throughout",
    "longer": "–  row 5, longer",
    "longer_relu": "–  row 4, longer",
}
WEIGHTS = {  # millions, biases included
    "max_norm_3x1024": 2.91, "max_norm_3x2048": 10.02, "max_norm_2x4096": 20.04, "max_norm_2x8192": 73.63,
}  # fmt: skip
CHANGES = {  # what an arm changes in another one, and which two arms these are
    "float32": ("float32", "max_norm_3x1024"),
    "width": ("max_norm_3x2048", "max_norm_3x1024"),
    "longer": ("longer", "max_norm_3x1024"),
    "longer_relu": ("longer_relu", "dropout_relu"),
    "limit": ("max_norm_3x1024", "dropout_relu"),
    "limit_longer": ("longer", "longer_relu"),
}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the table, its claims and its page, from tidy runs."""
    errors = final_errors(runs)
    lowest = {arm: above_lowest(runs, arm) for arm in LABELS if len(error_history(runs, arm))}
    extra = [samples("above_lowest", arm, by_seed) for arm, by_seed in lowest.items()]
    found = joined([errors, *extra, *_size_samples(errors)], SAMPLE_COLUMNS)
    rows = pd.DataFrame([table_row(arm, "above_the_lowest_on_the_way_percent", v) for arm, v in lowest.items()])
    return Summary(
        samples=found,
        table=pd.concat([error_table(runs, errors), rows], ignore_index=True),
        curves=error_curves(runs, LABELS),
        facts=counts(runs) | _facts(found) | _changes(errors) | _updates(runs),
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; `figure` shows the rows beside the paper's."""
    return table_drawings.figures(curves, reference, context, LABELS, "Table 2")


def above_lowest(runs: pd.DataFrame, arm: str) -> pd.Series:
    """T2.5: test error after the last update minus the lowest that was measured, by seed."""
    errors = error_history(runs, arm)
    return errors.iloc[-1] - errors.min()


def _size_samples(errors: pd.DataFrame) -> list[pd.DataFrame]:
    """T2.4: points of test error for a doubling of the weights, by seed; nothing as long as a size was not run."""
    table = by_level(errors, "test_error", {np.log2(millions): arm for arm, millions in WEIGHTS.items()})
    return [samples("slope_with_size", "all_sizes", slopes(table))] if len(table) == len(WEIGHTS) else []


def _facts(found: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose."""
    test = {f"test_error_{arm}": mean_of(found, "test_error", arm) for arm in LABELS}
    train = {f"train_error_{arm}": mean_of(found, "train_error", arm) for arm in LABELS}
    lowest = {f"above_lowest_{arm}": mean_of(found, "above_lowest", arm) for arm in LABELS}
    return written(test) | written(train | lowest, ".3f")


def _changes(errors: pd.DataFrame) -> dict[str, str]:
    """What float32, twice the width, more updates and the limit change: points with a 95 % interval, seed by seed."""
    facts = {}
    for name, (arm, other) in CHANGES.items():
        change = (values(errors, "test_error", arm) - values(errors, "test_error", other)).dropna()
        if len(change) == 1:
            facts[f"change_{name}"] = f"{change.iloc[0]:+.3f} (one seed)".replace("-", "−")
        elif len(change) > 1:
            facts[f"change_{name}"] = change_written(*mean_interval(change.to_numpy()), "+.3f")
    return facts


def _updates(runs: pd.DataFrame) -> dict[str, str]:
    """How many updates the longer training has."""
    errors = error_history(runs, "longer")
    return {"updates_longer": f"{errors.index[-1]:,}"} if len(errors) else {}
