"""Srivastava et al. 2014, Table 2, row 2: a support vector machine. There is no claim here."""

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.srivastava2014 import svm_drawings as drawings
from dropnorm.analyses.srivastava2014.errors import mean_of, written
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    TABLE_COLUMNS,
    curve,
    final,
    history,
    joined,
    samples,
    table_row,
)

ARM = "svm"
CHOSEN = {"C": "C", "gamma": "gamma", "test_error": "final_test_error_percent", "support_vectors": "support_vectors"}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the machine and its page, from tidy runs."""
    tried = history(runs, ARM, "validation_error")
    lowest = {"lowest_validation_error": tried.min()} if len(tried) else {}
    named = lowest | {q: by_seed for q in CHOSEN if len(by_seed := final(runs, ARM, q))}
    rows = [table_row(ARM, CHOSEN.get(name, f"{name}_percent"), values) for name, values in named.items()]
    found = joined([samples(name, ARM, values) for name, values in named.items()], SAMPLE_COLUMNS)
    return Summary(
        samples=found,
        table=pd.DataFrame(rows, columns=TABLE_COLUMNS),
        curves=_curves(runs, tried),
        facts=_facts(found, tried),
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name."""
    return drawings.figures(curves, context)


def _curves(runs: pd.DataFrame, tried: pd.DataFrame) -> pd.DataFrame:
    """Panel `grid`: validation error against gamma, a series each C."""
    if len(tried) == 0:
        return pd.DataFrame(columns=CURVE_COLUMNS)
    C, gamma = (history(runs, ARM, q).loc[tried.index].iloc[:, 0].round(6) for q in ("C", "gamma"))  # from 32 bits
    grid = tried.set_axis(gamma)
    parts = [curve("grid", f"C = {v:g}", grid[C.eq(v).to_numpy()].sort_index()) for v in C.unique()]
    return joined(parts, CURVE_COLUMNS)


def _facts(found: pd.DataFrame, tried: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose."""
    facts = written({n: mean_of(found, n, ARM) for n in ("test_error", "lowest_validation_error")})
    facts |= written({"support_vectors": mean_of(found, "support_vectors", ARM)}, ",.0f")
    for name in ("C", "gamma"):
        if len(values := found[found.measure == name].value):
            facts[name] = " and ".join(f"{v:g}" for v in sorted(values.round(6).unique()))
    return facts | ({"fits": str(len(tried))} if len(tried) else {})
