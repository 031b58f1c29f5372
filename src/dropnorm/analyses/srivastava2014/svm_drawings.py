"""How the trials of the support vector machine are drawn."""

from functools import partial

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.analyses import Context, Drawing
from dropnorm.analyses.panels import tried_axis
from dropnorm.analyses.srivastava2014.error_drawings import error_axis
from dropnorm.analyses.tidy import select
from dropnorm.plotting import series_band


def figures(curves: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The one figure of this result, if anything was tried."""
    return {"figure": _figure(curves, context)} if len(curves) else {}


def _figure(curves: pd.DataFrame, context: Context) -> Drawing:
    data = context.settings["data"]
    caption = (
        f"Error on {data['validation']:,} validation images of machines fitted to {data['subset']:,} training images "
        "(at most), against the kernel's gamma. Mean of the seeds, each with its own subset; band from the lowest to "
        f"the highest. Data: {context.data}. {context.ending(curves.n)}"
    )
    lowest = curves.loc[curves.value.idxmin()]
    alt = f"Lowest mean validation error {lowest.value:.2f} % at {lowest.series}, gamma = {lowest.x:g}. " + " ".join(
        f"{series}: {', '.join(f'{r.value:.2f} at {r.x:g}' for r in select(curves, 'grid', series).itertuples())}."
        for series in curves.series.unique()
    )
    return Drawing(partial(_draw, curves), caption, alt)


def _draw(curves: pd.DataFrame) -> Figure:
    figure, ax = plt.subplots(figsize=(5.5, 3.4))
    for i, series in enumerate(curves.series.unique()):
        series_band(ax, select(curves, "grid", series), i, series, marks=True)
    tried_axis(ax, curves.x.unique())
    error_axis(ax.yaxis, curves.low[curves.low > 0].min(), curves.high.max())
    ax.set(xlabel="gamma", ylabel="validation error (%)")
    ax.legend()
    return figure
