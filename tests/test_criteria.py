"""The parts of criteria on samples small enough to reckon by hand."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from dropnorm.criteria import Bound, Difference, Equivalence, Level, Ratio, Share
from dropnorm.statistics import welch_test


def samples_of(**arms) -> pd.DataFrame:
    rows = [("m", arm, seed, float(v)) for arm, values in arms.items() for seed, v in enumerate(values)]
    return pd.DataFrame(rows, columns=["measure", "arm", "seed", "value"])


def difference(**more) -> Difference:
    return Difference(test="difference", measure="m", between=("a", "b"), above=0, **more)


@pytest.mark.parametrize(("middle", "met"), [(0.38, False), (0.48, True), (1.52, True), (1.62, False)])
def test_a_size_is_met_where_the_interval_reaches_it(middle, met):
    a = middle + np.array([-0.04, -0.02, 0.0, 0.02, 0.04])  # the interval is 0.04 to either side
    found = difference(size=(0.5, 1.5)).finding(samples_of(a=a, b=np.zeros(5)))
    assert found.size_met == met


def test_unpaired_arms_are_two_groups_even_with_the_same_seeds():
    a, b = np.array([1.0, 2.0, 3.5]), np.array([0.9, 1.8, 3.4])
    found = difference(unpaired=True).finding(samples_of(a=a, b=b)).estimate
    assert found == welch_test(a, b, 0, "above")
    assert found.p > 10 * difference().finding(samples_of(a=a, b=b)).estimate.p


def test_a_ratio_itself_must_be_as_large_as_claimed_and_not_only_its_interval():
    part = Ratio(test="ratio", measure="m", between=("a", "b"), above=1, at_least=2)
    found = part.finding(samples_of(a=[1.8, 1.9, 2.1], b=[1, 1, 1]))
    assert found.estimate.value < 2 < found.estimate.high
    assert not found.size_met


@pytest.mark.parametrize(
    "part",
    [
        Ratio(test="ratio", measure="m", between=("a", "b"), above=1),
        Equivalence(test="equivalence", measure="m", between=("a", "b"), within=(1, 9), log=True),
    ],
    ids=["ratio", "equivalence"],
)
def test_a_ratio_is_the_first_arm_over_the_second_seed_by_seed(part):
    found = part.finding(samples_of(a=[2, 8, 4, 9], b=[2, 4, 0.5])).estimate  # 1, 2 and 8; the last seed has no partner
    assert found.value == pytest.approx(16 ** (1 / 3))
    assert found.n == 3


@pytest.mark.parametrize(
    ("part", "middle", "excluded"),
    [
        (Difference(test="difference", measure="m", between=("a", "b"), above=1), 0.95, True),
        (Difference(test="difference", measure="m", between=("a", "b"), above=1), 0.97, False),
        (Level(test="level", measure="m", of="a", above=1), 0.95, True),
        (Level(test="level", measure="m", of="a", above=1), 0.97, False),
        (Level(test="level", measure="m", of="a", above=1), 1.95, False),
        (Level(test="level", measure="m", of="a", below=1), 1.05, True),
        (Level(test="level", measure="m", of="a", below=1), 1.03, False),
        (Level(test="level", measure="m", of="a", below=1), 0.05, False),
        (Equivalence(test="equivalence", measure="m", of="a", within=(1, 2)), 0.95, True),
        (Equivalence(test="equivalence", measure="m", of="a", within=(1, 2)), 0.97, False),
        (Equivalence(test="equivalence", measure="m", of="a", within=(1, 2)), 2.03, False),
        (Equivalence(test="equivalence", measure="m", of="a", within=(1, 2)), 2.05, True),
    ],
)
def test_seeds_exclude_a_part_where_their_whole_interval_lies_on_the_other_side(part, middle, excluded):
    a = middle + np.array([-0.04, -0.02, 0.0, 0.02, 0.04])  # the interval is 0.04 to either side
    assert part.finding(samples_of(a=a, b=np.zeros(5))).excluded == excluded


@pytest.mark.parametrize(("ratio", "excluded"), [(0.9, True), (0.99, False)])
def test_seeds_exclude_a_ratio_where_its_whole_interval_is_below_the_bound(ratio, excluded):
    part = Ratio(test="ratio", measure="m", between=("a", "b"), above=1)
    a = ratio * np.array([0.96, 0.98, 1.0, 1.02, 1.04])
    assert part.finding(samples_of(a=a, b=np.ones(5))).excluded == excluded


def test_seeds_exclude_a_share_that_even_their_interval_does_not_reach():
    part = Share(test="share", measure="m", between=("a", "b"), at_least=0.9)
    six_of_ten, nine_of_ten = ([1] * wins + [-1] * (10 - wins) for wins in (6, 9))
    assert part.finding(samples_of(a=six_of_ten, b=np.zeros(10))).excluded  # to 0.878
    assert not part.finding(samples_of(a=nine_of_ten, b=np.zeros(10))).excluded


def test_a_seed_in_which_both_arms_are_equal_is_no_win():
    part = Share(test="share", measure="m", between=("a", "b"), at_least=0.9)
    assert part.finding(samples_of(a=[1, 1, 2, 2], b=[1, 1, 1, 1])).estimate.value == 0.5


@pytest.mark.parametrize(
    "part",
    [
        Level(test="level", measure="m", of="a", above=1, log=True),
        Equivalence(test="equivalence", measure="m", of="a", within=(1, 9), log=True),
        Equivalence(test="equivalence", measure="m", between=("a", "b"), within=(1, 9), log=True),
    ],
    ids=["level", "range", "ratio"],
)
def test_on_a_log_scale_the_mean_is_the_geometric_one(part):
    found = part.finding(samples_of(a=[2, 8, 4], b=[1, 1, 1]))
    assert found.estimate.value == pytest.approx(4)


@pytest.mark.parametrize(
    ("limit", "values", "worst", "met"),
    [
        ({"at_most": 1}, [0.1, 1.2, 0.1], 1.2, False),  # though their mean is below
        ({"at_most": 1}, [0.5, 1.0, 0.1], 1.0, True),  # on the bound is within it
        ({"at_least": 1}, [3.0, 0.9, 3.0], 0.9, False),
        ({"at_least": 1}, [3.0, 1.0, 3.0], 1.0, True),
    ],
)
def test_of_a_bound_the_worst_seed_counts(limit, values, worst, met):
    found = Bound(test="bound", measure="m", of="a", **limit).finding(samples_of(a=values))
    assert (found.estimate.value, found.size_met, found.excluded) == (worst, met, not met)
    assert (found.estimate.low, found.estimate.high) == (min(values), max(values))


def test_a_bound_that_no_seed_was_asked_is_neither_met_nor_broken():
    found = Bound(test="bound", measure="m", of="a", at_most=1).finding(samples_of(b=[0]))
    assert (found.estimate.n, found.size_met, found.excluded) == (0, False, False)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Level(test="level", measure="m", of="a"), "give either 'above' or 'below'"),
        (lambda: Level(test="level", measure="m", of="a", above=1, below=2), "give either 'above' or 'below'"),
        (lambda: Bound(test="bound", measure="m", of="a", at_most=1, at_least=1), "give either 'at_most' or"),
        (
            lambda: Equivalence(
                test="equivalence", measure="m", between=("a", "b"), within=(1, 2), log=True, unpaired=True
            ),
            "a ratio .log. is of paired arms",
        ),
    ],
    ids=["no bound", "two bounds", "two limits", "log of two groups"],
)
def test_a_part_that_says_too_little_or_too_much_is_refused(make, words):
    with pytest.raises(ValidationError, match=words):
        make()
