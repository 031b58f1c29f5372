"""The tests against SciPy's own words and against data whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from dropnorm.statistics import equivalence, holm, log_mean_test, mean_interval, mean_test, share_test, welch_test


def test_mean_test_is_student_s():
    x = np.array([0.3, 0.9, 0.5, 1.1, 0.2])
    e = mean_test(x, 0.0, "above")
    assert e.p == pytest.approx(stats.ttest_1samp(x, 0).pvalue / 2)
    half = stats.t.ppf(0.975, 4) * x.std(ddof=1) / np.sqrt(5)
    assert (e.low, e.high) == pytest.approx((x.mean() - half, x.mean() + half))
    assert mean_test(x, 0.0, "below").p == pytest.approx(1 - e.p)


def test_log_test_is_on_the_geometric_mean():
    x = np.array([2.0, 8.0, 4.0])
    e = log_mean_test(x, 1.0, "above")
    assert e.value == pytest.approx(4.0)
    assert e.low * e.high == pytest.approx(16.0)  # symmetric on the log scale
    assert log_mean_test(x, 3.0, "above").p == pytest.approx(mean_test(np.log(x), np.log(3.0), "above").p)


def test_welch_is_scipy_s_and_shifts_by_the_bound():
    a, b = np.array([1.3, 1.9, 1.5, 1.1, 1.2]), np.array([1.0, 0.7, 0.8])
    e = welch_test(a, b, 0.2, "above")
    assert e.p == pytest.approx(stats.ttest_ind(a - 0.2, b, equal_var=False, alternative="greater").pvalue)
    assert (e.value, e.n) == (pytest.approx(a.mean() - b.mean()), 3)
    assert (e.low, e.high) == pytest.approx(stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95))
    assert welch_test(np.ones(3), np.zeros(3), 0.5, "above").p == 0.0
    one_agrees = welch_test(np.ones(3), b, 0.2, "above")  # the other spreads, and that counts
    assert one_agrees.low < one_agrees.value < one_agrees.high
    assert np.isnan(welch_test(np.ones(3), np.ones(1), 0.0, "above").p)


def test_equivalence_needs_both_sides():
    x = np.array([0.01, -0.03, 0.02, 0.0])
    both = equivalence(mean_test(x, -0.1, "above"), mean_test(x, 0.02, "below"))
    assert both.p == pytest.approx(mean_test(x, 0.02, "below").p)
    assert both.value == pytest.approx(x.mean())


def test_share_is_exact():
    e = share_test(np.array([True] * 9 + [False]))
    assert e.value == 0.9
    assert e.p == pytest.approx(11 / 1024)
    assert (e.low, e.high) == pytest.approx((0.5550, 0.9975), abs=1e-4)  # Clopper-Pearson


@pytest.mark.parametrize(("bound", "p"), [(0.5, 0.0), (1.5, 1.0)])
def test_seeds_that_all_agree(bound, p):
    e = mean_test(np.ones(5), bound, "above")
    assert (e.low, e.high, e.p) == (1.0, 1.0, p)


def test_seeds_that_all_lie_on_the_bound_support_neither_side():
    assert [mean_test(np.ones(5), 1.0, claim).p for claim in ("above", "below")] == [1.0, 1.0]


def test_a_small_spread_is_a_spread():
    e = mean_test(np.array([1.0, 1.0 + 1e-8, 1.0 - 1e-8]), 0.0, "above")
    assert e.low < 1.0 < e.high


@pytest.mark.filterwarnings("error")
def test_a_spread_of_rounding_is_no_spread():
    x = np.array([0.3, 0.1 + 0.2, 0.3])  # 0.30000000000000004
    for e in (mean_test(x, 0.0, "above"), welch_test(x, np.zeros(3), 0.0, "above")):
        assert e.low == e.high == pytest.approx(0.3, rel=1e-15)
        assert e.p == 0.0


@pytest.mark.filterwarnings("ignore")
def test_a_seed_without_a_finite_value_leaves_nothing_to_say():
    endless, none = np.array([1.0, 2.0, np.inf]), np.array([1.0, 1.0, 0.0])
    for e in (
        mean_test(endless, 100.0, "above"),
        log_mean_test(none, 0.5, "below"),
        welch_test(endless, none, 0, "above"),
    ):
        assert np.isnan(e.p)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(0,), (0, 4), (1,), (1, 4)])
def test_of_no_seed_there_is_no_mean_and_of_one_no_interval(shape):
    mean, low, high = mean_interval(np.ones(shape))
    assert np.shape(mean) == np.shape(low) == np.shape(high) == shape[1:]
    assert np.isnan(low).all() and np.isnan(high).all()
    assert np.isnan(mean).all() == (shape[0] == 0)


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_seeds_have_no_interval(n):
    e = mean_test(np.ones(n), 0.0, "above")
    assert e.n == n
    assert np.isnan(e.low)
    assert np.isnan(e.p)


def test_holm():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    adjusted = holm([0.02, float("nan"), 0.5])
    assert adjusted[0] == pytest.approx(0.06)  # three tests, though one of them is still to come
    assert np.isnan(adjusted[1])
    assert holm([0.02, 1.0, 0.5])[0] == pytest.approx(0.06)  # nor can it change, whatever comes
    assert holm([]) == []


def test_the_interval_of_a_mean_is_student_s():
    x = np.array([1.0, 2.0, 6.0])
    mean, low, high = mean_interval(x)
    half = stats.t.ppf(0.975, 2) * x.std(ddof=1) / np.sqrt(3)
    assert (mean, low, high) == pytest.approx((3.0, 3.0 - half, 3.0 + half))


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(0)
    x = rng.normal(3.0, 2.0, size=(10, 4000))
    _, low, high = mean_interval(x)
    assert np.mean((low < 3.0) & (high > 3.0)) == pytest.approx(0.95, abs=0.01)
