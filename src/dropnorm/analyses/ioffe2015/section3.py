"""Ioffe & Szegedy 2015, section 3: what batch normalization does to the scale of weights and gradients.

The claims I2.14 to I2.17 and I2.20 are fixed in claims/ioffe2015.yaml; here are the numbers they ask for.
"""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.panels import over_steps
from dropnorm.analyses.theorem_drawings import changes_by_factor, setup
from dropnorm.analyses.theorems import by_factor, means, of, summary, worst
from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, curve, joined, samples, select, table_row
from dropnorm.plotting import band

FACTORS = (1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3)  # as in dropnorm.theory.lemma45
ERRORS = (
    "error_scaled", "error_sign", "error_weights_gradient", "error_inputs_gradient", "error_right_angle",
    "error_growth", "error_identity",
)  # fmt: skip
HOLDS = ("holds_negative", "holds_grows")
CHANGES = ("change_tenth", "change_hundredth", "change_thousandth")  # of outputs, where there is an eps
LAYERS = {"layer1": "baseline", "layer2": "batchnorm"}  # of the network, and their colours


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the claims, the figure and the page."""
    found = summary(runs, ERRORS, HOLDS)
    with_eps, rows = _with_eps(runs)
    lengths = {layer: _length(runs, layer) for layer in LAYERS}
    curves = [curve("length", layer, table) for layer, table in lengths.items() if len(table)]
    by_unit = of(runs, "random", "share_by_factor")
    if len(by_unit):
        curves.append(by_factor("by_factor", "random", by_unit, FACTORS))
    return Summary(
        samples=joined([found.samples, *with_eps], SAMPLE_COLUMNS),
        table=pd.DataFrame([*found.table.to_dict("records"), *rows]),
        curves=joined([found.curves, *curves], CURVE_COLUMNS),
        facts=found.facts | _facts(runs, lengths),
    )


def _with_eps(runs: pd.DataFrame) -> tuple[list[pd.DataFrame], list[dict]]:
    """Samples and table rows of I2.16, of the random cases alone."""
    if "random" not in set(runs.arm):
        return [], []
    found = {name: means(runs, "random", f"mean_{name}")["all"] for name in CHANGES}
    found["error_eps_factor"] = worst(runs, "random", "error_eps_factor")
    rows = [table_row("random", name.replace("_", " "), by_seed) for name, by_seed in found.items()]
    return [samples(name, "random", by_seed) for name, by_seed in found.items()], rows


def _length(runs: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Mean length of the weights of a layer's units, in units of the first one `[step x seed]`."""
    rows = of(runs, "network", "mean_length")
    table = rows[rows.part == layer].pivot(index="step", columns="seed", values="value").astype(float)
    return table / table.iloc[0] if len(table) else table


def _facts(runs: pd.DataFrame, lengths: dict[str, pd.DataFrame]) -> dict[str, str]:
    facts = {
        f"growth_{layer}": f"{100 * (table.iloc[-1].mean() - 1):.1f} %"
        for layer, table in lengths.items()
        if len(table)
    }
    if "random" in set(runs.arm):
        facts |= {name: f"{means(runs, 'random', f'mean_{name}')['all'].mean():.2g}" for name in CHANGES}
    return facts


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The only figure: where eps breaks the invariance, and how weights grow."""
    caption = (
        "Left: largest change of a unit's batch-normalized output in a mini-batch when its weights are multiplied by a "
        "constant (ε = 1e-5, σ = 1 before; mean of the cases); at 1, where nothing changes, a logarithmic axis has no "
        "point, and without ε nothing changes anywhere. Right: length of the weights of a unit while the network "
        "trains, in units of the first length, mean of a layer; no step that was checked shortens them. "
        f"Lowest to highest seed. {setup(context, curves)}"
    )
    change = select(curves, "by_factor", "random")
    told = ", ".join(f"{v:.2g} at {x:g}" for x, v in zip(change.x, change.value, strict=True))
    ends = [select(curves, "length", layer) for layer in LAYERS]
    grown = " and ".join(f"{mine.value.iloc[-1]:.2f}" for mine in ends if len(mine))
    alt = (
        f"Largest change of an output against the factor: {told}. The weights of both hidden layers rise to {grown} "
        "times their first length and never fall."
    )
    return {"figure": Drawing(partial(_draw, curves), caption, alt)}


def _draw(curves: pd.DataFrame) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 2.9))
    changes_by_factor(left, curves, {"random": "ε = 1e-5"})
    for layer, colour_of in LAYERS.items():
        mine = select(curves, "length", layer)
        band(right, mine, colour_of, layer.replace("layer", "hidden layer "))
    over_steps(right, curves, ["length"])
    right.set_ylabel("length / first length")
    right.legend(fontsize="small", loc="lower right")
    return figure
