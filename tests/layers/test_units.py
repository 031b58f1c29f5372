"""Hidden units by hand."""

import torch

from dropnorm.layers.units import make_units

Z = torch.tensor([[[-1.0, 2.0, 0.0, 3.0, 5.0, 4.0]]])
DY = torch.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]])


def test_relu():
    units = make_units("relu")
    y, saved = units.forward(Z)
    assert y.tolist() == [[[0, 2, 0, 3, 5, 4]]]
    assert units.backward(DY, saved).tolist() == [[[0, 2, 0, 4, 5, 6]]]


def test_logistic():
    units = make_units("logistic")
    y, saved = units.forward(torch.zeros(1, 1, 6))
    assert y.tolist() == [[[0.5] * 6]]
    torch.testing.assert_close(units.backward(DY, saved), DY / 4)


def test_maxout_takes_the_largest_piece_and_sends_the_gradient_there():
    units = make_units("maxout", 3)
    y, saved = units.forward(Z)
    assert y.tolist() == [[[2, 5]]]
    assert units.backward(torch.tensor([[[7.0, 8.0]]]), saved).tolist() == [[[0, 7, 0, 0, 8, 0]]]
