"""VGG nets that choose their units, their normalisation and its place, with noise on what convolutions read.

    before    z = f(N(W * x + b))        after    z = N(f(W * x + b))        N: none, batch norm or group norm

*: 3x3 convolution. Batch norm as in Ioffe & Szegedy 2015; group norm as in Wu & He 2018, over groups of channels of one
picture. With a norm before the units the bias is the norm's beta, else the norm has a beta of its own.
"""

from collections.abc import Callable, Sequence
from math import gcd
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import conv2d, elu, group_norm, linear, max_pool2d

from dropnorm.layers.channel_norm import Statistics, batch_statistics, channel_norm, channel_norm_inference
from dropnorm.networks.vgg import VGG, Layer, Output, Parameters

Units = Literal["relu", "sigmoid", "elu"]
Normalisation = Literal["none", "batch", "group"]
Order = Literal["before", "after"]
FUNCTIONS = {"relu": torch.relu, "sigmoid": torch.sigmoid, "elu": elu}
Noise = Callable[[Tensor, int], Tensor]  # (what layer n reads, n) -> the same with noise


class OrderedVGG(VGG):
    """The shape of such a net, and how it computes."""

    def __init__(
        self,
        blocks: Sequence[Sequence[int]],
        units: Units,
        normalisation: Normalisation,
        order: Order,
        *,
        groups: int = 1,
        ghost: int = 0,
        eps: float = 1e-5,
    ):
        """blocks: channels of each convolution, a pooling behind every block.

        groups: of group norm; where channels do not divide so, their greatest common divisor. ghost: so many examples
        of a mini-batch give the statistics of batch norm together; 0: all of them.
        """
        super().__init__(blocks, [], normalisation, eps)
        self.f, self.order, self.groups, self.ghost = FUNCTIONS[units], order, groups, ghost

    def initialise(self, seed: int, init: str, device: torch.device) -> Parameters:
        """As the parent; a norm behind the units has a beta of its own, 0 at first."""
        parameters = super().initialise(seed, init, device)
        if self.normalised and self.order == "after":
            betas = {f"beta{layer.number}": torch.zeros(layer.n_out, device=device) for layer in self.layers}
            parameters |= {name: beta.requires_grad_() for name, beta in betas.items()}
        return parameters

    def forward(
        self,
        parameters: Parameters,
        x: Tensor,
        *,
        noise: Noise | None = None,
        statistics: Sequence[Statistics] | None = None,
        keep_statistics: bool = False,
    ) -> Output:
        """x `[example, 3, 32, 32]` -> Output, without activations.

        Without `statistics` batch norm uses the mini-batch itself (training); with them, one pair a layer, it is the
        inference network. Statistics kept are those of what goes into each batch norm, in either mode.
        """
        kept: list[Statistics] = []
        for layer in self.layers:
            n = layer.number
            x = x if noise is None else noise(x, n)
            bias = parameters[f"b{n}"] if not self.normalised or self.order == "after" else None
            u = conv2d(x, parameters[f"W{n}"], bias, padding=layer.kernel // 2)
            stored = None if statistics is None else statistics[n - 1]
            if self.order == "before":
                x = self.f(self._normalised(u, parameters, layer, stored, kept if keep_statistics else None))
            else:
                x = self._normalised(self.f(u), parameters, layer, stored, kept if keep_statistics else None)
            if layer.pool:
                x = max_pool2d(x, 2)
        x = x if noise is None else noise(x, self.last)
        return Output(linear(x.flatten(1), parameters[f"W{self.last}"], parameters[f"b{self.last}"]), {}, kept)

    def _normalised(
        self, u: Tensor, parameters: Parameters, layer: Layer, stored: Statistics | None, kept: list[Statistics] | None
    ) -> Tensor:
        if not self.normalised:
            return u
        gamma = parameters[f"gamma{layer.number}"]
        beta = parameters[f"{'b' if self.order == 'before' else 'beta'}{layer.number}"]
        if self.normalisation == "group":
            return group_norm(u, gcd(self.groups, layer.n_out), gamma, beta, self.eps)
        if kept is not None:
            kept.append(batch_statistics(u.detach(), "batch", self.eps))
        if stored is not None:
            return channel_norm_inference(u, gamma, beta, stored)
        parts = u.split(self.ghost or len(u))
        return torch.cat([channel_norm(part, gamma, beta, "batch", self.eps) for part in parts])

    @torch.no_grad()
    def population_statistics(
        self, parameters: Parameters, batches: Sequence[Tensor], noises: Sequence[Noise | None] | None = None
    ) -> list[Statistics] | None:
        """Algorithm 2 of Ioffe & Szegedy 2015 (see the parent), each mini-batch with its noise if there is any.

        None without batch norm: group norm takes nothing from other pictures.
        """
        if self.normalisation != "batch":
            return None
        pairs = zip(batches, noises or [None] * len(batches), strict=True)
        outputs = [self.forward(parameters, x, noise=noise, keep_statistics=True) for x, noise in pairs]
        return self.averaged(outputs, batches)

    def averaged(self, outputs: Sequence[Output], batches: Sequence[Tensor]) -> list[Statistics]:
        """The mean over mini-batches of the statistics that were kept, with Algorithm 2's factor m / (m - 1)."""
        of_layers = zip(*(output.statistics for output in outputs), strict=True)
        return [self._average(layer, found, batches[0]) for layer, found in enumerate(of_layers)]
