"""How Figure 8 and its companion are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import histogram_steps, legend_above
from dropnorm.analyses.srivastava2014.autoencoder_drawings import draw_settings, nets_in, released, setup
from dropnorm.analyses.srivastava2014.autoencoders import LABELS, NETS, SERIES, SETTINGS
from dropnorm.analyses.tidy import select
from dropnorm.plotting import series_style

BESIDE = {
    "mean_activation": "mean activation",
    "near_zero": "near zero (%)",
    "above_1": "above 1 (%)",
    "hoyer": "Hoyer's sparsity",
}
UNIT_WIDTH = 0.1  # of the bins of unit means


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves are there."""
    drawings = {}
    if context.scale == "smoke" or reference is None:  # other data: the paper's numbers are no reference for it
        reference = pd.DataFrame({"arm": [], "quantity": [], "value": []})
    if nets_in(curves, "activations_batch"):
        drawings["figure"] = _histograms(curves, reference, context)
    if any((curves.panel == "settings_hoyer") & (curves.x > 0)):
        drawings["settings"] = _settings(curves, reference, context)
    return drawings


def of_paper(reference: pd.DataFrame, quantity: str) -> dict[str, float]:
    """The paper's own value of a quantity, by net."""
    mine = reference[reference.quantity == quantity]
    return dict(zip(mine.arm, mine.value, strict=True))


# --- histograms, as the paper shows them ---


def _histograms(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    n = int(curves.n.min())
    m = context.settings["measure"]
    grey = " Dotted: the mean of the paper's own histogram." if len(reference) else ""
    caption = (
        f"Activations of hidden units on {m['batch_images']} random test images, as in the paper, of whole networks "
        "and not multiplied by p. (a) Mean activation of each unit over the images; (b) single activations, share of "
        "all on a logarithmic axis. Steps: mean of the seeds, band from the lowest to the highest."
        f"{grey} {setup(context, n)}"
    )
    numbers = [
        f"{LABELS[net]} the mean activation is {released(curves, 'mean_activation', net):.2f}, "
        f"{released(curves, 'near_zero', net):.0f} % are near zero and {released(curves, 'above_1', net):.0f} % above 1"
        for net in nets_in(curves, "activations_batch")
    ]
    alt = f"Two histograms. On all test images, {'; '.join(numbers)}."
    return Drawing(partial(_draw_histograms, curves, reference, m["histogram_width"]), caption, alt)


def _draw_histograms(curves: pd.DataFrame, reference: pd.DataFrame, width: float) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.6))
    means = of_paper(reference, "mean_activation")
    for net in nets_in(curves, "activations_batch"):
        units = select(curves, "units_batch", net)
        histogram_steps(axes[0], units, UNIT_WIDTH, SERIES[net], LABELS[net])
        single = _paired_bins(select(curves, "activations_batch", net))
        histogram_steps(axes[1], single.assign(x=width * single.x), 2 * width, SERIES[net], LABELS[net])
        if net in means:
            axes[0].axvline(means[net], color=series_style(SERIES[net])["color"], linestyle=":", linewidth=1.4)
    axes[0].set(xlabel="mean activation of a unit", ylabel="units (%)", title="(a)", xlim=(0, None), ylim=(0, None))
    axes[1].set(xlabel="activation", ylabel="activations (%)", title="(b)", yscale="log", xlim=(0, None))
    axes[1].set_ylim(bottom=1e-2)
    legend_above(figure, axes[0])
    return figure


def _paired_bins(curve: pd.DataFrame) -> pd.DataFrame:
    """Bins joined two by two, so that they are about as wide as the paper's; the band's ends add up as well."""
    pair = curve.x.astype(int) // 2 * 2
    return curve.assign(x=pair)[["x", "value", "low", "high"]].groupby("x", as_index=False).sum()


# --- beside the judged pair ---


def _settings(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> Drawing:
    lines = "; lines across: the paper's own networks (solid with, dashed without dropout)" if len(reference) else ""
    caption = (
        "The judged pair beside the same networks without L2, and with cross-entropy as the loss, on all test images: "
        "mean activation, share of activations near zero (below 0.01 of a network's own 99th percentile), share above "
        f"1, and Hoyer's sparsity of the images' codes. Mark: mean of the seeds; bar: lowest to highest{lines}. "
        f"{setup(context, int(curves.n.min()))}"
    )
    numbers = []
    for measure, label in BESIDE.items():
        for net in NETS:
            values = ", ".join(f"{v:.3g}" for v in select(curves, f"settings_{measure}", net).value)
            own = of_paper(reference, measure).get(net)
            numbers.append(f"{label}, {LABELS[net]}: {values}" + (f" (paper {own:g})" if own is not None else ""))
    order = ", ".join(words for _, words in SETTINGS.values())
    alt = f"Four panels, each for {order}. {'; '.join(numbers)}."
    return Drawing(partial(_draw_settings, curves, reference), caption, alt)


def _draw_settings(curves: pd.DataFrame, reference: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 4, figsize=(8.8, 3.1))
    for ax, (measure, label) in zip(axes, BESIDE.items(), strict=True):
        draw_settings(ax, curves, measure, label, of_paper(reference, measure))
        ax.set_ylim(bottom=0)
    legend_above(figure, axes[0])
    return figure
