"""Figure 1's network with batch norm before or after its sigmoids, and exact statements about what stands beside it.

Ioffe & Szegedy 2015, section 3.2, puts the normalisation before the nonlinearity and drops the bias. Max-pooling is
looked at on random feature maps, in float64.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from pydantic import PositiveInt
from torch import Tensor
from torch.nn.functional import max_pool2d

from dropnorm.experiments import normalised_classification
from dropnorm.layers.batch_norm import Statistics, batch_norm, batch_norm_inference
from dropnorm.networks.ordered_mlp import OrderedMLP
from dropnorm.training.streams import stream

EPS = 1e-5


class Measure(normalised_classification.Measure):
    """Shape of the random feature maps `[image, channel, side, side]`."""

    maps: tuple[PositiveInt, PositiveInt, PositiveInt]


class Settings(normalised_classification.Settings):
    """All settings of one arm."""

    measure: Measure


class Experiment(normalised_classification.Experiment):
    """R networks in training; at the first weights and in the end the gradient of the biases, and once the pooling."""

    def _measure(self) -> None:
        super()._measure()
        if self.step in (0, self.settings.training.steps):
            self.recorder.add(self.step, "bias_gradient", self._bias_gradient())
        if self.step == 0:
            found = [pooling(stream(seed, "maps"), self.settings.measure.maps) for seed in self.seeds]
            for name in found[0]:
                self.recorder.add(self.step, name, torch.stack([of[name] for of in found]))

    def _bias_gradient(self) -> Tensor:
        """Largest gradient of a hidden bias over the largest of the same layer's weights, largest layer `[replica]`."""
        index = self.order.batch(self.step)
        with in_float64(self.network) as p, torch.enable_grad():
            logits = self.network.forward(self.train.inputs(index).double()).logits
            names = [f"{kind}{layer}" for kind in "bW" for layer in range(1, self.network.depth)]
            loss = self._loss(logits, self.train.labels[index]).sum()
            found = torch.autograd.grad(loss, [p[name] for name in names])
        sizes = [g.abs().amax((1, 2)) for g in found]
        hidden = self.network.depth - 1
        return torch.stack([b / W for b, W in zip(sizes[:hidden], sizes[hidden:], strict=True)]).amax(0)


@contextmanager
def in_float64(network: OrderedMLP) -> Iterator[dict[str, Tensor]]:
    """Inside, the network computes with a float64 copy of its parameters, which is given."""
    kept = network.parameters
    network.parameters = {name: p.detach().double().requires_grad_() for name, p in kept.items()}
    try:
        yield network.parameters
    finally:
        network.parameters = kept


def pooling(generator: torch.Generator, shape: tuple[int, int, int]) -> dict[str, Tensor]:
    """Largest difference of an output between normalise-then-pool and pool-then-normalise, on random feature maps.

    Scales are drawn from [0.5, 1.5), in `pool_negative` (inference mode too) with a minus sign.
    """
    images, channels, side = shape
    maps = torch.randn(images, channels, side, side, generator=generator, dtype=torch.float64)
    per_channel = torch.rand(4, channels, generator=generator, dtype=torch.float64)
    gamma, (beta, mean, var) = per_channel[0] + 0.5, per_channel[1:]
    fixed = Statistics(mean, var + 0.5)

    def difference(normalise) -> Tensor:
        return (max_pool2d(normalise(maps), 2) - normalise(max_pool2d(maps, 2))).abs().max()

    return {
        "pool_inference": difference(over_channels(lambda u: batch_norm_inference(u, gamma, beta, fixed, EPS))),
        "pool_training": difference(over_channels(lambda u: batch_norm(u, gamma, beta, EPS)[0])),
        "pool_negative": difference(over_channels(lambda u: batch_norm_inference(u, -gamma, beta, fixed, EPS))),
    }


def over_channels(normalise):
    """A rule for u `[1, example, unit]` on maps `[image, channel, row, column]`: every place is an example."""

    def on_maps(maps: Tensor) -> Tensor:
        u = maps.movedim(1, -1)
        return normalise(u.reshape(1, -1, maps.shape[1])).view(u.shape).movedim(-1, 1)

    return on_maps
