"""The numbers of Table 2 from runs that were made up of the paper's own numbers."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.analyses.srivastava2014 import table2
from dropnorm.analyses.srivastava2014.errors import slopes
from tests.analyses.made_up import MadeUp, axes_drawn, rows, value

IDS = ["T2.1", "T2.2", "T2.3", "T2.4", "T2.5", "T2.6", "T2.8"]
# not in the table:
OURS = {"logistic": 1.60, "max_norm_3x8192": 0.97, "float32": 1.07, "longer": 1.0, "longer_relu": 1.18}
LARGE = ("max_norm_2x4096", "max_norm_2x8192", "max_norm_3x8192")


@pytest.fixture(scope="module")
def table():
    return MadeUp("srivastava2014/table2", "paper")


def network(arm, last, lowest=None, spread=0.01):
    steps = [500000, 900000, 1000000] if not arm.startswith("longer") else [2500000, 4500000, 5000000]
    return [
        rows(arm, "test_error", [4, last if lowest is None else lowest, last], spread, steps=steps),
        rows(arm, "diverged_at", [-1], steps=steps[-1:]),
    ]


def made_up(table, lowest=None, **changed):
    printed = dict(zip(table.reference.arm, table.reference.error, strict=True))
    errors = {arm: printed.get(arm, OURS.get(arm)) for arm in table.protocol.arms} | changed
    low = lowest or {}
    return table.runs([part for arm, error in errors.items() for part in network(arm, error, low.get(arm))])


def test_the_paper_s_numbers_replicate_all_claims_and_are_those_in_the_claims(table):
    runs = made_up(table)
    assert table.verdicts(runs) == dict.fromkeys(IDS, "replicated")
    measured = table.measured(runs)
    for id_, claim in table.claims().items():
        assert claim.paper is None or measured[id_] == pytest.approx(claim.paper, abs=1e-5), id_


def test_without_the_largest_networks_four_claims_are_open_and_the_others_judged(table):
    runs = made_up(table)
    verdicts = table.verdicts(runs[~runs.arm.isin(LARGE)])
    inconclusive = {"T2.4", "T2.5", "T2.6", "T2.8"}
    assert verdicts == {id_: "inconclusive" if id_ in inconclusive else "replicated" for id_ in IDS}
    for id_ in inconclusive:
        assert table.claims()[id_].criterion.startswith("Paper scale only")


@pytest.mark.parametrize(
    ("changed", "overturned"),
    [
        ({"logistic": 1.30}, {"T2.1"}),
        ({"dropout_logistic": 1.20}, {"T2.2", "T2.8"}),
        ({"dropout_relu": 1.00}, {"T2.3", "T2.8"}),
        ({"max_norm_2x4096": 2.0}, {"T2.4"}),  # the slope alone
        ({"max_norm_3x8192": 0.85}, {"T2.6"}),
    ],
)
def test_one_wrong_number_overturns_its_claims(table, changed, overturned):
    verdicts = table.verdicts(made_up(table, **changed))
    wrong = {id_ for id_, verdict in verdicts.items() if verdict != "replicated"}
    assert wrong == overturned


def test_overfitting_towards_the_end_is_seen(table):
    runs = made_up(table, lowest={"max_norm_2x8192": 0.85})
    assert table.verdicts(runs)["T2.5"] == "not replicated"
    assert value(table.module.summarise(runs), "above_lowest", "max_norm_2x8192") == pytest.approx(0.10)


def test_slope_is_a_seed_s_own_and_a_doubling_is_its_unit():
    errors = pd.DataFrame({0: [3.0, 2.0, 1.0], 1: [1.0, 1.0, 1.0], 2: [1.0, np.nan, 1.0]}, index=[1.0, 2.0, 3.0])
    assert slopes(errors).to_dict() == pytest.approx({0: -1, 1: 0})


def test_numbers_of_weights_are_those_of_the_networks(table):
    for arm, millions in table2.WEIGHTS.items():
        sizes = [784, *table.protocol.arms[arm].network.widths, 10]
        weights = sum((a + 1) * b for a, b in zip(sizes[:-1], sizes[1:], strict=True))
        assert weights / 1e6 == pytest.approx(millions, abs=0.005)


def test_changes_are_differences_of_two_arms(table):
    found = table.module.summarise(made_up(table))
    assert found.facts["change_limit"].startswith("−0.190 [−0.190")
    assert found.facts["change_limit_longer"].startswith("−0.180")
    assert found.facts["change_longer_relu"].startswith("−0.070")
    assert found.facts["change_float32"].startswith("+0.010 [+0.010")
    assert found.facts["change_longer"].startswith("−0.060")
    assert found.facts["updates_longer"] == "5,000,000"
    assert found.facts["above_lowest_max_norm_2x8192"] == "0.000"
    runs = made_up(table)
    one_seed = table.module.summarise(runs[(runs.arm != "longer") | (runs.seed == 0)])
    assert one_seed.facts["change_longer"] == "−0.060 (one seed)"


@pytest.mark.parametrize("arms", [["standard"], ["max_norm_3x1024", "longer"], ["float32"], ["dropout_relu", "maxout"]])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(table, arms):
    table.survives(made_up(table), arms)


def test_one_seed_alone_is_no_mean(table):
    runs = made_up(table)
    drawings = table.drawings(runs[(runs.arm != "maxout") | (runs.seed == 0)], "paper")
    assert "maxout, 2 × (5 × 240): 0.93 (one seed), paper 0.94" in drawings["figure"].alt
    assert "Hollow dots: one seed." in drawings["figure"].caption


@pytest.mark.parametrize("scale", ["paper", "smoke"])
def test_figures_draw_and_their_words_hold_the_numbers(table, scale):
    drawings = table.drawings(made_up(table), scale)
    assert set(drawings) == {"figure", "training"}
    of_paper = ", paper 1.06" if scale == "paper" else ";"
    assert f"5  dropout + max-norm, 3 × 1024: 1.06 (seeds 1.05 to 1.07){of_paper}" in drawings["figure"].alt
    assert ("12 DBN, fine-tuned with dropout: no dots, paper 0.92" in drawings["figure"].alt) == (scale == "paper")
    assert ("quoted" in drawings["figure"].caption) == (scale == "paper")
    for drawing in drawings.values():
        assert "3 seeds" in drawing.caption
        assert "row 5, longer: 5,000,000 updates" in drawing.caption
        assert len(axes_drawn(drawing)) == 2


def test_the_reference_has_every_row_of_the_table_and_a_label(table):
    assert table.reference.row.tolist() == list(range(1, 14))
    assert set(table.reference.arm) <= set(table2.LABELS)
    assert set(table.protocol.arms) <= set(table2.LABELS)
