"""Stacks of restricted Boltzmann machines: deep belief nets, and deep Boltzmann machines of two hidden layers.

A machine that becomes a layer of a deep Boltzmann machine is pretrained as if the input from its missing neighbour were
as large as that from the one it has (Salakhutdinov & Hinton 2009): the weights count twice in that direction. Shapes as
in `networks.rbm`.
"""

import torch
from torch import Tensor

from dropnorm.networks.rbm import RBM


class Layer:
    """A machine in a stack, whose weights count `up` times from below and `down` times from above.

    It has the two conditionals of `RBM`, so that `cd1_gradient` can train it.
    """

    def __init__(self, rbm: RBM, up: float = 1, down: float = 1):
        self.rbm, self.up, self.down = rbm, up, down

    def hidden_probability(self, v: Tensor, r: None = None) -> Tensor:
        """P(h = 1 | v); no unit is left out in pretraining."""
        return torch.baddbmm(self.rbm.b, v, self.rbm.W, alpha=self.up).sigmoid_()

    def visible_probability(self, h: Tensor) -> Tensor:
        """P(v = 1 | h)."""
        return torch.baddbmm(self.rbm.a, h, self.rbm.W.mT, alpha=self.down).sigmoid_()


def layers(model: str, rbms: list[RBM]) -> list[Layer]:
    """The machines of a deep belief net ('dbn'), or of a deep Boltzmann machine ('dbm') of two, as they are trained."""
    if model == "dbm":
        first, second = rbms
        return [Layer(first, up=2), Layer(second, down=2)]
    return [Layer(rbm) for rbm in rbms]


def joined_bias(first: RBM, second: RBM) -> Tensor:
    """The bias of the units that two machines share, in the deep Boltzmann machine that they become.

    Each of the two was trained with all the input that a unit has, so each knows all of the bias: their mean.
    """
    return (first.b + second.a) / 2


def mean_field(first: RBM, second: RBM, v: Tensor, iterations: int) -> tuple[Tensor, Tensor]:
    """Mean-field means of the two hidden layers given v: the fixed point of the equations below, nearly.

    mu_1 = sigma(b_1 + v W_1 + mu_2 W_2^T),  mu_2 = sigma(b_2 + mu_1 W_2), from a pass upwards with W_1 doubled.
    """
    b = joined_bias(first, second)
    from_below = torch.baddbmm(b, v, first.W)
    mu = torch.baddbmm(b, v, first.W, alpha=2).sigmoid_()
    top = torch.baddbmm(second.b, mu, second.W).sigmoid_()
    for _ in range(iterations):
        mu = torch.baddbmm(from_below, top, second.W.mT).sigmoid_()
        top = torch.baddbmm(second.b, mu, second.W).sigmoid_()
    return mu, top
