"""Santurkar et al. 2018, Theorem 4.2: the curvature along the gradient with and without batch norm.

The claims T4.2a to T4.2c are fixed in claims/santurkar2018.yaml; here are the numbers they ask for.
"""

from dataclasses import replace
from functools import partial

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.theorem_drawings import setup, share_panels, told
from dropnorm.analyses.theorems import means, shares, summary

PANELS = {
    "holds_positive": "inner product > 0",
    "holds_second_line": "second line holds",
    "holds_smoother": "smaller Hessian term",
}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    found = summary(runs, ("error_equality",), tuple(PANELS), ("mean_gain",))
    return replace(found, facts=found.facts | _facts_by_time(runs[runs.arm == "network"]))


def _facts_by_time(network: pd.DataFrame) -> dict[str, str]:
    """The network before its first step, and later: shares of all units, and the mean factor gamma / sigma by layer."""
    facts = {}
    for when, mine in (("first", network[network.step == 0]), ("later", network[network.step > 0])):
        if len(mine):
            facts |= {f"{what}_{when}": f"{100 * shares(mine, 'network', what)['all'].mean():.1f} %" for what in PANELS}
            gains = means(mine, "network", "mean_gain").drop(columns="all").mean()
            facts |= {f"mean_gain_{when}_{layer}": f"{gain:.3g}" for layer, gain in gains.items()}
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: in which share of the cases each statement holds."""
    caption = (
        "Share of cases in which ⟨g, ŷ⟩ is positive, in which the second line of Theorem 4.2 holds, and in which "
        "vᵀĤv is smaller than gᵀHg (T4.2c). Circles: random losses of four kinds; "
        "squares: the hidden layers of the network while it trains. Mean of the seeds, line from the lowest to the "
        f"highest. {setup(context, curves)}"
    )
    alt = "Three panels of shares. " + ". ".join(f"{title}: {told(curves, p)}" for p, title in PANELS.items()) + "."
    return {"figure": Drawing(partial(share_panels, curves, PANELS), caption, alt)}
