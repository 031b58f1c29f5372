"""Train perceptrons that differ in units, in normalisation and in the order of the two, and compare what they learn.

It trains as `classification` does; besides accuracy it can look at the mean activation of every hidden layer.
"""

from typing import Literal

import torch
from pydantic import NonNegativeInt
from torch import Tensor

from dropnorm.experiments import classification
from dropnorm.networks.ordered_mlp import Normalisation, Order, OrderedMLP, Units


class Network(classification.Network):
    """What a hidden layer is made of; init_std is in units of sqrt(2 / inputs) where the first weights are `he`."""

    units: Units
    normalisation: Normalisation
    order: Order = "before"
    first_weights: Literal["normal", "he"] = "he"


class Measure(classification.Measure):
    """After how many updates the mean activations are looked at, at the probe images."""

    activations_at: list[NonNegativeInt] = []


class Settings(classification.Settings):
    """All settings of one arm."""

    network: Network
    measure: Measure


class Experiment(classification.Experiment):
    """R networks in training."""

    def _build(self, settings: list[Settings]) -> None:
        super()._build(settings)
        n = self.settings.network
        self.network = OrderedMLP(self.network.sizes, n.units, n.normalisation, n.order, n.eps)
        stds = [s.network.init_std for s in settings]
        self.network.initialise(self.seeds, stds, self.device, he=n.first_weights == "he")

    def _measure(self) -> None:
        super()._measure()
        if self.step in self.settings.measure.activations_at:
            self.recorder.add(self.step, "mean_activation", self._mean_activations())

    @torch.no_grad()
    def _mean_activations(self) -> Tensor:
        """Size of a unit's mean activation over the probe images, mean over units `[replica, layer]`."""
        statistics = self.network.population_statistics(self._population_batches()) or None
        x = self.probe.expand(len(self.seeds), -1, -1)
        return torch.stack([z.mean(1).abs().mean(1) for z in self.network.hidden(x, statistics)], 1)
