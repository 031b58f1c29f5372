"""What the tests of experiments share: the bundled digits, small experiments of a protocol, runs ended or resumed."""

import pytest
import torch

from dropnorm.datasets import load
from dropnorm.protocol import load as load_protocol


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    return load("digits", tmp_path_factory.mktemp("data"))


def experiments_of(root, dataset, name, small):
    """A function (arm, seeds, changes) -> experiment of a result at scale smoke, with what makes it still smaller."""

    def experiment(arm, seeds, **changes):
        protocol = load_protocol(root, name, "smoke", small | changes)
        replicas = [(protocol.arms[arm], seed) for seed in seeds]
        return protocol.module.Experiment(replicas, dataset, torch.device("cpu"))

    return experiment


def finish(experiment):
    """Advance an experiment until it is finished."""
    while not experiment.finished:
        experiment.advance()
    return experiment


def resumed(make, stop):
    """A new experiment that goes on from the state of another one after `stop` steps. make: () -> experiment."""
    first, second = make(), make()
    for _ in range(stop):
        first.advance()
    second.load_state({name: tensor.clone() for name, tensor in first.state().items()})
    return second


def assert_resumes(make, stops, parameters=lambda experiment: {}, measured=lambda experiment: experiment.frame()):
    """Stopped after any of these numbers of steps, an experiment ends with the same measurements and parameters."""
    whole = finish(make())
    for stop in stops:
        again = resumed(make, stop)
        assert again.step == stop
        finish(again)
        assert measured(again).equals(measured(whole))
        for name, parameter in parameters(whole).items():
            assert torch.equal(parameters(again)[name], parameter)


def assert_a_replica_equals_the_seed_alone(make, arm):
    """The network of a seed in a stack of three and alone. make: (arm, seeds) -> experiment.

    Not to the bit: vector units treat the ends of arrays of other lengths differently (one rounding).
    """
    stacked, alone = finish(make(arm, [0, 1, 2])), finish(make(arm, [1]))
    for name, parameter in alone.network.parameters.items():
        torch.testing.assert_close(stacked.network.parameters[name][1], parameter[0], rtol=1e-4, atol=1e-5)


def in_any_order(experiment):
    """The measurements, for experiments that note them in another order after a stop."""
    frame = experiment.frame()
    return frame.sort_values([c for c in frame.columns if c != "value"], ignore_index=True)
