"""Srivastava et al. 2014, Figure 11: the averaged answer of k thinned networks, and weight scaling.

The claims F11.1 to F11.4 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for. Errors in percent.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.measures import measured, sample_frame, table_frame
from dropnorm.analyses.srivastava2014 import figure11_drawings as drawings
from dropnorm.analyses.srivastava2014.errors import DECIMALS, mean_of, written
from dropnorm.analyses.srivastava2014.figure11_drawings import TREND_AT
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    curve,
    final,
    joined,
    unit_history,
)

ARM = "dropout_max_norm"  # the network of Table 9's last row
MANY = 100  # F11.3: k from here on
TOLERANCE = 0.005  # F11.2: points above the weight-scaled network
ROUNDING = 1e-5  # errors are stored in 32 bits
MEANS = ("arithmetic", "geometric")
FORMS = {
    "trend_with_k": ".2f", "networks_to_match": ".0f", "excess_of_many": ".3f", "excess_in_sd": ".2f",
    "excess_of_one": ".2f", "never_matches": ".0f",
}  # fmt: skip


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    scaled = final(runs, ARM, "test_error")
    tables = {mean: averaged(runs, mean) for mean in MEANS}
    of_means = {mean: measures(*table, scaled) for mean, table in tables.items() if table is not None}
    named = [
        (name if mean == "arithmetic" else f"{mean}_{name}", ARM, by_seed)
        for mean, found in of_means.items()
        for name, by_seed in found.items()
    ]
    found = measured([*named, ("weight_scaled_error_percent", ARM, scaled)])
    frame = sample_frame(found)
    return Summary(samples=frame, table=table_frame(found), curves=_curves(tables, scaled), facts=_facts(frame))


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; `figure` is the one that stands beside the paper's."""
    return drawings.figures(curves, reference, context)


def averaged(runs: pd.DataFrame, mean: str) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Error of the mean answer of k networks: its mean, and its standard deviation, over the repeats, each [k x seed].

    None if no networks were averaged.
    """
    mine = runs[(runs.arm == ARM) & (runs.quantity == f"{mean}_error")]
    if len(mine) == 0:
        return None
    by_repeat = unit_history(runs, ARM, f"{mean}_error")  # [k, seed, repeat]
    index, columns = np.sort(mine.step.unique()), np.sort(mine.seed.unique())
    several = by_repeat.shape[2] > 1
    sd = by_repeat.std(axis=2, ddof=1) if several else np.full(by_repeat.shape[:2], np.nan)
    return pd.DataFrame(by_repeat.mean(axis=2), index, columns), pd.DataFrame(sd, index, columns)


# --- one value a seed, for the claims ---


def measures(errors: pd.DataFrame, sd: pd.DataFrame, scaled: pd.Series) -> dict[str, pd.Series]:
    """By name, one value a seed. errors, sd: [k x seed]; scaled: error of the weight-scaled network, by seed."""
    excess = errors - scaled
    found = {"networks_to_match": excess.apply(networks_to_match)}
    found["never_matches"] = (excess.min() > TOLERANCE + ROUNDING).astype(float)
    at = [k for k in TREND_AT if k in errors.index]
    if len(at) > 2:
        ranked = errors.loc[at].round(DECIMALS)  # equal counts of wrong answers make a tie
        found["trend_with_k"] = -ranked.corrwith(pd.Series(at, index=at, dtype=float), method="spearman")
    if 1 in excess.index:
        found["excess_of_one"] = excess.loc[1]
    if len(many := excess[excess.index >= MANY]):
        found["excess_of_many"] = many.mean()
        found["excess_in_sd"] = many.mean().abs() / sd[sd.index >= MANY].mean()
    return found


def networks_to_match(excess: pd.Series) -> float:
    """The smallest k at which the error is at most TOLERANCE above the weight-scaled one; if at none, the largest k."""
    matches = excess.index[excess <= TOLERANCE + ROUNDING]
    return float(matches[0] if len(matches) else excess.index[-1])


# --- what is shown ---


def _curves(tables: dict, scaled: pd.Series) -> pd.DataFrame:
    found = []
    for mean, table in tables.items():
        if table is not None:
            errors, sd = table[0], table[1].fillna(0)
            # As in the paper: the spread of a single network's repeats, not that of networks.
            spread = {"low": (errors - sd).mean(axis=1), "high": (errors + sd).mean(axis=1)}
            found.append(curve("error", mean, errors).assign(**{k: v.to_numpy() for k, v in spread.items()}))
            found.append(curve("excess", mean, errors - scaled))
    if found:
        found.append(curve("error", "weight_scaled", scaled.to_frame(0).T))
    return joined(found, CURVE_COLUMNS)


def _facts(found: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose: means over the networks."""
    facts = written({"weight_scaled_error": mean_of(found, "weight_scaled_error_percent", ARM)})
    for measure, form in FORMS.items():
        for name in (measure, f"geometric_{measure}"):
            facts |= written({name: mean_of(found, name, ARM)}, form)
    for name in ("never_matches", "geometric_never_matches"):  # a count, not a share
        if len(values := found[found.measure == name].value):
            facts[name] = f"{int(values.sum())} of {len(values)}"
    if len(values := found[found.measure == "networks_to_match"].value):
        facts["each_networks_to_match"] = ", ".join(f"{k:.0f}" for k in sorted(values))
    return facts
