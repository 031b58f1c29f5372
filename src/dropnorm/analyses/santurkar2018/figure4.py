"""Santurkar et al. 2018, Figure 4: loss and gradient along the gradient, with and without batch norm (S4.1 to S4.7)."""

from functools import reduce

import numpy as np
import pandas as pd
from scipy.stats import gmean

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.santurkar2018 import figure4_drawings as drawings
from dropnorm.analyses.santurkar2018.vgg import (
    EIGHTH,
    MULTIPLES,
    Collected,
    band_width,
    beta_times_rate,
    by_length,
    largest,
    present,
    smallest,
    smoothed,
    window_median,
)
from dropnorm.analyses.tidy import curve, history

ARMS = ["standard", "batchnorm"]
HALF_RATE = "batchnorm.half_rate-0.05"
BIN = 2**0.5  # factor of training loss from bin to bin, S4.7
IN_BIN = 2  # measurements that a bin must have of each net


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    found, arms, in_words = Collected(), present(runs, ARMS), {}
    for arm in arms:
        _measure(runs, arm, arms, found)
    if present(runs, [HALF_RATE]):
        found.add("beta_late_times_rate", HALF_RATE, _late_plateau(runs, HALF_RATE, [HALF_RATE]))
    if len(arms) == len(ARMS):
        bands = {arm: band_width(runs, arm) for arm in ARMS}
        mid, late = (_ratio(runs, bands, span, arms) for span in ((1000, 5000), (10_000, 15_000)))
        found.add("band_ratio_late", "standard", late, shown_only=True)
        in_words = {"band_ratio_late_standard": f"{gmean(late.dropna()):.0f}"} if late.notna().any() else {}
        found.add("band_ratio_mid_over_late", "standard", from_one(mid) / from_one(late))
        by_loss = ratios_by_loss(runs, bands)
        found.add("band_ratio_equal_loss", "standard", over_bins(by_loss))
        below_top = over_bins(without_highest(by_loss))
        in_words |= {"band_ratio_below_highest_loss": f"{gmean(below_top):.1f}"} if len(below_top) else {}
    facts = found.facts(
        {"band_width": ".2f", "band_width_mid": ".2f", "band_width_first": ".2f", "gradient_edge": ".1f",
         "gradient_edge_first": ".1f", "random_band_width": ".4f", "random_gradient_edge": ".2f", "random_beta": ".2f",
         "beta_eighth_times_rate_mid": ".2f", "beta_times_rate_mid": ".2f",
         "beta_late_times_rate": ".2f", "beta_late": ".1f", "beta_eighth_times_rate": ".1f",
         "gradient_length_first": ".1f", "gradient_length_late": ".1f",
         "loss_kept_at_half": ".0f", "loss_kept_at_eighth": ".0f"}
    )  # fmt: skip
    facts |= found.ratios(
        {"band_ratio": ("band_width", *ARMS), "band_ratio_mid": ("band_width_mid", *ARMS),
         "band_ratio_first": ("band_width_first", *ARMS), "edge_ratio_first": ("gradient_edge_first", *ARMS)}
    )  # fmt: skip
    return found.summary(_curves(runs), facts | in_words)


def _measure(runs: pd.DataFrame, arm: str, arms: list[str], found: Collected) -> None:
    """Medians over windows of one net; the other net's end cuts them too."""
    band, edge = band_width(runs, arm), largest(runs, arm, "landscape_gradient_difference")
    beta = largest(runs, arm, "landscape_smoothness")
    found.add("band_width", arm, window_median(runs, band, 0, 5000, arms))
    found.add("band_width_mid", arm, window_median(runs, band, 1000, 5000, arms))
    found.add("band_width_first", arm, window_median(runs, band, 0, 1000, arms))
    found.add("gradient_edge", arm, window_median(runs, edge, 1000, 5000, arms))
    found.add("gradient_edge_first", arm, window_median(runs, edge, 0, 1000, arms))
    length = history(runs, arm, "landscape_gradient_norm")
    found.add("gradient_length_first", arm, window_median(runs, length, 0, 1000, arms), shown_only=True)
    found.add("gradient_length_late", arm, window_median(runs, length, 10_000, 15_000, arms), shown_only=True)
    found.add("beta_early", arm, window_median(runs, beta, 0, 3000, arms))
    found.add("beta_late", arm, window_median(runs, beta, 3000, 15_000, arms))
    found.add("beta_p95", arm, beta.quantile(0.95) if len(beta) else pd.Series(dtype=float))
    eighth = beta_times_rate(runs, arm, EIGHTH)
    found.add("beta_eighth_times_rate", arm, window_median(runs, eighth, 3000, 15_000, arms))
    found.add("beta_eighth_times_rate_mid", arm, window_median(runs, eighth, 1000, 5000, arms), shown_only=True)
    at_half = beta_times_rate(runs, arm, MULTIPLES.index(0.5))
    found.add("beta_times_rate_mid", arm, window_median(runs, at_half, 1000, 5000, arms), shown_only=True)
    for name, unit in {"half": MULTIPLES.index(0.5), "eighth": EIGHTH}.items():
        kept = window_median(runs, loss_kept(runs, arm, unit), 3000, 15_000, arms)
        found.add(f"loss_kept_at_{name}", arm, kept, shown_only=True)
    random_edge, random_band = largest(runs, arm, "random_gradient_difference"), band_width(runs, arm, "random")
    found.add("random_gradient_edge", arm, window_median(runs, random_edge, 1000, 5000, arms))
    found.add("random_band_width", arm, window_median(runs, random_band, 1000, 5000, arms))
    random_beta = largest(runs, arm, "random_smoothness")
    found.add("random_beta", arm, window_median(runs, random_beta, 1000, 5000, arms), shown_only=True)


def loss_kept(runs: pd.DataFrame, arm: str, unit: int) -> pd.DataFrame:
    """Percent of the mini-batch's loss that are left after a step of the landscape, `unit` a place in MULTIPLES."""
    after = by_length(runs, arm, "landscape_loss").get(unit, pd.DataFrame())
    return 100 * after / history(runs, arm, "landscape_base_loss").loc[after.index] if len(after) else after


def _late_plateau(runs: pd.DataFrame, arm: str, arms: list[str]) -> pd.Series:
    """Largest effective beta on the paper's grid, times the rate, steps 3,000 to 15,000."""
    tables = [beta_times_rate(runs, arm, unit) for unit in range(1, len(MULTIPLES))]
    tables = [t for t in tables if len(t)]
    return window_median(runs, reduce(np.maximum, tables), 3000, 15_000, arms) if tables else pd.Series(dtype=float)


def _ratio(runs, bands: dict[str, pd.DataFrame], span: tuple[int, int], arms: list[str]) -> pd.Series:
    return window_median(runs, bands["standard"], *span, arms) / window_median(runs, bands["batchnorm"], *span, arms)


def from_one(ratio: pd.Series) -> pd.Series:
    """By what factor a ratio differs from 1, up or down."""
    return np.exp(np.log(ratio).abs())


def training_loss(runs: pd.DataFrame, arm: str, at: pd.Index) -> pd.DataFrame:
    """The smoothed loss of training mini-batches at the steps `at`."""
    return smoothed(runs, history(runs, arm, "train_loss")).reindex(at)


def ratios_by_loss(runs: pd.DataFrame, bands: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Band width without over that with batch norm at equal training loss, [bin of the loss, rising x seed].

    NaN in bins that a net of the seed is not in, or not often enough.
    """
    standard, batchnorm = (_medians_by_loss(runs, arm, bands[arm]) for arm in ARMS)
    return (standard / batchnorm).sort_index()


def _medians_by_loss(runs: pd.DataFrame, arm: str, band: pd.DataFrame) -> pd.DataFrame:
    """The median band width in each bin of the training loss, [bin x seed]."""
    bins = np.floor(np.log(training_loss(runs, arm, band.index).clip(lower=1e-6)) / np.log(BIN))
    grouped = {seed: band[seed].groupby(bins[seed]) for seed in band}
    return pd.DataFrame({seed: mine.median()[mine.size() >= IN_BIN] for seed, mine in grouped.items()})


def without_highest(by_loss: pd.DataFrame) -> pd.DataFrame:
    """Less each seed's bin of the highest losses, in which a net is on its first plateau."""
    return by_loss.apply(lambda ratio: ratio.dropna().iloc[:-1])


def over_bins(by_loss: pd.DataFrame) -> pd.Series:
    """The geometric mean over bins, by seed; seeds without a bin are left out."""
    return np.exp(np.log(by_loss).mean()).dropna().rename_axis("seed")


def _curves(runs: pd.DataFrame) -> list[pd.DataFrame]:
    found = []
    for arm in present(runs, ARMS):
        for panel, quantity in (("loss", "loss"), ("gradient", "gradient_difference")):
            for walk in ("landscape", "random"):
                low, high = (f(runs, arm, f"{walk}_{quantity}") for f in (smallest, largest))
                if len(high):
                    found.append(landscape_band(f"{walk}_{panel}", arm, low, high))
        if len(width := band_width(runs, arm, "random")):
            found.append(curve("random_width", arm, width))
        beta = largest(runs, arm, "landscape_smoothness")
        if len(beta):
            found.append(curve("beta", arm, beta))
            found.append(_against_loss(runs, arm))
        for unit in by_length(runs, arm, "landscape_gradient_difference"):
            found.append(curve(f"beta_times_rate_{MULTIPLES[unit]:g}", arm, beta_times_rate(runs, arm, unit)))
    return found


def landscape_band(panel: str, arm: str, low: pd.DataFrame, high: pd.DataFrame) -> pd.DataFrame:
    """A band over steps: `low` and `high` are the means over seeds of its edges, `value` lies between."""
    edges = {"low": low.mean(axis=1).to_numpy(), "high": high.mean(axis=1).to_numpy()}
    middle = (edges["low"] + edges["high"]) / 2
    return pd.DataFrame(
        {"panel": panel, "series": arm, "x": high.index, "value": middle, **edges, "n": high.shape[1]}
    )  # fmt: skip


def _against_loss(runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Each measurement: band width (value) against the smoothed training loss (x), all seeds."""
    band = band_width(runs, arm)
    loss = training_loss(runs, arm, band.index)
    width = band.to_numpy().ravel()
    return pd.DataFrame(
        {"panel": "against_loss", "series": arm, "x": loss.to_numpy().ravel(), "value": width, "low": width,
         "high": width, "n": band.shape[1]}
    )  # fmt: skip


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; `figure` is the one that stands beside the paper's."""
    return drawings.figures(curves, reference, context)
