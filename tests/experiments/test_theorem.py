"""The theorem experiment: stacks, resuming, and what it records."""

import numpy as np
import pytest
import torch

from dropnorm.names import ResultName
from tests.experiments.conftest import assert_resumes, experiments_of, finish

CPU = torch.device("cpu")
SMALL = {"random.draws": 3, "random.cases": 4, "network.steps": 6, "network.measure_every": 3}
SANTURKAR = ("theorem41", "theorem42", "observation43", "theorem44", "lemma45", "theoremc1")
RESULTS = {name: "santurkar2018" for name in SANTURKAR} | {"section3": "ioffe2015"}


@pytest.fixture
def make(root, digits):
    def experiment(result, arm, seeds):
        return experiments_of(root, digits, ResultName(RESULTS[result], result), SMALL)(arm, seeds)

    return experiment


@pytest.mark.parametrize("arm", ["random", "network"])
@pytest.mark.parametrize("result", RESULTS)
def test_a_seed_in_a_stack_equals_the_seed_alone(make, result, arm):
    stacked, alone = finish(make(result, arm, [0, 1])).frame(), finish(make(result, arm, [1])).frame()
    mine = stacked[stacked.replica == 1].reset_index(drop=True)
    assert (mine.quantity == alone.quantity).all()
    exact = mine.quantity.str.startswith(("holds", "of_holds"))
    np.testing.assert_array_equal(mine.value[exact], alone.value[exact])
    np.testing.assert_allclose(mine.value[~exact], alone.value[~exact], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("arm", ["random", "network"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    last = make("theorem41", arm, [0]).settings.steps - 1
    assert_resumes(lambda: make("theorem41", arm, [0, 1]), {min(stop, last) for stop in (1, 2, 3)})


def test_what_is_measured_when(make):
    network = finish(make("theorem42", "network", [0])).frame()
    assert sorted(network.step.unique()) == [0, 3, 6]
    counts = network[network.quantity == "of_holds_positive.layer1"].value
    assert (counts <= 16).all()
    random = finish(make("theorem42", "random", [0])).frame()
    assert sorted(random.step.unique()) == [0, 1, 2]
    assert (random[random.quantity == "of_holds_positive.convex"].value == 4).all()


def test_results_without_curves_of_the_paper_have_a_digest_and_can_be_drawn(root, dropnorm, tmp_path):
    assert not (root / "reference/santurkar2018/lemma45.csv").exists()
    common = ("santurkar2018/lemma45", "--scale", "smoke", "--out", tmp_path)
    assert dropnorm("run", *common).returncode == 0
    done = dropnorm("figure", *common)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "smoke/santurkar2018/lemma45/figure.svg").exists()
    assert "e-1" in done.stdout  # small numbers can be read


@pytest.mark.parametrize("change", [(), ("--variant", "nan", "--set", "network.lr=1e30")])
def test_a_part_of_the_arms_and_a_net_that_diverges_can_be_drawn(dropnorm, tmp_path, change):
    """The panel of the random cases has nothing to show on its logarithmic axes."""
    common = ("santurkar2018/theorem41", "--scale", "smoke", "--out", tmp_path, *change)
    assert dropnorm("run", *common, "--arm", "network", "--seeds", "0").returncode == 0
    done = dropnorm("figure", *common)
    assert done.returncode == 0, done.stderr
    assert len([*tmp_path.rglob("figure.svg")]) == 1
