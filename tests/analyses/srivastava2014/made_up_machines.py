"""Runs of restricted Boltzmann machines that were made up, so that every answer is known."""

import numpy as np
import pandas as pd

from tests.analyses.made_up import table_rows

SEEDS, UNITS, SIDE, BINS = 5, 9, 3, 10
STEPS = [100, 200]
SETTINGS = {
    "machine": {"hidden": 256}, "training": {"lr": 0.01, "l2": 0.001, "steps": 200},
    "measure": {"mini_batch": 100, "below": 0.1, "above": 0.9},
}  # fmt: skip
NETS = {
    "standard": {
        # One unit of nine below a tenth of the median length, two whose activation does not move.
        "norm": [0.05, 0.9, 0.9, 1.0, 1.0, 1.0, 1.1, 1.1, 2.0], "activation_sd": [0.001, 0.009] + [0.3] * 7,
        "frequency": [0.9] + [0.2, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.4], "radius": [1.0] + [5.0] * 8,
        "activation_mean": [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.4], "share_below": 0.28,
        "share_above": 0.08, "squared_error": 4.0,
    },
    "dropout": {
        "norm": [0.8, 0.9, 0.9, 1.0, 1.0, 1.0, 1.1, 1.1, 2.0], "activation_sd": [0.3] * 9,
        "frequency": [0.1] * 9, "radius": [6.0] * 9,
        "activation_mean": [0.3] * 9, "share_below": 0.44, "share_above": 0.05, "squared_error": 9.0,
    },
}  # fmt: skip
ENDINGS = ("", ".l2-0.0", ".pixels-sampled", "_1024")
CHECK = {"conditional_error": 4e-16, "standard_difference": 0.0, "deviation_in_se": 2.5}
ACTIVATIONS = ("activation_mean", "activation_sd", "share_below", "share_above", "squared_error")


def rows(arm: str, quantity: str, values, steps=STEPS) -> pd.DataFrame:
    """A value, or one a unit, as tidy runs: at each step, for each seed, a thousandth larger from seed to seed."""
    values = np.atleast_1d(np.asarray(values, float))
    by = values * (1 + np.arange(SEEDS)[:, None] / 1000)  # [seed, unit]
    by = by[:, 0] if len(values) == 1 else by
    return table_rows(arm, quantity, np.broadcast_to(by, (len(steps), *by.shape)), steps=steps)


def machine(net: str, arm: str) -> list[pd.DataFrame]:
    """All that is measured of one machine; histograms and pictures at the end."""
    parts = [rows(arm, quantity, values) for quantity, values in NETS[net].items()]
    parts += [rows(arm, f"batch_{q}", NETS[net][q], STEPS[-1:]) for q in ACTIVATIONS]
    below, above = NETS[net]["share_below"], NETS[net]["share_above"]
    bins = np.full(BINS, (1 - below - above) / (BINS - 2))
    bins[0], bins[-1] = below, above
    parts += [rows(arm, name, bins, STEPS[-1:]) for name in ("histogram", "batch_histogram")]
    parts.append(rows(arm, "diverged_at", -1.0, STEPS[-1:]))
    if arm == net:
        W = np.diag(NETS[net]["norm"])  # unit j has one weight, at pixel j
        parts += [rows(arm, f"filter.{pixel:03d}", W[pixel], STEPS[-1:]) for pixel in range(SIDE**2)]
    return parts


def made_up() -> pd.DataFrame:
    """Five seeds of both machines in all settings, and of the check by enumeration."""
    parts = [part for net in NETS for ending in ENDINGS for part in machine(net, net + ending)]
    parts += [rows("enumeration", quantity, value, [20]) for quantity, value in CHECK.items()]
    return pd.concat(parts, ignore_index=True).astype({"arm": "category", "quantity": "category"})


def only(runs: pd.DataFrame, *arms: str) -> pd.DataFrame:
    """Runs of some arms, as they are when the others were not run."""
    return runs[runs.arm.isin(arms)].astype({"arm": str}).astype({"arm": "category"})
