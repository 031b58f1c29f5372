"""Steps that results of several chapters share: arms by rate, steps to a level, values a unit, curves in words."""

import numpy as np
import pandas as pd

from dropnorm.analyses.tidy import final, first_crossing, unit_history


def arms_by_rate(runs: pd.DataFrame, net: str) -> dict[float, str]:
    """The arms of a net that were run, `net.lr-RATE` and the net itself, by rate in ascending order."""
    arms = {float(a.removeprefix(f"{net}.lr-")): a for a in set(runs.arm) if a.startswith(f"{net}.lr-")}
    arms |= {runs.attrs["settings"]["optimiser"]["lr"]: net} if net in set(runs.arm) else {}
    return dict(sorted(arms.items()))


def best_arm(runs: pd.DataFrame, net: str) -> str | None:
    """Of the arms of a net, one a rate, the one with the highest mean validation accuracy over the seeds that all have.

    None if an arm is missing, or if they have no seed in common.
    """
    arms = [a for a in runs.arm.cat.categories if a == net or a.startswith(f"{net}.")]
    if not arms or not set(arms) <= set(runs.arm.unique()):
        return None
    accuracy = pd.concat([final(runs, arm, "validation_accuracy") for arm in arms], axis=1, keys=arms, join="inner")
    return accuracy.mean().idxmax() if len(accuracy) else None


def tried_rate(arm: str) -> str:
    """The rate of an arm `net.SWEEP-RATE` as a word; the net itself stands between the rates that its sweep tries."""
    return arm.rpartition("-")[2] if "." in arm else "middle"


def steps_to(accuracy: pd.DataFrame, level: float) -> pd.Series:
    """Steps until each seed's curve [step x seed] first reaches a level; the last step where it never does."""
    return accuracy.apply(first_crossing, level=level)


def by_unit(runs: pd.DataFrame, arm: str, quantity: str, x=None) -> pd.DataFrame:
    """A quantity of each unit, when first measured, as a table [unit x seed] with index x; empty without the arm."""
    if arm not in set(runs.arm):
        return pd.DataFrame()
    values = unit_history(runs, arm, quantity)[0]  # [seed, unit]
    index = None if x is None else np.asarray(x)
    return pd.DataFrame(values.T, index=index, columns=sorted(runs[runs.arm == arm].seed.unique()))


def points_in_words(mine: pd.DataFrame, where: str = "{:g}") -> str:
    """The points of one curve of percents for a description: '97.3 % at 128, 96.9 % at 32'; where: how x is said."""
    return ", ".join(f"{v:.1f} % at {where.format(x)}" for x, v in zip(mine.x, mine.value, strict=True))
