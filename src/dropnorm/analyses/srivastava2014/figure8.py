"""Srivastava et al. 2014, Figure 8: how sparse the code of an autoencoder is, without and with dropout.

Drawn and judged from the networks of Figure 7. The claims F8.1 to F8.4 are fixed in claims/srivastava2014.yaml.
Activations are those of the whole network, with no mask and not multiplied by p, unless a name says `scaled`.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.measures import (
    Measures,
    curve_frame,
    facts_of,
    finals,
    in_settings,
    measured,
    over_units,
    sample_frame,
    table_frame,
)
from dropnorm.analyses.srivastava2014 import figure8_drawings as drawings
from dropnorm.analyses.srivastava2014.autoencoders import ARMS, NAMES, NETS, arms
from dropnorm.analyses.tidy import unit_history

# measure -> (quantity, factor); measured on all test images, and with `_batch` on as many as the paper shows.
ACTIVATIONS = {
    "mean_activation": ("mean", 1),
    "near_zero": ("share_near_zero", 100),
    "zero": ("share_zero", 100),
    "above_1": ("share_above_1", 100),
    "above_2": ("share_above_2", 100),
    "largest": ("largest", 1),
    "hoyer": ("hoyer_images", 1),
    "treves_rolls": ("treves_rolls_images", 1),
    "hoyer_units": ("hoyer_units", 1),
    "treves_rolls_units": ("treves_rolls_units", 1),
    "mean_scaled": ("mean_scaled", 1),
    "above_1_scaled": ("share_above_1_scaled", 100),
}
ONLY_ALL = {  # what is measured on all test images alone
    "hoyer_live": ("test_hoyer_images_live", 1),
    "treves_rolls_live": ("test_treves_rolls_images_live", 1),
    "dead_units": ("test_dead_units", 1),
}
UNIT_BINS = 200  # of unit means
FORMS = {
    "mean_activation": ".2f", "near_zero": ".0f", "zero": ".0f", "above_1": ".0f", "above_2": ".0f", "largest": ".1f",
    "hoyer": ".2f", "treves_rolls": ".2f", "hoyer_units": ".2f", "treves_rolls_units": ".2f", "hoyer_live": ".2f",
    "treves_rolls_live": ".2f", "mean_scaled": ".2f", "above_1_scaled": ".0f", "unit_mean_median": ".2f",
    "dead_units": ".1f", "mean_activation_batch": ".2f", "near_zero_batch": ".0f", "above_1_batch": ".0f",
}  # fmt: skip


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the result, its claims and its page, from tidy runs."""
    found = measured([entry for arm in arms() for entry in _measures(runs, arm)])
    return Summary(
        samples=sample_frame(found), table=table_frame(found), curves=_curves(runs, found), facts=_facts(found)
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name."""
    return drawings.figures(curves, reference, context)


def _measures(runs: pd.DataFrame, arm: str) -> Measures:
    on_all = {measure: (f"test_{quantity}", factor) for measure, (quantity, factor) in ACTIVATIONS.items()}
    on_batch = {
        f"{measure}_batch": (f"batch_{quantity}", factor) for measure, (quantity, factor) in ACTIVATIONS.items()
    }
    unit_median = ("unit_mean_median", arm, over_units(runs, arm, "test_unit_mean", pd.Series.median))
    return [*finals(runs, arm, on_all | on_batch | ONLY_ALL), unit_median]


# --- what is shown ---


def _curves(runs: pd.DataFrame, found: Measures) -> pd.DataFrame:
    tables = []
    for net in NETS:
        tables.append(("activations_batch", net, _shares(unit_history(runs, net, "batch_histogram"))))
        tables.append(("units_batch", net, _unit_means(unit_history(runs, net, "batch_unit_mean"))))
    return curve_frame(tables + in_settings(found, tuple(drawings.BESIDE), ARMS))


def _shares(counts: np.ndarray) -> pd.DataFrame:
    """Percent of all activations in each bin [bin x seed] of counts `[step, seed, bin]`; no rows beyond the largest."""
    if not counts.size:
        return pd.DataFrame()
    shares = 100 * counts[-1].T / counts[-1].sum(1)
    return pd.DataFrame(shares[: np.flatnonzero(shares.sum(1))[-1] + 1])


def _unit_means(means: np.ndarray) -> pd.DataFrame:
    """Percent of the units with a mean activation in each bin [left edge x seed], means `[step, seed, unit]`."""
    if not means.size:
        return pd.DataFrame()
    edges = drawings.UNIT_WIDTH * np.arange(UNIT_BINS + 1)
    shares = np.stack([100 * np.histogram(of_seed, edges)[0] / len(of_seed) for of_seed in means[-1]], axis=1)
    used = np.flatnonzero(shares.sum(1))
    return pd.DataFrame(shares, index=edges[:-1].round(6))[: used[-1] + 1 if len(used) else 0]


def _facts(found: Measures) -> dict[str, str]:
    values = {(measure, arm): v for measure, arm, v in found}
    facts = facts_of(found, FORMS, NAMES)
    for measure in ("mean_activation", "mean_activation_batch", "mean_scaled"):
        pair = [values.get((measure, net)) for net in NETS]
        if all(v is not None for v in pair):
            facts[f"{measure}_ratio"] = f"{np.exp(np.log(pair[0] / pair[1]).mean()):.2f}"
    return facts
