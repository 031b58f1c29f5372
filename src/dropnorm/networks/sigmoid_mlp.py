"""The network of Ioffe & Szegedy 2015, section 4.1: sigmoid hidden layers, with or without batch norm.

R networks of one shape train side by side: weights `[replica, in, out]`, activations `[replica, batch, unit]`.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from dropnorm.layers.batch_norm import (
    Statistics,
    batch_norm,
    batch_norm_inference,
    population_statistics,
)
from dropnorm.training.streams import stream


class Output(NamedTuple):
    """What one forward pass yields."""

    logits: Tensor  # [replica, batch, class]
    last_input: Tensor  # [replica, batch, unit]: what goes into the sigmoids of the last hidden layer
    statistics: list[Statistics]  # of each batch-normalised layer's mini-batch; empty without batch norm


class SigmoidMLP:
    """A stack of R multilayer perceptrons z = g(Wu + b), or z = g(BN(Wu)) where beta takes the bias's place."""

    def __init__(self, sizes: list[int], batch_normalised: bool, eps: float = 1e-5):
        self.depth = len(sizes) - 1
        self.sizes = sizes
        self.batch_normalised = batch_normalised
        self.eps = eps
        self.parameters: dict[str, Tensor] = {}

    def initialise(self, seeds: list[int], init_stds: list[float], device: torch.device) -> None:
        """W ~ N(0, init_std^2), biases and beta 0, gamma 1.

        The draws come from a CPU generator of the replica's own seed, so that a seed starts from the same weights on
        every device, and both arms of a seed from the same ones (they are paired).
        """
        for layer, (n_in, n_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            W = torch.stack(
                [
                    std * torch.randn(n_in, n_out, generator=stream(seed, "init", layer))
                    for seed, std in zip(seeds, init_stds, strict=True)
                ]
            )
            self.parameters[f"W{layer}"] = W.to(device)
            # b: the bias of a plain layer, and at the same place beta of a batch-normalised one.
            self.parameters[f"b{layer}"] = torch.zeros(len(seeds), 1, n_out, device=device)
            if self.batch_normalised and layer < self.depth:
                self.parameters[f"gamma{layer}"] = torch.ones(len(seeds), 1, n_out, device=device)
        for parameter in self.parameters.values():
            parameter.requires_grad_()

    def forward(self, x: Tensor, statistics: list[Statistics] | None = None) -> Output:
        """x `[replica, batch, feature]` -> Output.

        Without `statistics` this is the training network, normalised by the mini-batch itself; with them (one pair a
        hidden layer) it is the inference network.
        """
        used: list[Statistics] = []
        for layer in range(1, self.depth):
            x_in = self._hidden_input(x, layer, statistics, used)
            x = torch.sigmoid(x_in)
        return Output(self._dense(x, self.depth), x_in, used)

    def _hidden_input(self, x, layer, statistics, used) -> Tensor:
        if not self.batch_normalised:
            return self._dense(x, layer)
        gamma, beta = self.parameters[f"gamma{layer}"], self.parameters[f"b{layer}"]
        Wu = torch.bmm(x, self.parameters[f"W{layer}"])
        if statistics is not None:
            return batch_norm_inference(Wu, gamma, beta, statistics[layer - 1], self.eps)
        y, batch = batch_norm(Wu, gamma, beta, self.eps)
        used.append(batch)
        return y

    def _dense(self, x: Tensor, layer: int) -> Tensor:
        return torch.baddbmm(self.parameters[f"b{layer}"], x, self.parameters[f"W{layer}"])

    @torch.no_grad()
    def population_statistics(self, batches: Tensor) -> list[Statistics]:
        """Algorithm 2 over `batches` `[mini-batch, batch, feature]`, shared by all replicas; [] without batch norm."""
        if not self.batch_normalised:
            return []
        replicas = len(self.parameters["W1"])
        per_batch = [self.forward(x.expand(replicas, -1, -1)).statistics for x in batches]
        return [
            population_statistics(
                Statistics(torch.stack([s.mean for s in layer]), torch.stack([s.var for s in layer])),
                batches.shape[1],
            )
            for layer in zip(*per_batch, strict=True)
        ]
