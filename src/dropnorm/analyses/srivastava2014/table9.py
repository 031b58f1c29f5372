"""Srivastava et al. 2014, Table 9: one network under different regularisers.

The claims T9.1 to T9.6 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for.
"""

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.srivastava2014 import table_drawings
from dropnorm.analyses.srivastava2014.errors import (
    by_level,
    counts,
    error_curves,
    error_table,
    final_errors,
    mean_of,
    written,
)
from dropnorm.analyses.tidy import SAMPLE_COLUMNS, joined, samples

ROWS = ("l2", "l2_l1", "l2_kl", "max_norm", "dropout_l2", "dropout_max_norm")  # the table's, from worst to best
LABELS = {
    "none": "none (not in the table)",
    "l2": "L2",
    "l2_l1": "L2 + L1 towards the end",
    "l2_kl": "L2 + KL-sparsity",
    "max_norm": "max-norm",
    "dropout_l2": "dropout + L2",
    "dropout_max_norm": "dropout + max-norm",
}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the table, its claims and its page, from tidy runs."""
    errors = final_errors(runs)
    found = joined([errors, *_rank_samples(errors)], SAMPLE_COLUMNS)
    return Summary(
        samples=found,
        table=error_table(runs, errors),
        curves=error_curves(runs, LABELS),
        facts=counts(runs) | _facts(found),
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; `figure` shows the rows beside the paper's."""
    return table_drawings.figures(curves, reference, context, LABELS, "Table 9")


def rank_correlation(errors: pd.DataFrame) -> pd.Series:
    """Spearman's rank correlation of errors [row x seed], rows as in ROWS, with the table's, by seed."""
    place = pd.Series(range(len(ROWS), 0, -1), index=ROWS, dtype=float)  # ranks of the paper's errors
    return errors.loc[list(ROWS)].corrwith(place, method="spearman")


def _rank_samples(errors: pd.DataFrame) -> list[pd.DataFrame]:
    """T9.5: of each seed's errors, and of the means; nothing as long as a row was not run."""
    whole = by_level(errors, "test_error", {arm: arm for arm in ROWS}).dropna(axis=1)
    if len(whole) < len(ROWS) or whole.shape[1] == 0:
        return []
    of_means = rank_correlation(whole.mean(axis=1).to_frame("mean")).iloc[0]
    return [
        samples("rank_correlation", "all_rows", rank_correlation(whole)),
        samples("rank_correlation_of_means", "all_rows", pd.Series(of_means, index=whole.columns)),
    ]


def _facts(found: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose."""
    test = {f"test_error_{arm}": mean_of(found, "test_error", arm) for arm in LABELS}
    train = {f"train_error_{arm}": mean_of(found, "train_error", arm) for arm in LABELS}
    ranks = {m: mean_of(found, m, "all_rows") for m in ("rank_correlation", "rank_correlation_of_means")}
    measured = {arm: test[f"test_error_{arm}"] for arm in ROWS if test[f"test_error_{arm}"] is not None}
    order = [LABELS[arm] for arm in sorted(measured, key=measured.get)]
    facts = written(test) | written(train, ".3f") | written(ranks) | {"order": ", ".join(order)}
    return facts | _facts_of_swaps(measured)


def _facts_of_swaps(means: dict[str, float]) -> dict[str, str]:
    """How much T9.5 hangs on its closest rows: their distance, and the correlation if they changed places."""
    if len(means) < len(ROWS):
        return {}
    order = sorted(means, key=means.get)
    neighbours = sorted(zip(order, order[1:], strict=False), key=lambda pair: means[pair[1]] - means[pair[0]])
    said = []
    for a, b in neighbours[:2]:
        swapped = pd.Series(means | {a: means[b], b: means[a]}).to_frame("mean")
        said.append(f"{LABELS[a]} and {LABELS[b]} ({means[b] - means[a]:.3f}; {rank_correlation(swapped).iloc[0]:.2f})")
    return {"closest_rows": " and ".join(said)}
