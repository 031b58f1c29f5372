"""Santurkar et al. 2018, Theorem 4.2: the curvature along the gradient with and without batch norm.

The claims T4.2a to T4.2c are fixed in claims/santurkar2018.yaml; here are the numbers they ask for.
"""

from functools import partial

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.theorem_drawings import setup, share_panels, told
from dropnorm.analyses.theorems import summary

PANELS = {
    "holds_positive": "inner product > 0",
    "holds_second_line": "second line holds",
    "holds_smoother": "less curvature",
}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    return summary(runs, ("error_equality",), tuple(PANELS), ("mean_gain",))


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: in which share of the cases each statement holds."""
    caption = (
        "Share of cases in which ⟨g, ŷ⟩ is positive, in which the second line of Theorem 4.2 holds, and in which the "
        "curvature along the gradient is smaller with batch normalization. Circles: random losses of four kinds; "
        "squares: the hidden layers of the network while it trains. Mean of the seeds, line from the lowest to the "
        f"highest. {setup(context, curves)}"
    )
    alt = "Three panels of shares. " + ". ".join(f"{title}: {told(curves, p)}" for p, title in PANELS.items()) + "."
    return {"figure": Drawing(partial(share_panels, curves, PANELS), caption, alt)}
