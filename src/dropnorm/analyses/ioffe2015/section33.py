"""Ioffe & Szegedy 2015, section 3.3: singular values of the Jacobian between hidden layers.

The claim I2.19 is fixed in claims/ioffe2015.yaml; here are the numbers it asks for. A spread is ln(largest / smallest
singular value), mean over test images; of several layers, the median.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import over_steps
from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, curve, final, joined, samples, select, table_row
from dropnorm.plotting import LABELS, band

NETS = ("baseline", "batchnorm")
QUANTITIES = ("spread", "largest", "middle")  # of the singular values
SHOWN = {"spread": "ln(largest / smallest)", "middle": "middle singular value"}  # in this order
JUDGED = 1000  # updates after which the claim is judged, or the last ones where there are fewer


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claim, the figure and the page."""
    nets = [net for net in NETS if net in set(runs.arm)]
    by_step = {net: {name: over_layers(runs, net, name) for name in QUANTITIES} for net in nets}
    accuracy = {net: 100 * final(runs, net, "test_accuracy") for net in nets}
    rows = [row for net in nets for row in _rows(net, by_step[net], accuracy[net])]
    curves = [curve(name, net, by_step[net][name]) for net in nets for name in SHOWN]
    return Summary(
        samples=joined([s for net in nets for s in _samples(runs, net, by_step[net])], SAMPLE_COLUMNS),
        table=pd.DataFrame(rows),
        curves=joined(curves, CURVE_COLUMNS),
        facts=_facts(by_step, accuracy),
    )


def over_layers(runs: pd.DataFrame, net: str, quantity: str) -> pd.DataFrame:
    """The median over layers [step x seed]."""
    mine = runs[(runs.arm == net) & (runs.quantity == quantity)]
    return mine.groupby(["step", "seed"]).value.median().unstack("seed").astype(float)


def judged_step(table: pd.DataFrame) -> int:
    """The step at which (a) of the claim is judged."""
    return min(JUDGED, int(table.index.max()))


def _samples(runs: pd.DataFrame, net: str, tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    spread = tables["spread"]
    whitened = runs[(runs.arm == net) & (runs.quantity == "whitened_error")].set_index("seed").value
    return [
        samples("spread_after", net, spread.loc[judged_step(spread)]),
        samples("spread_first", net, spread.loc[0]),
        samples("whitened_error", net, whitened),
    ]


def _rows(net: str, tables: dict[str, pd.DataFrame], accuracy: pd.Series) -> list[dict]:
    at = [0, judged_step(tables["spread"]), int(tables["spread"].index.max())]
    steps = {f"step {step}": step for step in at}
    rows = [table_row(net, f"{name}, {when}", t.loc[s]) for name, t in tables.items() for when, s in steps.items()]
    return [*rows, table_row(net, "test_accuracy_percent", accuracy)]


def _facts(by_step: dict[str, dict[str, pd.DataFrame]], accuracy: dict[str, pd.Series]) -> dict[str, str]:
    """Numbers for the page's prose: first, judged, last."""
    facts = {f"accuracy_{net}": f"{v.mean():.1f} %" for net, v in accuracy.items()}
    for net, tables in by_step.items():
        facts["judged_at"] = f"{judged_step(tables['spread']):,}"
        for name, table in tables.items():
            ends = {"first": 0, "judged": judged_step(table), "last": table.index.max()}
            facts |= {f"{name}_{net}_{when}": f"{table.loc[step].mean():.2f}" for when, step in ends.items()}
    return facts | _scatter({net: tables["spread"] for net, tables in by_step.items()})


def _scatter(spread: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Standard deviation over the seeds: of the paired difference at first and when judged, of each net when judged."""
    at = {net: table.loc[judged_step(table)] for net, table in spread.items()}
    facts = {f"scatter_judged_{net}": f"{values.std():.2f}" for net, values in at.items()}
    if len(spread) == 2:
        first, second = spread
        facts["scatter_first"] = f"{(spread[first].loc[0] - spread[second].loc[0]).std():.2f}"
        facts["scatter_judged"] = f"{(at[first] - at[second]).std():.2f}"
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: spread and size of the singular values over training."""
    caption = (
        "Singular values of the Jacobian between hidden layers, at test images, in inference mode; median of the "
        "layers. Left: ln(largest / smallest). Right: the middle singular value; the conjecture wants one (dotted). "
        f"On {context.data}; mean, lowest and highest seed. {context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    for name, words in {"spread": "Spread", "middle": "Middle singular value"}.items():
        ends = [
            f"{LABELS[net]} {v.iloc[0]:.2f} at first and {v.iloc[-1]:.2f} at the end"
            for net in NETS
            if len(v := select(curves, name, net).value)
        ]
        said.append(f"{words}: {', '.join(ends)}.")
    return " ".join(said)


def _draw(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(7.8, 2.9))
    for ax, (name, label) in zip(axes, SHOWN.items(), strict=True):
        for net in NETS:
            if len(mine := select(curves, name, net)):
                band(ax, mine, net, LABELS[net])
        ax.set_ylabel(label)
    over_steps(axes, curves, list(SHOWN))
    axes[0].legend(fontsize="small")
    axes[1].axhline(1, linestyle=":", linewidth=1, color=plt.rcParams["axes.edgecolor"])
    axes[1].set_yscale("log")
    return figure
