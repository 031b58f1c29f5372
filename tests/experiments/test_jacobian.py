"""The Jacobians between hidden layers against automatic differentiation; when they are measured; resuming."""

import numpy as np
import pytest
import torch
from torch.autograd.functional import jacobian

from dropnorm.experiments.jacobian import layer_jacobians, whitened_error
from dropnorm.names import ResultName
from dropnorm.training.streams import stream
from tests.experiments.conftest import assert_resumes, experiments_of, finish

SMALL = {"training.steps": 20, "measure.accuracy_every": 10, "measure.jacobian_at": [0, 7, 20], "measure.images": 3,
         "measure.population_batches": 3}  # fmt: skip


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, ResultName("ioffe2015", "section33"), SMALL)


@pytest.mark.parametrize("arm", ["baseline", "batchnorm"])
def test_the_jacobians_are_those_of_automatic_differentiation(make, arm):
    experiment = finish(make(arm, [0, 1]))
    network = experiment.network
    x = experiment.probe[:3].expand(2, -1, -1)
    with torch.no_grad():
        statistics = network.population_statistics(experiment._population_batches()) or None
        found = layer_jacobians(network, x, statistics)
        below = network._hidden_input(x, 1, statistics, [])
        for layer, J in enumerate(found, start=2):

            def up(u, layer=layer):
                return network._hidden_input(torch.sigmoid(u), layer, statistics, [])

            whole = jacobian(up, below)  # [replica, image, unit, replica, image, unit below]
            for r, i in np.ndindex(2, 3):
                torch.testing.assert_close(J[r, i], whole[r, i, :, r, i].double(), rtol=1e-4, atol=1e-6)
                assert whole[r, i, :, r, i - 1].abs().max() == 0  # in inference mode an image is alone
            below = up(below)


def test_spread_and_size_are_of_the_singular_values(make):
    experiment = make("batchnorm", [0])
    experiment._measure_jacobians()
    x = experiment.probe[:3].expand(1, -1, -1)
    with torch.no_grad():
        statistics = experiment.network.population_statistics(experiment._population_batches())
        J = layer_jacobians(experiment.network, x, statistics)[0][0].numpy()
    s = np.linalg.svd(J, compute_uv=False)
    frame = experiment.frame()
    first = frame[frame.unit == 0].set_index("quantity").value
    assert first["spread"] == pytest.approx(np.log(s[:, 0] / s[:, -1]).mean(), rel=1e-3)
    assert first["largest"] == pytest.approx(s[:, 0].mean(), rel=1e-5)
    assert first["middle"] == pytest.approx(s[:, 50].mean(), rel=1e-5)


def test_it_is_measured_when_it_should_be(make):
    frame = finish(make("baseline", [0])).frame()
    assert sorted(frame[frame.quantity == "spread"].step.unique()) == [0, 7, 20]
    assert sorted(frame[frame.quantity == "whitened_error"].step.unique()) == [0]


@pytest.mark.parametrize("arm", ["baseline", "batchnorm"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    assert_resumes(lambda: make(arm, [0, 1]), (1, 7, 8, 20), lambda e: e.network.parameters)


def test_between_whitened_vectors_a_linear_map_is_orthogonal():
    errors = [whitened_error(stream(seed, "test")) for seed in range(3)]
    assert max(errors) < 1e-12
    assert len(set(errors)) == 3  # other vectors, other rounding
