"""The autoencoder of Srivastava et al. 2014, section 7: ReLU units with dropout, logistic outputs, untied weights.

R networks of one shape train side by side: weights `[replica, in, out]`, activations `[replica, batch, unit]`.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from dropnorm.layers.dropout import dropout, weight_scaled
from dropnorm.training.streams import stream

Loss = Literal["squared", "cross_entropy"]


class Errors(NamedTuple):
    """Gradients of the mean loss with respect to what goes into each layer's units, and what each layer read."""

    read: tuple[Tensor, Tensor]  # x `[replica, batch, pixel]`, r * h `[replica, batch, hidden]`
    delta: tuple[Tensor, Tensor]  # `[replica, batch, hidden]`, `[replica, batch, pixel]`


class Autoencoder:
    """A stack of R networks h = relu(W1 x + b1), y = sigmoid(W2 (r * h) + b2) that answer with their input.

    p `[replica]`: the probability that a hidden unit is retained. Dropout in the paper's form: masks r of zeros and
    ones in training, the factor p at test.
    """

    def __init__(self, pixels: int, hidden: int, p: Tensor):
        self.pixels, self.hidden_units, self.p = pixels, hidden, p
        self.parameters: dict[str, Tensor] = {}

    def initialise(self, seeds: list[int], sigmas: list[float], device: torch.device) -> None:
        """W ~ N(0, sigma^2 / units of the layer that reads it), as in the authors' code; biases 0.

        The draws come from a CPU generator of the replica's own seed, so arms of one seed start from the same weights.
        """
        sizes = (self.pixels, self.hidden_units, self.pixels)
        for layer, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
            draws = [torch.randn(n_in, n_out, generator=stream(seed, "init", layer)) for seed in seeds]
            W = torch.stack([sigma * n_out**-0.5 * w for sigma, w in zip(sigmas, draws, strict=True)])
            self.parameters[f"W{layer}"] = W.to(device)
            self.parameters[f"b{layer}"] = torch.zeros(len(seeds), 1, n_out, device=device)

    def hidden(self, x: Tensor) -> Tensor:
        """h = relu(W1 x + b1), of the whole network and not multiplied by p."""
        return torch.baddbmm(self.parameters["b1"], x, self.parameters["W1"]).relu_()

    def decode(self, code: Tensor) -> Tensor:
        """y `[replica, batch, pixel]` from what the second layer reads: r * h in training, p h at test."""
        return torch.baddbmm(self.parameters["b2"], code, self.parameters["W2"]).sigmoid_()

    def reconstruct(self, x: Tensor) -> Tensor:
        """The answer of the whole network, its weights scaled by p (section 4)."""
        return self.decode(weight_scaled(self.hidden(x), self.p))

    def errors(self, x: Tensor, r: Tensor | None, loss: Loss) -> Errors:
        """One forward and backward pass; r `[replica, batch, hidden]`, or None where every unit is retained.

        The loss of an image is half the sum of squared errors over pixels, or the sum of cross-entropies, and its mean
        over the mini-batch is what is differentiated.
        """
        h = self.hidden(x)
        code = h if r is None else dropout(h, r)
        y = self.decode(code)
        delta2 = (y - x).div_(x.shape[1])
        if loss == "squared":
            delta2.mul_(y).mul_(1 - y)  # through the logistic; in cross-entropy this factor cancels
        # r * h is zero where h is and where the unit is left out, and in both places no gradient passes.
        delta1 = torch.bmm(delta2, self.parameters["W2"].mT).mul_(code > 0)
        return Errors((x, code), (delta1, delta2))


def squared_error(y: Tensor, x: Tensor) -> Tensor:
    """The squared error of each image, summed over pixels, `[replica, batch]`."""
    return (y - x).square_().sum(2)
