"""Restricted Boltzmann machines of binary units, with dropout on the hidden ones (Srivastava et al. 2014, section 8.1).

    P(v, h; r) ~ exp(v W h + a v + b h),  h_j = 0 where r_j = 0

R machines of one shape train side by side: W `[replica, visible, hidden]`, v `[replica, batch, visible]`, h and the
mask r of retained units `[replica, batch, hidden]`. Here a is the bias of visible units and b that of hidden ones, as
in the paper's conditionals (its energy has them the other way round).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from dropnorm.training.streams import stream


class RBM(NamedTuple):
    """The parameters of a stack of R machines: W, a `[replica, 1, visible]`, b `[replica, 1, hidden]`."""

    W: Tensor
    a: Tensor
    b: Tensor

    def hidden_probability(self, v: Tensor, r: Tensor | None = None) -> Tensor:
        """P(h = 1 | v, r), which is 0 for a unit that is not retained; without r all are."""
        h = torch.baddbmm(self.b, v, self.W).sigmoid_()
        return h if r is None else h.mul_(r)

    def visible_probability(self, h: Tensor) -> Tensor:
        """P(v = 1 | h)."""
        return torch.baddbmm(self.a, h, self.W.mT).sigmoid_()


def initial_rbm(
    seeds: list[int],
    visible: int,
    hidden: int,
    std: float,
    device: torch.device,
    layer: int = 1,
) -> RBM:
    """W ~ N(0, std^2) from a CPU generator of each seed's own, biases 0. layer: place in a stack of machines."""
    W = torch.stack([std * torch.randn(visible, hidden, generator=stream(s, "init", layer)) for s in seeds])
    return RBM(W.to(device), *(torch.zeros(len(seeds), 1, n, device=device) for n in (visible, hidden)))


def sample(probability: Tensor, uniform: Tensor) -> Tensor:
    """Binary states, 1 with the given probability, from numbers drawn uniformly in [0, 1) of the same shape."""
    return (uniform < probability).to(probability.dtype)


def cd1_gradient(rbm: RBM, v: Tensor, uniform: Tensor, r: Tensor | None = None) -> RBM:
    """One step of contrastive divergence: the direction that training *descends*, a mean over the batch.

    Hidden states are drawn once (`uniform` `[replica, batch, hidden]`), visible ones are reconstructed as
    probabilities, and the same mask r serves both phases, as in the authors' code.
    """
    h = rbm.hidden_probability(v, r)
    v_model = rbm.visible_probability(sample(h, uniform))
    h_model = rbm.hidden_probability(v_model, r)
    m = v.shape[1]
    # <v h> of the model minus <v h> of the data.
    W = torch.bmm(v_model.mT, h_model).baddbmm_(v.mT, h, alpha=-1).div_(m)
    return RBM(W, (v_model - v).mean(1, keepdim=True), (h_model - h).mean(1, keepdim=True))
