"""The numbers of Table 9 from runs that were made up of the paper's own numbers."""

import pandas as pd
import pytest

from dropnorm.analyses.srivastava2014 import table9
from tests.analyses.made_up import MadeUp, axes_drawn, rows, value

IDS = [f"T9.{i}" for i in range(1, 7)]


@pytest.fixture(scope="module")
def table():
    return MadeUp("srivastava2014/table9")


def network(arm, error, spread=0.01):
    return [
        rows(arm, "test_error", [5, error], spread, steps=[15000, 30000]),
        rows(arm, "train_error", [0.1], steps=[30000]),
        rows(arm, "diverged_at", [-1], steps=[30000]),
    ]


def made_up(table, **changed):
    errors = {"none": 1.69} | dict(zip(table.reference.arm, table.reference.error, strict=True)) | changed
    return table.runs([part for arm, error in errors.items() for part in network(arm, error)])


def test_the_paper_s_numbers_replicate_all_claims_and_are_those_in_the_claims(table):
    runs = made_up(table)
    assert table.verdicts(runs) == dict.fromkeys(IDS, "replicated")
    measured = table.measured(runs)
    for id_, claim in table.claims().items():
        assert measured[id_] == pytest.approx(claim.paper, abs=0.006), id_


@pytest.mark.parametrize(
    ("arm", "to", "overturned"),
    [
        ("dropout_max_norm", 1.3, {"T9.1", "T9.6"}),  # one swap leaves the order at 0.94
        ("dropout_l2", 1.45, {"T9.2", "T9.6"}),
        ("max_norm", 1.7, {"T9.3", "T9.5", "T9.6"}),
        ("l2_kl", 1.75, {"T9.4", "T9.6"}),  # 0.83 to two digits is enough
        ("none", 0.5, set()),  # not a row of the table
    ],
)
def test_one_wrong_number_overturns_its_claims(table, arm, to, overturned):
    verdicts = table.verdicts(made_up(table, **{arm: to}))
    assert {id_ for id_, verdict in verdicts.items() if verdict == "not replicated"} == overturned


def test_ranks_are_those_of_the_table():
    errors = pd.DataFrame({"as": [6, 5, 4, 3, 2, 1], "turned": [1, 2, 3, 4, 5, 6], "swap": [5, 6, 4, 3, 2, 1]})
    found = table9.rank_correlation(errors.set_axis(table9.ROWS))
    assert found.tolist() == pytest.approx([1, -1, 1 - 6 * 2 / 210])


def test_each_seed_has_its_own_order_and_the_means_have_one(table):
    runs = made_up(table)
    runs.loc[
        (runs.arm == "l2") & (runs.seed == 0) & (runs.step == 30000) & (runs.quantity == "test_error"), "value"
    ] = 1.2
    found = table.module.summarise(runs)
    each = found.samples[found.samples.measure == "rank_correlation"].value
    assert each.iloc[0] < 0.8 and each.iloc[1:].tolist() == pytest.approx([1, 1])
    of_means = found.samples[found.samples.measure == "rank_correlation_of_means"]
    assert of_means.value.nunique() == 1 and len(of_means) == 3


def test_facts_and_table(table):
    found = table.module.summarise(made_up(table))
    assert found.facts["test_error_l2"] == "1.62" and found.facts["train_error_none"] == "0.100"
    assert found.facts["order"].startswith("dropout + max-norm, dropout + L2, max-norm")
    assert value(found, "test_error", "none") == pytest.approx(1.69)
    assert set(found.table.quantity) == {"final_test_error_percent", "final_train_error_percent"}


@pytest.mark.parametrize("arms", [["none"], ["l2", "dropout_max_norm"], list(table9.ROWS[1:])])
def test_rows_that_were_not_run_leave_gaps_and_nothing_else(table, arms):
    table.survives(made_up(table), arms)
    found = table.module.summarise(made_up(table)[lambda runs: runs.arm.isin(arms)])
    assert "rank_correlation" not in set(found.samples.measure)


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_figures_draw_and_their_words_hold_the_numbers(table, scale):
    drawings = table.drawings(made_up(table), scale, "v (optimiser.lr = 1)")
    assert set(drawings) == {"figure", "training"}
    words = "max-norm: 1.35 (seeds 1.34 to 1.36)" + (", paper 1.35" if scale == "full" else "; dropout")
    assert words in drawings["figure"].alt
    assert ("Table 9" in drawings["figure"].caption) == (scale == "full")
    assert "none (not in the table) 5.00, 1.69" in drawings["training"].alt
    for drawing in drawings.values():
        assert "3 seeds" in drawing.caption and "v (optimiser.lr = 1)" in drawing.caption
        assert len(axes_drawn(drawing)) == 2
