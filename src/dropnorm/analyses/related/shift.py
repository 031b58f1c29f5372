"""Dropout before batch normalization: accuracies by what gives the statistics, and variances at test over stored ones.

The claims R3.1 to R3.5 are fixed in claims/related.yaml; here are the numbers they ask for. Accuracies in percent.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import legend
from dropnorm.analyses.tables import by_unit, points_in_words
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    final,
    joined,
    samples,
    select,
    table_row,
)
from dropnorm.plotting import series_band
from dropnorm.statistics import welch_test

NONE, HALF = "none", "keep-0.5"
BY_P = {1.0: NONE, 0.9: "keep-0.9", 0.7: "keep-0.7", 0.5: HALF}  # dropout before every batch norm but the first
WIDTHS = {"narrow": "half the width", "wide": "twice the width"}
READINGS = {  # what gives the statistics at test: the quantity, and its name in the figure
    "stored": ("test_accuracy", "stored in training"),
    "recomputed": ("accuracy_recomputed", "taken again without dropout"),
    "own": ("accuracy_training", "each test mini-batch's own"),
    "own_with_noise": ("accuracy_training_with_noise", "own, dropout left on"),
}
DRAWN = ("stored", "recomputed", "own_with_noise")
FIRST = 2  # the first layer that reads dropped units; what is below is not shifted


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    arms = [arm for arm in runs.arm.cat.categories if arm in set(runs.arm)]
    accuracy = {(arm, how): 100 * final(runs, arm, READINGS[how][0]) for arm in arms for how in READINGS}
    ratio = {arm: ratios(runs, arm) for arm in arms}
    measures = _measures(runs, arms, accuracy, ratio)
    return Summary(
        samples=joined([samples(*key, values) for key, values in measures.items()], SAMPLE_COLUMNS),
        table=pd.DataFrame(_rows(accuracy, ratio, measures)),
        curves=joined(_curves(accuracy, ratio), CURVE_COLUMNS),
        facts=_facts(accuracy, ratio, measures),
    )


def ratios(runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Variance at test over the stored one `[layer x seed]`, layers counted from one."""
    table = by_unit(runs, arm, "variance_ratio")
    return table.set_axis(table.index + 1)


def _measures(runs, arms, accuracy, ratio) -> dict[tuple[str, str], pd.Series]:
    """Values a seed by (measure, arm)."""
    found = {("accuracy", arm): accuracy[arm, "stored"] for arm in arms}
    if NONE in arms:
        found["formula_error", NONE] = final(runs, NONE, "formula_error")
    if HALF in arms:
        gain = accuracy[HALF, "recomputed"] - accuracy[HALF, "stored"]
        found["largest_ratio", HALF] = ratio[HALF].loc[FIRST:].max(skipna=False)
        found["gain_of_new_statistics", HALF] = gain
        found["share_of_gap", HALF] = gain / (accuracy[HALF, "own"] - accuracy[HALF, "stored"])
    for arm in WIDTHS:
        if arm in arms:
            found["distance_of_ratio", arm] = (ratio[arm].loc[FIRST:] - 1).abs().mean(skipna=False)
    return found


def _rows(accuracy, ratio, measures) -> list[dict]:
    rows = [table_row(arm, f"accuracy, {READINGS[how][1]}_percent", v) for (arm, how), v in accuracy.items()]
    for arm, table in ratio.items():
        rows += [table_row(arm, f"ratio of variances, layer {layer}", row) for layer, row in table.iterrows()]
    return rows + [table_row(arm, name, v) for (name, arm), v in measures.items() if name != "accuracy"]


def _curves(accuracy, ratio) -> list[pd.DataFrame]:
    """Accuracy by p for each reading; ratios by layer, for each p and for both widths."""
    found = []
    for how in DRAWN:
        by_p = {p: accuracy[arm, how] for p, arm in BY_P.items() if (arm, how) in accuracy}
        found += [curve("accuracy", how, pd.DataFrame(by_p).T)] if by_p else []
    panels = {"p": [arm for arm in BY_P.values() if arm in ratio], "width": [arm for arm in WIDTHS if arm in ratio]}
    return found + [curve(panel, arm, ratio[arm]) for panel, some in panels.items() for arm in some]


def _facts(accuracy, ratio, measures) -> dict[str, str]:
    """Numbers for the page's prose."""
    facts = {f"{_key(arm)}_{how}": f"{values.mean():.2f} %" for (arm, how), values in accuracy.items()}
    stored = {arm: values for (arm, how), values in accuracy.items() if how == "stored"}
    if NONE in stored:
        loss = {arm: stored[NONE] - values for arm, values in stored.items() if arm != NONE}
        facts |= {f"{_key(arm)}_loss": f"{values.mean():.2f}" for arm, values in loss.items()}
        if HALF in loss:
            won = measures["gain_of_new_statistics", HALF].mean() / loss[HALF].mean()
            facts[f"share_won_{_key(HALF)}"] = f"{100 * won:.0f} %"
    for arm, table in ratio.items():
        behind = table.loc[FIRST:].mean(axis=1)
        facts |= {
            f"{_key(arm)}_ratio_second": f"{behind.iloc[0]:.2f}",
            f"{_key(arm)}_ratio_last": f"{behind.iloc[-1]:.2f}",
            f"{_key(arm)}_ratio_mean": f"{behind.mean():.2f}",
        }
    facts |= {f"{name}_{_key(arm)}": f"{v.mean():.3g}" for (name, arm), v in measures.items() if name != "accuracy"}
    if all(("distance_of_ratio", arm) in measures for arm in WIDTHS):  # R3.5 is paired; for comparison, Welch's test
        narrow, wide = (measures["distance_of_ratio", arm].to_numpy() for arm in WIDTHS)
        facts["welch_p_of_width"] = f"{welch_test(narrow, wide, 0, 'above').p:.2g}"
    if ("formula_error", NONE) in measures:  # the worst seed
        facts["formula_error"] = f"{100 * measures['formula_error', NONE].max():.1f} %"
    return facts


def _key(arm: str) -> str:
    """'keep-0.5' -> 'keep_5': a name that a page can use."""
    return arm.replace("-0.", "_")


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: accuracy by p, ratios of variances by layer and p, and by layer and width."""
    caption = (
        "Left: test accuracy of nets with dropout on what convolutions 2 to 8 read, by what gives batch norm its "
        "statistics at test. Middle: variance of what each batch norm gets at test over the one that it has stored. "
        "Right: the same with p = 0.5 for nets of half and of twice the width, trained a quarter as long. p is "
        f"the probability of retaining an element. On {context.data}; mean, lowest and highest seed. "
        f"{context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    for how in DRAWN:
        mine = select(curves, "accuracy", how)
        at = points_in_words(mine, "p = {:g}")
        said += [f"Test accuracy, statistics {READINGS[how][1]}: {at}."] if at else []
    for panel, label in (("p", ""), ("width", " net")):
        for arm in curves[curves.panel == panel].series.unique():
            mine = select(curves, panel, arm).value
            said.append(
                f"Ratio of variances, {arm}{label}: {mine.iloc[0]:.2f} in layer 1, {mine.iloc[-1]:.2f} in the last."
            )
    return " ".join(said)


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.2, 2.9))
    by_p = {arm: "no dropout" if arm == NONE else f"p = {p:g}" for p, arm in BY_P.items()}
    readings = {how: READINGS[how][1] for how in DRAWN}
    for ax, panel, labels in ((left, "accuracy", readings), (middle, "p", by_p), (right, "width", WIDTHS)):
        for i, (series, label) in enumerate(labels.items()):
            if len(mine := select(curves, panel, series)):
                series_band(ax, mine, i, label, marks=True)
        legend(ax, loc="lower right" if ax is left else "upper center", ncols=1 if ax is left else 2)
    left.set_xlabel("p")
    left.set_xticks(list(BY_P))
    left.set_ylabel("test accuracy (%)")
    for ax in (middle, right):
        ax.set_xlabel("layer")
        ax.set_ylabel("variance at test / stored")
        ax.set_ylim(0, 1.45)  # room for the legend above the line at 1
        ax.axhline(1, linewidth=1, color=plt.rcParams["axes.edgecolor"])
    return figure
