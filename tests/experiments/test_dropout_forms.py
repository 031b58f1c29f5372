"""The two forms of dropout: the training against PyTorch's own, exact statements that can fail, means over masks."""

import numpy as np
import pytest
import torch
from torch import nn

from dropnorm.errors import UserError
from dropnorm.experiments.forms.mean_network import EDGES, in_bins, measures
from dropnorm.names import ResultName
from dropnorm.protocol import load as load_protocol
from dropnorm.training.streams import stream
from tests.experiments.conftest import assert_resumes, experiments_of, finish, in_any_order

NAME = ResultName("related", "inverted")
SMALL = {
    "network.hidden": [12, 8], "training.steps": 30, "training.batch_size": 10, "measure.accuracy_every": 10,
    "exact.batches": 4, "exact.updates": 12, "exact.images": 3, "exact.masks": 100,
}  # fmt: skip
P = (0.8, 0.5, 0.5)
FORMS = ["paper", "inverted"]


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, NAME, SMALL)


def measured(experiment, quantity):
    frame = experiment.frame()
    return frame[frame.quantity == quantity].value.to_numpy(float)


def parameters(experiment):
    return experiment.check.net.parameters if hasattr(experiment.check, "net") else {}


def test_the_protocol_has_every_form_at_five_rates(root):
    arms = load_protocol(root, NAME, "full").arms
    rates = {form: sorted(s.optimiser.lr for a, s in arms.items() if a.partition(".")[0] == form) for form in FORMS}
    assert rates == dict.fromkeys(FORMS, [0.01, 0.03, 0.1, 0.3, 1.0])
    assert arms["exact"].check == "exact"
    assert {s.form for a, s in arms.items() if a.startswith("inverted")} == {"inverted"}
    assert arms["paper"].steps == 4000 and arms["exact"].steps == 100 + 500 + 10_000 // 20


# --- stacks and resumption ---


@pytest.mark.parametrize("arm", FORMS)
def test_a_replica_in_a_stack_equals_the_seed_alone(make, arm):
    stacked, alone = finish(make(arm, [0, 1, 2])), finish(make(arm, [1]))
    for name, parameter in parameters(alone).items():
        torch.testing.assert_close(parameters(stacked)[name][1], parameter[0], rtol=1e-4, atol=1e-5)


def test_the_exact_check_of_a_seed_is_the_same_in_a_stack(make):
    stacked, alone = finish(make("exact", [0, 1, 2])).frame(), finish(make("exact", [1])).frame()
    mine = stacked[stacked.replica == 1].value.to_numpy(float)
    np.testing.assert_allclose(mine, alone.value.to_numpy(float), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("arm", "stops"), [("paper", (1, 10, 29)), ("inverted", (17,)), ("exact", (2, 4, 9, 16, 18, 20))]
)
def test_resuming_anywhere_gives_the_same_bits(make, arm, stops):
    assert_resumes(lambda: make(arm, [0, 1]), stops, parameters, in_any_order)


# --- the training ---


@pytest.mark.parametrize("arm", [*FORMS, "inverted.lr-0.3"])
def test_the_training_is_pytorch_s_own(make, arm):
    """The same mini-batches and masks through nn.Linear and torch.optim.SGD, at one rate for all layers."""
    experiment = make(arm, [7])
    check, inverted = experiment.check, arm.startswith("inverted")
    layers = [nn.Linear(n, m) for n, m in ((64, 12), (12, 8), (8, 10))]
    with torch.no_grad():
        for i, layer in enumerate(layers, start=1):
            layer.weight.copy_(check.net.parameters[f"W{i}"][0].T)
            layer.bias.zero_()
    optimiser = torch.optim.SGD([p for layer in layers for p in layer.parameters()], lr=check.settings.optimiser.lr)

    def answer(x, factors):
        for i, (layer, factor) in enumerate(zip(layers, factors, strict=True)):
            x = layer(x * factor)
            x = x.relu() if i < 2 else x
        return x

    for step in range(5):
        index = check.order.batch(step)[0]
        masks = check.net.draw_masks(10, [stream(7, "masks", step)])
        factors = [r[0] / p if inverted else r[0] for r, p in zip(masks, P, strict=True)]
        optimiser.zero_grad()
        nn.functional.cross_entropy(answer(check.train.inputs(index), factors), check.train.labels[index]).backward()
        optimiser.step()
        experiment.advance()
    for i, layer in enumerate(layers, start=1):
        torch.testing.assert_close(check.net.parameters[f"W{i}"][0].detach(), layer.weight.detach().T)
        torch.testing.assert_close(check.net.parameters[f"b{i}"][0, 0].detach(), layer.bias.detach())
    x, labels = check.test.inputs(torch.arange(len(check.test.labels))), check.test.labels
    right = answer(x, (1, 1, 1) if inverted else P).argmax(1) == labels
    assert check._accuracy(check.test).item() == pytest.approx(right.double().mean().item(), abs=1e-3)


def test_accuracy_is_of_test_images_over_time_and_of_validation_images_in_the_end(make, digits):
    experiment = finish(make("paper", [0, 1]))
    frame = experiment.frame()
    assert sorted(frame[frame.quantity == "test_accuracy"].step.unique()) == [10, 20, 30]
    assert sorted(frame[frame.quantity == "validation_accuracy"].step.unique()) == [30]
    check = experiment.check
    assert len(check.validation.labels) == 300
    assert len(check.train.labels) == len(digits.train_labels) - 300


def test_forms_and_rates_share_mini_batches_and_first_function(make):
    paper, inverted = make("paper", [3]).check, make("inverted.lr-1.0", [3]).check
    assert torch.equal(paper.order.batch(2), inverted.order.batch(2))
    x = paper.test.inputs(torch.arange(9)).unsqueeze(0)
    torch.testing.assert_close(paper.net.forward(x), inverted.net.forward(x))


# --- equal outputs and paths ---


def test_outputs_and_converted_paths_agree_up_to_rounding(make):
    done = finish(make("exact", [0, 1]))
    for mode in ("train", "test"):
        assert len(measured(done, f"{mode}_float64")) == 2 * 4
        assert 0 < measured(done, f"{mode}_float64").max() < 1e-13
        assert 1e-9 < measured(done, f"{mode}_float32").max() < 1e-5
    assert measured(done, "converted.largest_difference").max() < 1e-13
    assert measured(done, "same_rate.largest_difference").min() > 1e-3


def test_outputs_of_another_weight_are_found_to_differ(make):
    experiment = make("exact", [0, 1])
    with torch.no_grad():
        experiment.check.outputs.nets["float64"][1].parameters["W2"][1] *= 1.01
    experiment.advance()
    for mode in ("train_float64", "test_float64"):
        first, second = measured(experiment, mode)
        assert first < 1e-13 and second > 1e-4
    assert measured(experiment, "train_float32").max() < 1e-5


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_every_layer_needs_its_own_rate(make, layer):
    experiment = make("exact", [0])
    experiment.check.paths["converted"].inverted.lr[f"W{layer}"] *= 1.01
    assert measured(finish(experiment), "converted.largest_difference").max() > 1e-6


def test_the_paths_are_plain_gradient_descent(make):
    """The change of a parameter is minus the rate (of its layer) times autograd's gradient, at every update alike."""
    experiment = make("exact", [5])
    while experiment.step < 4 + 11:
        experiment.advance()
    path = experiment.check.paths["converted"]
    before = [{n: p.detach().clone() for n, p in side.net.parameters.items()} for side in (path.paper, path.inverted)]
    order, masks_of = (g.clone_state() for g in (path.order[0], path.masks[0]))
    experiment.advance()
    index = torch.randint(len(path.train.labels), (10,), generator=order)
    masks = path.paper.net.draw_masks(10, [masks_of])
    x, labels = path.train.inputs(index).double(), path.train.labels[index]
    for side, old, inverted in zip((path.paper, path.inverted), before, (False, True), strict=True):
        old = {name: p.requires_grad_() for name, p in old.items()}
        y = x
        for i, (r, p) in enumerate(zip(masks, P, strict=True), start=1):
            y = (y * r[0] / (p if inverted else 1)) @ old[f"W{i}"][0] + old[f"b{i}"][0]
            y = y.relu() if i < 3 else y
        gradients = torch.autograd.grad(nn.functional.cross_entropy(y, labels), list(old.values()))
        for (name, parameter), gradient in zip(old.items(), gradients, strict=True):
            factor = P[int(name[1:]) - 1] ** 2 if inverted and name.startswith("W") else 1
            moved = side.net.parameters[name].detach() - parameter.detach()
            torch.testing.assert_close(moved, -0.1 * factor * gradient, rtol=1e-9, atol=1e-14)


# --- means over masks ---


def test_means_over_masks_by_brute_force(make):
    """The same masks, one by one in NumPy, on the weights that the path ended with."""
    experiment = finish(make("exact", [2]))
    means, path = experiment.check.means, experiment.check.paths["converted"]
    W, b = (path.paper.net.parameters[n][0].detach().numpy() for n in ("W1", "b1"))
    assert np.abs(W).max() > 0 and b.any()  # trained: the first biases are zero
    x = path.test.inputs(torch.arange(3)).double().numpy()
    z = []
    for step in range(5):
        draws = torch.empty(20 * 3 * 64 // 4, dtype=torch.int64).random_(
            -(2**63), None, generator=stream(2, "mean masks", step)
        )
        kept = draws.view(torch.int16).numpy().reshape(20, 3, 64) >= 2**15 - round(0.8 * 2**16)
        z.append((kept * x) @ W + b)
    z = np.concatenate(z)  # [mask, image, unit]
    fixed = x @ (0.8 * W) + b
    np.testing.assert_allclose(means.at_test()[0].detach().numpy(), fixed, atol=1e-12)
    for side, values, at_test in (("input", z, fixed), ("output", np.maximum(z, 0), np.maximum(fixed, 0))):
        deviation = values.mean(0) - at_test
        error = values.std(0, ddof=1) / 100**0.5
        within = (np.abs(deviation) <= 4 * error) | (error < 1e-12)
        assert measured(experiment, f"share_within_{side}") == pytest.approx(within.mean())
        assert measured(experiment, f"excess_of_{side}") == pytest.approx(deviation.mean(), abs=1e-7)
        position, scaled = fixed / z.std(0, ddof=1), deviation / z.std(0, ddof=1)
        found = measured(experiment, f"excess_{side}_by_position")
        for low, value in zip(EDGES[:-1].numpy(), found, strict=True):
            here = (position >= low) & (position < low + 0.5)
            assert value == pytest.approx(scaled[here].mean() if here.any() else np.nan, abs=1e-6, nan_ok=True)


def test_the_variance_over_masks_is_the_closed_form(make):
    """Of sum_j r_j x_j w_j: p (1 - p) sum_j x_j^2 w_j^2. That of the input's mean deviation is one nth of it."""
    means = finish(make("exact", [0, 1], **{"exact.masks": 4000})).check.means
    mean, variance = means.moments()
    W = means.layer.parameters["W1"].detach()
    closed = 0.8 * 0.2 * (means.x.square() @ W.square())
    torch.testing.assert_close(variance[0], closed, rtol=0.15, atol=1e-12)
    assert (mean[0].square() / (closed / 4000)).mean().item() == pytest.approx(1, abs=0.5)


def test_a_relu_is_above_and_its_input_is_not(make):
    done = finish(make("exact", [0, 1], **{"exact.masks": 4000, "exact.images": 10}))
    assert measured(done, "share_within_input").min() > 0.99
    assert measured(done, "share_within_output").max() < 0.9
    assert measured(done, "excess_of_output").min() > 10 * np.abs(measured(done, "excess_of_input")).max() > 0


def test_a_wrong_value_at_test_is_found(make):
    """The check of the inputs can fail: without the factor p they are far from their means."""
    experiment = make("exact", [0], **{"exact.masks": 1000})
    means = experiment.check.means
    means.at_test = lambda: means.layer.forward(means.x.expand(1, -1, -1) / 0.8)
    assert measured(finish(experiment), "share_within_input").max() < 0.9


def test_a_unit_that_no_mask_changes_counts_as_within():
    # Standard errors of 0.1 / sqrt(100): one deviation inside four of them, one outside, one of a unit that is off.
    mean = torch.tensor([0.039, 0.041, 0.0], dtype=torch.float64).expand(2, 1, 1, 3)
    variance = torch.tensor([0.01, 0.01, 0.0], dtype=torch.float64).expand(2, 1, 1, 3)
    found = measures(mean, variance, torch.ones(1, 1, 3, dtype=torch.float64), 100)
    assert found["share_within_input"].item() == pytest.approx(2 / 3)
    assert found["excess_of_output"].item() == pytest.approx(0.08 / 3)
    assert found["excess_output_by_position"].isnan().all()  # at 10 standard deviations


def test_bins_hold_what_lies_between_their_edges():
    position = torch.tensor([[[-4.0, -3.6, 0.0, 3.9, 4.0, float("inf"), float("nan")]]])
    values = torch.tensor([[[1.0, 3.0, 5.0, 7.0, 9.0, float("nan"), float("nan")]]])
    found = in_bins(position, values)[0]
    assert found.shape == (16,)
    assert {i: v.item() for i, v in enumerate(found) if not v.isnan()} == {0: 2, 8: 5, 15: 7}


@pytest.mark.parametrize(
    ("key", "value"), [("network.p_input", 0), ("network.p_hidden", 1.2), ("exact.masks", 50), ("form", "outverted")]
)
def test_impossible_settings_are_refused(root, key, value):
    with pytest.raises(UserError, match=key.replace(".", r"\.")):
        load_protocol(root, NAME, "smoke", {key: value})
