"""Figure 1 from made-up runs: speed, the larger rate, and test accuracy only of nets that are trained out."""

import pytest

from dropnorm.analyses.santurkar2018 import figure1


def arm(slope, top, test, **more):
    """Training accuracy rises to `top` by 1/slope a step."""
    return {"train_accuracy": lambda t, s: min(top, t / slope), "test_accuracy": lambda t, s: test + s / 1000} | more


def test_samples_of_every_claim(vgg_runs, value, draw_all):
    runs = vgg_runs(
        {"standard": arm(10_000, 1, 0.80, quantiles_layer3=[0.1 * i for i in range(101)],
                         quantiles_layer11=[0.1 * i for i in range(101)]),
         "batchnorm": arm(2500, 1, 0.83), "standard.lr-0.5": arm(1e9, 1, 0.1), "batchnorm.lr-0.5": arm(4000, 1, 0.81)},
        last=15_000,
    )  # fmt: skip
    summary = figure1.summarise(runs)
    assert value(summary, "steps_to_80", "standard") == pytest.approx([8000] * 3)
    assert value(summary, "steps_to_80", "batchnorm") == pytest.approx([2000] * 3)
    assert value(summary, "final_train_accuracy_of_most", "standard.lr-0.5").max() < 0.01
    assert value(summary, "highest_train_accuracy", "batchnorm.lr-0.5") == pytest.approx([100] * 3)
    assert value(summary, "final_test_accuracy", "batchnorm") == pytest.approx([83, 83.1, 83.2])
    assert summary.facts["test_lead_at_end"] == "3.0"
    assert summary.facts["ratio_steps_to_70"] == "4"  # 7,000 over 1,750
    assert summary.facts["runs"] == "12"
    drawings = draw_all(figure1, summary)
    assert set(drawings) == {"figure", "distributions"}
    assert "batch norm 83.1" in drawings["figure"].alt


def test_a_test_accuracy_counts_only_once_the_net_fits_its_training_pictures(vgg_runs, names):
    """A short run's lead says how fast a net learns, not how well: it is shown and not judged."""
    summary = figure1.summarise(vgg_runs({"standard": arm(10_000, 1, 0.5), "batchnorm": arm(2500, 1, 0.7)}))
    assert ("final_test_accuracy", "batchnorm") in names(summary)
    assert ("final_test_accuracy", "standard") not in names(summary)
    assert "test_accuracy_at_end" in set(summary.table.quantity)
    assert summary.facts["test_lead_at_end"] == "20.0"


@pytest.mark.parametrize(("last", "top", "counts"), [(1000, 0.7, False), (1000, 0.95, True), (15_000, 0.7, True)])
def test_not_having_reached_a_level_counts_only_after_the_whole_schedule(vgg_runs, names, last, top, counts):
    summary = figure1.summarise(vgg_runs({"batchnorm.lr-0.5": arm(100, top, 0.5)}, last=last))
    assert (("highest_train_accuracy", "batchnorm.lr-0.5") in names(summary)) is counts


@pytest.mark.parametrize(("last", "counts"), [(3700, False), (3800, True)])
def test_that_a_net_does_not_learn_counts_from_a_quarter_of_the_schedule_on(vgg_runs, names, last, counts):
    summary = figure1.summarise(vgg_runs({"standard.lr-0.5": arm(1e9, 1, 0.1)}, last=last))
    assert (("final_train_accuracy_of_most", "standard.lr-0.5") in names(summary)) is counts
    assert "final_train_accuracy_standard_lr_0_5" in summary.facts


def test_diverged_runs_are_counted(vgg_runs):
    runs = vgg_runs({"standard": arm(100, 1, 0.5, diverged_at=lambda t, s: 7 if s else -1)})
    assert figure1.summarise(runs).facts["runs_diverged"] == "2"


def test_a_net_is_dead_from_the_step_at_which_it_has_no_gradient_any_more(vgg_runs):
    dies = {"shift_length_layer5": lambda t, s: float(t < 1000 * (s + 1))}  # seeds die at 1,000, 2,000 and 3,000
    some = {"shift_length_layer5": lambda t, s: float(s == 0 or t < 1000 * s or t == 2000)}  # two, and one revives
    lives = {"shift_length_layer5": lambda t, s: 1.0}
    nets = {"standard": dies, "standard.lr-0.5": some, "batchnorm": lives}
    facts = figure1.summarise(vgg_runs({name: arm(1e9, 1, 0.1, **course) for name, course in nets.items()})).facts
    assert (facts["dead_standard"], facts["dead_from_standard"]) == ("3 of 3", "3,000")
    assert (facts["dead_standard_lr_0_5"], facts["dead_from_standard_lr_0_5"]) == ("2 of 3", "2,100")
    assert not [name for name in facts if name.startswith("dead") and "batchnorm" in name]
