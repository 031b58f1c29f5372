"""The tables of an evaluation: what is read is what an analysis wrote."""

from pathlib import Path

import pandas as pd

from dropnorm.files import replacing

TABLES = ("samples", "table", "curves")  # what `analyses.Summary` says of their columns
_NAMES = ("measure", "arm", "quantity", "panel", "series")
_NUMBERS = ("seed", "value", "n", "mean", "sd", "low", "high", "x")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write one as CSV, whole or not at all."""
    with replacing(path) as part:
        table.to_csv(part, index=False, float_format="%.6g")


def read_table(path: Path) -> pd.DataFrame:
    """Read one; an arm or a series called `None` or `100` stays a name, a number that is not there is NaN."""
    texts, empty = dict.fromkeys(_NAMES, str), dict.fromkeys(_NUMBERS, [""])
    return pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=empty)
