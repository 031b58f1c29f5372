"""Santurkar et al. 2018, Theorem 4.1: the gradient's length with and without batch norm.

The claims T4.1a to T4.1c are fixed in claims/santurkar2018.yaml; here are the numbers they ask for. What eps does to
the theorem (T4.1d of the registry) is reported, not judged.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.theorem_drawings import line, setup, told
from dropnorm.analyses.theorems import by_factor, of, summary
from dropnorm.analyses.tidy import select
from dropnorm.plotting import colour

SIGMAS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)  # as in dropnorm.theory.theorem41
FORMS = {"right": "with 1/m", "printed": "with 1/√m, as printed", "equal_weights": "with 1/m, at equal weights"}
STYLES = {"right": ("batchnorm", "-"), "printed": ("baseline", "--"), "equal_weights": ("paper", ":")}
EDGES = np.linspace(-1.525, 1.525, 62)  # of log10(right side / left side); a ratio of one is in the middle of a bin


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    deviation = of(runs, "random", "deviation")
    curves = [_histogram(of(runs, "random", f"shown_{form}"), form) for form in FORMS]
    if len(deviation):
        curves.append(by_factor("deviation", "random", deviation, SIGMAS))
    facts = _deviation_facts(curves[-1]) if len(deviation) else {}
    holds = ("holds_printed", "holds_equal_weights")
    return summary(runs, ("error_equality",), holds, more_curves=tuple(curves), more_facts=facts)


def _histogram(shown: pd.DataFrame, form: str) -> pd.DataFrame:
    """Share of the random cases in each bin of log10(right / left); a right side below 0 counts in the lowest bin."""
    logs = np.log10(shown.value.clip(lower=10.0 ** EDGES[0]).astype(float)).clip(EDGES[0], EDGES[-1] - 1e-9)
    value = np.histogram(logs.dropna(), EDGES)[0] / max(len(logs.dropna()), 1)
    middles = (EDGES[1:] + EDGES[:-1]) / 2
    n = shown.seed.nunique()
    return pd.DataFrame(
        {"panel": "ratio", "series": form, "x": middles, "value": value, "low": value, "high": value, "n": n}
    )


def _deviation_facts(curve: pd.DataFrame) -> dict[str, str]:
    names = {0.01: "hundredth", 0.1: "tenth", 1.0: "one"}
    at = curve.set_index("x").value
    return {f"deviation_sigma_{name}": f"{100 * at[sigma]:.2g} %" for sigma, name in names.items()}


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: how far the right side is from the left one, and what eps does."""
    caption = (
        "Left: right side of Theorem 4.1 over its left side, for random losses; below one the inequality fails; "
        "the bin at one reaches from 0.94 to 1.06, and the outermost bins hold all that lies beyond them, the lowest "
        "also right sides below zero. "
        "Right: what remains of the equality with ε = 1e-5 in the layer: relative deviation against the deviation σ "
        f"of the unit (median of the cases, mean of the seeds, band from the lowest to the highest). "
        f"{setup(context, curves)}"
    )
    spread = select(curves, "deviation", "random")
    alt = (
        "Histogram of the ratio of both sides. Share of cases in which the inequality holds: as printed "
        f"{told(curves, 'holds_printed')}; at equal weights {told(curves, 'holds_equal_weights')}. Deviation by ε: "
        + ", ".join(f"{100 * v:.2g} % at σ = {x:g}" for x, v in zip(spread.x, spread.value, strict=True))
    )
    return {"figure": Drawing(partial(_draw, curves), caption, alt + ".")}


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.0))
    for form, label in FORMS.items():
        mine, (series, style) = select(curves, "ratio", form), STYLES[form]
        left.step(10**mine.x, 100 * mine.value, style, where="mid", color=colour(series), label=label)
    left.set_xscale("log")
    left.set_ylim(0, 30)
    left.set_xlabel("right side / left side")
    left.set_ylabel("share of cases (%), cut at 30")
    left.legend(fontsize="x-small", loc="upper right")
    line(right, curves, "deviation", "random", "random", "ε = 1e-5")
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel("σ of the unit")
    right.set_ylabel("relative deviation")
    right.legend(fontsize="small")
    return figure
