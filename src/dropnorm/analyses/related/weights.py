"""Normalization without data: the growth of weight-normalised weights, and moments of SELU networks by layer.

The claims R6.3 and R6.5 are fixed in claims/related.yaml; here are the numbers they ask for.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.tables import by_unit
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
from dropnorm.plotting import series_band, step_axis

NETS = {
    "selu": "SELU",
    "selu_from_half": "SELU, inputs of variance 0.5",
    "selu_from_two": "SELU, inputs of variance 2",
    "relu": "ReLU",
    "selu_he": "SELU, weights of variance 2 / n",
}
EXACT = ("growth_error", "correlation", "cosine")  # of the arm weight_norm


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    nets = [net for net in NETS if net in set(runs.arm)]
    tables = {net: {name: by_unit(runs, net, name) for name in ("mean", "variance", "second_moment")} for net in nets}
    found = {("weight_norm", name): final(runs, "weight_norm", name).astype(float) for name in EXACT}
    found |= {(net, name): values for net in nets for name, values in of_layers(tables[net]).items()}
    found = {key: values for key, values in found.items() if len(values)}
    curves = [curve(name, net, tables[net][name].iloc[1:]) for net in nets for name in ("mean", "variance")]
    if len(lengths := _lengths(runs)):
        curves.append(curve("length", "weight_norm", lengths))
    return Summary(
        samples=joined([samples(name, arm, values) for (arm, name), values in found.items()], SAMPLE_COLUMNS),
        table=pd.DataFrame([table_row(arm, name.replace("_", " "), values) for (arm, name), values in found.items()]),
        curves=joined(curves, CURVE_COLUMNS),
        facts=_facts(found, lengths),
    )


def of_layers(tables: dict[str, pd.DataFrame]) -> dict[str, pd.Series]:
    """What the criteria ask of the layers of a net, inputs left out, by seed; NaN where a layer is."""
    mean, variance, second = tables["mean"].iloc[1:], tables["variance"].iloc[1:], tables["second_moment"]
    ratios = second / second.shift()
    return {
        "largest_mean": mean.abs().max(skipna=False),
        "smallest_variance": variance.min(skipna=False),
        "largest_variance": variance.max(skipna=False),
        "last_variance": variance.iloc[-1],
        "ratio_of_moments": ratios.iloc[1:].mean(skipna=False),
    }


def _lengths(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean length of v of the first layer's units, in units of the first value [step x seed]."""
    table = by_unit(runs, "weight_norm", "length")
    return table.set_axis(runs.attrs["settings"]["training"]["measure_every"] * table.index)


def _facts(found: dict[tuple[str, str], pd.Series], lengths: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose: of a bound, the seed that comes nearest to breaking it."""
    facts = {name: f"{found['weight_norm', name].max():.1e}" for name in EXACT if ("weight_norm", name) in found}
    if "correlation" in facts:
        facts["correlation"] = f"{found['weight_norm', 'correlation'].min():.4f}"
    if len(lengths):
        facts["growth"] = f"{100 * (lengths.iloc[-1].mean() - 1):.0f} %"
    for net in (net for net in NETS if (net, "last_variance") in found):
        largest, smallest = found[net, "largest_variance"].max(), found[net, "smallest_variance"].min()
        facts |= {
            f"largest_mean_{net}": f"{found[net, 'largest_mean'].max():.3g}",
            f"variances_{net}": f"{smallest:.3g} to {largest:.3g}",
            f"last_variance_{net}": f"{found[net, 'last_variance'].mean():.3g}",
            f"ratio_{net}": f"{found[net, 'ratio_of_moments'].mean():.3f}",
        }
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: length of weight-normalised weights, and moments by layer."""
    t, m = context.settings["training"], context.settings["moments"]
    caption = (
        f"Left: mean length of v of the first layer's units of a weight-normalized network (hidden layers of "
        f"{'-'.join(map(str, t['hidden']))}, {context.data}), in units of the first length, while it trains. Middle "
        f"and right: variance and mean over units and examples in each layer of {m['depth']} layers of {m['width']} "
        "units at their first weights, drawn inputs; dotted: the fixed point; two lines leave their panels. Mean, "
        "lowest and highest seed. "
        f"{context.ending(curves.n)}"
    )
    return {"figure": Drawing(partial(_draw, curves), caption, _alt(curves))}


def _alt(curves: pd.DataFrame) -> str:
    said = []
    if len(mine := select(curves, "length", "weight_norm")):
        said.append(f"the length of v rises to {mine.value.iloc[-1]:.2f} times its first value")
    for net, label in NETS.items():
        if len(mine := select(curves, "variance", net)):
            mean = select(curves, "mean", net).value.iloc[-1]
            said.append(f"{label}: variance {mine.value.iloc[-1]:.2g} and mean {mean:.2g} in the last layer")
    return f"Length of weights by step; variance and mean by layer: {'; '.join(said)}."


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.2, 3.4))
    if len(mine := select(curves, "length", "weight_norm")):
        series_band(left, mine, len(NETS))  # none of those in the legend, which is of the other panels
        step_axis(left, mine.x.max())
    left.set_ylabel("length / first length")
    for i, (net, label) in enumerate(NETS.items()):
        for ax, panel in ((middle, "variance"), (right, "mean")):
            if len(mine := select(curves, panel, net)):
                series_band(ax, mine, i, label if ax is middle else None)
    for ax, fixed in ((middle, 1), (right, 0)):
        ax.axhline(fixed, linestyle=":", linewidth=1, color=plt.rcParams["axes.edgecolor"])
        ax.set_xlabel("layer")
    middle.set_yscale("log")
    middle.set_ylim(1e-4, 1e4)
    middle.set_ylabel("variance")
    right.set_ylim(-0.5, 0.5)
    right.set_ylabel("mean")
    if (curves.panel == "variance").any():
        figure.legend(loc="outside lower center", ncols=3, fontsize="small")
    return figure
