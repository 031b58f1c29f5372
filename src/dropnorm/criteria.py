"""The parts that criteria are made of: what a test says of the samples, one number a seed.

A part names a measure, the arm or arms it is about, and what must hold. Samples are a tidy frame (measure, arm, seed,
value) that an analysis drew from the runs.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from dropnorm.settings import Strict
from dropnorm.statistics import (
    Estimate,
    equivalence,
    log_mean_test,
    mean_test,
    share_test,
    welch_test,
)


@dataclass(frozen=True)
class Finding:
    """One part of a claim as measured: the estimate, whether its size is as claimed, whether the seeds exclude it.

    An `exact` part is an identity or a bound that must hold in every seed; it has no p.
    """

    estimate: Estimate
    size_met: bool
    excluded: bool
    exact: bool = False


class Difference(Strict):
    """Difference of two arms, first minus second, above a bound; its interval may have to meet `size`.

    Seed by seed, or by Welch's test where the arms are `unpaired`.
    """

    test: Literal["difference"]
    measure: str
    between: tuple[str, str]
    above: float
    size: tuple[float, float] | None = None
    unpaired: Literal[True] | None = None

    def finding(self, samples: pd.DataFrame) -> Finding:
        e = _difference_test(self, samples, self.above, "above")
        met = self.size is None or (e.high >= self.size[0] and e.low <= self.size[1])
        return Finding(e, met, excluded=e.high < self.above)


class Ratio(Strict):
    """Paired ratio of two arms, first over second, on a log scale, above a bound; it may have to be `at_least`."""

    test: Literal["ratio"]
    measure: str
    between: tuple[str, str]
    above: float = Field(gt=0)
    at_least: float | None = None

    def finding(self, samples: pd.DataFrame) -> Finding:
        a, b = paired(samples, self.measure, self.between)
        e = log_mean_test(a / b, self.above, "above")
        return Finding(e, self.at_least is None or e.value >= self.at_least, excluded=e.high < self.above)


class Share(Strict):
    """Share of seeds in which the first arm's value is the larger: above one half, and `at_least`."""

    test: Literal["share"]
    measure: str
    between: tuple[str, str]
    at_least: float = Field(gt=0.5, le=1)

    def finding(self, samples: pd.DataFrame) -> Finding:
        a, b = paired(samples, self.measure, self.between)
        known = pd.notna(a) & pd.notna(b)
        e = share_test(a[known] > b[known])
        return Finding(e, e.value >= self.at_least, excluded=e.high < self.at_least)


class Level(Strict):
    """The mean of one arm above or below a bound, on a log scale if `log`."""

    test: Literal["level"]
    measure: str
    of: str
    above: float | None = None
    below: float | None = None
    log: bool = False

    @model_validator(mode="after")
    def _one_bound(self) -> "Level":
        return _either(self, "above", "below")

    def finding(self, samples: pd.DataFrame) -> Finding:
        x = by_seed(samples, self.measure, self.of).to_numpy()
        claim, bound = ("above", self.above) if self.above is not None else ("below", self.below)
        e = (log_mean_test if self.log else mean_test)(x, bound, claim)
        return Finding(e, True, excluded=e.high < bound if claim == "above" else e.low > bound)


class Equivalence(Strict):
    """Two arms differ by no more than a margin, or one arm lies in a range: two one-sided tests (TOST).

    `within` is the range of the first arm minus the second, of their ratio if `log`, or of the one arm `of`.
    """

    test: Literal["equivalence"]
    measure: str
    between: tuple[str, str] | None = None
    of: str | None = None
    within: tuple[float, float]
    log: bool = False
    unpaired: Literal[True] | None = None

    @model_validator(mode="after")
    def _arms(self) -> "Equivalence":
        if self.log and self.unpaired:
            raise ValueError("a ratio (log) is of paired arms")
        return _either(self, "between", "of")

    def finding(self, samples: pd.DataFrame) -> Finding:
        e = equivalence(*(self._test(samples, *side) for side in zip(self.within, ("above", "below"), strict=True)))
        return Finding(e, True, excluded=e.high < self.within[0] or e.low > self.within[1])

    def _test(self, samples: pd.DataFrame, bound: float, claim: str) -> Estimate:
        if self.between is None:
            x = by_seed(samples, self.measure, self.of).to_numpy()
            return (log_mean_test if self.log else mean_test)(x, bound, claim)
        if self.log:
            a, b = paired(samples, self.measure, self.between)
            return log_mean_test(a / b, bound, claim)
        return _difference_test(self, samples, bound, claim)


class Bound(Strict):
    """An exact statement (an identity, a theorem): the value of every seed is at most, or at least, a bound.

    The estimate is the seed that comes nearest to breaking it, the interval all seeds.
    """

    test: Literal["bound"]
    measure: str
    of: str
    at_most: float | None = None
    at_least: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> "Bound":
        return _either(self, "at_most", "at_least")

    def finding(self, samples: pd.DataFrame) -> Finding:
        x = by_seed(samples, self.measure, self.of).to_numpy()
        if len(x) == 0:
            return Finding(Estimate(np.nan, np.nan, np.nan, np.nan, 0), False, excluded=False, exact=True)
        worst = x.max() if self.at_most is not None else x.min()
        holds = worst <= self.at_most if self.at_most is not None else worst >= self.at_least
        # A NaN holds nowhere: what could not be computed does not support a theorem.
        return Finding(Estimate(worst, x.min(), x.max(), np.nan, len(x)), bool(holds), excluded=not holds, exact=True)


def _difference_test(part: Any, samples: pd.DataFrame, bound: float, claim: str) -> Estimate:
    """The test of a part's two arms, first minus second, seed by seed or as two groups."""
    if part.unpaired:
        a, b = (by_seed(samples, part.measure, arm).to_numpy() for arm in part.between)
        return welch_test(a, b, bound, claim)
    a, b = paired(samples, part.measure, part.between)
    return mean_test(a - b, bound, claim)


def _either(part: Any, first: str, second: str) -> Any:
    """Exactly one of two bounds must be given. Raises ValueError."""
    if (getattr(part, first) is None) == (getattr(part, second) is None):
        raise ValueError(f"give either '{first}' or '{second}'")
    return part


def paired(samples: pd.DataFrame, measure: str, arms: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Values of two arms `[seed]`, `[seed]`, for the seeds that both have."""
    both = pd.concat([by_seed(samples, measure, arm) for arm in arms], axis=1, join="inner")
    return both.iloc[:, 0].to_numpy(), both.iloc[:, 1].to_numpy()


def by_seed(samples: pd.DataFrame, measure: str, arm: str) -> pd.Series:
    """One value a seed of a measure of an arm."""
    mine = samples[(samples.measure == measure) & (samples.arm == arm)]
    return mine.set_index("seed").value.sort_index()


Part = Annotated[Difference | Ratio | Share | Level | Equivalence | Bound, Field(discriminator="test")]
