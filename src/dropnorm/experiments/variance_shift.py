"""Train convolutional nets with noise before their batch norms, and measure how variances change from training to test.

Li, Chen, Hu & Yang 2019. Dropout raises the variance of what a normalisation sees in training; its statistics keep that
variance, and at test, without dropout, they are too large.
"""

from typing import Literal

import torch
from pydantic import NonNegativeInt
from torch import Tensor

from dropnorm.experiments import convolutional
from dropnorm.layers.channel_norm import Statistics, batch_statistics
from dropnorm.layers.picture_noise import factors
from dropnorm.training.streams import stream

KEPT = (0.9, 0.7, 0.5)  # probabilities of retaining a unit, of the single layer
MEANS = (0.0, 0.5, 1.0)  # of its inputs, whose variance is 1


class Network(convolutional.Network):
    """A net with batch norms, whose variances are looked at."""

    normalisation: Literal["batch"]


class Measure(convolutional.Measure):
    """How many examples the single layer sees; 0: it is not looked at."""

    single_layer: NonNegativeInt = 0


class Settings(convolutional.Settings):
    """All settings of one arm."""

    network: Network
    measure: Measure


class Experiment(convolutional.Experiment):
    """R nets in training; after the last step, the same weights with several statistics, and variances at test."""

    @torch.no_grad()
    def _measure(self) -> None:
        super()._measure()
        if self.step == 0 and (examples := self.settings.measure.single_layer):
            errors = [formula_error(examples, stream(seed, "single layer")) for seed in self.seeds]
            self.recorder.add(self.step, "formula_error", torch.stack(errors))
        if self.step == self.settings.steps:
            found = [self._compare(i) for i in range(len(self.seeds))]
            for quantity in found[0]:
                self.recorder.add(self.step, quantity, torch.stack([of_net[quantity] for of_net in found]))

    def _compare(self, i: int) -> dict[str, Tensor]:
        """Accuracies of net i with other statistics than those of training, and its ratio of variances a layer."""
        return {
            "accuracy_recomputed": self._accuracy(i, self.looked_at["test"], self._population(i, noise=False)),
            "accuracy_training": self._accuracy_in_training_mode(i, noise=False),
            "accuracy_training_with_noise": self._accuracy_in_training_mode(i, noise=True),
            "variance_ratio": self._variance_ratio(i),
        }

    def _accuracy_in_training_mode(self, i: int, *, noise: bool) -> Tensor:
        """Share of right answers where each test mini-batch gives its own statistics (whole mini-batches only)."""
        test, m = self.looked_at["test"], self.settings.training.batch_size
        whole = len(test.labels) // m * m
        right = torch.zeros((), device=self.device)
        for b, index in enumerate(torch.arange(whole, device=self.device).split(m)):
            drawn = self._noise(i, "test", b) if noise else None
            logits = self.net.forward(self.parameters[i], test.inputs(index), noise=drawn).logits
            right += (logits.argmax(1) == test.labels[index]).sum()
        return right / whole

    def _variance_ratio(self, i: int) -> Tensor:
        """Variance of what each normalisation gets at test over the one that it has stored `[layer]`.

        Both are means over channels; at test the net is in inference mode with the stored statistics, on test pictures.
        """
        test, m = self.looked_at["test"], self.settings.training.batch_size
        stored = self._population(i)
        indices = torch.arange(len(test.labels) // m * m, device=self.device).split(m)
        batches = [test.inputs(index) for index in indices[: max(self.settings.measure.population_pictures // m, 1)]]
        outputs = [self.net.forward(self.parameters[i], x, statistics=stored, keep_statistics=True) for x in batches]
        at_test = self.net.averaged(outputs, batches)
        return torch.stack([self._variance(t) / self._variance(s) for t, s in zip(at_test, stored, strict=True)])

    def _variance(self, statistics: Statistics) -> Tensor:
        return (statistics.norm.square() - self.settings.network.eps).mean()


def variance_ratio(p: float, c: float, v: float) -> float:
    """Delta = v / ((c^2 + v) / p - c^2): variance at test over that in training, right behind dropout.

    For inputs of mean c and variance v, retained with probability p and divided by it (Li et al. 2019, case a).
    """
    return v / ((c**2 + v) / p - c**2)


def formula_error(examples: int, generator: torch.Generator) -> Tensor:
    """Largest relative error of `variance_ratio` against what a batch norm right behind dropout measures `[]`."""
    errors = []
    for c in MEANS:
        x = c + torch.randn(examples, 1, 1, 1, generator=generator)
        at_test = _variance(x)
        for p in KEPT:
            measured = at_test / _variance(x * factors(x.shape, "bernoulli", p, generator, x.device))
            errors.append((measured / variance_ratio(p, c, 1.0) - 1).abs())
    return torch.stack(errors).max()


def _variance(x: Tensor) -> Tensor:
    """As a batch norm takes it over examples of one channel."""
    return batch_statistics(x, "batch", 0.0).norm.square().squeeze()
