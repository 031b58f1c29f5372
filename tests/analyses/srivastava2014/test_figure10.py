"""The numbers of Figure 10 from runs that were made up of the paper's own numbers."""

import pytest

from dropnorm.analyses.srivastava2014.figure10 import SIZES, arm_of
from tests.analyses.made_up import MadeUp, axes_drawn, changed, rows, value

IDS = ["F10.1", "F10.2", "F10.3", "F10.4"]


@pytest.fixture(scope="module")
def figure():
    return MadeUp("srivastava2014/figure10")


@pytest.fixture
def parts(figure):
    """Three subsets around the paper's numbers: 0.01 apart or 0.02, or not at all."""
    found = []
    for i, r in enumerate(figure.reference.itertuples()):
        arm = arm_of(r.series, r.images)
        found.append(rows(arm, "test_error", [r.value], spread=0.01 * (i % 3)))
        found.append(rows(arm, "train_error", [0.0]))
    for n in SIZES:
        if n != 10_000:
            found.append(rows(arm_of("none_small_init", n), "test_error", [10.0]))
    return found


def test_the_paper_s_numbers_replicate_all_claims_and_are_those_in_the_claims(figure, parts):
    runs = figure.runs(parts)
    assert figure.verdicts(runs) == dict.fromkeys(IDS, "replicated")
    measured = figure.measured(runs)
    for id_, claim in figure.claims().items():
        if claim.paper is not None:
            assert measured[id_] == pytest.approx(claim.paper, abs=0.06), id_


def test_samples_of_every_claim(figure, parts):
    found = figure.module.summarise(figure.runs(parts))
    assert value(found, "gain", "size-5000") == pytest.approx(4.69 - 2.94)
    assert value(found, "gain", "size-50000") == pytest.approx(1.69 - 1.28)
    assert value(found, "relative_error", "dropout.size-100") == pytest.approx(100 * 26.62 / 22.84)
    assert value(found, "relative_error", "none.size-100") == 100
    assert found.facts["relative_100"] == "−17" and found.facts["gain_5000"] == "+1.75"
    assert found.facts["relative_small_5000"] == "+71"
    assert found.facts["largest_gain_at"] == "5,000" and found.facts["largest_relative_at"] == "5,000"


@pytest.mark.parametrize(
    ("arm", "quantity", "to", "overturned"),
    [
        ("dropout.size-500", "test_error", 11.0, {"F10.1"}),  # a gain of 16 %
        ("dropout.size-10000", "test_error", 3.5, {"F10.2"}),
        ("dropout.size-1000", "test_error", 8.0, {"F10.3"}),
        ("dropout.size-500", "train_error", 0.2, {"F10.4"}),
    ],
)
def test_one_wrong_number_overturns_its_claim(figure, parts, arm, quantity, to, overturned):
    verdicts = figure.verdicts(figure.runs(changed(parts, arm, quantity, to)))
    assert {id_ for id_, verdict in verdicts.items() if verdict == "not replicated"} == overturned


def test_a_small_gain_on_few_images_is_told_from_none(figure, parts):
    """4 % off the error in every seed is below the margin, but it is a gain."""
    verdicts = figure.verdicts(figure.runs(changed(parts, "dropout.size-500", "test_error", 0.96 * 13.07)))
    assert verdicts["F10.1"] == "direction only"


def test_only_seeds_with_both_nets_count(figure, parts):
    runs = figure.runs(parts)
    runs = runs[~((runs.arm == "none.size-5000") & (runs.seed == 1))]
    found = figure.module.summarise(runs).samples
    assert set(found[(found.measure == "gain") & (found.arm == "size-5000")].seed) == {0, 2}


@pytest.mark.parametrize("arms", [["none"], ["dropout.size-100", "none.size-100"], ["none_small_init"], ["dropout"]])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(figure, parts, arms):
    figure.survives(figure.runs(parts), arms)


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_the_figure_draws_and_its_words_hold_the_numbers(figure, parts, scale):
    drawing = figure.drawings(figure.runs(parts), scale)["figure"]
    assert "2.94 % at 5,000" in drawing.alt and "37.31 % at 5,000" in drawing.alt
    assert "3 seeds" in drawing.caption
    assert ("fewer than the larger sizes" in drawing.caption) == (scale == "smoke")
    errors, gains = axes_drawn(drawing)[:2]
    assert len(errors.figure.legends[0].get_texts()) == (5 if scale == "full" else 3)
    assert len(gains.get_legend_handles_labels()[1]) == (3 if scale == "full" else 2)
