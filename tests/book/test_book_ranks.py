"""Comparisons by ranks: exact p against every permutation written out, Holm's family, and what is said of them."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dropnorm.book import ranks
from dropnorm.book.sources import Result
from dropnorm.claims import ClaimsFile, judge
from dropnorm.criteria import Difference, Ratio
from dropnorm.names import ResultName
from dropnorm.protocol_file import ProtocolFile
from dropnorm.statistics import holm

NAME = ResultName("ioffe2015", "figure1")
WORDS = {
    "result": "figure1", "title": "Title", "statement": "S.", "where": "W", "paper": None, "unit": "u",
    "paper_source": "none", "criterion": "c",
}  # fmt: skip
LEVEL = {"test": "level", "measure": "m", "of": "high", "above": 0}


def difference(measure: str = "m", **more) -> dict:
    return {"test": "difference", "measure": measure, "between": ["high", "low"], "above": 0} | more


def sample(high: list[float], low: list[float], measure: str = "m") -> pd.DataFrame:
    rows = [(measure, arm, s, v) for arm, x in (("high", high), ("low", low)) for s, v in enumerate(x)]
    return pd.DataFrame(rows, columns=["measure", "arm", "seed", "value"])


@pytest.fixture
def judged(root, tmp_path):
    """A result whose claims, lists of parts, were judged from samples."""

    def make(claims: list[list[dict]], samples: pd.DataFrame, scale: str = "paper") -> Result:
        file = ClaimsFile.model_validate(
            {"paper": "ioffe2015", "citation": "I & S", "version": 1, "changes": [], "alpha": 0.05,
             "claims": {f"I1.{i}": WORDS | {"parts": parts} for i, parts in enumerate(claims, 1)}}
        )  # fmt: skip
        samples.to_csv(tmp_path / "samples.csv", index=False)
        protocol = ProtocolFile.model_construct(arms={})
        entries = judge(file, NAME, samples, scale)
        return Result(NAME, scale, (protocol,), file, folder=tmp_path, claims=entries)

    return make


def by_enumeration(a: np.ndarray, b: np.ndarray) -> float:
    """The share of all ways to name len(a) of the values 'first' in which as many pairs are in order, ties half."""

    def in_order(first, second):
        return sum((x > y) + (x == y) / 2 for x in first for y in second)

    values = [*a, *b]
    picked = [set(c) for c in combinations(range(len(values)), len(a))]
    split = [([values[i] for i in c], [v for i, v in enumerate(values) if i not in c]) for c in picked]
    return float(np.mean([in_order(*s) >= in_order(a, b) for s in split]))


@pytest.mark.parametrize("high, low", [
    ([3, 4, 5], [0, 1, 2]),
    ([3.0, 1.0, 5.0, 2.5], [0.0, 1.5, 2.0, 4.0]),
    ([2, 2, 3, 1, 2], [1, 2, 1, 1, 3]),  # tied
    ([3, 2, 3, 2, 4, 3, 2, 3, 4], [2, 2, 3, 1]),
    ([1, 1, 1], [1, 1, 1]),
])  # fmt: skip
def test_p_is_the_share_of_permutations(high, low):
    part = Difference(**difference(unpaired=True))
    assert ranks.rank_p(part, sample(high, low)) == pytest.approx(by_enumeration(high, low))


def test_without_ties_it_is_that_of_scipy():
    rng = np.random.default_rng(0)
    high, low = rng.normal(0.5, 1, 10), rng.normal(0, 1, 10)
    scipy = stats.mannwhitneyu(high, low, alternative="greater", method="exact").pvalue
    assert ranks.rank_p(Difference(**difference()), sample(high, low)) == pytest.approx(scipy)


def test_the_bound_of_a_part_is_taken_off_first():
    high, low = [5.0, 6.0, 7.0, 9.0], [2.0, 3.0, 4.0, 1.0]
    shifted = ranks.rank_p(Difference(**difference() | {"above": 4}), sample(high, low))
    assert shifted == pytest.approx(by_enumeration(np.array(high) - 4, np.array(low)))
    ratio = ranks.rank_p(Ratio(test="ratio", measure="m", between=("high", "low"), above=3), sample(high, low))
    assert ratio == pytest.approx(by_enumeration(np.array(high) / 3, np.array(low)))


def test_only_seeds_that_both_arms_have_count_where_they_are_paired():
    part = Difference(**difference())
    assert ranks.rank_p(part, sample([3, 4, 5, 0], [0, 1, 2])) == pytest.approx(1 / 20)


def test_three_seeds_pass_by_t_and_cannot_by_ranks(judged):
    text = ranks.compared_by_ranks([judged([[difference()]], sample([3.0, 3.1, 3.2], [0.0, 0.1, 0.3]))])
    assert (
        "ratio of two arms: 1. Of these pass by t: 1; by ranks: 0; by both: 0;" in text
        and "whatever they say: 1." in text
    )
    assert "ioffe2015.I1.1 Title" in text and "| 0.05 |" in text


def test_five_seeds_apart_pass_by_both_and_stand_in_no_table(judged):
    apart = sample([3.0, 3.1, 3.2, 3.3, 3.4], [0.0, 0.1, 0.3, 0.2, 0.5])
    text = ranks.compared_by_ranks([judged([[difference()]], apart)])
    assert "by t: 1; by ranks: 1; by both: 1;" in text and "whatever they say: 0." in text and "|" not in text


def test_a_claim_still_to_be_measured_counts_in_the_family(judged):
    apart = sample([3.0, 3.1, 3.2, 3.3, 3.4], [0.0, 0.1, 0.3, 0.2, 0.5])
    (one,) = ranks.comparisons(judged([[difference()], [difference("other")]], apart))
    assert one.by_ranks == pytest.approx(2 / 252) and one.least == pytest.approx(1 / 252)


def test_parts_that_compare_no_arms_keep_their_p_and_claims_without_a_comparison_are_left_out(judged):
    apart = sample([0.5, 6.0, 0.6, 7.0, 6.5], [0.0, 0.1, 0.3, 0.2, 0.4])
    result = judged([[difference(), LEVEL | {"above": 0.4}], [LEVEL]], apart)
    (one,) = ranks.comparisons(result)
    level = result.claims[0]["parts"][1]["p"]
    assert one.id == "ioffe2015.I1.1" and level > 1 / 252
    assert one.by_ranks == pytest.approx(holm([level, result.claims[1]["p"]])[0])


def test_smoke_is_no_evidence(judged):
    apart = sample([3.0, 3.1, 3.2], [0.0, 0.1, 0.3])
    assert ranks.compared_by_ranks([judged([[difference()]], apart, "smoke")]).startswith("No claim on a difference")


def test_a_criterion_that_changed_since_is_judged_as_it_is_today(judged):
    apart = sample([3.0, 3.1, 3.2, 3.3, 3.4], [0.0, 0.1, 0.3, 0.2, 0.5])
    former, today = judged([[difference()]], apart), judged([[difference(), LEVEL | {"above": 4}]], apart)
    (one,) = ranks.comparisons(replace(today, claims=former.claims))
    assert one.passes == (False, False)
