"""Statements about most seeds: for an outcome of two kinds, which a mean over all seeds would blur."""

from typing import Literal

import pandas as pd

SPARED = 1 / 5  # of the seeds


def of_most(values: pd.Series, spared: Literal["lowest", "highest"]) -> pd.Series:
    """Values by seed without the lowest, or the highest, fifth of them (rounded down).

    What holds of all that are left holds of at least four fifths of the seeds.
    """
    ordered = values.sort_values(ascending=spared == "lowest")
    return ordered.iloc[int(SPARED * len(values) + 1e-9) :]
