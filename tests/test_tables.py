import numpy as np
import pandas as pd
import pytest

from dropnorm.tables import read_table, write_table

NAMES = ["None", "NA", "100", "1e3"]  # pandas would take them for missing values or for numbers
NUMBERS = [np.nan, np.inf, -np.inf, 0.5]


@pytest.mark.parametrize(
    "columns",
    [
        ("measure", "arm", "seed", "value"),
        ("arm", "quantity", "n", "mean", "sd", "low", "high"),
        ("panel", "series", "x", "value", "low", "high", "n"),
    ],
)
def test_what_is_read_is_what_was_written(tmp_path, columns):
    names = {"measure", "arm", "quantity", "panel", "series"}
    written = pd.DataFrame({column: NAMES if column in names else NUMBERS for column in columns})
    write_table(tmp_path / "table.csv", written)
    pd.testing.assert_frame_equal(read_table(tmp_path / "table.csv"), written)
