"""What the probes along the gradient come to in the deep linear network: Figures 10 and 13.

The band of a step goes from the smallest to the largest value over the step lengths eta. Of each seed, over a part of
its training, the median of the band's upper edge (which decides the claims) and its maximum (which is shown beside).
Everything is in log10.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
import pandas as pd

from dropnorm.analyses.santurkar2018.linear import LARGEST, arm_of, log_curve, log_history, step_lengths
from dropnorm.analyses.tidy import samples, unit_history
from dropnorm.criteria import by_seed

# Parts of training, as shares of its steps: the thirds of S10.1 and S10.2, and from step 200 of 10,000 on for S10.3.
PARTS = {"early": (0, 1 / 3), "late": (2 / 3, 1), "settled": (0.02, 1)}
EDGES = ("loss", "difference")


class Band(NamedTuple):
    """Smallest and largest value over the step lengths, log10, [step x seed]."""

    lower: pd.DataFrame
    upper: pd.DataFrame


def there(runs: pd.DataFrame, arm: str, quantity: str) -> tuple[np.ndarray, pd.DataFrame]:
    """log10 of the loss or the gradient's change there, `[step, seed, eta]`, and a frame [step x seed] to label it."""
    like = log_history(runs, arm, "loss")
    return unit_history(runs, arm, f"log10_{quantity}_there").clip(-LARGEST, LARGEST), like


def band(runs: pd.DataFrame, arm: str, quantity: str) -> Band | None:
    """The band of the loss or of the gradient's change; None if the arm was not run."""
    if step_lengths(runs, arm) is None:
        return None
    values, like = there(runs, arm, quantity)
    return Band(*(pd.DataFrame(v, like.index, like.columns) for v in (values.min(axis=2), values.max(axis=2))))


def quotients(runs: pd.DataFrame, arm: str) -> dict[float, pd.DataFrame]:
    """log10 of the gradient's change over the distance eta ||g||, [step x seed], by eta; empty if it was not run."""
    if (etas := step_lengths(runs, arm)) is None:
        return {}
    change, like = there(runs, arm, "difference")
    gradient = log_history(runs, arm, "gradient").to_numpy()
    ratios = change - np.log10(etas) - gradient[:, :, None]
    return {float(eta): pd.DataFrame(ratios[:, :, i], like.index, like.columns) for i, eta in enumerate(etas)}


def beta(runs: pd.DataFrame, arm: str) -> pd.DataFrame | None:
    """log10 of effective beta: the largest of these quotients, [step x seed]."""
    found = quotients(runs, arm)
    return reduce(np.maximum, found.values()) if found else None


def log_rate(runs: pd.DataFrame, arm: str) -> float:
    """log10 of the learning rate of an arm that was run."""
    return float(runs[(runs.arm == arm) & (runs.quantity == "log10_lr")].value.iloc[0])


def over_edge(runs: pd.DataFrame, arm: str) -> pd.DataFrame | None:
    """log10 of effective beta times half the learning rate, [step x seed]: 0 at the edge of stability."""
    found = beta(runs, arm)
    return None if found is None else found + log_rate(runs, arm) - np.log10(2)


def part(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The steps of one part of training."""
    first, last = (share * table.index.max() for share in PARTS[name])
    return table[(table.index >= first) & (table.index <= last)]


def edge_samples(runs: pd.DataFrame, arm: str) -> list[pd.DataFrame]:
    """Of each seed median and maximum of the upper edges, early and late in training, log10."""
    found = []
    for quantity in EDGES:
        if (edges := band(runs, arm, quantity)) is not None:
            for name in ("early", "late"):
                mine = part(edges.upper, name)
                found.append(samples(f"{quantity}_edge_{name}", arm, mine.median()))
                found.append(samples(f"{quantity}_edge_{name}_maximum", arm, mine.max()))
    return found


def ratio_curves(found: pd.DataFrame, net: str) -> list[pd.DataFrame]:
    """log10 of plain over `net` for every measure of the edges; a curve whose x is the seed."""
    rows = []
    for measure in [f"{q}_edge_{p}{ending}" for q in EDGES for p in ("early", "late") for ending in ("", "_maximum")]:
        plain, other = (by_seed(found, measure, arm_of(each)) for each in ("none", net))
        ratio = (plain - other).dropna()
        if len(ratio):
            value = ratio.to_numpy()
            rows.append(
                pd.DataFrame({"panel": f"ratio_{net}", "series": measure, "x": ratio.index, "value": value,
                              "low": value, "high": value, "n": len(ratio)})
            )  # fmt: skip
    return rows


def edge_curves(runs: pd.DataFrame, net: str, shown: tuple[str, ...] = ("lower", "upper")) -> list[pd.DataFrame]:
    """Over training: edges of each band, and beta, each the median over seeds with the lowest and the highest."""
    arm, found = arm_of(net), []
    for quantity in EDGES:
        if (edges := band(runs, arm, quantity)) is not None:
            found += [log_curve(f"{quantity}_{edge}", net, getattr(edges, edge)) for edge in shown]
    if (smoothness := beta(runs, arm)) is not None:
        found.append(log_curve("beta", net, smoothness))
    return found
