"""What the tests of experiments share: the bundled digits, and a run to the end."""

import pytest

from dropnorm.datasets import load


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    return load("digits", tmp_path_factory.mktemp("data"))


def finish(experiment):
    """Advance an experiment until it is finished."""
    while not experiment.finished:
        experiment.advance()
    return experiment
