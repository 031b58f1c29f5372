"""Santurkar et al. 2018, Lemma 4.5: the distance from the first weights to an optimum of the batch-normalised network.

The claims T4.5a to T4.5c are fixed in claims/santurkar2018.yaml; here are the numbers they ask for.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.theorem_drawings import bars, changes_by_factor, setup, told
from dropnorm.analyses.theorems import ARMS, by_factor, of, summary
from dropnorm.analyses.tidy import select

FACTORS = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)  # as in dropnorm.theory.lemma45
NEARER = "mean_nearer_percent"
IN_CLAIMS = {"error_tenth": "deviation_tenth", "error_hundredth": "deviation_hundredth"}
LABELS = {"random": "random outputs", "network": "units of the network"}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    by_unit = {arm: of(runs, arm, "share_by_factor") for arm in ARMS}
    curves = tuple(by_factor("by_factor", arm, rows, FACTORS) for arm, rows in by_unit.items() if len(rows))
    errors = ("error_identity", "error_rows", "error_scale", *IN_CLAIMS)
    found = summary(runs, errors, (), (NEARER,), curves)
    return Summary(found.samples.replace({"measure": IN_CLAIMS}), found.table, found.curves, found.facts)


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: how far eps breaks the invariance, and what a factor a unit gains."""
    caption = (
        "Left: largest change of a unit's batch-normalized output (ε = 1e-5, σ = 1 before scaling; mean of the cases) "
        "when its weights are multiplied by a constant; factor 1 changes nothing, and both lines agree. Right: by how "
        "many percent the nearest scaled optimum is nearer with one factor a unit than with one for all. "
        f"Lowest to highest seed. {setup(context, curves)}"
    )
    mine = select(curves, "by_factor", "random")
    changes = ", ".join(f"{v:.2g} at {x:g}" for x, v in zip(mine.x, mine.value, strict=True))
    alt = f"Largest change against the factor: {changes}. Nearer by percent: {told(curves, NEARER, percent=False)}."
    return {"figure": Drawing(partial(_draw, curves), caption, alt)}


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 2.9), width_ratios=[1.6, 1])
    changes_by_factor(left, curves, LABELS)
    bars(right, curves, NEARER, percent=False)
    right.set_ylabel("nearer (%)")
    right.set_ylim(bottom=0)
    return figure
