"""Train small convolutional nets to classify pictures, and follow their accuracy.

What may differ: units, normalisation, its place, noise on what layers read; the size of mini-batches, what they are
made of, and how much of one gives statistics. Replicas are seeds of one arm, trained in turn, step by step.
"""

from typing import Annotated, Literal

import pandas as pd
import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator
from torch import Tensor
from torch.nn.functional import cross_entropy

from dropnorm.layers.channel_norm import Statistics
from dropnorm.layers.picture_noise import factors
from dropnorm.networks.ordered_vgg import Noise, Normalisation, Order, OrderedVGG, Units
from dropnorm.networks.vgg import Parameters
from dropnorm.settings import Strict
from dropnorm.training.fixed_batches import FixedBatches
from dropnorm.training.momentum import momentum_step
from dropnorm.training.order import EpochOrder
from dropnorm.training.pictures import Pictures, pictures
from dropnorm.training.recorder import Recorder
from dropnorm.training.schedules import decay
from dropnorm.training.streams import stream

SPLIT_SEED = 0  # the training/validation split is one and the same for every seed and arm
TEST_BATCH = 200


class Data(Strict):
    """Which pictures; how many of the training pictures are kept for validation, and how many of the rest are used."""

    name: Literal["cifar10", "digits"]
    augment: bool = False  # random crops and mirror images
    validation: NonNegativeInt = 0
    subset: NonNegativeInt = 0  # 0: all; the same pictures for every seed


class Network(Strict):
    """Shape and first weights: VGG-11 at `width` times its channels, or other blocks."""

    blocks: list[Annotated[list[PositiveInt], Field(min_length=1)]] = Field(min_length=1, max_length=5)
    width: PositiveFloat
    units: Units
    normalisation: Normalisation
    order: Order = "before"
    groups: PositiveInt = 4  # of group norm
    init: Literal["glorot_uniform", "glorot_normal", "he"]
    eps: PositiveFloat = 1e-5

    @property
    def channels(self) -> list[list[int]]:
        return [[max(1, round(self.width * n)) for n in block] for block in self.blocks]


class Dropout(Strict):
    """Noise on what layers read, in training: all convolutions but the first, or the classifier alone."""

    place: Literal["nowhere", "convolutions", "classifier"] = "nowhere"
    noise: Literal["bernoulli", "uniform"] = "bernoulli"
    p: float = Field(default=0.5, gt=0, le=1)  # probability of retaining an element
    beta: NonNegativeFloat = 0.1


class Optimiser(Strict):
    """Stochastic gradient descent with momentum; v <- mu v + (lambda W + g), W <- W - lr v."""

    lr: PositiveFloat
    momentum: float = Field(default=0.9, ge=0, lt=1)
    l2: NonNegativeFloat = 0  # lambda, on the weights of convolutions and of the classifier
    decay: Literal["constant", "linear"] = "linear"


class Training(Strict):
    """How long, in mini-batches of what size; `ghost` of them give statistics together (0: all)."""

    steps: PositiveInt
    stretch: PositiveFloat = 1  # an arm's own length in units of `steps`
    batch_size: PositiveInt = Field(ge=2)
    ghost: NonNegativeInt = 0
    composition: Literal["fresh", "fixed"] = "fresh"  # fixed: the same pictures always meet

    @model_validator(mode="after")
    def _whole_parts(self) -> "Training":
        if self.ghost and self.batch_size % self.ghost:
            raise ValueError(f"ghost ({self.ghost}) must divide batch_size ({self.batch_size})")
        return self


class Measure(Strict):
    """When and how to measure; a step counts the updates made before it."""

    test_every: PositiveInt
    train_pictures: NonNegativeInt = 0  # the first so many, whose accuracy is followed too
    population_pictures: PositiveInt  # training pictures that give the statistics of the inference network


class Settings(Strict):
    """All settings of one arm."""

    data: Data
    network: Network
    dropout: Dropout = Dropout()
    optimiser: Optimiser
    training: Training
    measure: Measure

    @model_validator(mode="after")
    def _a_mini_batch_at_least(self) -> "Settings":
        if 0 < self.data.subset < self.training.batch_size:
            raise ValueError(f"batch_size ({self.training.batch_size}) is more than subset ({self.data.subset})")
        return self

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        return max(1, round(self.training.steps * self.training.stretch))

    @property
    def shape(self) -> str:
        """Only seeds of one arm share a stack."""
        return self.model_dump_json()


class Experiment:
    """R nets in training. `advance()` makes one step of each; `state()` is everything a checkpoint must hold."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each, of equal settings. dataset: images and labels as NumPy arrays."""
        self.settings = replicas[0][0]
        self.device = device
        self.seeds = [seed for _, seed in replicas]
        self._load(dataset)
        self._build()
        self.diverged_at = torch.full((len(self.seeds),), -1)
        self.recorder = Recorder()
        self.step = 0
        self.finished = False

    def _load(self, dataset) -> None:
        d, data = self.settings.data, pictures(dataset, self.device)
        self.train, self.looked_at = data["train"], {"test": data["test"]}
        if d.validation or d.subset:
            order = torch.randperm(len(self.train.labels), generator=stream(SPLIT_SEED, "split")).to(self.device)
            first = len(order) - d.validation
            if d.validation:
                self.looked_at["validation"] = _subset(self.train, order[first:])
            self.train = _subset(self.train, order[: d.subset or first][:first])
        if seen := self.settings.measure.train_pictures:
            self.looked_at["train"] = _subset(
                self.train, torch.arange(len(self.train.labels), device=self.device)[:seen]
            )
        order = FixedBatches if self.settings.training.composition == "fixed" else EpochOrder
        self.order = order(self.seeds, len(self.train.labels), self.settings.training.batch_size, self.device)

    def _build(self) -> None:
        n = self.settings.network
        self.net = OrderedVGG(
            n.channels, n.units, n.normalisation, n.order,
            groups=n.groups, ghost=self.settings.training.ghost, eps=n.eps,
        )  # fmt: skip
        self.parameters = [self.net.initialise(seed, n.init, self.device) for seed in self.seeds]
        self.velocities = [{name: torch.zeros_like(p) for name, p in of.items()} for of in self.parameters]
        l2 = torch.tensor(self.settings.optimiser.l2, device=self.device)
        self.l2 = [l2 if name.startswith("W") and l2 > 0 else None for name in self.parameters[0]]

    # --- one step ---

    def advance(self) -> None:
        """Measure what is due after `step` updates, then make the next update; after the last one only measure."""
        last = self.step == self.settings.steps
        if last or self.step % self.settings.measure.test_every == 0:
            self._measure()
        if last:
            self.recorder.add(self.step, "diverged_at", self.diverged_at)
            self.finished = True
        else:
            self._update()
            self.step += 1

    def _update(self) -> None:
        for i, index in enumerate(self.order.batch(self.step)):
            loss = self._descend(i, index)
            if self.diverged_at[i] < 0 and not loss.isfinite():
                self.diverged_at[i] = self.step

    def _descend(self, i: int, index: Tensor) -> Tensor:
        """One update of net i on the pictures at `index`. Returns its loss."""
        o, parameters = self.settings.optimiser, self.parameters[i]
        logits = self.net.forward(parameters, self._inputs(index, i), noise=self._noise(i, "dropout", self.step)).logits
        loss = cross_entropy(logits, self.train.labels[index])
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        rate = torch.tensor(o.lr * decay(o.decay, self.step / self.settings.steps, 1), device=self.device)
        momentum_step(
            list(parameters.values()), gradients, list(self.velocities[i].values()),
            momentum=o.momentum, learning_rates=[rate] * len(gradients), l2=self.l2,
        )  # fmt: skip
        return loss.detach()

    def _inputs(self, index: Tensor, i: int) -> Tensor:
        if self.settings.data.augment:
            return self.train.augmented(index, self.seeds[i], self.step)
        return self.train.inputs(index)

    def _noise(self, i: int, purpose: str, counter: int) -> Noise | None:
        """The noise of one forward pass of net i: the same for equal (seed, purpose, counter)."""
        d, seed = self.settings.dropout, self.seeds[i]
        if d.place == "nowhere":
            return None
        strength = d.p if d.noise == "bernoulli" else d.beta
        layers = range(2, self.net.last) if d.place == "convolutions" else (self.net.last,)

        def multiply(x: Tensor, layer: int) -> Tensor:
            if layer not in layers:
                return x
            return x * factors(x.shape, d.noise, strength, stream(seed, f"{purpose}{layer}", counter), x.device)

        return multiply

    # --- measurements ---

    @torch.no_grad()
    def _measure(self) -> None:
        population = [self._population(i) for i in range(len(self.seeds))]
        for name, data in self.looked_at.items():
            found = [self._accuracy(i, data, statistics) for i, statistics in enumerate(population)]
            self.recorder.add(self.step, f"{name}_accuracy", torch.stack(found))

    def _population(self, i: int, *, noise: bool = True) -> list[Statistics] | None:
        """Statistics of net i over the same training pictures at each call, in mini-batches as in training.

        There must be as many training pictures as `population_pictures` has in whole mini-batches: else the last one
        is a remainder that counts as much as the others. A test sees to it for every protocol.
        """
        batches = self._population_batches()
        drawn = [self._noise(i, "population", b) if noise else None for b in range(len(batches))]
        return self.net.population_statistics(self.parameters[i], batches, drawn)

    def _population_batches(self) -> list[Tensor]:
        m = self.settings.training.ghost or self.settings.training.batch_size
        chosen = torch.randperm(len(self.train.labels), generator=stream(SPLIT_SEED, "population"))
        chosen = chosen[: max(self.settings.measure.population_pictures // m, 1) * m]
        return [self.train.inputs(index) for index in chosen.to(self.device).split(m)]

    def _accuracy(self, i: int, data: Pictures, statistics: list[Statistics] | None) -> Tensor:
        """Share of right answers of net i in inference mode."""
        right, count = torch.zeros((), device=self.device), len(data.labels)
        for index in torch.arange(count, device=self.device).split(TEST_BATCH):
            logits = self.net.forward(self.parameters[i], data.inputs(index), statistics=statistics).logits
            right += (logits.argmax(1) == data.labels[index]).sum()
        return right / count

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        kinds = {"parameter": self.parameters, "velocity": self.velocities}
        state = {
            f"{kind}{i}/{name}": tensor.detach()
            for kind, nets in kinds.items()
            for i, net in enumerate(nets)
            for name, tensor in net.items()
        }
        return state | {"step": torch.tensor(self.step), "diverged_at": self.diverged_at} | self.recorder.state()

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        for kind, nets in {"parameter": self.parameters, "velocity": self.velocities}.items():
            for i, net in enumerate(nets):
                _copy(net, {name: state[f"{kind}{i}/{name}"] for name in net})
        self.step = int(state["step"])
        self.diverged_at.copy_(state["diverged_at"])
        self.recorder.load_state(state)

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()


def _copy(tensors: Parameters, values: dict[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        tensor.copy_(values[name])


def _subset(data: Pictures, index: Tensor) -> Pictures:
    return data._replace(pixels=data.pixels[index], labels=data.labels[index])
