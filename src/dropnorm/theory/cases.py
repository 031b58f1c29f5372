"""What every theorem speaks of (Santurkar et al. 2018, section 4): one unit of a fully connected layer, n cases of it.

y = X W            the unit's outputs over the batch
yhat = (y - mu) / sigma,  z = gamma yhat + beta
L(z)               the rest of the network; gamma and beta are constants
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Loss = Callable[[Tensor], Tensor]  # z [case, m] -> [case]; no case looks at another


@dataclass(frozen=True)
class Cases:
    """X `[case, m, d]`, W `[case, d]`, gamma and beta `[case, 1]`, and the loss as a function of z `[case, m]`."""

    X: Tensor
    W: Tensor
    gamma: Tensor
    beta: Tensor
    loss: Loss

    @property
    def y(self) -> Tensor:
        """The unit's outputs `[case, m]`."""
        return outputs(self.X, self.W)

    def normalised_loss(self, y: Tensor) -> Tensor:
        """Lhat(y) = L(gamma yhat + beta): the loss `[case]` of the batch-normalised network."""
        return self.loss(self.gamma * standardise(y).yhat + self.beta)


@dataclass(frozen=True)
class Standardised:
    """yhat `[case, m]` and the deviation sigma `[case, 1]` it was divided by."""

    yhat: Tensor
    sigma: Tensor


def standardise(y: Tensor, eps: float = 0.0) -> Standardised:
    """yhat = (y - mu) / sqrt(var + eps), with the biased variance over the batch; y `[..., m]`."""
    centred = y - y.mean(-1, keepdim=True)
    sigma = (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    return Standardised(centred / sigma, sigma)


def outputs(X: Tensor, W: Tensor) -> Tensor:
    """y = X W `[case, m]`."""
    return (X @ W.unsqueeze(-1)).squeeze(-1)


def inner(a: Tensor, b: Tensor) -> Tensor:
    """<a, b> `[case]` of a, b `[case, m]`."""
    return (a * b).sum(-1)


def gradient(f: Loss, at: Tensor) -> Tensor:
    """The gradient `[case, m]` of every case's own loss."""
    at = at.detach().requires_grad_()
    return torch.autograd.grad(f(at).sum(), at)[0]


def hessian_product(f: Loss, at: Tensor, u: Tensor) -> Tensor:
    """H u `[case, m]` for the Hessian H of every case's own loss."""
    at = at.detach().requires_grad_()
    (g,) = torch.autograd.grad(f(at).sum(), at, create_graph=True)
    return torch.autograd.grad(inner(g, u.detach()).sum(), at)[0]


def curvature(f: Loss, at: Tensor, u: Tensor) -> Tensor:
    """u^T H u `[case]`."""
    return inner(u, hessian_product(f, at, u))


def hessian(f: Loss, at: Tensor) -> Tensor:
    """The whole Hessian `[case, m, m]`."""
    at = at.detach().requires_grad_()
    (g,) = torch.autograd.grad(f(at).sum(), at, create_graph=True)
    rows = [torch.autograd.grad(g[:, k].sum(), at, retain_graph=True)[0] for k in range(at.shape[1])]
    return torch.stack(rows, 1)


def relative(difference: Tensor, size: Tensor) -> Tensor:
    """|difference| / size; 0 where both are (a unit without a gradient)."""
    return difference.abs() / size.abs().clamp_min(torch.finfo(size.dtype).tiny)


def where_alive(holds: Tensor, g: Tensor) -> Tensor:
    """1 where a statement holds, 0 where not, NaN where there is no gradient and so nothing to say; all `[case]`."""
    return torch.where(inner(g, g) > 0, holds.to(g.dtype), torch.nan)
