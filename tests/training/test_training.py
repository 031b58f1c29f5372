"""Streams, order of examples, pixels, plain SGD, the record."""

import numpy as np
import pytest
import torch

from dropnorm.training.examples import examples, split
from dropnorm.training.order import EpochOrder
from dropnorm.training.recorder import Recorder
from dropnorm.training.sgd import sgd_step
from dropnorm.training.streams import stream

CPU = torch.device("cpu")


def test_streams_repeat_and_differ():
    def draw(*key):
        return torch.rand(4, generator=stream(*key)).tolist()

    assert draw(0, "init", 1) == draw(0, "init", 1)
    others = [draw(1, "init", 1), draw(0, "order", 1), draw(0, "init", 2)]
    assert all(draw(0, "init", 1) != other for other in others)
    assert draw(0, "noise1", 2) != draw(0, "noise", 12)  # layer 1 at step 2, and no layer at step 12
    assert draw(1, "0init") != draw(10, "init")


def test_streams_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    torch.rand(3, generator=stream(0, "init"))
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_epoch_shows_every_example_once():
    order = EpochOrder([0, 1], examples=60, batch_size=7, device=CPU)
    seen = torch.stack([order.batch(step) for step in range(order.steps_per_epoch)])
    assert order.steps_per_epoch == 8  # the incomplete batch of 4 is left out
    for r in range(2):
        assert len(set(seen[:, r].flatten().tolist())) == 56


def test_order_depends_on_seed_and_step_alone():
    together, alone = EpochOrder([5, 6], 60, 7, CPU), EpochOrder([6], 60, 7, CPU)
    for step in (0, 7, 8, 23, 3):  # epochs forth and back
        assert torch.equal(together.batch(step)[1], alone.batch(step)[0])
    assert not torch.equal(alone.batch(0), alone.batch(8))


@pytest.mark.parametrize(("rule", "expected"), [("binary", [0, 0, 0, 1, 1]), ("above_zero", [0, 1, 1, 1, 1])])
def test_pixel_rules(rule, expected):
    images = np.array([[[0, 1, 127, 128, 255]]], np.uint8)
    data = examples(images, np.array([3]), 255, rule, CPU)
    assert data.inputs(torch.tensor([0])).tolist() == [expected]


def test_grey_pixels_are_scaled_and_drawn_ones_follow_the_grey_value():
    images = np.full((2000, 1, 2), [0, 51], np.uint8)
    grey = examples(images, np.zeros(2000), 255, "grey", CPU)
    assert grey.inputs(torch.tensor([0])).flatten().tolist() == pytest.approx([0, 0.2])
    drawn = examples(images, np.zeros(2000), 255, "drawn", CPU).pixels.float()
    assert drawn.mean(0).tolist() == pytest.approx([0, 0.2], abs=0.04)


def test_split_is_a_partition_and_the_same_each_time():
    images = np.arange(50, dtype=np.uint8).reshape(50, 1, 1)
    data = examples(images, np.arange(50), 255, "grey", CPU)
    train, validation = split(data, 10, seed=0)
    assert len(validation.labels) == 10
    assert sorted(train.labels.tolist() + validation.labels.tolist()) == list(range(50))
    assert torch.equal(validation.labels, split(data, 10, seed=0)[1].labels)


def test_sgd_has_a_rate_for_each_replica():
    W, g = torch.ones(2, 3, 3), torch.full((2, 3, 3), 2.0)
    sgd_step([W], [g], torch.tensor([0.1, 0.5]).view(2, 1, 1))
    assert W[0, 0, 0].item() == pytest.approx(0.8)
    assert W[1, 0, 0].item() == pytest.approx(0.0)


def test_recorder_is_tidy_and_survives_a_checkpoint():
    recorder = Recorder()
    recorder.add(0, "accuracy", torch.tensor([0.1, 0.2]))
    recorder.add(5, "accuracy", torch.tensor([0.3, 0.4]))
    recorder.add(5, "p50", torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    frame = recorder.frame()
    assert len(frame) == 4 + 6
    row = frame[(frame.quantity == "p50") & (frame.replica == 1) & (frame.unit == 2)]
    assert row.value.tolist() == [6.0]
    assert row.step.tolist() == [5]
    again = Recorder()
    again.load_state(recorder.state())
    assert again.frame().equals(frame)
