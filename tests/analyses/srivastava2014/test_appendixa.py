"""The numbers of appendix A from runs that were made up, so that every answer is known."""

import numpy as np
import pytest

from dropnorm.analyses.srivastava2014 import appendixa
from dropnorm.analyses.srivastava2014.errors import error_curves, final_errors, mean_of
from dropnorm.analyses.tidy import select
from tests.analyses.made_up import MadeUp, axes_drawn, rows, value

IDS = ["A1", "A2a", "A2b", "A2c", "A3", "A4"]
STEPS = [1000, 2000, 3000, 4000, 5000]


@pytest.fixture(scope="module")
def guide():
    return MadeUp("srivastava2014/appendixa")


def as_advised():
    """Errors as the appendix has them: by arm (validation, test), in percent."""
    errors = {arm: (1.8, 1.8) for arm in ("none", "dropout")}
    for width in (0.125, 0.25, 0.5, 2):  # without dropout 0.5 is best; with it, the wider the better
        errors[f"none.width-{width}"] = (1.7 + abs(np.log2(width / 0.5)) / 10,) * 2
        errors[f"dropout.width-{width}"] = (1.8 - 0.2 * np.log2(width),) * 2
    for i, rate in enumerate((0.003, 0.01, 0.03, 0.3, 1.0)):  # best at 0.01, and at 0.1
        errors[f"none.lr-{rate}"] = (1.7 + abs(i - 1) / 5,) * 2
        errors[f"dropout.lr-{rate}"] = (2.0 + abs(i - 2.5) / 5,) * 2
    for limit in (1, 3, 4, None):
        for rate in (0.1, 0.3, 1.0):
            errors[f"dropout.c-{limit}-{rate}"] = (1.9, 1.9 if limit else 2.4)
    for p in (0.5, 0.6, 0.7, 0.9, 1.0):
        errors[f"dropout.p_input-{p}"] = (1.8 + abs(p - 0.8),) * 2
    for kind in ("momentum", "same_step"):
        errors |= {f"{kind}-0.9": (2.0, 2.0), f"{kind}-0.99": (1.9, 1.7)}  # by test 0.99 would be better than 0.95
    return errors


def made_up(guide, lost=(), when=None, **changed):
    """Runs of these errors; networks are below 2 % after 3,000 updates, or `when`. lost: (arm, seed) that diverged."""
    parts = []
    for arm, (validation, test) in (as_advised() | changed).items():
        down = (when or {}).get(arm, 3000)
        course = [3.0 if step < down else 1.95 for step in STEPS[:-1]]
        parts.append(rows(arm, "validation_error", [validation], 0.01, steps=STEPS[-1:]))
        parts.append(rows(arm, "test_error", [*course, test], 0.01, steps=STEPS))
        diverged = rows(arm, "diverged_at", [-1], steps=STEPS[-1:])
        parts.append(diverged.assign(value=[7.0 if (arm, s) in lost else -1.0 for s in diverged.seed]))
    return guide.runs(parts)


SLOW = {"dropout.lr-0.01": 5000, "momentum-0.9": 5000, "dropout": 2000}


def test_the_appendix_s_advice_replicates_all_claims(guide):
    runs = made_up(guide, when=SLOW, **{"dropout.lr-0.01": (2.3, 2.3), "momentum-0.9": (2.1, 2.1)})
    assert guide.verdicts(runs) == dict.fromkeys(IDS, "replicated")
    assert guide.measured(runs)["A2a"] == pytest.approx(10)


def test_measures(guide):
    found = guide.module.summarise(made_up(guide, when=SLOW, **{"dropout.lr-0.01": (2.3, 2.3)}))
    assert value(found, "gain_of_width", "dropout") == pytest.approx(0.2)  # from 0.5 to 1
    assert value(found, "slope_with_width", "dropout") == pytest.approx(-0.2)
    assert value(found, "best_rate", "none") == pytest.approx(0.01)
    assert value(found, "best_rate", "dropout") == pytest.approx(0.1)
    assert value(found, "error_same_rate", "low_momentum") == pytest.approx(2.0)
    assert value(found, "error_same_rate", "high_momentum") == pytest.approx(1.8)  # chosen on validation, not test
    assert value(found, "excess_without_limit", "dropout") == pytest.approx(0.5)
    assert value(found, "updates_to_level", "dropout.lr-0.01") == 5000  # never: all its updates
    assert value(found, "updates_to_level", "dropout") == pytest.approx(1000 + 1000 / 1.05)  # interpolated
    facts = {"n": "0.5", "n_over_p": "1", "best_rate_none": "0.01", "best_limit": "c = 2", "level": "2",
             "best_p_input": "0.8", "best_momentum_same_step": "0.95", "updates_low_rate": "5,000"}  # fmt: skip
    assert facts.items() <= found.facts.items()
    assert found.facts["test_error_c_none_rate_10"] == "2.40" and found.facts["test_error_p_input_05"] == "2.10"
    rates = {
        f"test_error_{net}_rate_{rate}"
        for net in ("none", "dropout")
        for rate in ("0003", "001", "003", "01", "03", "1")
    }
    assert rates <= set(found.facts)


@pytest.mark.parametrize(
    ("changed", "overturned"),
    [
        ({"dropout.width-1.0": (9, 9)}, set()),  # no such arm: 1 is `dropout` itself
        ({"dropout.width-0.5": (1.7, 1.7)}, {"A1"}),  # twice the width is worse
        ({"none.lr-0.3": (1.0, 1.0)}, {"A2a"}),  # then plain nets like a large rate too
        ({"momentum-0.9": (1.0, 1.0)}, {"A2b", "A2c"}),
        ({"same_step-0.9": (1.0, 1.0)}, {"A2b"}),
        ({"dropout.c-None-1.0": (1.9, 1.95)}, {"A3"}),
        ({"dropout.p_input-1.0": (1.5, 1.5)}, {"A4"}),
        ({"dropout.p_input-0.5": (1.5, 1.5)}, {"A4"}),
    ],
)
def test_a_wrong_number_overturns_its_claim(guide, changed, overturned):
    known = {arm: errors for arm, errors in changed.items() if arm in guide.protocol.arms}
    slow = SLOW | {arm: 2000 for arm in changed}
    verdicts = guide.verdicts(made_up(guide, when=slow, **({"dropout.lr-0.01": (2.3, 2.3)} | known)))
    assert {id_ for id_, verdict in verdicts.items() if verdict == "not replicated"} == overturned - {"A2c"}
    if "A2c" not in overturned:
        assert verdicts["A2c"] == "replicated"


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ([("dropout.c-None-1.0", 1)], [0.5, 1.0, 0.5]),
        ([("dropout.c-None-1.0", 1), ("dropout.c-3-1.0", 1)], [0.5, 0.5, 0.5]),  # both: the limit did not help
        ([("dropout.c-3-1.0", 1)], [0.5, -1.0, 0.5]),
    ],
)
def test_a_run_that_diverged_counts_as_one_point(guide, lost, expected):
    found = guide.module.summarise(made_up(guide, lost=lost))
    mine = found.samples[found.samples.measure == "excess_without_limit"]
    assert mine.value.to_numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("arm", "expected"), [("dropout.c-None-1.0", 1), ("dropout.c-3-1.0", -1)])
def test_a_large_excess_either_way_counts_as_one_point_too(guide, arm, expected):
    found = guide.module.summarise(made_up(guide, **{arm: (90.0, 90.0)}))
    assert value(found, "excess_without_limit", "dropout") == expected


def test_a_long_schedule_has_the_paper_s_level(guide):
    runs = made_up(guide)
    assert appendixa.level(runs) == 2.0
    runs["step"] = runs.step * 200
    assert appendixa.level(runs) == 1.5
    assert value(guide.module.summarise(runs), "updates_to_level", "dropout") == 1_000_000


def test_the_best_of_half_a_sweep_is_no_best(guide):
    runs = made_up(guide)
    found = guide.module.summarise(runs[~runs.arm.isin(["none.width-2", "dropout.lr-1.0", "momentum-0.99"])])
    measures = set(zip(found.samples.measure, found.samples.arm, strict=True))
    assert not {("gain_of_width", "dropout"), ("slope_with_width", "none"), ("best_rate", "dropout")} & measures
    assert ("best_rate", "none") in measures and ("error_same_rate", "low_momentum") not in measures
    assert "best_width_none" not in found.facts


def test_every_arm_of_the_protocol_is_in_a_sweep_with_its_own_value(guide):
    """What the analysis takes an arm for is what the protocol sets."""
    arms = guide.protocol.arms
    for value_, ending in appendixa.WIDTHS.items():
        assert all(arms[net + ending].network.width == value_ for net in appendixa.NETS)
    for value_, ending in appendixa.RATES.items():
        assert all(arms[net + ending].optimiser.lr == value_ for net in appendixa.NETS)
    for value_, ending in appendixa.P_INPUT.items():
        assert arms["dropout" + ending].dropout.p_input == value_
    for kind, named in appendixa.MOMENTUM.items():
        steps = {m: arms[arm].optimiser.lr / (1 - m if kind == "same_step" else 1) for m, arm in named.items()}
        assert all(arms[arm].optimiser.momentum_final == m for m, arm in named.items())
        assert len({round(s, 6) for s in steps.values()}) == 1
    for limit in appendixa.LIMITS:
        for rate in appendixa.LIMITED_RATES:
            mine = arms[appendixa.limited(limit, rate)]
            assert (str(mine.regularisation.max_norm), mine.optimiser.lr) in {
                (limit, float(rate)), (f"{limit}.0", float(rate))
            }  # fmt: skip


@pytest.mark.parametrize("arms", [["none"], ["dropout", "momentum-0.9"], ["dropout.c-None-1.0", "dropout.p_input-0.5"]])
def test_arms_that_were_not_run_leave_gaps_and_nothing_else(guide, arms):
    guide.survives(made_up(guide), arms)


@pytest.mark.parametrize("scale", ["full", "smoke"])
def test_the_figure_draws_and_its_words_hold_the_numbers(guide, scale):
    runs = made_up(guide, **{"dropout.c-None-1.0": (90.0, 90.0)})
    drawing = guide.drawings(runs, scale)["figure"]
    assert "no limit 2.40 at 0.1, 2.40 at 0.3, 90.00 at 1" in drawing.alt
    assert ("20 %" in drawing.caption) == (scale == "full") and "3 seeds" in drawing.caption
    axes = axes_drawn(drawing)
    assert len(axes) == 2 * 6
    assert (axes[4].get_ylim()[1] > 50) == (scale == "smoke")  # a run that diverged squeezes nothing
    arrows = [t.get_text() for ax in axes[:6] for t in ax.texts]
    assert arrows == (["↑"] if scale == "full" else [])  # and does not look like one of 20 %


def test_a_lone_mark_of_a_net_that_diverged_has_its_arrow_and_stands_where_it_belongs(guide):
    runs = made_up(guide, **{"dropout.c-None-1.0": (90.0, 90.0)})
    axes = axes_drawn(guide.drawings(runs[runs.arm == "dropout.c-None-1.0"])["figure"])[4]
    [arrow] = axes.texts
    assert arrow.get_text() == "↑" and arrow.xy == (1.0, 20.0)


def test_limits_at_one_rate_stand_side_by_side_with_their_bars(guide):
    runs = made_up(guide)
    runs = runs[runs.arm.isin(["dropout.c-3-1.0", "dropout.c-4-1.0"])]
    axes = axes_drawn(guide.drawings(runs)["figure"])[4]
    marks = {bars.get_label(): bars for bars in axes.containers}
    [three, four] = (marks[label].lines[0].get_xdata()[0] for label in ("c = 3", "c = 4"))
    assert 1.02 < four / three < 1.1 and 0.9 < three < 1.1
    [bar] = marks["c = 4"].lines[2][0].get_segments()
    assert bar[1, 1] - bar[0, 1] == pytest.approx(0.02)  # three seeds, 0.01 apart


def test_errors_are_those_after_the_last_update(guide):
    assert final_errors(made_up(guide)).query("arm == 'none' and measure == 'test_error'").value.mean() == (
        pytest.approx(1.8)
    )


def test_a_mean_of_errors_falls_on_one_side_of_a_half_whichever_way_it_is_taken(guide):
    """115 and 116 images of 10,000, in single precision as a network counts them: 1.155 %, and not a little less."""
    runs = guide.runs([rows("none", "test_error", [0.0], steps=STEPS[-1:])])
    runs["value"] = runs.seed.map({0: np.float32(1.15), 1: np.float32(1.16), 2: np.float32(1.155)}).astype(float)
    assert runs.value.mean() < 1.155
    errors = final_errors(runs)
    assert mean_of(errors, "test_error", "none") == 1.155
    assert select(error_curves(runs, ["none"]), "final", "none").value.item() == 1.155
