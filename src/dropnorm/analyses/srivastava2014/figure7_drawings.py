"""How Figure 7 and its companions are drawn, and what their captions and alt texts say."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Seeds
from dropnorm.analyses.panels import cumulative, legend_above, setting_value, show_mosaic
from dropnorm.analyses.srivastava2014.autoencoder_drawings import draw_settings, setup
from dropnorm.analyses.srivastava2014.autoencoders import LABELS, NETS, SERIES, SETTINGS
from dropnorm.analyses.tidy import drawn, select
from dropnorm.plotting import series_band, series_style

WORDS = {  # measure -> (axis, words of an alt text)
    "window_energy": ("energy in best window (%)", "share of energy in the best window, percent"),
    "participation": ("pixels it spreads over", "participation ratio, pixels"),
    "low_frequency": ("low-frequency power (%)", "share of low-frequency power, percent"),
    "moran": ("Moran's I", "Moran's I"),
}
BESIDE = {
    "window_energy": "energy in best window (%)",
    "moran": "Moran's I",
    "rise_1_unit": "error rise, one unit (%)",
    "test_error": "squared error an image",
}


def figures(curves: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """Every figure whose curves or pictures are there."""
    drawings = {}
    if any(net in context.images for net in NETS):
        drawings["figure"] = _mosaics(curves, context)
    if drawn(curves, "units_moran", NETS) == list(NETS):
        drawings["features"] = _features(curves, context)
        drawings["knockout"] = _knockout(curves, context)
    if any((curves.panel == "settings_moran") & (curves.x > 0)):
        drawings["settings"] = _settings(curves, context)
    if _others(context):
        drawings["other_filters"] = _other_mosaics(context, curves.n)
    return drawings


# --- the filters themselves ---


def _mosaics(curves: pd.DataFrame, context: Context) -> Drawing:
    caption = (
        "First-layer filters: the weights with which each hidden unit reads the image, (a) without and (b) with "
        "dropout, one network each (the first seed; all others start from other weights), by decreasing length. "
        "Mid-grey is zero, white positive; one scale a panel, so a dim tile is a unit of small weights. "
        + setup(context, curves.n)
    )
    numbers = [
        f"{LABELS[net]} the median filter has {setting_value(curves, 'window_energy', net):.1f} % of its energy in its "
        f"best window and Moran's I {setting_value(curves, 'moran', net):.2f}"
        for net in NETS
        if net in context.images
    ]
    return Drawing(partial(_draw_mosaics, context), caption, f"Mosaics of all filters in grey: {'; '.join(numbers)}.")


def _draw_mosaics(context: Context) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.6, 4.5))
    for ax, net, letter in zip(axes, NETS, "ab", strict=True):
        show_mosaic(ax, context.images.get(net), f"({letter}) {LABELS[net]}")
    return figure


def _others(context: Context) -> list[tuple[str, str]]:
    """(image, title) of each mosaic beside the judged pair."""
    names = [
        (net + setting, f"{words},\n{LABELS[net]}")
        for setting, (_, words) in SETTINGS.items()
        if setting
        for net in NETS
    ]
    return [(name, title) for name, title in names if name in context.images]


def _other_mosaics(context: Context, seeds: Seeds) -> Drawing:
    shown = _others(context)
    caption = (
        "The same for other settings, the 64 longest filters of each network: without L2, and with cross-entropy as "
        f"the loss. What else is set is as in the pair that is judged. {setup(context, seeds)}"
    )
    titles = "; ".join(title.replace("\n", " ") for _, title in shown)
    return Drawing(
        partial(_draw_other_mosaics, context), caption, f"{len(shown)} mosaics of filters in grey: {titles}."
    )


def _draw_other_mosaics(context: Context) -> Figure:
    shown = _others(context)
    figure, axes = plt.subplots(1, len(shown), figsize=(2.15 * len(shown), 2.7), squeeze=False)
    for ax, (name, title) in zip(axes[0], shown, strict=True):
        show_mosaic(ax, context.images[name], title)
        ax.title.set_fontsize("small")
    return figure


# --- what was measured of them ---


def _features(curves: pd.DataFrame, context: Context) -> Drawing:
    m = context.settings["measure"]
    caption = (
        "How the filters of a network are spread over four measures; each line gives, for every value, the share of "
        f"units at or below it. Energy in the best {m['window']}x{m['window']} window; participation ratio, the number "
        f"of pixels a filter spreads over; power at spatial frequencies up to {m['low_frequency_radius']:g} cycles an "
        "image; Moran's I, the correlation of a weight with its neighbours. Lines: mean of the seeds at each share, "
        f"band from the lowest to the highest. {setup(context, curves.n)}"
    )
    medians = [
        f"{words}: {setting_value(curves, measure, 'none'):.3g} without, "
        f"{setting_value(curves, measure, 'dropout'):.3g} with dropout"
        for measure, (_, words) in WORDS.items()
    ]
    return Drawing(partial(_draw_features, curves), caption, f"Four panels. Of the median unit, {'; '.join(medians)}.")


def _draw_features(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 4, figsize=(8.8, 2.9), sharey=True)
    for ax, (measure, (label, _)) in zip(axes, WORDS.items(), strict=True):
        for net in NETS:
            mine = select(curves, f"units_{measure}", net)
            cumulative(ax, mine, SERIES[net], LABELS[net])
        ax.set_xlabel(label, fontsize="small")
    axes[0].set_ylabel("share of units (%)")
    legend_above(figure, axes[0])
    return figure


def _knockout(curves: pd.DataFrame, context: Context) -> Drawing:
    m = context.settings["measure"]
    caption = (
        "What deleting hidden units at test costs: (a) rise of the squared error in percent of the undamaged network's "
        "own error, (b) the same rise in units of the error. First point: one unit, mean over all of them; then random "
        f"groups, mean over {m['knockout_draws']} draws. Dotted in (a): what is left is rescaled to make up for the "
        f"rest. {m['knockout_images']:,} test images; lines: mean of the seeds, band from the lowest to the highest. "
        f"{setup(context, curves.n)}"
    )
    numbers = [
        f"{LABELS[net]} {row.value:,.0f} % at {row.x:.3g} % of the units"
        for net in NETS
        for row in select(curves, "rise", net).itertuples()
    ]
    added = [f"{LABELS[net]} {select(curves, 'added', net).value.iloc[-1]:.3g}" for net in NETS]
    alt = f"Two panels. (a) Rise: {'; '.join(numbers)}. (b) Rise at the last point: {'; '.join(added)}."
    return Drawing(partial(_draw_knockout, curves), caption, alt)


def _draw_knockout(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 2, figsize=(8.2, 3.2))
    for ax, kind, letter in zip(axes, ("rise", "added"), "ab", strict=True):
        for net in NETS:
            series_band(ax, select(curves, kind, net), SERIES[net], LABELS[net], marks=True)
            if kind == "rise":
                rescaled = select(curves, "rescaled_rise", net)
                ax.plot(rescaled.x, rescaled.value, ":", color=_colour(net), linewidth=1.3)
        ax.set(xscale="log", yscale="log", xlabel="hidden units deleted (%)", title=f"({letter})")
        deleted = select(curves, kind, "none").x
        ax.set_xticks(deleted, [f"{x:.2g}" for x in deleted])
        ax.minorticks_off()
    axes[0].set_ylabel("rise of the error (%)")
    axes[1].set_ylabel("rise, squared error an image")
    axes[0].legend(loc="lower right")
    return figure


def _colour(net: str) -> str:
    return series_style(SERIES[net])["color"]


def _settings(curves: pd.DataFrame, context: Context) -> Drawing:
    caption = (
        "The judged pair beside the same networks without L2, and with cross-entropy as the loss: energy in the best "
        "window and Moran's I (median unit), rise of the error when one hidden unit is deleted, and squared error an "
        f"image on all test images. Mark: mean of the seeds; bar: lowest to highest. {setup(context, curves.n)}"
    )
    numbers = []
    for measure, label in BESIDE.items():
        for net in NETS:
            values = ", ".join(f"{v:.3g}" for v in select(curves, f"settings_{measure}", net).value)
            numbers.append(f"{label}, {LABELS[net]}: {values}")
    order = ", ".join(words for _, words in SETTINGS.values())
    return Drawing(partial(_draw_settings, curves), caption, f"Four panels, each for {order}. {'; '.join(numbers)}.")


def _draw_settings(curves: pd.DataFrame) -> Figure:
    figure, axes = plt.subplots(1, 4, figsize=(8.8, 3.1))
    for ax, (measure, label) in zip(axes, BESIDE.items(), strict=True):
        draw_settings(ax, curves, measure, label)
        if measure == "rise_1_unit":
            ax.set_yscale("log")
        else:
            ax.set_ylim(bottom=0)
    legend_above(figure, axes[0])
    return figure
