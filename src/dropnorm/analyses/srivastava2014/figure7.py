"""Srivastava et al. 2014, Figure 7: what the hidden units of an autoencoder detect, without and with dropout.

The claims F7.1 to F7.4 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for.
"""

from math import isqrt

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.measures import (
    Measures,
    curve_frame,
    facts_of,
    finals,
    in_settings,
    last_of_units,
    measured,
    over_units,
    quantiles,
    sample_frame,
    table_frame,
)
from dropnorm.analyses.mosaics import mosaic
from dropnorm.analyses.srivastava2014 import figure7_drawings as drawings
from dropnorm.analyses.srivastava2014.autoencoders import ARMS, NAMES, NETS, SETTINGS, arms
from dropnorm.analyses.tidy import final, has_diverged, run_counts, unit_history

PERCENT = (10, 25, 50)  # of the hidden units that are deleted
FEATURES = {  # measure -> (what was measured of each filter, factor)
    "window_energy": ("filter_window_energy", 100),
    "participation": ("filter_participation", 1),
    "low_frequency": ("filter_low_frequency", 100),
    "moran": ("filter_moran", 1),
}
GAINS = {  # of dropout over none, in the claimed direction
    "window_energy_gain": ("window_energy", 1),
    "participation_drop": ("participation", -1),
    "low_frequency_gain": ("low_frequency", 1),
    "moran_gain": ("moran", 1),
}
QUANTILES = np.arange(0.02, 0.99, 0.04)
FORMS = {
    "window_energy": ".1f", "participation": ".0f", "low_frequency": ".1f", "moran": ".2f", "test_error": ".2f",
    "validation_error": ".2f", "rise_1_unit": ".2f", "rise_10_percent": ".0f", "rise_25_percent": ".0f",
    "rise_50_percent": ".0f", "rescaled_rise_10_percent": ".0f", "rescaled_rise_25_percent": ".0f",
    "rescaled_rise_50_percent": ".0f", "added_1_unit": ".3f", "added_10_percent": ".2f", "added_25_percent": ".2f",
    "added_50_percent": ".2f", "dead_units": ".1f",
}  # fmt: skip


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the result, its claims and its page, from tidy runs."""
    found = measured([entry for arm in arms() for entry in _measures(runs, arm)])
    found += _gains(found)
    return Summary(
        samples=sample_frame(found),
        table=table_frame(found),
        curves=_curves(runs, found),
        facts=_facts(runs, found) | run_counts(runs),
        images=_images(runs),
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name."""
    return drawings.figures(curves, context)


# --- one value a seed ---


def _measures(runs: pd.DataFrame, arm: str) -> Measures:
    features = [
        (m, arm, factor * over_units(runs, arm, quantity, pd.Series.median))
        for m, (quantity, factor) in FEATURES.items()
    ]
    errors = finals(runs, arm, {"test_error": ("test_error", 1), "validation_error": ("validation_error", 1)})
    others = finals(runs, arm, {"dead_units": ("test_dead_units", 1)})
    diverged = [("diverged", arm, has_diverged(runs, arm))]
    return [*features, *errors, *_knockouts(runs, arm), *others, *diverged]


def _knockouts(runs: pd.DataFrame, arm: str) -> Measures:
    """Rise of the error after units are deleted, in percent of the undamaged net's error, and in its own units."""
    before = final(runs, arm, "knockout_none")
    after = {"rise_1_unit": over_units(runs, arm, "knockout_unit", pd.Series.mean)}
    for percent in PERCENT:
        for name, quantity in (("rise", "knockout"), ("rescaled_rise", "knockout_rescaled")):
            after[f"{name}_{percent}_percent"] = final(runs, arm, f"{quantity}_{percent}")
    rises = [(measure, arm, 100 * (errors / before - 1)) for measure, errors in after.items()]
    added = [
        (measure.replace("rise", "added"), arm, errors - before)
        for measure, errors in after.items()
        if measure.startswith("rise")
    ]
    return rises + added


def _gains(found: Measures) -> Measures:
    """By how much dropout changes each feature measure in the claimed direction, in each seed."""
    values = {(measure, arm): v for measure, arm, v in found}
    if not all((m, net) in values for m, _ in GAINS.values() for net in NETS):
        return []
    return [
        (gain, "dropout", (sign * (values[m, "dropout"] - values[m, "none"])).dropna())
        for gain, (m, sign) in GAINS.items()
    ]


# --- what is shown ---


def _curves(runs: pd.DataFrame, found: Measures) -> pd.DataFrame:
    tables = []
    for net in NETS:
        for measure, (quantity, factor) in FEATURES.items():
            tables.append((f"units_{measure}", net, factor * quantiles(last_of_units(runs, net, quantity), QUANTILES)))
        for kind in ("rise", "rescaled_rise", "added"):
            tables.append((kind, net, _over_share(runs, found, net, kind)))
    return curve_frame(tables + in_settings(found, (*FEATURES, "rise_1_unit", "test_error"), ARMS))


def _over_share(runs: pd.DataFrame, found: Measures, net: str, kind: str) -> pd.DataFrame:
    """A measure of deletion over the percentage of units that are deleted [percent x seed]."""
    values = {measure: v for measure, arm, v in found if arm == net}
    units = unit_history(runs, net, "knockout_unit").shape[-1]
    at = {f"{kind}_{p}_percent": float(p) for p in PERCENT}
    if units:
        at = {f"{kind}_1_unit": 100 / units} | at
    return pd.DataFrame({x: values[m] for m, x in at.items() if m in values}).T


def _images(runs: pd.DataFrame) -> dict[str, np.ndarray]:
    """Mosaics of filters by decreasing norm: all of the judged pair, the 64 longest of the others."""
    images = {}
    for setting, (ending, _) in SETTINGS.items():
        for net in NETS:
            pictures = _pictures(runs, net + ending)
            if len(pictures):
                columns = 8 if setting else isqrt(len(pictures) - 1) + 1
                images[net + setting] = mosaic(pictures[: columns**2], columns)
    return images


def _pictures(runs: pd.DataFrame, arm: str) -> np.ndarray:
    """The filters that were kept of an arm, `[filter, side, side]`."""
    names = [name for name in runs.quantity.unique() if name.startswith("picture_")]
    mine = runs[(runs.arm == arm) & runs.quantity.isin(names)].astype({"quantity": str})
    if mine.empty:
        return np.empty((0, 1, 1))
    pixels = mine.pivot(index="quantity", columns="unit", values="value").to_numpy(float)
    side = isqrt(pixels.shape[1])
    return pixels.reshape(-1, side, side)


def _facts(runs: pd.DataFrame, found: Measures) -> dict[str, str]:
    facts = facts_of(found, FORMS, NAMES)
    values = {(measure, arm): v for measure, arm, v in found}
    for setting, (ending, _) in SETTINGS.items():
        errors = [values.get(("test_error", net + ending)) for net in NETS]
        if all(e is not None for e in errors):
            facts[f"error_ratio{setting}"] = f"{np.exp(np.log(errors[1] / errors[0]).mean()):.1f}"
    pixels = runs[runs.quantity == "picture_000"].unit.nunique()
    for net in NETS:
        if pixels and ("test_error", net) in values:
            facts[f"pixel_error_{net}"] = f"{np.sqrt(values['test_error', net].mean() / pixels):.3f}"
    return facts
