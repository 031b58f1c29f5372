"""Small convolutional nets in training: stacks, resuming, divergence, what is held out, how mini-batches are made."""

import pytest
import torch

from dropnorm.experiments.convolutional import Settings, Training
from dropnorm.names import SCALES, ResultName
from dropnorm.protocol import all_names, load
from dropnorm.training.fixed_batches import FixedBatches
from dropnorm.training.order import EpochOrder
from tests.experiments.conftest import assert_resumes, experiments_of, finish

CPU = torch.device("cpu")
SMALL = {"training.steps": 6, "training.batch_size": 32, "measure.test_every": 3}


@pytest.fixture
def make(root, digits):
    return experiments_of(root, digits, ResultName("related", "convolutional"), SMALL)


NOISY = {
    "dropout": {"dropout.place": "convolutions"},
    "uniform": {"dropout.place": "convolutions", "dropout.noise": "uniform"},
    "classifier": {"dropout.place": "classifier"},
}


@pytest.mark.parametrize("changes", [{}, NOISY["dropout"]])
def test_a_replica_in_a_stack_equals_the_seed_alone(make, changes):
    stacked, alone = (finish(make("batch-128", seeds, **changes)) for seeds in ([0, 1], [1]))
    for name, parameter in alone.parameters[0].items():
        assert torch.equal(stacked.parameters[1][name], parameter)
    mine = stacked.frame().query("replica == 1").drop(columns="replica").reset_index(drop=True)
    assert mine.equals(alone.frame().drop(columns="replica"))


@pytest.mark.parametrize("changes", [{}, *NOISY.values(), {"data.augment": True}, {"network.normalisation": "group"}])
def test_resuming_anywhere_gives_the_same_bits(make, changes):
    assert_resumes(lambda: make("batch-128", [0], **changes), (1, 4), lambda e: e.parameters[0])


@pytest.mark.parametrize("changes", [{}, {"network.normalisation": "group"}, {"network.order": "after"}])
def test_it_learns(make, changes):
    small = {"network.blocks": [[2], [4], [8], [16], [16]], "network.width": 1}
    long = small | {"training.steps": 100, "measure.test_every": 100}
    frame = finish(make("batch-128", [0], **long, **changes)).frame()
    accuracy = frame[frame.quantity == "test_accuracy"].set_index("step").value
    assert accuracy[100] > 0.6 > 0.3 > accuracy[0]


def test_the_update_is_that_of_torch(make):
    made = make("batch-128", [0], **{"optimiser.l2": 0.01, "optimiser.decay": "constant"})
    theirs = {name: p.detach().clone().requires_grad_() for name, p in made.parameters[0].items()}
    weights = [p for name, p in theirs.items() if name.startswith("W")]
    others = [p for name, p in theirs.items() if not name.startswith("W")]
    sgd = torch.optim.SGD([{"params": weights, "weight_decay": 0.01}, {"params": others}], lr=0.1, momentum=0.9)
    for step in range(3):
        index = made.order.batch(step)[0]
        sgd.zero_grad()
        logits = made.net.forward(theirs, made.train.inputs(index)).logits
        torch.nn.functional.cross_entropy(logits, made.train.labels[index]).backward()
        sgd.step()
        made.advance()
    for name, parameter in made.parameters[0].items():
        torch.testing.assert_close(parameter, theirs[name], rtol=1e-4, atol=1e-5)


def test_a_net_that_diverges_is_noted(make):
    frame = finish(make("batch-128", [0], **{"optimiser.lr": 1e30, "network.normalisation": "none"})).frame()
    assert 0 < frame[frame.quantity == "diverged_at"].value.item() < 6


def test_what_is_held_out_and_what_is_used(make):
    everything = make("batch-128", [0])
    some = make("batch-128", [0], **{"data.validation": 100, "data.subset": 40, "measure.train_pictures": 10})
    kept, used = some.looked_at["validation"], some.train
    assert (len(kept.labels), len(used.labels), len(some.looked_at["train"].labels)) == (100, 40, 10)
    of_all = {tuple(p.flatten().tolist()): i for i, p in enumerate(everything.train.pixels)}
    first, second = ({of_all[tuple(p.flatten().tolist())] for p in part.pixels} for part in (kept, used))
    assert not first & second
    assert {"test_accuracy", "validation_accuracy", "train_accuracy"} <= set(finish(some).frame().quantity)


def test_an_arm_has_a_length_of_its_own(make):
    assert make("batch-2", [0], **{"training.steps": 3}).settings.steps == 192


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"training": {"steps": 1, "batch_size": 10, "ghost": 4}}, r"ghost \(4\) must divide batch_size \(10\)"),
        ({"data": {"name": "digits", "subset": 8}}, r"batch_size \(32\) is more than subset \(8\)"),
    ],
)
def test_settings_that_cannot_be_are_refused(make, part, message):
    settings = make("batch-128", [0]).settings.model_dump()
    with pytest.raises(ValueError, match=message):
        Settings.model_validate(settings | part)


def test_ghost_statistics_are_stored_as_they_are_taken():
    assert Training(steps=1, batch_size=12, ghost=4).ghost == 4


# --- mini-batches that stay together ---


def test_fixed_batches_have_the_same_mates_in_another_order():
    order = FixedBatches([0, 1], 50, 8, CPU)
    epochs = [[order.batch(6 * e + i) for i in range(6)] for e in range(3)]
    for replica in range(2):
        sets = [[frozenset(batch[replica].tolist()) for batch in epoch] for epoch in epochs]
        assert set(sets[0]) == set(sets[1]) == set(sets[2])
        assert sets[0] != sets[1] != sets[2]
    fresh = EpochOrder([0, 1], 50, 8, CPU)
    assert {frozenset(fresh.batch(i)[0].tolist()) for i in range(6)} == {frozenset(b[0].tolist()) for b in epochs[0]}


def test_fixed_batches_are_a_function_of_the_step():
    order = FixedBatches([3], 50, 8, CPU)
    later = order.batch(13)
    order.batch(2)
    assert torch.equal(order.batch(13), later)


def test_statistics_for_test_come_from_whole_mini_batches_in_every_protocol(root, digits):
    """A remainder would count as much as a whole mini-batch."""
    pictures = {"cifar10": 50_000, "digits": len(digits.train_labels)}
    protocols = [load(root, name, scale) for name in all_names(root) for scale in SCALES]
    arms = [(p.name, arm, s) for p in protocols if not p.derived for arm, s in p.arms.items() if _has_statistics(s)]
    assert len(arms) > 100
    for name, arm, s in arms:
        m = getattr(s.training, "ghost", 0) or s.training.batch_size
        available = s.data.subset or pictures[s.data.name] - s.data.validation
        assert s.measure.population_pictures // m * m <= available, f"{name} {arm}"


def _has_statistics(settings) -> bool:
    measure = getattr(settings, "measure", None)
    return hasattr(measure, "population_pictures") and settings.network.normalisation == "batch"
