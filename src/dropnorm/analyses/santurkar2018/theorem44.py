"""Santurkar et al. 2018, Theorem 4.4: the worst squared gradient of a layer's weights over bounded inputs.

The claims T4.4a to T4.4c are fixed in claims/santurkar2018.yaml; here are the numbers they ask for.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.theorem_drawings import bars, line, setup, told
from dropnorm.analyses.theorems import ARMS, by_factor, of, summary
from dropnorm.analyses.tidy import select

FACTORS = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)  # as in dropnorm.theory.theorem44
LABELS = {"random": "random losses", "network": "units of the network"}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    by_unit = {arm: of(runs, arm, "share_by_factor") for arm in ARMS}
    curves = tuple(by_factor("by_factor", arm, rows, FACTORS) for arm, rows in by_unit.items() if len(rows))
    errors = ("error_identity", "error_bound", "error_maximiser")
    return summary(runs, errors, ("holds_printed", "holds_repaired"), more_curves=curves, more_facts=_facts(curves))


def _facts(curves: tuple[pd.DataFrame, ...]) -> dict[str, str]:
    """In which share the printed form holds for the loss in its own unit, a thousandth and a thousand times it."""
    names = {1e-3: "thousandth", 1.0: "one", 1e3: "thousand"}
    return {
        f"printed_{curve.series.iloc[0]}_{name}": f"{100 * curve.set_index('x').value[factor]:.1f} %"
        for curve in curves
        for factor, name in names.items()
    }


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: when the printed form holds."""
    caption = (
        "Left: share of cases in which Theorem 4.4 holds as printed, when the loss is multiplied by a constant, which "
        "should change nothing. Right: the same when only the dimensions of its first term are mended. Mean of the "
        f"seeds, from the lowest to the highest. {setup(context, curves)}"
    )
    lines = [
        f"{LABELS[arm]} " + ", ".join(f"{100 * v:.0f} % at {x:g}" for x, v in zip(mine.x, mine.value, strict=True))
        for arm in ARMS
        for mine in [select(curves, "by_factor", arm)]
    ]
    alt = (
        f"Share that holds against the factor: {'; '.join(lines)}. First term mended: {told(curves, 'holds_repaired')}."
    )
    return {"figure": Drawing(partial(_draw, curves), caption, alt)}


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 2.9), sharey=True)
    percent = curves.assign(**{end: 100 * curves[end] for end in ("value", "low", "high")})
    for arm in ARMS:
        line(left, percent, "by_factor", arm, arm, LABELS[arm])
    left.set_xscale("log")
    left.set_xlabel("factor on the loss")
    left.set_ylabel("share of cases (%)")
    left.set_title("as printed")
    left.legend(fontsize="small")
    bars(right, curves, "holds_repaired")
    right.set_title("first term mended")
    return figure
