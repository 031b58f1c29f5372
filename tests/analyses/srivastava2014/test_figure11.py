"""The numbers of Figure 11 from runs that were made up of the paper's own curve."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.srivastava2014 import figure11
from tests.analyses.made_up import MadeUp, axes_drawn, rows, value

IDS = [f"F11.{i}" for i in range(1, 5)]
ARM = figure11.ARM
K = np.arange(1, 121)
Z = np.array([-1, 0, 1.0])  # repeats, in standard deviations: their own is 1


@pytest.fixture(scope="module")
def figure():
    return MadeUp("srivastava2014/figure11")


def made_up(figure, excess=None, sd=None, spread=0.0005, means=("arithmetic",)):
    """Three nets of weight-scaled error 1.05; the averaged answer errs as in the paper, or `excess` [k] more."""
    paper = figure.reference
    errors = np.interp(K, [1, *paper.k], [1.6, *paper["mean"]]) if excess is None else 1.05 + np.asarray(excess, float)
    sd = np.interp(K, paper.k, paper.sd) if sd is None else np.full(len(K), sd)
    parts = [rows(ARM, "test_error", [3, 1.05], steps=[15000, 30000])]
    for mean in means:
        parts += [rows(ARM, f"{mean}_error", errors + z * sd, spread, steps=K, unit=i) for i, z in enumerate(Z)]
    return figure.runs(parts)


def test_the_paper_s_curve_replicates_all_claims_and_its_numbers_are_those_in_the_claims(figure):
    runs = made_up(figure)
    assert figure.verdicts(runs) == dict.fromkeys(IDS, "replicated")
    measured = figure.measured(runs)
    for id_, claim in figure.claims().items():
        tolerance = 1 if id_ == "F11.2" else 0.0006
        assert claim.paper is None or measured[id_] == pytest.approx(claim.paper, abs=tolerance), id_


def test_measures_of_a_known_curve(figure):
    excess = np.where(K < 40, 0.6 - 0.01 * K, 0.004)
    found = figure.module.summarise(made_up(figure, excess, sd=0.02, means=("arithmetic", "geometric")))
    assert value(found, "networks_to_match", ARM) == 40
    assert value(found, "excess_of_one", ARM) == pytest.approx(0.59)
    assert value(found, "excess_of_many", ARM) == pytest.approx(0.004)
    assert value(found, "excess_in_sd", ARM) == pytest.approx(0.2, abs=0.01)
    assert value(found, "never_matches", ARM) == 0
    assert value(found, "geometric_networks_to_match", ARM) == 40
    assert found.facts["each_networks_to_match"] == "40, 40, 40" and found.facts["never_matches"] == "0 of 3"


def test_a_net_that_never_matches_counts_with_all_its_networks(figure):
    found = figure.module.summarise(made_up(figure, 1 / K + 0.05))
    assert value(found, "networks_to_match", ARM) == 120
    assert found.facts["never_matches"] == "3 of 3"


@pytest.mark.parametrize(
    ("excess", "overturned"),
    [
        (0.4 - 0.3 / K, {"F11.1", "F11.2", "F11.3", "F11.4"}),  # more networks err more
        (0.5 / K**2, {"F11.2"}),  # ten are enough
        (0.2 / K, {"F11.4"}),
        (0.8 / K - 0.04, {"F11.2", "F11.3"}),  # better than weight scaling by far
    ],
)
def test_another_curve_overturns_what_it_contradicts(figure, excess, overturned):
    verdicts = figure.verdicts(made_up(figure, excess, sd=0.02))
    assert {id_ for id_, verdict in verdicts.items() if verdict == "not replicated"} == overturned


def test_spread_is_that_of_the_repeats_of_one_net(figure):
    errors, sd = figure11.averaged(made_up(figure, 1 / K, sd=0.03, spread=0.5), "arithmetic")
    assert errors.shape == sd.shape == (120, 3)
    np.testing.assert_allclose(sd, 0.03, rtol=1e-6)
    assert (errors[2] - errors[0]).to_numpy() == pytest.approx(1.0)


@pytest.mark.parametrize("most", [2, 50])
def test_fewer_networks_leave_gaps_and_nothing_else(figure, most):
    runs = made_up(figure)
    some = runs[(runs.quantity == "test_error") | (runs.step <= most)]
    some.attrs = runs.attrs
    figure.survives(some, [ARM])
    assert "excess_of_many" not in set(figure.module.summarise(some).samples.measure)


def test_runs_without_averaging_or_without_the_network_have_no_figure(figure):
    other = figure.runs([rows("l2", "test_error", [1.6])])
    plain = figure.runs([rows(ARM, "test_error", [1.05])])
    for runs in (other, plain):
        assert figure.drawings(runs) == {}
        assert set(figure.verdicts(runs).values()) == {"inconclusive"}


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_the_figure_draws_and_its_words_hold_the_numbers(figure, scale):
    drawing = figure.drawings(made_up(figure, means=("arithmetic", "geometric")), scale)["figure"]
    assert "1.281 at k = 3" in drawing.alt and "weight scaling 1.050" in drawing.alt
    assert ("paper" in drawing.caption) == (scale == "full") and "3 seeds" in drawing.caption
    assert len(axes_drawn(drawing)) == 2 * 2


def test_the_paper_s_curve(figure):
    assert list(figure.reference) == ["k", "mean", "sd"]
    assert pd.Series(figure.reference.k).diff().dropna().eq(2).all() and len(figure.reference) == 59


def test_as_many_wrong_answers_make_a_tie_though_32_bits_do_not():
    wrong = [117, 124, 131, 121, 132, 116, 115, 111, 125, 110]  # of 10,000, by repeat
    as_many = [132, 110, 116, 110, 132, 121, 125, 124, 115, 117]
    at_one, at_51, at_101 = (np.mean(np.float32(np.array(of_k) / 100), dtype=float) for of_k in ([200], wrong, as_many))
    assert at_51 < at_101 < at_one
    errors = pd.DataFrame({0: [at_one, at_51, at_101]}, index=[1, 51, 101])
    trend = figure11.measures(errors, errors, pd.Series({0: 1.0}))["trend_with_k"]
    assert trend[0] == pytest.approx(np.sqrt(3) / 2)  # with two of the three tied; 1/2 if the last two rose
