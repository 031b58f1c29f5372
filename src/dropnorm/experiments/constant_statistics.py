"""Train Figure 1's network with normalisation that the gradient knows of, or takes for constant, and follow its biases.

Ioffe & Szegedy 2015, section 2. It trains as `classification` does.
"""

from typing import Literal

import torch
from torch import Tensor

from dropnorm.experiments import classification
from dropnorm.networks.normalised_mlp import NormalisedMLP


class Network(classification.Network):
    """Whether the gradient goes through mean and variance, and whether the deviation is divided by."""

    normalisation: Literal["batch"]
    statistics: Literal["differentiated", "constant"]
    divide: bool


class Settings(classification.Settings):
    """All settings of one arm."""

    network: Network


class Experiment(classification.Experiment):
    """R networks in training; besides accuracy, the size of biases and weights and what the biases do."""

    def _build(self, settings: list[Settings]) -> None:
        super()._build(settings)
        n = self.settings.network
        self.network = NormalisedMLP(
            self.network.sizes, constant=n.statistics == "constant", divide=n.divide, eps=n.eps
        )
        self.network.initialise(self.seeds, [s.network.init_std for s in settings], self.device)

    def _measure_accuracy(self) -> None:
        """Besides accuracy, `[replica]`: loss on the next mini-batch, largest bias and weight, effect of the biases."""
        super()._measure_accuracy()
        index = self.order.batch(self.step)
        x, labels = self.train.inputs(index), self.train.labels[index]
        loss = self._loss(self.network.forward(x).logits, labels)
        weights = [self.network.parameters[f"W{layer}"] for layer in range(1, self.network.depth)]
        self.recorder.add(self.step, "loss", loss)
        self.recorder.add(self.step, "largest_bias", _largest(self.network.biases()))
        self.recorder.add(self.step, "largest_weight", _largest(weights))
        self.recorder.add(self.step, "effect_of_bias", (self._loss_with_other_biases(x, labels) / loss - 1).abs())

    def _loss_with_other_biases(self, x: Tensor, labels: Tensor) -> Tensor:
        """The loss `[replica]` with 1 added to every hidden bias; the biases are put back to the bit."""
        kept = [b.clone() for b in self.network.biases()]
        for b in self.network.biases():
            b.add_(1)
        loss = self._loss(self.network.forward(x).logits, labels)
        for b, before in zip(self.network.biases(), kept, strict=True):
            b.copy_(before)
        return loss


def _largest(parameters: list[Tensor]) -> Tensor:
    """Largest size of any entry `[replica]`."""
    return torch.stack([p.detach().abs().amax((1, 2)) for p in parameters]).amax(0)
