"""Made-up runs of the autoencoders of Figures 7 and 8, so that every answer is known."""

import numpy as np
import pandas as pd
import pytest

from tests.analyses.made_up import table_rows

SEEDS, UNITS, SIDE, STEP = 5, 6, 4, 100
SETTINGS = {
    "network": {"hidden": UNITS, "p": 1.0},
    "optimiser": {"l2": 1e-3},
    "training": {"loss": "squared", "steps": STEP},
    "measure": {
        "window": 9, "low_frequency_radius": 5.0, "knockout_images": 1000, "knockout_draws": 20, "batch_images": 100,
        "histogram_width": 0.05,
    },
}  # fmt: skip
# Of each net: what is measured once a network, and once a unit (here the first is a dead unit's, which has no shape).
NETS = {
    "none": {
        "test_error": 2.0, "validation_error": 2.1, "knockout_none": 2.0, "knockout_10": 6.0, "knockout_25": 12.0,
        "knockout_50": 22.0, "knockout_rescaled_10": 5.0, "knockout_rescaled_25": 10.0, "knockout_rescaled_50": 20.0,
        "test_dead_units": 1.0, "diverged_at": -1.0, "mean": 2.0, "share_near_zero": 0.10, "share_zero": 0.05,
        "share_above_1": 0.60, "share_above_2": 0.30, "largest": 8.0, "hoyer_images": 0.3, "treves_rolls_images": 0.4,
        "hoyer_units": 0.3, "treves_rolls_units": 0.4, "mean_scaled": 2.0, "share_above_1_scaled": 0.60,
        "test_hoyer_images_live": 0.29, "test_treves_rolls_images_live": 0.39,
    },
    "dropout": {
        "test_error": 2.2, "validation_error": 2.3, "knockout_none": 2.2, "knockout_10": 2.31, "knockout_25": 2.53,
        "knockout_50": 3.3, "knockout_rescaled_10": 2.3, "knockout_rescaled_25": 2.4, "knockout_rescaled_50": 2.9,
        "test_dead_units": 1.0, "diverged_at": -1.0, "mean": 1.0, "share_near_zero": 0.40, "share_zero": 0.35,
        "share_above_1": 0.30, "share_above_2": 0.20, "largest": 7.0, "hoyer_images": 0.6, "treves_rolls_images": 0.7,
        "hoyer_units": 0.6, "treves_rolls_units": 0.7, "mean_scaled": 0.5, "share_above_1_scaled": 0.20,
        "test_hoyer_images_live": 0.59, "test_treves_rolls_images_live": 0.69,
    },
}  # fmt: skip
BY_UNIT = {
    "none": {
        "filter_window_energy": [np.nan, 0.2, 0.2, 0.3, 0.4, 0.4], "filter_participation": [np.nan, 9, 9, 8, 7, 7],
        "filter_low_frequency": [np.nan, 0.2, 0.2, 0.3, 0.4, 0.4], "filter_moran": [np.nan, 0, 0, 0.1, 0.2, 0.2],
        "knockout_unit": [2.0, 2.0, 2.1, 2.1, 2.2, 2.2], "unit_mean": [0.0, 1.0, 2.0, 2.0, 3.0, 4.0],
    },
    "dropout": {
        "filter_window_energy": [np.nan, 0.7, 0.7, 0.8, 0.9, 0.9], "filter_participation": [np.nan, 3, 3, 2, 1, 1],
        "filter_low_frequency": [np.nan, 0.5, 0.5, 0.6, 0.7, 0.7], "filter_moran": [np.nan, 0.5, 0.5, 0.6, 0.7, 0.7],
        "knockout_unit": [2.2, 2.2, 2.2, 2.21, 2.21, 2.312], "unit_mean": [0.0, 0.5, 1.0, 1.0, 1.5, 2.0],
    },
}  # fmt: skip
CODES = ("mean", "share_", "largest", "hoyer", "treves_rolls", "unit_mean")  # measured on a mini-batch and on all


def _rows(arm: str, quantity: str, values: np.ndarray) -> pd.DataFrame:
    """values `[seed]` or `[seed, unit]` after the last step, as tidy runs."""
    return table_rows(arm, quantity, values[None], steps=[STEP])


def _per_seed(quantity: str, value: float) -> np.ndarray:
    """The same value for all seeds but for a thousandth of it a seed; counts and steps exactly."""
    return np.full(SEEDS, value) if "_units" in quantity or value < 0 else value * (1 + np.arange(SEEDS) / 1000)


def _arm(net: str, arm: str) -> list[pd.DataFrame]:
    parts = []
    for quantity, value in NETS[net].items():
        for name in _names(quantity):
            parts.append(_rows(arm, name, _per_seed(quantity, value)))
    for quantity, values in BY_UNIT[net].items():
        for name in _names(quantity):
            parts.append(_rows(arm, name, np.tile(values, (SEEDS, 1))))
    for images in ("batch", "test"):
        parts.append(_rows(arm, f"{images}_histogram", np.tile([300.0, 200.0, 100.0, 0.0], (SEEDS, 1))))
    for rank in range(UNITS):
        picture = np.zeros((1, SIDE**2))
        picture[0, rank] = UNITS - rank
        parts.append(_rows(arm, f"picture_{rank:03}", picture))
    return parts


def _names(quantity: str) -> list[str]:
    return [f"{images}_{quantity}" for images in ("batch", "test")] if quantity.startswith(CODES) else [quantity]


@pytest.fixture
def autoencoder_settings() -> dict:
    """What a figure's caption reads of the protocol."""
    return SETTINGS


@pytest.fixture
def autoencoder_runs() -> pd.DataFrame:
    """Five seeds of both nets in all settings: filters, deletions, codes and pictures as named above."""
    endings = ("", ".l2-0.0", ".loss-cross_entropy")
    parts = [part for ending in endings for net in NETS for part in _arm(net, net + ending)]
    return pd.concat(parts, ignore_index=True).astype({"arm": "category", "quantity": "category"})
