"""The numbers of Table 10 from runs that were made up, and the standard errors of its noise."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.srivastava2014.table10 import fourth_moment, standard_errors
from dropnorm.evaluation import evaluate
from dropnorm.names import Place
from dropnorm.runs import write_arm
from tests.analyses.made_up import MadeUp, axes_drawn, rows, value
from tests.book.conftest import SESSION
from tests.conftest import ROOT

IDS = ["T10.1", "T10.2", "T10.3", "T10.4"]
P = {0: 0.8, 1: 0.5}  # of the noise on inputs, on hidden units
DRAWS = 1_000_000


@pytest.fixture(scope="module")
def table():
    return MadeUp("srivastava2014/table10")


def of_arm(arm, error, spread=0.02):
    found = [rows(arm, "test_error", [3.0, error], spread=spread, steps=[2000, 10000])]
    for unit, p in P.items():
        found.append(rows(arm, "noise_mean", [1.0], unit=unit, steps=[10000]))
        found.append(rows(arm, "noise_variance", [(1 - p) / p], unit=unit, steps=[10000]))
    return [*found, rows(arm, "diverged_at", [-1], steps=[10000])]


@pytest.fixture
def runs(table):
    return table.runs([*of_arm("bernoulli", 1.08), *of_arm("gaussian", 0.95)])


def off(runs, arm, quantity, unit, by):
    """One seed's moment is off by so much."""
    at = (runs.arm == arm) & (runs.quantity == quantity) & (runs.unit == unit) & (runs.seed == 1)
    assert at.sum() == 1
    changed = runs.copy()
    changed.loc[at, "value"] += by
    return changed


def test_the_paper_s_numbers_replicate_all_claims(table, runs):
    assert table.verdicts(runs) == dict.fromkeys(IDS, "replicated")
    measured = table.measured(runs)
    for id_ in ("T10.1", "T10.2", "T10.3"):
        assert measured[id_] == pytest.approx(table.claims()[id_].paper)


def test_equal_errors_are_no_worse_but_not_better(table):
    verdicts = table.verdicts(
        table.runs([*of_arm("bernoulli", 1.02, spread=0.01), *of_arm("gaussian", 1.02, spread=0.01)])
    )
    assert verdicts == {"T10.1": "replicated", "T10.2": "inconclusive", "T10.3": "replicated", "T10.4": "replicated"}


@pytest.mark.parametrize(
    ("arm", "quantity", "unit", "se"),
    [
        ("bernoulli", "noise_mean", 0, 0.5 / 1000),  # sd 0.5, a million draws
        ("bernoulli", "noise_variance", 1, np.sqrt(2) / DRAWS),  # a fair coin: as a square of the mean's error
        ("gaussian", "noise_mean", 1, 1 / 1000),
        ("gaussian", "noise_variance", 0, 0.25 * np.sqrt(2) / 1000),
    ],
)
def test_a_moment_counts_in_its_own_standard_errors(table, runs, arm, quantity, unit, se):
    found = table.module.summarise(off(runs, arm, quantity, unit, 4 * se))
    worst = found.samples[(found.samples.measure == "moment_deviation") & (found.samples.arm == arm)]
    assert worst.set_index("seed").value[1] == pytest.approx(4, rel=1e-3)
    assert table.verdicts(off(runs, arm, quantity, unit, 4 * se))["T10.4"] == "replicated"
    assert table.verdicts(off(runs, arm, quantity, unit, -6 * se))["T10.4"] == "not replicated"


@pytest.mark.parametrize("noise", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("p", [0.8, 0.5])
def test_standard_errors_are_those_of_many_samples(noise, p):
    rng, n = np.random.default_rng(0), 50
    shape = (40_000, n)
    factor = rng.random(shape) < p if noise == "bernoulli" else rng.normal(1, ((1 - p) / p) ** 0.5, shape)
    factor = factor / p if noise == "bernoulli" else factor
    of_mean, of_variance = standard_errors(noise, p, n)
    assert factor.mean(1).std() == pytest.approx(of_mean, rel=0.02)
    assert factor.var(1, ddof=1).std() == pytest.approx(of_variance, rel=0.02)
    assert ((factor - 1) ** 4).mean() == pytest.approx(fourth_moment(noise, p), rel=0.02)


def test_a_nan_moment_holds_nowhere(table, runs):
    assert table.verdicts(off(runs, "gaussian", "noise_mean", 0, np.nan))["T10.4"] == "not replicated"


def test_samples_and_facts(table, runs):
    found = table.module.summarise(runs)
    assert value(found, "test_error", "gaussian") == pytest.approx(0.95)
    assert found.facts["sd_gaussian"] == "0.020" and found.facts["runs_diverged"] == "0"
    assert found.facts["early_step"] == "2,000"
    assert found.facts["early_gap"] == "+0.000" and found.facts["end_gap"] == "+0.130"


@pytest.mark.parametrize("arms", [["bernoulli"], ["gaussian"]])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(table, runs, arms):
    table.survives(runs, arms)


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_the_figure_draws_and_its_words_hold_the_numbers(table, runs, scale):
    drawing = table.drawings(runs, scale)["figure"]
    assert "Gaussian 0.95 % (seeds 0.93 to 0.97), in the paper 0.95 ± 0.04" in drawing.alt
    assert "3 seeds" in drawing.caption and "1024-1024" in drawing.caption
    assert len(axes_drawn(drawing)) == 2 * 2


def test_an_evaluation_knows_how_many_draws_there_were(table, runs, tmp_path):
    """Standard errors need a setting, which comes with the runs."""
    place = Place(tmp_path, "full", table.name)
    for arm in table.protocol.arms:
        write_arm(place, table.protocol, arm, runs[runs.arm == arm].drop(columns="arm"), SESSION)
    evaluate(ROOT, place, table.protocol)
    found = pd.read_csv(place.file("samples.csv"))
    deviations = found[found.measure == "moment_deviation"]
    assert set(deviations.arm) == {"bernoulli", "gaussian"}
    assert (deviations.value < 0.1).all()
