"""Made-up runs of a theorem, so that every answer is known."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses import Context
from tests.analyses.made_up import axes_drawn, by_seed
from tests.analyses.made_up import table_rows as rows

SEEDS = 3
PARTS = {"random": ("convex", "waves"), "network": ("layer1", "layer2")}


@pytest.fixture
def made_up():
    """made_up(errors, holds, means, factors): two steps, three seeds, two parts an arm.

    An error is 1e-15 times (1 + step + seed), and ten times that in the second part. Of 4 cases a step and part,
    1 holds in the first part, 3 in the second. A mean is 0.1 and 0.3. A factor's value is 1 / (1 + its number).
    """

    def make(errors=(), holds=(), means=(), factors=None):
        parts, grid = [], 1 + np.arange(2)[:, None] + np.arange(SEEDS)
        for arm, names in PARTS.items():
            for i, part in enumerate(names):
                parts += [rows(arm, f"{e}.{part}", 1e-15 * grid * 10**i) for e in errors]
                parts += [rows(arm, f"{h}.{part}", np.full((2, SEEDS), 1 + 2 * i)) for h in holds]
                parts += [rows(arm, f"of_{h}.{part}", np.full((2, SEEDS), 4)) for h in holds]
                parts += [rows(arm, f"{m}.{part}", np.full((2, SEEDS), 0.1 + 0.2 * i)) for m in means]
                if factors:
                    name, count = factors
                    parts += [rows(arm, f"{name}.{part}", np.full((2, SEEDS), 1 / (1 + u)), u) for u in range(count)]
        return pd.concat(parts, ignore_index=True).astype({"arm": "category", "quantity": "category"})

    return make


@pytest.fixture
def context():
    settings = {"random": {"batch_size": 32}, "network": {"hidden": [16, 16], "steps": 300}}
    return Context("paper", "MNIST", "eps3 (eps = 0.001)", settings)


@pytest.fixture
def value():
    """value(summary, measure, arm) -> one value a seed, as an array."""
    return by_seed


@pytest.fixture
def drawn(context):
    """Draw the figure of a module from a summary; its caption must say what it shows, in both themes."""

    def draw(module, summary):
        (drawing,) = module.figures(summary.curves, None, context).values()
        assert f"{SEEDS} seeds" in drawing.caption
        assert "eps3 (eps = 0.001)" in drawing.caption
        axes_drawn(drawing)
        return drawing

    return draw
