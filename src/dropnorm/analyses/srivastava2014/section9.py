"""Srivastava et al. 2014, section 9: what can be computed about dropout exactly.

The claims S9.1 to S9.5 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for.
"""

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.measures import Measures, curve_frame, measured, sample_frame, table_frame
from dropnorm.analyses.srivastava2014 import section9_drawings as drawings
from dropnorm.analyses.tidy import final, history
from dropnorm.criteria import by_seed
from dropnorm.powers import scientific

HALF = 0.5  # the p at which all thinned networks weigh the same
TRAJECTORIES = ("trajectories", "trajectories_unconverted")


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the result, its claims and its page, from tidy runs."""
    found = measured([*_of_grids(runs), *_of_sampling(runs), *_of_trajectories(runs)])
    frame = sample_frame(found)
    return Summary(samples=frame, table=table_frame(found), curves=_curves(runs), facts=_facts(runs, frame))


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name."""
    return drawings.figures(curves, reference, context)


def by_p(runs: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """A quantity as a table [p x seed], p ascending; empty if it was not measured."""
    table, p = history(runs, arm, quantity), history(runs, arm, "p")
    if len(table) == 0:
        return table
    # Runs are stored as float32: p = 0.8 comes back as 0.800000012.
    return table.set_axis(p.iloc[:, 0].round(6), axis=0).sort_index()


# --- one value a seed ---


def _of_grids(runs: pd.DataFrame) -> Measures:
    """S9.1 (a), S9.3, S9.4: the worst value over all p."""
    one_layer, norm = (
        by_p(runs, arm, q) for arm, q in (("geometric_mean", "one_layer_difference"), ("penalty", "penalty_norm"))
    )
    return [
        ("identity_error", "identity", _worst(by_p(runs, "identity", "identity_error"))),
        ("solution_error", "identity", _worst(by_p(runs, "identity", "solution_error"))),
        ("least_decrease", "penalty", least_decrease(norm)),
        ("orthogonal_error", "penalty", _worst(by_p(runs, "penalty", "orthogonal_error"))),
        ("half_difference", "geometric_mean", _worst(one_layer[one_layer.index == HALF])),
        ("other_difference", "geometric_mean", _worst(one_layer[one_layer.index != HALF])),
        ("two_layer_difference", "geometric_mean", _worst(by_p(runs, "geometric_mean", "two_layer_difference"))),
    ]


def _of_sampling(runs: pd.DataFrame) -> Measures:
    """S9.1 (b), S9.2: after the last mask or step."""
    to_star, to_ols = (final(runs, "sgd", q) for q in ("average_distance", "average_distance_ols"))
    return [
        ("deviation_in_se", "monte_carlo", final(runs, "monte_carlo", "deviation_in_se").abs()),
        ("relative_deviation", "monte_carlo", final(runs, "monte_carlo", "relative_deviation").abs()),
        ("average_distance", "sgd", to_star),
        ("distance_ratio", "sgd", to_star / to_ols),
        ("iterate_distance", "sgd", final(runs, "sgd", "iterate_distance")),
        ("ols_distance", "sgd", final(runs, "sgd", "ols_distance")),
    ]


def _of_trajectories(runs: pd.DataFrame) -> Measures:
    """S9.5, and the same without converting rate, limit and L2."""
    quantities = (
        "largest_difference", "answer_difference", "share_at_limit", "test_accuracy_paper", "test_accuracy_inverted",
    )  # fmt: skip
    return [(q, arm, final(runs, arm, q)) for arm in TRAJECTORIES for q in quantities]


def least_decrease(norm: pd.DataFrame) -> pd.Series:
    """For each seed the least relative decrease of ||Gamma w~|| [p x seed] from one p to the next smaller one.

    NaN where a value is missing, as it then shows no decrease.
    """
    if len(norm) < 2:
        return pd.Series(dtype=float)
    falls = 1 - norm.shift(1) / norm  # p ascends: the row above has the next smaller p
    return falls.iloc[1:].min(skipna=False)


def _worst(table: pd.DataFrame) -> pd.Series:
    """The largest value of each seed over all p; a NaN is the worst."""
    return table.max(skipna=False) if len(table) else pd.Series(dtype=float)


# --- what is shown ---


def _curves(runs: pd.DataFrame) -> pd.DataFrame:
    found = [
        ("penalty", "shrinkage", by_p(runs, "penalty", "shrinkage")),
        ("geometric_mean", "two_layers", by_p(runs, "geometric_mean", "two_layer_difference")),
        ("geometric_mean", "one_layer", by_p(runs, "geometric_mean", "one_layer_difference")),
        *(("sgd", q, history(runs, "sgd", f"{q}_distance")) for q in ("iterate", "average", "ols")),
        *(("trajectories", arm, history(runs, arm, "difference")) for arm in TRAJECTORIES),
    ]
    return curve_frame(found)


def _facts(runs: pd.DataFrame, found: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose: of an error the largest over the seeds, of anything else the mean."""
    facts = {}
    for measure, arm, form in (
        ("identity_error", "identity", tiny), ("solution_error", "identity", tiny),
        ("orthogonal_error", "penalty", tiny), ("half_difference", "geometric_mean", tiny),
        ("other_difference", "geometric_mean", tiny), ("two_layer_difference", "geometric_mean", "{:.2f}".format),
        ("deviation_in_se", "monte_carlo", "{:.2f}".format), ("relative_deviation", "monte_carlo", _percent),
        ("average_distance", "sgd", _percent), ("iterate_distance", "sgd", _percent),
        ("largest_difference", "trajectories", tiny), ("answer_difference", "trajectories", tiny),
    ):  # fmt: skip
        if len(values := by_seed(found, measure, arm)):
            facts[measure] = form(values.max())
    for measure, arm, form in (
        ("ols_distance", "sgd", _percent), ("least_decrease", "penalty", _percent),
        ("share_at_limit", "trajectories", _percent),
        ("test_accuracy_paper", "trajectories_unconverted", _percent),
        ("test_accuracy_inverted", "trajectories_unconverted", _percent),
    ):  # fmt: skip
        if len(values := by_seed(found, measure, arm)):
            facts[measure] = form(values.mean())
    if len(values := by_seed(found, "largest_difference", "trajectories_unconverted")):
        facts["unconverted_difference"] = f"{values.mean():.1f}"
    return facts | _shrinkages(runs)


def _shrinkages(runs: pd.DataFrame) -> dict[str, str]:
    """||Gamma w~|| as a share of ordinary least squares' at some p, by name: shrinkage_08 is at p = 0.8."""
    table = by_p(runs, "penalty", "shrinkage")
    wanted = [p for p in (0.8, 0.5, 0.1) if p in table.index]
    return {f"shrinkage_0{round(10 * p)}": _percent(table.loc[p].mean()) for p in wanted}


def _percent(share: float) -> str:
    return f"{100 * share:.{2 if share < 0.1 else 0}f} %"


def tiny(value: float) -> str:
    """A tiny number as it is read: '4.4 × 10⁻¹⁶'."""
    return scientific(value) if value > 0 else f"{value:g}"
