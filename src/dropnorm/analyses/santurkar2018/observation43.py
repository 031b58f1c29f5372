"""Santurkar et al. 2018, Observation 4.3: a batch-normalised layer can be the plain one.

Claim T4.3 is fixed in claims/santurkar2018.yaml; here are the numbers it asks for.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.theorem_drawings import bars, line, setup, told
from dropnorm.analyses.theorems import of, summary
from dropnorm.analyses.tidy import curve
from dropnorm.plotting import step_axis

REMOVED = "mean_removed"


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claim, the figure and the page."""
    removed = of(runs, "network", REMOVED)
    over_time = removed.pivot_table("value", "step", "seed", "mean").astype(float)
    curves = (curve("over_time", "network", 100 * over_time),) if len(over_time) else ()
    found = summary(runs, ("error_same", "error_excess"), (), (REMOVED,), curves)
    shown = {name: f"{100 * float(v):.1f} %" for name, v in found.facts.items() if name.startswith(REMOVED)}
    return Summary(found.samples, found.table, found.curves, found.facts | shown)


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: which share of the squared gradient batch norm removes where both networks are the same."""
    caption = (
        "Share of the squared gradient at a layer's outputs that batch normalization removes with γ = σ and β = μ, "
        "where both networks compute the same. Left: by kind of random loss (circles) and hidden layer (squares); "
        "right: over training, mean of the network's layers. Mean of the seeds, lowest to highest. "
        f"{setup(context, curves)}"
    )
    alt = f"Two panels. Share of the squared gradient removed: {told(curves, REMOVED)}; on the right over training."
    return {"figure": Drawing(partial(_draw, curves, context), caption, alt)}


def _draw(curves: pd.DataFrame, context: Context) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.9), sharey=True)
    bars(left, curves, REMOVED)
    left.set_ylabel("removed (%)")
    line(right, curves, "over_time", "network", "network", "mean of the layers")
    step_axis(right, context.settings["network"]["steps"])
    right.legend()
    return figure
