"""The feed-forward networks of Srivastava et al. 2014: units of three kinds, noise on what every layer reads, softmax.

R networks of one shape train side by side: weights `[replica, in, out]`, activations `[replica, batch, unit]`. Forward
and backward are written out (section 4; tests compare them with autograd): what is saved, and in which precision, is
then in plain sight. Products may be computed in bfloat16 from a rounded copy of the weights; weights themselves, the
loss, and errors stay in float32 (the thinned networks of Figure 11 are computed as in training).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from dropnorm.layers.dropout import inverted_scale
from dropnorm.layers.noise import Noise
from dropnorm.layers.units import make_units
from dropnorm.training.streams import stream


class Trace(NamedTuple):
    """What a forward pass in training leaves behind."""

    read: list[Tensor]  # by layer: r * y of the layer below, `[replica, batch, unit]`
    hidden: list[Tensor]  # by hidden layer: y
    saved: list[Tensor]  # by hidden layer: what its units need to go back
    logits: Tensor  # float32 `[replica, batch, class]`


class FeedForward:
    """A stack of R networks y_l = f(W_l (r_l * y_{l-1}) + b_l); the last layer has no f: its outputs are logits.

    sizes: units of input, hidden layers, output. retain: for each layer the probability p `[replica]` that a unit it
    *reads* is kept. noise: none, bernoulli or gaussian (see `layers.noise`). product: dtype of the matrix products.
    """

    def __init__(
        self,
        sizes: list[int],
        retain: list[Tensor],
        *,
        noise: str = "bernoulli",
        units: str = "relu",
        pieces: int = 1,
        product: torch.dtype = torch.float32,
    ):
        self.sizes, self.retain, self.product = sizes, retain, product
        self.depth = len(sizes) - 1
        if len(retain) != self.depth:
            raise ValueError(f"{self.depth} layers need {self.depth} retention probabilities, not {len(retain)}")
        self.units = make_units(units, pieces)
        self.noises = [Noise(noise, p) for p in retain]
        self.inverted = noise == "gaussian"
        self.parameters: dict[str, Tensor] = {}
        self.rounded: dict[str, Tensor] = {}

    @property
    def weights(self) -> list[str]:
        return [f"W{layer}" for layer in range(1, self.depth + 1)]

    def width(self, layer: int) -> int:
        """Columns of W: units times pieces of a hidden layer, classes of the last."""
        return self.sizes[layer] * (self.units.pieces if layer < self.depth else 1)

    # --- weights ---

    def initialise(self, seeds: list[int], init_stds: list[float | str], device: torch.device) -> None:
        """W ~ N(0, std^2), std a number or 'he' for sqrt(2 / inputs) (in the inverted form p times that); biases 0.

        The draws come from a CPU generator of the replica's own seed: the same for every arm and on every device.
        """
        for layer in range(1, self.depth + 1):
            n_in, n_out = self.sizes[layer - 1], self.width(layer)
            W = torch.stack([
                (std if std != "he" else (2 / n_in) ** 0.5)
                * torch.randn(n_in, n_out, generator=stream(seed, "init", layer))
                for seed, std in zip(seeds, init_stds, strict=True)
            ])  # fmt: skip
            if self.inverted:
                W = W * inverted_scale(self.retain[layer - 1].cpu()).weight.view(-1, 1, 1)
            full = torch.promote_types(torch.float32, self.product)
            # In memory a unit's incoming weights lie side by side: its norm is then ten times as fast on a CPU.
            self.parameters[f"W{layer}"] = W.to(device, full).mT.contiguous().mT
            self.parameters[f"b{layer}"] = torch.zeros(len(seeds), 1, n_out, device=device, dtype=full)
        self.round()

    def round(self) -> None:
        """Renew the copies that products are computed from; to be called after every change of a parameter."""
        for name, parameter in self.parameters.items():
            if parameter.dtype == self.product:
                self.rounded[name] = parameter
            elif name in self.rounded:
                self.rounded[name].copy_(parameter)
            else:
                self.rounded[name] = parameter.to(self.product)

    # --- training ---

    def draw_noise(self, batch: int, generators: list[torch.Generator]) -> list[Tensor | None]:
        """r of each layer for the units it reads, `[replica, batch, unit]`: a new one for each example."""
        return [
            noise.draw((batch, n), generators, self.product) for noise, n in zip(self.noises, self.sizes, strict=False)
        ]

    def forward(self, x: Tensor, r: list[Tensor | None]) -> Trace:
        """The thinned networks of one mini-batch. x `[replica, batch, feature]`."""
        trace, y = Trace([], [], [], x), x.to(self.product)
        for layer in range(1, self.depth + 1):
            y = y if r[layer - 1] is None else r[layer - 1] * y
            trace.read.append(y)
            z = torch.baddbmm(self.rounded[f"b{layer}"], y, self.rounded[f"W{layer}"])
            if layer < self.depth:
                y, saved = self.units.forward(z)
                trace.hidden.append(y)
                trace.saved.append(saved)
        return trace._replace(logits=z.to(x.dtype))

    def backward(
        self, trace: Trace, r: list[Tensor | None], dlogits: Tensor, dhidden: list[Tensor] | None = None
    ) -> dict[str, Tensor]:
        """Gradients of all parameters, from that of the logits and, if a penalty has one, of the hidden units.

        dlogits `[replica, batch, class]`; dhidden: by hidden layer, to be added to the gradient of y.
        """
        gradients, dz = {}, dlogits.to(self.product)
        for layer in range(self.depth, 0, -1):
            gradients[f"W{layer}"] = torch.bmm(dz.mT, trace.read[layer - 1]).mT.to(dlogits.dtype)
            gradients[f"b{layer}"] = dz.sum(1, keepdim=True, dtype=dlogits.dtype)
            if layer > 1:
                dy = torch.bmm(dz, self.rounded[f"W{layer}"].mT)
                dy = dy if r[layer - 1] is None else dy.mul_(r[layer - 1])
                if dhidden is not None:
                    dy = dy.add_(dhidden[layer - 2])
                dz = self.units.backward(dy, trace.saved[layer - 2])
        return gradients

    # --- test ---

    def answer(self, x: Tensor) -> Tensor:
        """Logits of the whole, weight-scaled networks, in full precision. x `[replica, batch, feature]`."""
        for layer in range(1, self.depth + 1):
            y = self.noises[layer - 1].at_test(x)
            x = torch.baddbmm(self.parameters[f"b{layer}"], y, self.parameters[f"W{layer}"])
            if layer < self.depth:
                x, _ = self.units.forward(x)
        return x
