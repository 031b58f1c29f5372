"""How Figure 8 and its companion are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import histogram_steps, legend_above, paper_values, setting_value
from dropnorm.analyses.srivastava2014.autoencoder_drawings import draw_settings, setup
from dropnorm.analyses.srivastava2014.autoencoders import LABELS, NETS, SERIES, SETTINGS
from dropnorm.analyses.tidy import drawn, select
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
    paper = paper_values(context.comparable(reference), "quantity", "arm")
    if drawn(curves, "activations_batch", NETS):
        drawings["figure"] = _histograms(curves, paper, context)
    if any((curves.panel == "settings_hoyer") & (curves.x > 0)):
        drawings["settings"] = _settings(curves, paper, context)
    return drawings


# --- histograms, as the paper shows them ---


def _histograms(curves: pd.DataFrame, paper: dict[str, dict[str, float]], context: Context) -> Drawing:
    m = context.settings["measure"]
    grey = " Dotted: the mean of the paper's own histogram." if paper else ""
    caption = (
        f"Activations of hidden units on {m['batch_images']} random test images, as in the paper, of whole networks "
        "and not multiplied by p. (a) Mean activation of each unit over the images; (b) single activations, share of "
        "all on a logarithmic axis. Steps: mean of the seeds, band from the lowest to the highest."
        f"{grey} {setup(context, curves.n)}"
    )
    numbers = [
        f"{LABELS[net]} the mean activation is {setting_value(curves, 'mean_activation', net):.2f}, "
        f"{setting_value(curves, 'near_zero', net):.0f} % are near zero and "
        f"{setting_value(curves, 'above_1', net):.0f} % above 1"
        for net in drawn(curves, "activations_batch", NETS)
    ]
    alt = f"Two histograms. On all test images, {'; '.join(numbers)}."
    return Drawing(partial(_draw_histograms, curves, paper, m["histogram_width"]), caption, alt)


def _draw_histograms(curves: pd.DataFrame, paper: dict[str, dict[str, float]], width: float) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 3.6))
    means = paper.get("mean_activation", {})
    for net in drawn(curves, "activations_batch", NETS):
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


def _settings(curves: pd.DataFrame, paper: dict[str, dict[str, float]], context: Context) -> Drawing:
    lines = "; lines across: the paper's own networks (solid with, dashed without dropout)" if paper else ""
    caption = (
        "The judged pair beside the same networks without L2, and with cross-entropy as the loss, on all test images: "
        "mean activation, share of activations near zero (below 0.01 of a network's own 99th percentile), share above "
        f"1, and Hoyer's sparsity of the images' codes. Mark: mean of the seeds; bar: lowest to highest{lines}. "
        f"{setup(context, curves.n)}"
    )
    numbers = []
    for measure, label in BESIDE.items():
        for net in NETS:
            values = ", ".join(f"{v:.3g}" for v in select(curves, f"settings_{measure}", net).value)
            own = paper.get(measure, {}).get(net)
            numbers.append(f"{label}, {LABELS[net]}: {values}" + (f" (paper {own:g})" if own is not None else ""))
    order = ", ".join(words for _, words in SETTINGS.values())
    alt = f"Four panels, each for {order}. {'; '.join(numbers)}."
    return Drawing(partial(_draw_settings, curves, paper), caption, alt)


def _draw_settings(curves: pd.DataFrame, paper: dict[str, dict[str, float]]) -> Figure:
    figure, axes = plt.subplots(1, 4, figsize=(8.8, 3.1))
    for ax, (measure, label) in zip(axes, BESIDE.items(), strict=True):
        draw_settings(ax, curves, measure, label, paper.get(measure))
        ax.set_ylim(bottom=0)
    legend_above(figure, axes[0])
    return figure
