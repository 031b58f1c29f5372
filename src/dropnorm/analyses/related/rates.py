"""Which arms of a network differ in nothing but the learning rate, and which one is best on validation images."""

import pandas as pd

from dropnorm.analyses.tidy import final


def arms_by_rate(runs: pd.DataFrame, net: str) -> dict[float, str]:
    """The arms of a net that were run, `net.lr-RATE` and the net itself, by rate in ascending order."""
    arms = {float(a.removeprefix(f"{net}.lr-")): a for a in set(runs.arm) if a.startswith(f"{net}.lr-")}
    arms |= {runs.attrs["settings"]["optimiser"]["lr"]: net} if net in set(runs.arm) else {}
    return dict(sorted(arms.items()))


def best_arm(runs: pd.DataFrame, net: str) -> str | None:
    """Of the arms of a net, one a rate, the one with the highest mean validation accuracy; None if one is missing."""
    arms = [a for a in runs.arm.cat.categories if a == net or a.startswith(f"{net}.")]
    if not arms or not set(arms) <= set(runs.arm.unique()):
        return None
    return max(arms, key=lambda arm: final(runs, arm, "validation_accuracy").mean())
