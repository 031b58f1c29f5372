"""One module a result: `analyses/<paper>/<result>.py`, with two pure functions on tidy frames.

    summarise(runs)                       -> Summary: samples (for claims), table, curves (to draw), facts (for prose)
    figures(curves, reference, context)   -> Drawings by name: how to draw, caption, alt text

`reference` holds the paper's own curves, from `reference/<paper>/<result>.csv`; None where there is no such file.

`runs.attrs["settings"]` holds the settings of the first arm, as in `Context`, for a measure that needs one of them.

Nothing here trains, and nothing here knows where files are. Curves are kept apart from drawing, so that a published
result can be drawn again without its runs, and samples apart from verdicts, so that anyone can judge them again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from dropnorm.names import ResultName

Seeds = int | Iterable[int]  # how many are behind a figure, or behind each of its points where they differ


@dataclass(frozen=True)
class Summary:
    """What a result's runs come to.

    samples: (measure, arm, seed, value), one value a seed, in the units of the claims.
    table: (arm, quantity, n, mean, sd, low, high), low and high a 95 % t-interval.
    curves: (panel, series, x, value, low, high, n), what the figures show.
    facts: numbers for the prose, by name, as they are to be printed.
    images: pictures that are data, such as a mosaic of filters, by name: grey, uint8 `[height, width]`.
    """

    samples: pd.DataFrame
    table: pd.DataFrame
    curves: pd.DataFrame
    facts: dict[str, str]
    images: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawing:
    """One figure: `draw()` makes it in the style that is set (light or dark); caption and alt text hold its numbers."""

    draw: Callable[[], Figure]
    caption: str
    alt: str


@dataclass(frozen=True)
class Context:
    """What a figure's caption must say about the runs behind it."""

    scale: str
    data: str
    variant: str  # the difference to the original, or ''
    settings: dict[str, Any]  # of the protocol's first arm
    images: dict[str, np.ndarray] = field(default_factory=dict)  # those of the summary

    def comparable(self, reference: pd.DataFrame | None) -> pd.DataFrame | None:
        """The paper's own numbers where ours may stand beside them: not at smoke scale, whose data are others."""
        return None if self.scale == "smoke" else reference

    def ending(self, seeds: Seeds) -> str:
        """How every caption ends: seeds, scale, the difference of a variant, and that smoke is no evidence."""
        count = span([seeds] if isinstance(seeds, int) else [n for n in seeds if n])
        plural = "" if count == "1" else "s"
        variant = f" Variant: {self.variant}." if self.variant else ""
        warning = " Smoke scale: it shows that the pipeline runs and is no evidence." if self.scale == "smoke" else ""
        return f"{count} seed{plural}, scale {self.scale}.{variant}{warning}"


def span(counts: Iterable[int]) -> str:
    """'5', or '3 to 5'; '0' of nothing."""
    counts = [int(count) for count in counts] or [0]
    least, most = min(counts), max(counts)
    return f"{least}" if least == most else f"{least} to {most}"


def analysis(name: ResultName) -> ModuleType:
    """The analysis module of a result."""
    return import_module(f"dropnorm.analyses.{name.paper}.{name.result}")
