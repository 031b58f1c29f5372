"""Srivastava et al. 2014, Table 2, rows 10 to 13: pretrained networks, fine-tuned without and with dropout.

The claim T2.7 is fixed in claims/srivastava2014.yaml; here are the numbers it asks for. Errors are in percent.
"""

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.measures import (
    Measures,
    curve_frame,
    facts_of,
    measured,
    sample_frame,
    table_frame,
)
from dropnorm.analyses.srivastava2014 import pretraining_drawings as drawings
from dropnorm.analyses.srivastava2014.errors import error_history, final_errors, values
from dropnorm.analyses.srivastava2014.pretraining_drawings import ARMS
from dropnorm.analyses.tidy import has_diverged, run_counts

FORMS = {"test_error": ".2f", "train_error": ".2f"}
SHARED = "dbn_dropout"  # the arm under which what is computed from several arms is filed


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the result, its claim and its page, from tidy runs."""
    errors = final_errors(runs)
    found = measured([entry for arm in ARMS for entry in _measures(runs, errors, arm)])
    found += _gains(found)
    return Summary(
        samples=sample_frame(found),
        table=table_frame(found),
        curves=_curves(runs, found),
        facts=_facts(found) | run_counts(runs),
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name."""
    return drawings.figures(curves, reference, context)


def _measures(runs: pd.DataFrame, errors: pd.DataFrame, arm: str) -> Measures:
    found = [(measure, arm, values(errors, measure, arm)) for measure in FORMS]
    return [*found, ("diverged", arm, has_diverged(runs, arm))]


def _gains(found: Measures) -> Measures:
    """What pretraining gains over random first weights, both with dropout, at either rate; small minus large.

    Only seeds that all four arms have count.
    """
    errors = {arm: by_seed for measure, arm, by_seed in found if measure == "test_error"}
    four = ("random_dropout", "dbn_dropout", "random_dropout_large", "dbn_dropout_large")
    if not all(arm in errors for arm in four):
        return []
    table = pd.concat([errors[arm] for arm in four], axis=1, join="inner", keys=four)
    small = table["random_dropout"] - table["dbn_dropout"]
    large = table["random_dropout_large"] - table["dbn_dropout_large"]
    return [(m, SHARED, v) for m, v in (("gain_small", small), ("gain_large", large), ("interaction", small - large))]


def _curves(runs: pd.DataFrame, found: Measures) -> pd.DataFrame:
    tables = [("course", arm, error_history(runs, arm)) for arm in ARMS]
    for measure, arm, by_seed in found:
        if measure == "test_error":
            tables.append(("errors", arm, pd.DataFrame([by_seed.to_numpy()], [float(list(ARMS).index(arm))])))
    return curve_frame(tables)


def _facts(found: Measures) -> dict[str, str]:
    facts = facts_of(found, FORMS, {arm: arm for arm in ARMS})
    by_seed = {(measure, arm): v for measure, arm, v in found}
    for measure in ("gain_small", "gain_large"):
        if (measure, SHARED) in by_seed:
            facts[measure] = f"{by_seed[measure, SHARED].mean():.2f}"
    for model in ("dbn", "dbm"):
        if all(("test_error", arm) in by_seed for arm in (model, f"{model}_dropout")):
            lost = (by_seed["test_error", model] - by_seed["test_error", f"{model}_dropout"]).mean()
            facts[f"dropout_gain_{model}"] = f"{lost:.2f}"
    return facts
