"""Comparisons of two arms once more by ranks: whether a verdict rests on what Student's t supposes of the seeds."""

import gc
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from dropnorm.book import texts
from dropnorm.book.sources import Result
from dropnorm.claims import Claim, judge
from dropnorm.criteria import Bound, Difference, Part, Ratio, by_seed, paired
from dropnorm.statistics import holm
from dropnorm.tables import read_table

BY_RANKS = (Difference, Ratio)


@dataclass(frozen=True)
class Comparison:
    """A claim on two arms: its p by t and by ranks, both after Holm's correction."""

    id: str  # with its paper
    title: str
    n: int
    by_t: float
    by_ranks: float
    least: float  # p by ranks that these seeds can give, before the correction
    alpha: float

    @property
    def passes(self) -> tuple[bool, bool]:
        """By t, by ranks."""
        return self.by_t < self.alpha, self.by_ranks < self.alpha


def compared_by_ranks(results: list[Result]) -> str:
    """How many claims pass by t and how many by ranks, and which pass by one of them alone."""
    gc.freeze()  # statsmodels collects garbage at every Holm correction: ten seconds, with all results in memory
    try:
        found = [comparison for result in results if result.evidence for comparison in comparisons(result)]
    finally:
        gc.unfreeze()
    if not found:
        return "No claim on a difference or a ratio of two arms has been measured yet.\n"
    passes = [comparison.passes for comparison in found]
    sentence = (
        f"Measured claims that ask for a difference or a ratio of two arms: {len(found)}. "
        f"Of these pass by t: {sum(t for t, _ in passes)}; by ranks: {sum(ranks for _, ranks in passes)}; "
        f"by both: {sum(t and ranks for t, ranks in passes)}; with too few seeds to pass by ranks whatever they say: "
        f"{sum(c.least >= c.alpha for c in found)}.\n"
    )
    rows = [_row(comparison) for comparison in found if len(set(comparison.passes)) > 1]
    header = ("Claim that passes by one alone", "n", "p (Holm) by t", "p (Holm) by ranks", "least p of ranks")
    return f"{sentence}\n{texts.table(header, rows, right=(1, 2, 3, 4))}" if rows else sentence


def _row(c: Comparison) -> list[str]:
    name = f"{c.id} {texts.statement(c.title)}"
    return [name, str(c.n), texts.p_value(c.by_t), texts.p_value(c.by_ranks), texts.p_value(c.least)]


def comparisons(result: Result) -> list[Comparison]:
    """Every claim of a result that asks for a difference or a ratio and has a p, by today's criteria."""
    samples = read_table(result.folder / "samples.csv")
    criteria = result.criteria
    judged = judge(criteria, result.name, samples, result.scale)
    claims = [criteria.claims[entry["id"].removeprefix(f"{criteria.paper}.")] for entry in judged]
    # Holm's family is that of the verdicts: a claim that is still to be measured counts.
    tested = [(e, claim) for e, claim in zip(judged, claims, strict=True) if set(map(type, claim.parts)) != {Bound}]
    adjusted = holm([_largest_p(claim, entry, samples) for entry, claim in tested])
    return [
        Comparison(e["id"], e["title"], e["n"], e["p_holm"], by_ranks, least, criteria.alpha)
        for (e, claim), by_ranks in zip(tested, adjusted, strict=True)
        if e["p"] is not None and (least := _least_p(claim, samples)) is not None
    ]


def _largest_p(claim: Claim, judged: dict[str, Any], samples: pd.DataFrame) -> float:
    """A claim holds if all its parts do, so its p is the largest; parts of other kinds keep theirs. NaN without one."""
    if judged["p"] is None:
        return np.nan
    parts = [(part, one) for part, one in zip(claim.parts, judged["parts"], strict=True) if one["p"] is not None]
    return max(rank_p(part, samples) if isinstance(part, BY_RANKS) else one["p"] for part, one in parts)


def _least_p(claim: Claim, samples: pd.DataFrame) -> float | None:
    """Of the part with the fewest seeds, if all of one arm's values lie above the other's; None if no part compares."""
    sizes = [[len(x) for x in _values(part, samples)] for part in claim.parts if isinstance(part, BY_RANKS)]
    return max((1 / comb(a + b, a) for a, b in sizes), default=None)


def rank_p(part: Difference | Ratio, samples: pd.DataFrame) -> float:
    """Mann and Whitney's exact p that the first arm's values, less the part's bound, lie above the second's."""
    a, b = _values(part, samples)
    a = a - part.above if isinstance(part, Difference) else a / part.above
    doubled = np.round(2 * stats.rankdata([*a, *b])).astype(int)  # tied values share a rank: whole numbers when doubled
    ways = np.zeros((len(a) + 1, doubled.sum() + 1))  # [how many values picked, sum of their ranks]
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, :-rank]
    return float(ways[-1, doubled[: len(a)].sum() :].sum() / ways[-1].sum())


def _values(part: Part, samples: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The values of a part's two arms, of the seeds that its own test uses."""
    if isinstance(part, Difference) and part.unpaired:
        return tuple(by_seed(samples, part.measure, arm).to_numpy() for arm in part.between)
    return paired(samples, part.measure, part.between)
