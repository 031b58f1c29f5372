"""Two ways to keep signals in scale without statistics of the data: weight normalization, and SELU units.

Salimans & Kingma 2016, section 2: a network w = g v / ||v|| in plain gradient descent, and one layer beside batch norm.
Klambauer et al. 2017: mean and variance in every layer of a deep network at its first weights.
"""

from typing import Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn.functional import cross_entropy, relu, selu

from dropnorm.experiments import checks
from dropnorm.layers.batch_norm import batch_norm
from dropnorm.layers.weight_norm import normalised_weights
from dropnorm.settings import Strict
from dropnorm.training.examples import examples
from dropnorm.training.order import EpochOrder
from dropnorm.training.streams import stream

CLASSES = 10
UNITS = {"selu": selu, "relu": relu}


class Data(Strict):
    """Images that the weight-normalised network learns; the other nets draw their inputs."""

    name: Literal["mnist", "digits"]


class Training(Strict):
    """The weight-normalised ReLU network: plain gradient descent on v, g and biases, float64."""

    hidden: list[PositiveInt] = Field(min_length=1)
    lr: PositiveFloat
    steps: PositiveInt
    batch_size: PositiveInt
    measure_every: PositiveInt


class Layer(Strict):
    """One layer with white inputs, weight-normalised and batch-normalised; scales are drawn from [0.5, 2)."""

    inputs: PositiveInt
    units: PositiveInt
    examples: PositiveInt


class Moments(Strict):
    """A deep network at its first weights N(0, gain / inputs), without biases; inputs N(0, start)."""

    units: Literal["selu", "relu"]
    gain: PositiveFloat
    start: PositiveFloat
    depth: PositiveInt
    width: PositiveInt
    examples: PositiveInt


class Settings(checks.CheckSettings):
    """All settings of one arm: the check it makes, and what each check takes."""

    check: Literal["weight_norm", "moments"]
    data: Data
    training: Training
    layer: Layer
    moments: Moments

    @property
    def dataset(self) -> str:
        return self.data.name if self.check == "weight_norm" else super().dataset


class Experiment(checks.Experiment):
    """R seeds of one check."""

    def measure(self, seed: int) -> dict[str, Tensor]:
        """One network, or one network and one layer."""
        s = self.settings
        if s.check == "moments":
            return moments(s.moments, stream(seed, "moments"), self.device)
        network = WeightNormMLP(self.dataset, s.training, seed, self.device)
        return network.train() | {"correlation": correlation(s.layer, stream(seed, "layer"))}


class WeightNormMLP:
    """A multilayer perceptron of ReLU units; every layer, the last one too, has w = g v / ||v||."""

    def __init__(self, dataset, settings: Training, seed: int, device: torch.device):
        self.settings = settings
        self.data = examples(dataset.train_images, dataset.train_labels, dataset.pixel_max, "grey", device)
        self.order = EpochOrder([seed], len(self.data.labels), settings.batch_size, device)
        sizes = [self.data.pixels.shape[1], *settings.hidden, CLASSES]
        self.v, self.g, self.b = [], [], []
        for layer, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
            v = torch.randn(n_in, n_out, generator=stream(seed, "init", layer), dtype=torch.float64)
            self.v.append((v * (2 / n_in) ** 0.5).to(device).requires_grad_())
            self.g.append(self.v[-1].detach().norm(dim=0).requires_grad_())  # so that at first w = v
            self.b.append(torch.zeros(n_out, dtype=torch.float64, device=device).requires_grad_())

    def forward(self, x: Tensor) -> Tensor:
        """Logits `[example, class]`."""
        for layer, (v, g, b) in enumerate(zip(self.v, self.g, self.b, strict=True), start=1):
            x = x @ normalised_weights(v, g) + b
            x = relu(x) if layer < len(self.v) else x
        return x

    def train(self) -> dict[str, Tensor]:
        """All steps; the largest error of the growth and cosine of v and its gradient, and lengths over time.

        length: mean of ||v|| over the first layer's units, in units of its first value, every `measure_every` steps.
        """
        worst, first = torch.zeros(2, dtype=torch.float64), self.v[0].detach().norm(dim=0).mean()
        lengths = []
        for step in range(self.settings.steps + 1):
            if step % self.settings.measure_every == 0:
                lengths.append(self.v[0].detach().norm(dim=0).mean() / first)
            if step < self.settings.steps:
                worst = torch.maximum(worst, self._update(step).cpu())
        return {"growth_error": worst[0], "cosine": worst[1], "length": torch.stack(lengths)}

    def _update(self, step: int) -> Tensor:
        """One step; the largest error of the growth, and cosine, of any unit in it `[2]`."""
        index = self.order.batch(step)[0]
        loss = cross_entropy(self.forward(self.data.inputs(index).double()), self.data.labels[index])
        parameters = [*self.v, *self.g, *self.b]
        gradients = torch.autograd.grad(loss, parameters)
        before = [v.detach().clone() for v in self.v]
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= self.settings.lr * gradient
        found = [growth(*of, self.settings.lr) for of in zip(before, self.v, gradients, strict=False)]
        return torch.stack(found).amax(0)


def growth(before: Tensor, after: Tensor, gradient: Tensor, lr: float) -> Tensor:
    """Of a step v <- v - lr dv, largest over units `[2]`: error of ||v||^2 + lr^2 ||dv||^2, relative; |cos(v, dv)|."""
    squares = [x.detach().square().sum(0) for x in (before, after, gradient)]
    error = (squares[1] - squares[0] - lr**2 * squares[2]).abs() / squares[1]
    cosine = (before * gradient).sum(0).abs() / (squares[0] * squares[2]).sqrt().clamp(min=1e-300)
    return torch.stack([error.max(), cosine.max()])


def correlation(layer: Layer, generator: torch.Generator) -> Tensor:
    """Of the outputs of one layer with weight norm and with batch norm, g = gamma, over units and examples `[]`."""
    x = torch.randn(layer.examples, layer.inputs, generator=generator, dtype=torch.float64)
    v = torch.randn(layer.inputs, layer.units, generator=generator, dtype=torch.float64)
    g = 0.5 + 1.5 * torch.rand(layer.units, generator=generator, dtype=torch.float64)
    by_weights = x @ normalised_weights(v, g)
    by_batch, _ = batch_norm((x @ v).unsqueeze(0), g, torch.zeros_like(g), 0.0)
    return torch.corrcoef(torch.stack([by_weights.flatten(), by_batch.flatten()]))[0, 1]


def moments(settings: Moments, generator: torch.Generator, device: torch.device) -> dict[str, Tensor]:
    """Mean, variance and second moment of each layer's outputs over units and examples, inputs first `[layer]`."""
    n, f = settings.width, UNITS[settings.units]
    x = settings.start**0.5 * torch.randn(settings.examples, n, generator=generator).to(device)
    layers = [x]
    for _ in range(settings.depth):
        W = (settings.gain / n) ** 0.5 * torch.randn(n, n, generator=generator).to(device)
        layers.append(f(layers[-1] @ W))
    mean = torch.stack([x.double().mean() for x in layers])
    second = torch.stack([x.double().square().mean() for x in layers])
    return {"mean": mean, "variance": second - mean.square(), "second_moment": second}
