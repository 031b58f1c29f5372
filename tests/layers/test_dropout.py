"""Dropout: masks of the right probability from each replica's own stream, both forms, and the norm limit."""

import pytest
import torch

from dropnorm.layers.dropout import (
    draw_masks,
    dropout,
    inverted_dropout,
    inverted_scale,
    mask_probability,
    mask_threshold,
    weight_scaled,
)
from dropnorm.layers.max_norm import at_limit, limit_norm_
from dropnorm.training.streams import stream


def generators(*seeds):
    return [stream(seed, "masks") for seed in seeds]


def test_masks_are_zeros_and_ones_with_each_replica_s_own_probability():
    p = torch.tensor([0.1, 0.5, 0.8, 1.0])
    r = draw_masks(mask_threshold(p), (999, 501), generators(0, 1, 2, 3))
    assert r.shape == (4, 999, 501) and r.dtype == torch.float32
    assert set(r.unique().tolist()) == {0.0, 1.0}
    se = (p * (1 - p) / (999 * 501)).sqrt()
    assert ((r.mean((1, 2)) - p).abs() <= 4 * se).all()
    assert r[3].all()  # p = 1 keeps everything, without exception


def test_neighbouring_units_examples_and_replicas_are_independent():
    r = draw_masks(mask_threshold(torch.full((2,), 0.5)), (1000, 400), generators(0, 1), torch.float64) - 0.5
    for a, b in ((r[:, :, 1:], r[:, :, :-1]), (r[:, 1:], r[:, :-1]), (r[0], r[1])):
        assert abs(float((a * b).mean()) * 4) < 4 / (a.numel() ** 0.5)


def test_a_mask_is_new_for_each_call_and_does_not_depend_on_who_trains_beside_it():
    p = torch.tensor([0.8, 0.5])
    together, alone = generators(3, 7), generators(7)
    for _ in range(3):
        stacked = draw_masks(mask_threshold(p), (5, 7), together)
        single = draw_masks(mask_threshold(p[1:]), (5, 7), alone)
        assert torch.equal(stacked[1], single[0])
    assert not torch.equal(draw_masks(mask_threshold(p), (5, 7), together), stacked)


@pytest.mark.parametrize("p", [0.5, 0.8, 0.1, 1.0, 2**-16])
def test_the_probability_is_exact_to_16_bits(p):
    """Of the 2^16 draws there are, as many retain the unit as the stated probability says."""
    p = torch.tensor([p], dtype=torch.float64)
    every_draw = torch.arange(-(2**15), 2**15)
    retained = (every_draw >= mask_threshold(p).item()).double().mean()
    assert retained == mask_probability(p).item()
    assert abs(retained - p.item()) <= 2**-17


@pytest.mark.parametrize("p", [0.0, -0.1, 1.1, 1e-6, float("nan")])
def test_an_impossible_p_is_refused(p):
    with pytest.raises(ValueError, match="p must be"):
        mask_threshold(torch.tensor([0.5, p]))


def test_both_forms_by_hand():
    y, r = torch.tensor([[[2.0, 4.0]]]), torch.tensor([[[1.0, 0.0]]])
    p = torch.tensor([0.8])
    assert dropout(y, r).tolist() == [[[2.0, 0.0]]]
    torch.testing.assert_close(weight_scaled(y, p), torch.tensor([[[1.6, 3.2]]]))
    torch.testing.assert_close(inverted_dropout(y, r, p), torch.tensor([[[2.5, 0.0]]]))


def test_conversion_by_hand():
    """With c = 2: 1.6 for weights that read inputs, 1 for those that read hidden units."""
    scale = inverted_scale(torch.tensor([0.8, 0.5], dtype=torch.float64))
    torch.testing.assert_close(2 * scale.max_norm, torch.tensor([1.6, 1.0], dtype=torch.float64))
    torch.testing.assert_close(scale.learning_rate, torch.tensor([0.64, 0.25], dtype=torch.float64))
    torch.testing.assert_close(scale.l2, torch.tensor([1.5625, 4.0], dtype=torch.float64))
    torch.testing.assert_close(scale.weight, torch.tensor([0.8, 0.5], dtype=torch.float64))


def test_the_limit_is_on_incoming_weights_and_leaves_shorter_ones_alone():
    # [replica, in, out]: unit 0 reads (3, 4), unit 1 reads (0.6, 0.8), unit 2 nothing
    W = torch.tensor([[[3.0, 0.6, 0.0], [4.0, 0.8, 0.0]]]).repeat(2, 1, 1)
    limit_norm_(W, torch.tensor([2.0, float("inf")]).view(-1, 1, 1))
    torch.testing.assert_close(W[0], torch.tensor([[1.2, 0.6, 0.0], [1.6, 0.8, 0.0]]))
    assert W[1].tolist() == [[3.0, pytest.approx(0.6), 0.0], [4.0, pytest.approx(0.8), 0.0]]


def test_the_limit_equals_torch_s_renorm_on_units():
    W = torch.randn(3, 20, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = torch.stack([torch.renorm(w, 2, 1, 4.0) for w in W])  # renorm limits each slice of the dimension named
    c = torch.full((3, 1, 1), 4.0, dtype=torch.float64)
    share = at_limit(W.clone(), c)
    limit_norm_(W, c)
    torch.testing.assert_close(W, expected, rtol=1e-6, atol=0)  # renorm itself stops a hair below the limit
    assert share.min() > 0 and torch.equal(at_limit(W, c), share)
