"""Ioffe & Szegedy 2015, section 2: normalisation that the gradient takes for constant.

The claim I2.18 is fixed in claims/ioffe2015.yaml; here are the numbers it asks for. Accuracies in percent.
"""

from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import legend
from dropnorm.analyses.tables import points_in_words
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    fact_name,
    final,
    history,
    joined,
    samples,
    select,
    table_row,
)
from dropnorm.plotting import series_band

RATES = (0.01, 0.1, 0.3, 1.0, 3.0)
NETS = {"whole": "whole gradient", "constant": "mean and variance taken for constant"}
MEAN_ONLY = ("whole_mean", "constant_mean")
TRAINS, CHANCE = 90.0, 20.0  # percent: above, a net has been trained; below, it is blown up
FOLLOWED = ("largest_bias", "largest_weight", "loss")


def arm_of(net: str, rate: float) -> str:
    """The arm of a net at a rate; 0.1 is the net's own."""
    return net if rate == 0.1 else f"{net}.lr-{rate}"


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claim, the figure and the page."""
    arms = [a for a in (*(arm_of(n, r) for n in NETS for r in RATES), *MEAN_ONLY) if a in set(runs.arm)]
    accuracy = {arm: 100 * final(runs, arm, "test_accuracy") for arm in arms}
    rate = judged_rate(accuracy)
    rows = [
        row
        for arm in arms
        for row in (
            table_row(arm, "test_accuracy_percent", accuracy[arm]),
            table_row(arm, "largest bias", final(runs, arm, "largest_bias")),
        )
    ]
    return Summary(
        samples=joined(_samples(runs, accuracy, rate), SAMPLE_COLUMNS),
        table=pd.DataFrame(rows),
        curves=joined([*_over_rates(accuracy), *_over_steps(runs, rate)], CURVE_COLUMNS),
        facts=_facts(runs, accuracy, rate),
    )


def judged_rate(accuracy: dict[str, pd.Series]) -> float | None:
    """The largest rate at which the whole gradient trains; None if there is none."""
    trains = [r for r in RATES if arm_of("whole", r) in accuracy and accuracy[arm_of("whole", r)].mean() > TRAINS]
    return max(trains, default=None)


def blown_up(runs: pd.DataFrame, arm: str, accuracy: pd.Series) -> pd.Series:
    """1 for a seed whose loss was not finite or that ends near chance, else 0."""
    return ((final(runs, arm, "diverged_at") >= 0) | (accuracy < CHANCE)).astype(float)


def bias_slope(runs: pd.DataFrame, arm: str) -> pd.Series:
    """The power of the steps that the largest bias grows as, by seed, over the second half of those with a finite loss.

    Growth and steps are counted from the first measurement after the start: a jump before it is no growth that goes on,
    and would hide one if the logarithm of the bias itself were taken.
    """
    bias, loss = history(runs, arm, "largest_bias"), history(runs, arm, "loss")
    finite = bias.where(np.isfinite(loss) & np.isfinite(bias)).loc[1:]
    return pd.Series({seed: _slope(finite[seed].dropna()) for seed in finite}, dtype=float).dropna()


def _slope(by_step: pd.Series) -> float:
    late = _second_half(by_step)
    if len(late) < 3:
        return np.nan
    steps, grown = late.index.to_numpy(float) - by_step.index[0], late.to_numpy() - by_step.iloc[0]
    if (grown <= 0).any():
        return 0.0  # it does not grow
    return float(np.polyfit(np.log(steps), np.log(grown), 1)[0])


def _second_half(by_step: pd.Series) -> pd.Series:
    return by_step[by_step.index >= by_step.index.max() / 2] if len(by_step) else by_step


def _samples(runs: pd.DataFrame, accuracy: dict[str, pd.Series], rate: float | None) -> list[pd.DataFrame]:
    """One value a seed at the rate that is judged, with the nets' own names."""
    if rate is None:
        return []
    arms = {net: arm_of(net, rate) for net in NETS if arm_of(net, rate) in accuracy}
    found = [samples("blown_up", net, blown_up(runs, arm, accuracy[arm])) for net, arm in arms.items()]
    found += [samples("final_accuracy", net, accuracy[arm]) for net, arm in arms.items()]
    found += [samples("effect_of_bias", net, final(runs, arm, "effect_of_bias")) for net, arm in arms.items()]
    return found + [samples("bias_slope", net, bias_slope(runs, arm)) for net, arm in arms.items()]


def _over_rates(accuracy: dict[str, pd.Series]) -> list[pd.DataFrame]:
    """Final accuracy against the rate, of both nets."""
    tables = {net: {r: accuracy[arm_of(net, r)] for r in RATES if arm_of(net, r) in accuracy} for net in NETS}
    return [curve("accuracy", net, pd.DataFrame(table).T) for net, table in tables.items() if table]


def _over_steps(runs: pd.DataFrame, rate: float | None) -> list[pd.DataFrame]:
    """Largest bias over training at the rate that is judged; a net that is no more finite has no more points."""
    if rate is None:
        return []
    tables = {net: history(runs, arm_of(net, rate), "largest_bias") for net in NETS}
    finite = {net: table.where(np.isfinite(table)).loc[1:].dropna() for net, table in tables.items() if len(table)}
    return [curve("bias", net, table) for net, table in finite.items() if len(table)]


def _facts(runs: pd.DataFrame, accuracy: dict[str, pd.Series], rate: float | None) -> dict[str, str]:
    """Numbers for the page's prose."""
    facts = {f"accuracy_{fact_name(arm)}": f"{v.mean():.1f} %" for arm, v in accuracy.items()}
    facts |= {f"rate_{fact_name(arm_of('whole', r))}": f"{r:g}" for r in RATES}
    for arm, v in accuracy.items():
        facts[f"blown_up_{fact_name(arm)}"] = f"{int(blown_up(runs, arm, v).sum())} of {len(v)}"
        facts |= {f"{name}_{fact_name(arm)}": f"{final(runs, arm, name).mean():.2g}" for name in FOLLOWED}
    facts |= _growth(runs)
    if rate is None:
        return facts
    facts["rate"] = f"{rate:g}"
    judged = {f"{name}_{net}_judged": facts.get(f"{name}_{fact_name(arm_of(net, rate))}", "–") for net in NETS
              for name in ("accuracy", "blown_up", *FOLLOWED)}  # fmt: skip
    slopes = {f"slope_{net}": f"{bias_slope(runs, arm_of(net, rate)).mean():.3f}" for net in NETS}
    return facts | judged | slopes


def _growth(runs: pd.DataFrame) -> dict[str, str]:
    """The paper's own example, where only a mean is subtracted: the largest bias in the middle and at the end."""
    table = history(runs, "constant_mean", "largest_bias")
    if table.empty:
        return {}
    late = _second_half(table.mean(axis=1))
    first, last = late.iloc[0], late.iloc[-1]
    return {"middle": f"{late.index[0]:,}", "bias_mean_middle": f"{first:.2g}", "bias_mean_end": f"{last:.2g}"}


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: accuracy by rate, and how the biases grow."""
    steps = context.settings["training"]["steps"]
    caption = (
        "Left: test accuracy after the last step against the learning rate, with a gradient that goes through mean and "
        "variance and with one that takes them for constant. Right: largest bias of the hidden layers at the rate that "
        f"is judged. Networks that blew up are in both with what they came to. {steps:,} steps on {context.data}; "
        f"mean, lowest and highest seed. {context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    rates = [
        f"{label}: {points_in_words(mine)}"
        for net, label in NETS.items()
        if len(mine := select(curves, "accuracy", net))
    ]
    biases = [
        f"{label}: {mine.value.iloc[0]:.2g} to {mine.value.iloc[-1]:.2g}"
        for net, label in NETS.items()
        if len(mine := select(curves, "bias", net))
    ]
    return f"Test accuracy by learning rate; {'; '.join(rates)}. Largest bias, first and last; {'; '.join(biases)}."


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.1))
    for i, (net, label) in enumerate(NETS.items()):
        for ax, panel in ((left, "accuracy"), (right, "bias")):
            if len(mine := select(curves, panel, net)):
                series_band(ax, mine, i, label, marks=panel == "accuracy")
    for ax in (left, right):
        ax.set_xscale("log")
    right.set_yscale("log")
    left.set_xlabel("learning rate")
    left.set_ylabel("test accuracy (%)")
    left.set_ylim(0, 102)
    legend(left, loc="lower left")
    right.set_xlabel("training step")
    right.set_ylabel("largest bias")
    return figure
