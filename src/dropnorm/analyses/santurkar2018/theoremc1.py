"""Santurkar et al. 2018, Theorem C.1: the worst curvature along the gradient of a layer's weights over bounded inputs.

Claim C.1 is fixed in claims/santurkar2018.yaml; here are the numbers it asks for.
"""

from functools import partial

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.theorem_drawings import setup, share_panels, told
from dropnorm.analyses.theorems import summary

PANELS = {
    "holds_condition": "condition of 4.2 met",
    "holds_bound": "C.1 holds where it is met",
    "holds_everywhere": "C.1 holds, all cases",
}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claim, the figure and the page."""
    return summary(runs, ("error_gap",), (*PANELS, "holds_at_v_and_g"))


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: in which share of the cases the theorem holds."""
    caption = (
        "Share of cases that meet the condition which Theorem C.1 takes from Theorem 4.2; share of these in which C.1 "
        "holds; share of all cases in which it does. Circles: random losses of four kinds; squares: the hidden layers "
        f"of the network while it trains. Mean of the seeds, line from lowest to highest. {setup(context, curves)}"
    )
    alt = "Three panels of shares. " + ". ".join(f"{title}: {told(curves, p)}" for p, title in PANELS.items()) + "."
    return {"figure": Drawing(partial(share_panels, curves, PANELS), caption, alt)}
