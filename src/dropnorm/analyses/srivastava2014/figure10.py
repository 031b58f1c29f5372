"""Srivastava et al. 2014, Figure 10: test error against the number of training images, with and without dropout.

The claims F10.1 to F10.4 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for. A seed's subset is
the same in all arms.
"""

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.srivastava2014 import figure10_drawings as drawings
from dropnorm.analyses.srivastava2014.errors import (
    DECIMALS,
    by_level,
    counts,
    error_table,
    final_errors,
    mean_of,
    written,
)
from dropnorm.analyses.tidy import CURVE_COLUMNS, SAMPLE_COLUMNS, curve, joined, samples

SIZES = (100, 500, 1000, 5000, 10000, 50000)  # training images
SWEEP = {"none": "size", "dropout": "size", "none_small_init": "small"}  # over them; 50,000 are the net itself
PLAIN, OTHER = "none", "none_small_init"


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    errors = final_errors(runs)
    test = {net: by_level(errors, "test_error", {n: arm_of(net, n) for n in SIZES}) for net in SWEEP}
    found = joined([errors, *_gain_samples(test)], SAMPLE_COLUMNS)
    facts = counts(runs) | _facts(found, test)
    return Summary(samples=found, table=error_table(runs, errors), curves=_curves(test), facts=facts)


def figures(curves: pd.DataFrame, reference: pd.DataFrame, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; `figure` is the one that stands beside the paper's."""
    return drawings.figures(curves, reference, context)


def arm_of(net: str, size: int) -> str:
    """The arm that trains a net on so many images."""
    return net if size == SIZES[-1] else f"{net}.{SWEEP[net]}-{size}"


def gain(errors: dict[str, pd.DataFrame], plain: str = PLAIN) -> pd.DataFrame:
    """Points of test error that dropout takes off a plain net, on the same images.

    errors: test error of each net as a table [images x seed]; so is the gain.
    """
    return (errors[plain] - errors["dropout"]).dropna(how="all").round(DECIMALS)


def relative_gain(errors: dict[str, pd.DataFrame], plain: str = PLAIN) -> pd.DataFrame:
    """The gain in percent of the plain net's error."""
    return (100 * gain(errors, plain) / errors[plain]).dropna(how="all")


def _gain_samples(errors: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """F10.1: errors in percent of the plain net's; F10.3: the gain in points."""
    found = [samples("gain", f"size-{size}", row.dropna()) for size, row in gain(errors).iterrows()]
    for size, row in relative_gain(errors).iterrows():
        of_dropout = 100 - row.dropna()
        found.append(samples("relative_error", arm_of("dropout", size), of_dropout))
        found.append(samples("relative_error", arm_of(PLAIN, size), 0 * of_dropout + 100))
    return found


def _curves(errors: dict[str, pd.DataFrame]) -> pd.DataFrame:
    tables = [("error", net, table) for net, table in errors.items()]
    tables += [("points", plain, gain(errors, plain)) for plain in (PLAIN, OTHER)]
    tables += [("gain", plain, relative_gain(errors, plain)) for plain in (PLAIN, OTHER)]
    return joined([curve(panel, series, table) for panel, series, table in tables if len(table)], CURVE_COLUMNS)


def _facts(found: pd.DataFrame, errors: dict[str, pd.DataFrame]) -> dict[str, str]:
    """Numbers for the page's prose, by net and number of images."""
    test = {f"error_{net}_{n}": mean_of(found, "test_error", arm_of(net, n)) for net in SWEEP for n in SIZES}
    train = {f"train_{net}_{n}": mean_of(found, "train_error", arm_of(net, n)) for net in SWEEP for n in SIZES}
    gains = {f"gain_{n}": mean_of(found, "gain", f"size-{n}") for n in SIZES}
    relative = {
        f"{name}_{n}": row.mean()
        for name, plain in (("relative", PLAIN), ("relative_small", OTHER))
        for n, row in relative_gain(errors, plain).iterrows()
    }
    facts = written(test) | written(train, ".3f") | written(gains, "+.2f") | written(relative, "+.0f")
    by_size = {
        "largest_gain_at": {n: gains[f"gain_{n}"] for n in SIZES},
        "largest_relative_at": {n: relative.get(f"relative_{n}") for n in SIZES},
    }
    return facts | {name: f"{max(of, key=of.get):,}" for name, of in by_size.items() if None not in of.values()}
