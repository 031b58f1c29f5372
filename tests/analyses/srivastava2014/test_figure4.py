"""The numbers of Figure 4: from the paper's own curves, and from runs that were made up."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dropnorm.analyses.srivastava2014 import figure4
from tests.analyses.made_up import MadeUp, axes_drawn, rows, value

STEPS = np.arange(1, 21) * 500  # twenty evaluations of 10,000 updates
IDS = ["F4.1", "F4.2", "F4.3", "F4.4", "F4.5"]


@pytest.fixture(scope="module")
def figure():
    return MadeUp("srivastava2014/figure4")


def of_group(group, level):
    """Six architectures, 0.01 apart around a level (by step); seeds 0.01 apart at first, twice or thrice that later."""
    level = np.broadcast_to(level, len(STEPS))
    spread = 0.01 * np.linspace(1, 3 if group == "none" else 2, len(STEPS))[:, None]
    return [
        rows(f"{group}_{size}", "test_error", level + 0.01 * (i - 2.5), spread, STEPS)
        for i, size in enumerate(figure4.SIZES)
    ]


def falling(start, end, until):
    """Falls in a straight line from `start` at update 0 to `end`, and is flat from `until` on."""
    return start + (end - start) * np.minimum(STEPS / until, 1)


@pytest.fixture
def parts():
    """Flat without dropout at 1.7; with dropout from 1.4 at the start to 1.0 at 80 % of the training."""
    limit = [rows(f"limit_{size}", "test_error", [1.3], steps=[10000]) for size in ("2x1024", "3x1024")]
    longer = [
        rows(figure4.LONGER[group], "test_error", level, 0.01, 5 * STEPS)
        for group, level in {"none": np.full(20, 1.6), "dropout": falling(1.2, 0.9, 10000)}.items()
    ]
    return [*of_group("none", 1.7), *of_group("dropout", falling(1.4, 1.0, 8000)), *limit, *longer]


def test_nets_that_were_trained_longer_change_no_number_of_the_twelve(figure, parts):
    twelve = [part for part in parts if part.arm.iloc[0] not in figure4.LONGER.values()]
    alone, beside = (figure.module.summarise(figure.runs(of)) for of in (twelve, parts))
    longer = beside.samples.arm.isin(figure4.LONGER.values())
    pd.testing.assert_frame_equal(beside.samples[~longer].reset_index(drop=True), alone.samples)
    assert {name for name, text in alone.facts.items() if beside.facts[name] != text} == {"updates"}
    assert beside.facts["updates_longer"] == "50,000"
    # 1.6 less 0.9; two groups of three, each with a standard deviation of 0.01
    half = stats.t.ppf(0.975, 4) * 0.01 * np.sqrt(2 / 3)
    assert beside.facts["gap_longer"] == f"+0.70 [+{0.7 - half:.2f}, +{0.7 + half:.2f}]"


def nets(last: dict[str, list[float]]) -> dict[str, dict[int, pd.DataFrame]]:
    """Groups of six nets, two seeds: at 2 % until their last evaluation, in which the second is 0.2 points higher."""
    made = {}
    for group, errors in last.items():
        made[group] = {s: pd.DataFrame(2.0, index=STEPS, columns=list(figure4.SIZES)) for s in (0, 1)}
        for seed, table in made[group].items():
            table.iloc[-1] = np.array(errors) + 0.2 * seed
    return made


def test_what_counts_of_a_group_is_its_last_evaluation():
    ends = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
    samples = pd.concat(figure4._group_samples(nets({"none": ends}), 10000))
    found = samples.set_index(["measure", "arm", "seed"]).sort_index().value
    assert found["mean_error", "none"].to_list() == pytest.approx([1.25, 1.45])
    assert found["architecture_sd", "none"].to_list() == pytest.approx([np.std(ends, ddof=1)] * 2)
    assert found["late_line", "none_end"].to_list() < found["late_line", "none_start"].to_list()


def test_clusters_are_apart_in_the_seeds_in_which_they_end_apart():
    """The worst net with dropout ends at 1.0 and 1.2 %, the best without at 1.1 and 1.3 %: 0.1 points in both."""
    facts = figure4._apart_facts(nets({"none": [1.1] + [1.6] * 5, "dropout": [0.9] * 5 + [1.0]}), 10000)
    assert facts["seeds_apart_at_end"] == "2 of 2" and facts["seeds_always_apart"] == "0 of 2"
    assert (facts["worst_dropout"], facts["best_none"], facts["gap_at_end"]) == ("1.20", "1.10", "0.10")


def paper_s_nets(figure, group):
    mine = figure.reference[figure.reference.group == group]
    return mine.pivot(index="updates", columns="curve", values="value")


def test_the_paper_s_curves_give_the_paper_s_numbers(figure):
    """What stands as the paper's number in the claims is what our measures make of its curves."""
    none, dropout = (paper_s_nets(figure, group) for group in figure4.GROUPS)
    assert none.shape == dropout.shape == (99, 6)
    updates, claims = 1_000_000, figure.claims()
    gap = figure4.from_share(figure4.distance_apart(none, dropout).to_frame(), figure4.APART, updates).min().item()
    assert gap == pytest.approx(claims["F4.2"].paper, abs=0.001)
    ends = [figure4.from_share(nets, figure4.END, updates).mean() for nets in (none, dropout)]
    assert ends[0].mean() - ends[1].mean() == pytest.approx(claims["F4.3"].paper, abs=0.005)
    assert ends[1].std() == pytest.approx(0.056, abs=0.0005)
    start, end = figure4.late_line(none, updates)
    assert end - start == pytest.approx(claims["F4.4"].paper, abs=0.0005)
    at_10, at_80 = (figure4.error_at(dropout, share, updates) for share in (0.1, 0.8))
    assert at_10 - at_80 == pytest.approx(0.27, abs=0.005)
    ratio = figure4.updates_to_final(dropout, updates) / figure4.updates_to_final(none, updates)
    assert round(ratio) == 16


def test_samples_of_every_claim(figure, parts):
    found = figure.module.summarise(figure.runs(parts))
    assert value(found, "test_error", "none_2x1024") == pytest.approx(1.675)
    # smallest at 5 % of the training: 1.7 - 0.025 less 1.375 + 0.025
    assert value(found, "smallest_gap", "all") == pytest.approx(1.7 - (1.4 - 0.4 / 16) - 0.05)
    assert value(found, "mean_error", "none") - value(found, "mean_error", "dropout") == pytest.approx(0.7)
    assert value(found, "architecture_sd", "dropout") == pytest.approx(np.std(0.01 * np.arange(6), ddof=1))
    assert value(found, "late_line", "none_end") - value(found, "late_line", "none_start") == pytest.approx(0, abs=1e-9)
    assert value(found, "error_at", "dropout_10") == pytest.approx(1.35)
    assert value(found, "error_at", "dropout_80") == pytest.approx(1.0)
    # within 0.05 of its end: 7/8 of the way to 8,000; without dropout at the first evaluation, 500
    assert value(found, "updates_to_final", "dropout") == pytest.approx(7000, abs=20)
    assert value(found, "updates_to_final", "none") == pytest.approx(500)
    assert found.facts["share_to_final_dropout"] == "70"
    assert found.facts["seeds_always_apart"] == "3 of 3"


def test_verdicts_of_curves_like_the_paper_s(figure, parts):
    assert figure.verdicts(figure.runs(parts)) == dict.fromkeys(IDS, "replicated")


def test_one_architecture_without_gain_overturns_the_first_claim(figure, parts):
    swapped = [part.assign(value=part.value + (0.9 if part.arm.iloc[0] == "dropout_3x2048" else 0)) for part in parts]
    verdicts = figure.verdicts(figure.runs(swapped))
    assert verdicts["F4.1"] == verdicts["F4.2"] == verdicts["F4.3"] == "not replicated"


def test_nets_without_dropout_that_still_improve_are_no_plateau(figure):
    runs = figure.runs([*of_group("none", falling(2.4, 1.7, 10000)), *of_group("dropout", falling(1.4, 1.0, 8000))])
    verdicts = figure.verdicts(runs)
    assert verdicts["F4.4"] == "not replicated"
    assert verdicts["F4.5"] == "not replicated"  # both take nearly the whole training
    assert verdicts["F4.1"] == "replicated"


@pytest.mark.parametrize(
    "arms",
    [["none_2x1024"], ["dropout_4x2048", "limit_2x1024"], ["longer_none_2x1024"], [f"none_{s}" for s in figure4.SIZES]],
)
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(figure, parts, arms):
    figure.survives(figure.runs(parts), arms)


def test_a_seed_that_one_net_lacks_counts_in_no_mean_over_the_nets(figure, parts):
    runs = figure.runs(parts)
    runs = runs[~((runs.arm == "none_4x1024") & (runs.seed == 1))]
    found = figure.module.summarise(runs).samples
    assert set(found[(found.measure == "mean_error") & (found.arm == "none")].seed) == {0, 2}
    assert set(found[found.measure == "smallest_gap"].seed) == {0, 2}


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_figures_draw_and_their_words_hold_the_numbers(figure, parts, scale):
    drawings = figure.drawings(figure.runs(parts), scale, "lr03 (optimiser.lr = 0.3)")
    assert set(drawings) == {"figure", "clusters", "longer"}
    assert "1.68 % after 10,000 updates, 1.60 % after 50,000 updates" in drawings["longer"].alt
    assert "stretched to 50,000 updates" in drawings["longer"].caption
    assert "2 x 1024 without dropout 1.68 %" in drawings["figure"].alt
    assert "without dropout 1.65 to 1.82 %" in drawings["figure"].alt  # the paper's
    assert "limit 1.30 %" in drawings["clusters"].alt
    assert all("lr03 (optimiser.lr = 0.3)" in d.caption and "3 seeds" in d.caption for d in drawings.values())
    for ax in axes_drawn(drawings["figure"])[::2]:
        assert len(ax.get_lines()) == 12
    for ax in axes_drawn(drawings["figure"])[1::2]:
        assert len(ax.get_lines()) == 12
    assert len(axes_drawn(drawings["clusters"])[0].get_lines()) == (4 if scale == "full" else 2)


def test_the_reference_is_the_paper_s_twelve_curves(figure):
    last = figure.reference[figure.reference.updates >= 900_000].groupby(["group", "curve"]).value.mean()
    assert last["none"].round(3).tolist() == pytest.approx([1.677, 1.647, 1.801, 1.799, 1.824, 1.682], abs=0.001)
    assert isinstance(last["dropout"], pd.Series) and len(last["dropout"]) == 6
