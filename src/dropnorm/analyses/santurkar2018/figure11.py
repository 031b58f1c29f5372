"""Santurkar et al. 2018, Figure 11: the gradient's change against the length of the step, in VGG (S11.1, S11.2).

The deep linear network is in `linear` and `linear_panels`.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.santurkar2018 import linear, linear_panels
from dropnorm.analyses.santurkar2018 import vgg_drawings as drawings
from dropnorm.analyses.santurkar2018.vgg import LABELS, MULTIPLES, PAPER_GRID, Collected, by_length, present, together
from dropnorm.analyses.tidy import curve, drawn, select

ARMS = ["standard", "batchnorm"]
QUANTITY = "landscape_gradient_difference"
HALF, RATE, LONGEST = (MULTIPLES.index(m) for m in (0.5, 1, 4))
DRAWN = 40  # curves of single steps, at most
PAPER_RATE = 0.1  # the paper's curves are over eta, ours over multiples of the rate


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    found, curves = Collected(), []
    for arm in present(runs, ARMS):
        tables = by_length(runs, arm, QUANTITY)
        if not tables:
            continue
        found.add("growth_of_difference", arm, (tables[LONGEST] / tables[HALF]).median())
        found.add("difference_at_half", arm, tables[HALF].median())
        found.add("difference_at_rate", arm, tables[RATE].median())
        found.add("difference_at_longest", arm, tables[LONGEST].median(), shown_only=True)
        medians = pd.DataFrame({MULTIPLES[unit]: tables[unit].median() for unit in PAPER_GRID}).T
        curves.append(curve("vgg", arm, medians))
        curves += _single_steps(arm, tables)
    facts = found.facts({"growth_of_difference": ".2f", "difference_at_half": ".2f", "difference_at_rate": ".2f",
                         "difference_at_longest": ".2f"})  # fmt: skip
    return together(found.summary(curves, facts), linear.figure11(runs))


def _single_steps(arm: str, tables: dict[int, pd.DataFrame]) -> list[pd.DataFrame]:
    """One curve a training step of the first seed, evenly chosen: panel 'vgg_steps/ARM', series the step."""
    first = pd.DataFrame({MULTIPLES[unit]: tables[unit].iloc[:, 0] for unit in PAPER_GRID})
    chosen = first.iloc[:: max(len(first) // DRAWN, 1)]
    return [curve(f"vgg_steps/{arm}", str(step), row.to_frame()) for step, row in chosen.iterrows()]


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """`figure`: the VGG half of the paper's figure; `linear`: the other half."""
    reference = context.comparable(reference)
    found = linear_panels.change(curves, reference, context)
    arms = drawn(curves, "vgg", ARMS)
    if not arms:
        return found
    setup = drawings.setup(context, drawings.seeds_of(curves, "vgg"))
    caption = (
        "Change of the gradient against the step along it, in multiples of the rate. Thin: single training steps of "
        f"the first seed; thick: median over all steps, {drawings.SEEDS_BAND}; grey and dotted: the medians of the "
        f"paper's curves (a net of full width). {setup}"
    )
    told = "; ".join(
        f"{LABELS[arm]} "
        + ", ".join(f"{row.value:.2f} at {row.x:g}" for row in select(curves, "vgg", arm).itertuples())
        for arm in arms
    )
    alt = f"Two panels of curves over the step's length. Medians at multiples of the rate: {told}."
    return {"figure": Drawing(partial(_draw, curves, reference, arms), caption, alt)} | found


def _draw(curves: pd.DataFrame, reference: pd.DataFrame | None, arms: list[str]) -> Figure:
    figure, axes = plt.subplots(1, len(arms), figsize=(4.3 * len(arms), 3.3), sharey=True, squeeze=False)
    for ax, arm in zip(axes[0], arms, strict=True):
        drawings.single_steps_panel(ax, curves, "vgg", f"vgg_steps/{arm}", arm, drawings.style_of(arm))
        drawings.paper_medians(ax, reference, "fig11a", drawings.IN_PAPER[arm], PAPER_RATE)
        ax.set(title=LABELS[arm], xlabel="step length (times the rate)")
    axes[0][0].set_ylabel("change of the gradient")
    return figure
