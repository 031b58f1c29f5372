"""How figures of VGG nets are drawn: lines over steps with the paper's beside them, fans of percentiles, captions."""

from collections.abc import Iterable
from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing, Seeds
from dropnorm.analyses.panels import over_steps
from dropnorm.analyses.santurkar2018.vgg import LABELS
from dropnorm.analyses.tidy import drawn, select
from dropnorm.plotting import series_band, series_style

SEEDS_BAND = "mean of the seeds with a band from the lowest to the highest"
PAPER_DOTTED = "Faint and dotted: the paper's own curves, where they could be read (a net of full width)."
LINES_END = "A line ends where its run does."
IN_PAPER = {"standard": "std", "batchnorm": "bn", "noisy_batchnorm": "noisy", "l1": "l1", "l2": "l2", "linf": "linf"}


def style_of(arm: str) -> int:
    """Which of the palette's series an arm is: the standard net and batch norm look alike in all figures."""
    places = {"standard": 1, "batchnorm": 0, "noisy_batchnorm": 2, "l1": 3, "l2": 4, "linf": 5}
    base = arm.partition(".")[0]
    if arm == "standard_noise":
        return 6
    if arm == "standard_relative_noise":
        return 3
    return places[base] if arm == base else {"standard": 4, "batchnorm": 2}[base]


def setup(context: Context, seeds: Seeds) -> str:
    """The end of every caption: data, net, optimiser, seeds, scale."""
    s = context.settings
    layers = sum(len(block) for block in s["network"]["blocks"]) + len(s["network"]["hidden"]) + 1
    return (
        f"Data: {context.data}. VGG net of {layers} layers with {s['network']['blocks'][0][0]} to "
        f"{s['network']['blocks'][-1][-1]} channels, plain SGD at rate {s['optimiser']['lr']:g} unless said otherwise, "
        f"mini-batches of {s['training']['batch_size']}, {context.ending(seeds)}"
    )


def lines(ax: Axes, curves: pd.DataFrame, panel: str, arms: list[str]) -> None:
    """One line an arm, mean over seeds, with a band from the lowest to the highest seed."""
    for arm in drawn(curves, panel, arms):
        series_band(ax, select(curves, panel, arm), style_of(arm), LABELS[arm])


def paper_lines(
    ax: Axes,
    reference: pd.DataFrame | None,
    panel: str,
    names: dict[str, str],
    column: str = "value",
) -> None:
    """The paper's own curves in the colours of the arms: faint and dotted; names: arm -> series in the reference."""
    if reference is None:
        return
    label = "paper (dotted)"
    for arm, series in names.items():
        mine = reference[(reference.panel == panel) & (reference.series == series)]
        if len(mine):
            colour = series_style(style_of(arm))["color"]
            ax.plot(mine.step, mine[column], ":", color=colour, linewidth=0.9, alpha=0.7, label=label)
            label = None


def single_steps_panel(ax: Axes, curves: pd.DataFrame, panel: str, thin: str, series: str, i: int) -> None:
    """A series over the step's length: the training steps of panel `thin` one by one, their medians (`panel`) thick."""
    style, mine = series_style(i), select(curves, panel, series)
    for _, of_step in curves[curves.panel == thin].groupby("series"):
        ax.plot(of_step.x, of_step.value, color=style["color"], linewidth=0.5, alpha=0.35)
    ax.fill_between(mine.x, mine.low, mine.high, color=style["color"], alpha=0.2, linewidth=0)
    ax.plot(mine.x, mine.value, style["marker"] + "-", color=style["color"], linewidth=2.2)


def paper_medians(ax: Axes, reference: pd.DataFrame | None, panel: str, series: str, unit: float = 1) -> None:
    """The medians of the paper's curves over eta, grey and dotted; unit: the eta that is 1 on our axis."""
    if reference is not None:
        mine = reference[(reference.panel == panel) & (reference.series == series)]
        medians = mine.groupby("eta").value.median()
        ax.plot(medians.index / unit, medians, ":", color="grey", linewidth=1.5)


def distributions(
    curves: pd.DataFrame, layers: list[int], arms: list[str], context: Context, extent: str = ""
) -> Drawing:
    """What goes into the ReLUs of one channel of each layer, beside curves of the panel `train`; extent: in words."""
    caption = (
        f"Distributions over training{extent}: {FAN_WORDS}. The vertical scales differ. "
        f"{setup(context, seeds_of(curves, 'train'))}"
    )
    alt = f"A grid of distributions. At the end 10th to 90th percentile: {fans_told(curves, layers, arms)}."
    return Drawing(partial(fans, curves, layers, arms), caption, alt)


def fans(curves: pd.DataFrame, layers: list[int], arms: list[str]) -> Figure:
    """A grid of distributions over training: a row an arm, a column a layer; percentiles 1 to 99 of one channel."""
    figure, axes = plt.subplots(
        len(arms), len(layers), figsize=(2.7 * len(layers) + 0.6, 1.5 * len(arms) + 0.7), sharex=True, squeeze=False
    )
    for row, arm in zip(axes, arms, strict=True):
        for ax, layer in zip(row, layers, strict=True):
            fan(ax, curves, f"distribution_layer{layer}_{arm}", style_of(arm))
            if ax in axes[0]:
                ax.set_title(f"layer {layer}")
        row[0].set_ylabel(LABELS[arm], fontsize="small")
    panels = [f"distribution_layer{layer}_{arm}" for layer in layers for arm in arms]
    over_steps(axes, curves, panels)
    for ax in axes[:-1].ravel():
        ax.set_xlabel("")
    return figure


def fan(ax: Axes, curves: pd.DataFrame, panel: str, style: int) -> None:
    """One distribution over training: percentiles of one channel, the median as a line."""
    colour = series_style(style)["color"]
    for low, high, alpha in ((1, 99, 0.15), (10, 90, 0.25), (25, 75, 0.4)):
        below, above = select(curves, panel, f"p{low}"), select(curves, panel, f"p{high}")
        ax.fill_between(below.x, below.value, above.value, alpha=alpha, linewidth=0, color=colour)
    middle = select(curves, panel, "p50")
    ax.plot(middle.x, middle.value, color=colour, linewidth=1.2)


FAN_WORDS = (
    "percentiles 1 to 99 (palest), 10 to 90, 25 to 75 and the median of what goes into the ReLUs of one channel (drawn "
    "beforehand, first seed), over a mini-batch and its positions"
)


def fan_arms(curves: pd.DataFrame, layers: list[int], arms: list[str]) -> list[str]:
    """Those of the arms whose distributions were followed in all these layers."""
    have = set(curves.panel)
    return [arm for arm in arms if all(f"distribution_layer{layer}_{arm}" in have for layer in layers)]


def fans_told(curves: pd.DataFrame, layers: list[int], arms: list[str]) -> str:
    """The last 10th to 90th percentiles in words."""
    parts = []
    for arm in arms:
        for layer in layers:
            low, high = (select(curves, f"distribution_layer{layer}_{arm}", p).value.iloc[-1] for p in ("p10", "p90"))
            parts.append(f"{LABELS[arm]} layer {layer} {low:.2f} to {high:.2f}")
    return "; ".join(parts)


def ends_told(
    curves: pd.DataFrame, panel: str, arms: Iterable[str], form: str = ".1f", words: dict[str, str] = LABELS
) -> str:
    """The last value of each arm's line in words, with its step where others go on."""
    ends = {arm: select(curves, panel, arm).iloc[-1] for arm in drawn(curves, panel, arms)}
    last = max((end.x for end in ends.values()), default=0)
    told = {arm: f"{words[arm]} {end.value:{form}}" for arm, end in ends.items()}
    return "; ".join(f"{told[arm]} (at step {end.x:,.0f})" if end.x < last else told[arm] for arm, end in ends.items())


def seeds_of(curves: pd.DataFrame, *panels: str) -> pd.Series:
    """Seeds behind each point of some panels."""
    return curves.n[curves.panel.isin(panels)]
