"""Both modes of batch normalization against torch's own layers, on trained networks; batches of one; resuming."""

import pytest
import torch
from torch import nn

from dropnorm.experiments.inference import ORDER
from dropnorm.experiments.modes import folded
from dropnorm.layers.batch_norm import Statistics
from dropnorm.names import ResultName
from dropnorm.training.streams import stream
from tests.experiments.conftest import assert_a_replica_equals_the_seed_alone, assert_resumes, experiments_of, finish

SMALL = {"training.steps": 30, "measure.accuracy_every": 15, "measure.population_batches": 3, "measure.alone": 3,
         "measure.batched": 20, "measure.test_sizes": [2, 16, 256]}  # fmt: skip


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, ResultName("related", "modes"), SMALL)


@pytest.fixture
def trained(make):
    return finish(make("standard", [0, 1]))


def last(experiment, quantity):
    """The values of a quantity after the last step `[replica]`."""
    frame = experiment.frame()
    return frame[(frame.quantity == quantity) & (frame.step == experiment.step)].value.to_numpy()


def twin(network, statistics, replica, dtype=torch.float32):
    """One replica in torch.nn, its running averages set to these statistics; in training mode, as torch starts."""
    layers = []
    for i, (n_in, n_out) in enumerate(zip(network.sizes, network.sizes[1:], strict=False), start=1):
        p = {kind: network.parameters[f"{kind}{i}"][replica].detach() for kind in ("W", "b")}
        hidden = i < network.depth
        linear = nn.Linear(n_in, n_out, bias=not hidden)
        linear.weight.data = p["W"].T
        if not hidden:
            linear.bias.data = p["b"][0]
            layers.append(linear)
            continue
        norm = nn.BatchNorm1d(n_out, eps=network.eps)
        norm.weight.data, norm.bias.data = network.parameters[f"gamma{i}"][replica, 0].detach(), p["b"][0]
        norm.running_mean, norm.running_var = (s[replica, 0].clone() for s in statistics[i - 1])
        layers += [linear, norm, nn.Sigmoid()]
    return nn.Sequential(*layers).to(dtype)


def images(experiment, count, dtype=torch.float32):
    """The first test images `[image, pixel]`."""
    return experiment.held_out["test"].inputs(torch.arange(count)).to(dtype)


# --- both modes are torch's ---


@pytest.mark.parametrize("training", [True, False])
def test_either_mode_is_that_of_torch(trained, training):
    x, statistics = images(trained, 40), trained._statistics()
    ours = trained.network.forward(x.expand(2, -1, -1), None if training else statistics).logits
    for r in range(2):
        theirs = twin(trained.network, statistics, r).train(training)(x)
        torch.testing.assert_close(ours[r], theirs, rtol=1e-4, atol=1e-5)


def test_accuracy_by_size_is_that_of_torch_in_training_mode(trained):
    test = trained.held_out["test"]
    order = torch.randperm(len(test.labels), generator=stream(ORDER, "test batches"))
    theirs = twin(trained.network, trained._statistics(), 1)
    for m in trained.settings.measure.test_sizes:
        whole = [index for index in order.split(m) if len(index) == m]
        right = [theirs(test.inputs(index)).argmax(1) == test.labels[index] for index in whole]
        share = torch.cat(right).float().mean().item()
        assert last(trained, f"accuracy_of_{m}")[1] == pytest.approx(share, abs=2 / len(test.labels)), m


def test_torch_refuses_a_batch_of_one_in_training_mode_only():
    norm = nn.BatchNorm1d(5)
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        norm(torch.randn(1, 5))
    assert norm.eval()(torch.randn(1, 5)).shape == (1, 5)


def test_a_share_of_0_9_is_a_momentum_of_0_1_in_torch(make):
    experiment, theirs = make("high_rate", [0]), nn.BatchNorm1d(100)
    assert (experiment.settings.measure.fast_average, theirs.momentum) == (0.9, 0.1)  # torch's own default
    while not experiment.finished:
        if experiment.step < experiment.settings.steps:
            x = experiment.train.inputs(experiment.order.batch(experiment.step))[0]
            theirs((x @ experiment.network.parameters["W1"][0]).detach())
        experiment.advance()
    torch.testing.assert_close(experiment.fast[0].mean[0, 0], theirs.running_mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(experiment.fast[0].var[0, 0], theirs.running_var, rtol=1e-4, atol=1e-5)


# --- training mode, mini-batches of one ---


def test_one_image_alone_is_answered_with_beta(trained):
    p = trained.network.parameters
    beta, W, b = (p[name].detach() for name in ("b3", "W4", "b4"))
    answer = torch.sigmoid(beta) @ W + b  # [replica, 1, class]: nothing of the image
    found = trained._logits(trained.network, None, 3, 1)
    torch.testing.assert_close(found, answer.expand(-1, 3, -1))
    assert (last(trained, "answers_to_one") == 0).all()


def test_the_gradient_of_one_ends_above_the_last_normalisation(trained):
    p = trained.network.parameters
    labels = trained.held_out["test"].labels[:3]
    z = torch.sigmoid(p["b3"].detach())  # [replica, 1, unit]
    answer = torch.softmax(z @ p["W4"].detach() + p["b4"].detach(), 2)
    error = answer - nn.functional.one_hot(labels, 10)  # [replica, image, class]: the gradient of the logits
    expected = (z.abs().amax(2) * error.abs().amax((1, 2)).unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(torch.tensor(last(trained, "gradient_above")), expected, rtol=1e-4, atol=1e-6)
    assert (last(trained, "gradient_of_one") == 0).all()


def test_without_normalisation_one_image_is_answered_and_teaches(trained):
    """Both measurements can be other than zero."""
    trained.network.batch_normalised = False
    below, _ = trained._gradients_of_one()
    assert (below > 1e-6).all()
    assert (trained._answers_to_one() > 1e-3).all()


# --- inference mode ---


def test_the_size_of_the_batch_matters_in_training_mode_only(trained):
    assert (last(trained, "change_by_batching") < 1e-12).all()
    assert (last(trained, "change_by_batching_float32") < 1e-4).all()
    assert (trained._change_by_batching(None) > 0.1).all()
    assert (last(trained, "change_by_mates_training") > 0.1).all()


def test_change_by_batching_is_of_the_same_images(trained):
    """Against torch, an image at a time and all at once."""
    statistics, x = trained._statistics(), images(trained, 20, torch.float64)
    theirs = twin(trained.network, statistics, 0, torch.float64).eval()
    alone = torch.cat([theirs(u) for u in x.split(1)])
    assert (theirs(x) - alone).abs().max() < 1e-12
    ours = trained._logits(trained.network, statistics, 20, 7)[0]
    torch.testing.assert_close(ours, alone.float(), rtol=1e-4, atol=1e-5)


def test_the_folded_network_does_what_torch_does_in_eval_mode(trained):
    statistics, x = trained._statistics(), images(trained, 50)
    plain = folded(trained.network, statistics)
    assert not plain.batch_normalised
    for r in range(2):
        theirs = twin(trained.network, statistics, r).eval()(x)
        torch.testing.assert_close(plain.forward(x.expand(2, -1, -1)).logits[r], theirs, rtol=1e-4, atol=1e-5)
    assert (last(trained, "folded_float32") < 1e-5).all()
    assert (last(trained, "folded_float64") < 1e-12).all()


def test_a_wrong_folding_is_noticed(trained, monkeypatch):
    def forgets_the_root(network, statistics):
        return folded(network, [Statistics(s.mean, s.var**2) for s in statistics])

    monkeypatch.setattr("dropnorm.experiments.modes.folded", forgets_the_root)
    with torch.no_grad():
        assert (trained._folding_error(trained._statistics()) > 0.01).all()


# --- the run ---


def test_modes_are_compared_after_the_last_step_and_the_network_is_left_alone(make):
    experiment = make("standard", [0])
    while experiment.step < 30:
        experiment.advance()
    before = {name: p.detach().clone() for name, p in experiment.network.parameters.items()}
    finish(experiment)
    for name, parameter in experiment.network.parameters.items():
        assert torch.equal(parameter, before[name])
        assert parameter.requires_grad
    frame = experiment.frame()
    assert set(frame[frame.quantity == "accuracy_of_16"].step) == {30}
    assert set(frame[frame.quantity == "accuracy_fast_average"].step) == {0, 15, 30}
    assert not frame.value.isna().any()


@pytest.mark.parametrize("arm", ["standard", "high_rate"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    assert_resumes(lambda: make(arm, [0, 1]), (1, 15, 29, 30), lambda e: e.network.parameters)


def test_a_replica_in_a_stack_equals_the_seed_alone(make):
    assert_a_replica_equals_the_seed_alone(make, "high_rate")
