"""Made-up runs of VGG nets, so that every answer is known."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses import Context
from tests.analyses.conftest import SEEDS, rows

VGG_SETTINGS = {
    "network": {"blocks": [[4, 4], [8]], "hidden": []}, "optimiser": {"lr": 0.1}, "training": {"batch_size": 128},
    "measure": {"activations_every": 100},
}  # fmt: skip


@pytest.fixture
def vgg_runs():
    """vgg_runs({arm: {quantity: value}}, last) -> runs of three seeds; a value is f(step, seed), or a list by unit.

    Probes every 100 steps, accuracy and loss every 10, moments at two steps in a row, the rest after the last step.
    """

    def steps_of(quantity, last):
        if quantity.startswith(("train_", "products")):
            return range(0, last, 10)
        if quantity.startswith(("mean_", "var_", "kurtosis_")):
            return [s + d for s in range(0, last, 100) for d in (0, 1)]
        if quantity.startswith(("landscape", "random", "shift", "quantiles", "log10", "cosine.")):
            return range(0, last, 100)
        return [last]

    def make(arms, last=4000, ends=None):
        parts = []
        for arm, quantities in arms.items():
            until = (ends or {}).get(arm, last)
            for quantity, value in ({"diverged_at": -1} | quantities).items():
                units = value if isinstance(value, list) else [value]
                for unit, f in enumerate(units):
                    steps = list(steps_of(quantity, until))
                    table = [[f(t, s) if callable(f) else f for s in range(SEEDS)] for t in steps]
                    part = rows(arm, quantity, table, unit if isinstance(value, list) else pd.NA)
                    parts.append(part.assign(step=np.asarray(steps)[part.step]))
        return pd.concat(parts, ignore_index=True).astype({"arm": "category", "quantity": "category"})

    return make


@pytest.fixture
def draw_all(root):
    """Draw every figure of a module from a summary, in both themes, beside the paper's curves."""
    import matplotlib.pyplot as plt

    from dropnorm.plotting import THEMES, theme

    def draw(module, summary):
        path = root / "reference" / "santurkar2018" / f"{module.__name__.rpartition('.')[2]}.csv"
        reference = pd.read_csv(path) if path.exists() else None
        context = Context("full", "CIFAR-10", "eps3 (eps = 0.001)", VGG_SETTINGS)
        drawings = module.figures(summary.curves, reference, context)
        for drawing in drawings.values():
            assert f"{SEEDS} seeds" in drawing.caption
            assert "eps3 (eps = 0.001)" in drawing.caption
            for style in THEMES:
                with theme(style):
                    plt.close(drawing.draw())
        return drawings

    return draw


@pytest.fixture
def names():
    """names(summary) -> the set of (measure, arm) that have a value."""
    return lambda summary: set(zip(summary.samples.measure, summary.samples.arm, strict=True))
