"""Pretraining and fine-tuning as an experiment: stacked, resumed in either part, handed over with the factor 1/p."""

import numpy as np
import pytest
import torch

from dropnorm.errors import UserError
from dropnorm.names import ResultName
from dropnorm.networks.deep_boltzmann import mean_field
from dropnorm.protocol import load as load_protocol
from tests.experiments.conftest import assert_resumes, experiments_of, finish

CPU = torch.device("cpu")
NAME = ResultName("srivastava2014", "pretraining")
SMALL = {"network.width": 0.02, "pretraining.updates": 8, "training.steps": 10, "training.batch_size": 20,
         "measure.times": 2, "training.products": "float32"}  # fmt: skip
ARMS = [
    "dbn", "dbn_dropout", "dbn_dropout_large", "random", "random_dropout", "random_dropout_large", "dbm", "dbm_dropout",
]  # fmt: skip


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, NAME, SMALL)


def handed_over(experiment):
    """Advance to the moment at which the network has the machines' weights and has not moved yet."""
    while experiment.pretrained < experiment.before:
        experiment.advance()
    return experiment


def test_the_protocol_has_these_arms(root):
    protocol = load_protocol(root, NAME, "full")
    assert list(protocol.arms) == ARMS
    assert protocol.arms["dbn"].steps == 3 * 6000 + 30000
    assert protocol.arms["dbm"].before == 2 * 6000 and protocol.arms["random"].before == 0
    rates = [protocol.arms[arm].fine_tuning.optimiser for arm in ("dbn_dropout", "dbn_dropout_large")]
    assert rates[1].lr == pytest.approx(10 * rates[0].lr) and rates[1].decay == "linear"


@pytest.mark.parametrize("arm", ["dbn_dropout", "dbm", "random"])
def test_a_replica_in_a_stack_measures_what_the_seed_alone_does(make, arm):
    stacked, alone = finish(make(arm, [0, 1, 2])), finish(make(arm, [1]))
    for name, parameter in alone.network.network.parameters.items():
        torch.testing.assert_close(stacked.network.network.parameters[name][1], parameter[0], rtol=1e-3, atol=1e-4)
    frame = stacked.frame()
    error = frame[(frame.quantity == "reconstruction_error") & (frame.replica == 1)].value.to_numpy()
    mine = alone.frame()
    np.testing.assert_allclose(error, mine[mine.quantity == "reconstruction_error"].value.to_numpy(), rtol=1e-3)


@pytest.mark.parametrize("arm", ["dbn_dropout", "dbm_dropout", "random_dropout"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    before = make(arm, [0]).before
    stops = {1, 8, min(13, before), before, before + 1, before + 7}
    assert_resumes(lambda: make(arm, [0, 1]), stops, lambda e: e.network.network.parameters)


def hidden(network, x):
    """Units of each hidden layer of the whole, weight-scaled network."""
    found = []
    for layer in range(1, network.depth):
        y = network.noises[layer - 1].at_test(x)
        x = torch.sigmoid(torch.baddbmm(network.parameters[f"b{layer}"], y, network.parameters[f"W{layer}"]))
        found.append(x)
    return found


@pytest.mark.parametrize("arm", ["dbn", "dbn_dropout"])
def test_the_network_starts_as_the_machines_see_an_image(make, arm):
    """Weights times 1/p, units times p: what each unit receives at test is what it received in pretraining."""
    experiment = handed_over(make(arm, [0, 1]))
    x = experiment.network.train.inputs(torch.arange(7)).expand(2, -1, -1)
    for layer, y in enumerate(hidden(experiment.network.network, x), start=1):
        torch.testing.assert_close(y, experiment.stack.up(x, layer))
    p = 0.8 if arm == "dbn_dropout" else 1
    W = experiment.network.network.parameters["W1"]
    torch.testing.assert_close(W * p, experiment.stack.rbms[0].W)


@pytest.mark.parametrize("arm", ["dbm", "dbm_dropout"])
def test_the_network_of_a_deep_machine_starts_as_its_mean_field(make, arm):
    experiment = handed_over(make(arm, [0, 1], **{"pretraining.mean_field": 40}))
    index = torch.arange(7).expand(2, -1)
    x = experiment.network.train.inputs(index)
    v = x[..., : experiment.network.images.pixels.shape[1]]
    mu, top = mean_field(*experiment.stack.rbms, v, 40)
    assert x.shape[2] == v.shape[2] + top.shape[2]
    torch.testing.assert_close(x[..., v.shape[2] :], top, atol=1 / 500, rtol=0)
    first, second = hidden(experiment.network.network, x)
    torch.testing.assert_close(first, mu, atol=0.01, rtol=0)
    torch.testing.assert_close(second, top, atol=0.01, rtol=0)
    test = experiment.network.held_out["test"].inputs(index)[..., v.shape[2] :]
    assert not torch.equal(test[0], test[1]) and test.max() > 0  # each replica has its own


def test_arms_of_one_seed_share_their_machines_and_layers_are_trained_one_after_the_other(make):
    experiment = make("dbn", [0])
    start = [rbm.W.clone() for rbm in experiment.stack.rbms]
    moved = []
    for _ in range(3):
        for _ in range(8):
            experiment.advance()
        moved.append([not torch.equal(rbm.W, W) for rbm, W in zip(experiment.stack.rbms, start, strict=True)])
    assert moved == [[True, False, False], [True, True, False], [True, True, True]]
    other = handed_over(make("dbn_dropout_large", [0]))
    for mine, its in zip(experiment.stack.rbms, other.stack.rbms, strict=True):
        assert torch.equal(mine.W, its.W)


def test_pretraining_gives_a_head_start_and_is_measured(make):
    changes = {"network.width": 0.05, "pretraining.updates": 150, "training.steps": 150}
    pretrained, random = (finish(make(arm, [0, 1], **changes)).frame() for arm in ("dbn", "random"))
    errors = [frame[frame.quantity == "test_error"].value.iloc[-2:].mean() for frame in (pretrained, random)]
    assert errors[0] < errors[1] - 20
    reconstruction = pretrained[pretrained.quantity == "reconstruction_error"]
    assert sorted(reconstruction.unit.unique()) == [0, 1, 2] and (reconstruction.step == 0).all()
    assert (reconstruction.value > 0).all()
    before = handed_over(make("dbn", [0, 1], **{"network.width": 0.05, "pretraining.updates": 1})).frame()
    assert (reconstruction[reconstruction.unit == 0].value < 0.6 * before[before.unit == 0].value.mean()).all()


def test_a_machine_that_diverged_makes_a_run_that_is_recorded_and_leaves_its_neighbour_alone(make):
    experiment = make("dbm", [0, 1])
    experiment.advance()
    experiment.stack.rbms[0].W[0, 0, 0] = float("nan")
    frame = finish(experiment).frame()
    assert frame[frame.quantity == "diverged_at"].value.tolist() == [0, -1]
    assert frame[(frame.quantity == "test_error") & (frame.replica == 1)].value.notna().all()


@pytest.mark.parametrize(
    ("key", "value"), [("pretraining.model", "rbm"), ("network.units", "relu"), ("pretraining.updates", 0)]
)
def test_impossible_settings_are_refused(root, key, value):
    with pytest.raises(UserError):
        load_protocol(root, NAME, "smoke", {key: value})
