"""Train sigmoid networks to classify digits, and follow accuracy and the inputs of the last hidden layer.

Ioffe & Szegedy 2015, section 4.1. Replicas (arms of equal shape, times seeds) train side by side.
"""

from typing import Literal

import pandas as pd
import torch
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn.functional import cross_entropy

from dropnorm.layers.batch_norm import Statistics, update_moving_average
from dropnorm.networks.sigmoid_mlp import SigmoidMLP
from dropnorm.settings import Strict
from dropnorm.training.examples import Examples, examples, split
from dropnorm.training.order import EpochOrder
from dropnorm.training.recorder import Recorder
from dropnorm.training.sgd import sgd_step
from dropnorm.training.streams import stream

PERCENTILES = (0.15, 0.50, 0.85)  # of Figure 1 (b) and (c)
SPLIT_SEED = 0  # the training/validation split is one and the same for every seed and arm


class Data(Strict):
    """Which images, as which inputs."""

    name: Literal["mnist", "digits"]
    pixels: Literal["binary", "above_zero", "drawn", "grey"] = "binary"
    train_on: Literal["all", "split"] = "all"  # split: all but `validation` images, which then measure
    validation: PositiveInt = 10_000


class Network(Strict):
    """Shape and first weights N(0, init_std^2)."""

    hidden: list[PositiveInt] = Field(min_length=1)
    normalisation: Literal["none", "batch"]
    init_std: PositiveFloat
    eps: PositiveFloat = 1e-5


class Optimiser(Strict):
    """Plain stochastic gradient descent."""

    lr: PositiveFloat


class Training(Strict):
    """How long, in mini-batches of what size."""

    steps: PositiveInt
    batch_size: PositiveInt = Field(ge=2)  # a batch of one has no variance


class Measure(Strict):
    """When and how to measure; a step counts the updates made before the measurement."""

    accuracy_every: PositiveInt
    accuracy_early_every: PositiveInt
    accuracy_early_until: NonNegativeInt
    population_batches: PositiveInt  # of Algorithm 2
    moving_average: float = Field(gt=0, lt=1)
    percentiles_every: NonNegativeInt  # 0: never
    percentiles_also_at: list[NonNegativeInt] = []
    probe_images: PositiveInt  # test images, always the same, whose percentiles are followed too


class Settings(Strict):
    """All settings of one arm."""

    data: Data
    network: Network
    optimiser: Optimiser
    training: Training
    measure: Measure

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        return self.training.steps

    @property
    def shape(self) -> str:
        """Arms of equal shape can train in one stack: all but what is a number a replica."""
        return self.model_dump_json(exclude={"optimiser": {"lr"}, "network": {"init_std"}})


class Experiment:
    """R networks in training. `advance()` makes one step; `state()` is everything a checkpoint must hold."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each; settings of equal `shape`. dataset: images and labels as NumPy arrays."""
        self.settings = replicas[0][0]
        self.device = device
        self.seeds = [seed for _, seed in replicas]
        self._load(dataset)
        self._build([settings for settings, _ in replicas])
        self.recorder = Recorder()
        self.step = 0
        self.finished = False

    def _load(self, dataset) -> None:
        data = self.settings.data
        rule = (dataset.pixel_max, data.pixels, self.device)
        self.train = examples(dataset.train_images, dataset.train_labels, *rule)
        self.held_out = {"test": examples(dataset.test_images, dataset.test_labels, *rule)}
        if data.train_on == "split":
            self.train, self.held_out["validation"] = split(self.train, data.validation, SPLIT_SEED)
        self.probe = self.held_out["test"].inputs(self._range(0, self.settings.measure.probe_images))
        self.order = EpochOrder(self.seeds, len(self.train.labels), self.settings.training.batch_size, self.device)

    def _range(self, start: int, stop: int) -> Tensor:
        return torch.arange(start, stop, device=self.device)

    def _build(self, settings: list[Settings]) -> None:
        network = self.settings.network
        sizes = [self.train.pixels.shape[1], *network.hidden, 10]
        self.network = SigmoidMLP(sizes, network.normalisation == "batch", network.eps)
        self.network.initialise(self.seeds, [s.network.init_std for s in settings], self.device)
        lr = [s.optimiser.lr for s in settings]
        self.learning_rate = torch.tensor(lr, device=self.device).view(-1, 1, 1)
        units = network.hidden if network.normalisation == "batch" else []
        shapes = [(len(self.seeds), 1, n) for n in units]
        self.moving = [
            Statistics(torch.zeros(s, device=self.device), torch.ones(s, device=self.device)) for s in shapes
        ]
        self.diverged_at = torch.full((len(self.seeds),), -1, device=self.device)

    # --- one step ---

    def advance(self) -> None:
        """Measure what is due after `step` updates, then make the next update; after the last one only measure."""
        self._measure()
        if self.step == self.settings.training.steps:
            self.recorder.add(self.step, "diverged_at", self.diverged_at)
            self.finished = True
        else:
            self._update()
            self.step += 1

    def _update(self) -> None:
        index = self.order.batch(self.step)
        output = self.network.forward(self.train.inputs(index))
        loss = self._loss(output.logits, self.train.labels[index])
        parameters = list(self.network.parameters.values())
        # The replicas share no weight, so the gradient of the summed loss is each replica's own.
        sgd_step(parameters, torch.autograd.grad(loss.sum(), parameters), self.learning_rate)
        with torch.no_grad():
            self._follow_moving_average(output.statistics)
            newly = ~loss.isfinite() & (self.diverged_at < 0)
            self.diverged_at.masked_fill_(newly, self.step)

    @staticmethod
    def _loss(logits: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy of each replica `[replica]`."""
        return cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape).mean(1)

    def _follow_moving_average(self, statistics: list[Statistics]) -> None:
        momentum, m = self.settings.measure.moving_average, self.settings.training.batch_size
        for average, batch in zip(self.moving, statistics, strict=True):
            update_moving_average(average, batch, momentum, m)

    # --- measurements ---

    @torch.no_grad()
    def _measure(self) -> None:
        if self._accuracy_due():
            self._measure_accuracy()
        if self._percentiles_due():
            index = self.order.batch(self.step)
            self._measure_percentiles("batch", self.train.inputs(index))
            self._measure_percentiles("probe", self.probe.expand(len(self.seeds), -1, -1))

    def _accuracy_due(self) -> bool:
        measure, last = self.settings.measure, self.step == self.settings.training.steps
        every = measure.accuracy_every
        if self.step <= measure.accuracy_early_until:
            every = measure.accuracy_early_every
        return last or self.step % every == 0

    def _percentiles_due(self) -> bool:
        measure = self.settings.measure
        every = measure.percentiles_every
        return every > 0 and (self.step % every == 0 or self.step in measure.percentiles_also_at)

    def _measure_accuracy(self) -> None:
        population = self.network.population_statistics(self._population_batches())
        for name, held_out in self.held_out.items():
            self.recorder.add(self.step, f"{name}_accuracy", self._accuracy(held_out, population))
        if self.moving:
            self.recorder.add(
                self.step, "test_accuracy_moving_average", self._accuracy(self.held_out["test"], self.moving)
            )

    def _population_batches(self) -> Tensor:
        """The mini-batches of Algorithm 2, `[mini-batch, batch, feature]`: training images, the same at each call."""
        count, m = self.settings.measure.population_batches, self.settings.training.batch_size
        chosen = torch.randperm(len(self.train.labels), generator=stream(SPLIT_SEED, "population"))[: count * m]
        x = self.train.inputs(chosen.to(self.device))
        return x[: len(x) // m * m].view(-1, m, x.shape[1])

    def _accuracy(self, held_out: Examples, statistics: list[Statistics]) -> Tensor:
        """Share of right answers of each replica `[replica]`, by the inference network."""
        right = torch.zeros(len(self.seeds), device=self.device)
        for start in range(0, len(held_out.labels), 2000):
            part = self._range(start, min(start + 2000, len(held_out.labels)))
            x = held_out.inputs(part).expand(len(self.seeds), -1, -1)
            answers = self.network.forward(x, statistics or None).logits.argmax(2)
            right += (answers == held_out.labels[part]).sum(1)
        return right / len(held_out.labels)

    def _measure_percentiles(self, source: str, x: Tensor) -> None:
        """Percentiles over the examples of each last-layer sigmoid's input, in training mode (as in Figure 1 b, c)."""
        q = torch.tensor(PERCENTILES, device=self.device)
        for name, values in zip(
            ("p15", "p50", "p85"), self.network.forward(x).last_input.quantile(q, dim=1), strict=True
        ):
            self.recorder.add(self.step, f"{source}_{name}", values)

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        state = {f"parameter/{name}": p.detach() for name, p in self.network.parameters.items()}
        for layer, average in enumerate(self.moving, start=1):
            state |= {f"moving/{layer}/mean": average.mean, f"moving/{layer}/var": average.var}
        return state | {"step": torch.tensor(self.step), "diverged_at": self.diverged_at} | self.recorder.state()

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        for name, parameter in self.network.parameters.items():
            parameter.copy_(state[f"parameter/{name}"])
        for layer, average in enumerate(self.moving, start=1):
            average.mean.copy_(state[f"moving/{layer}/mean"])
            average.var.copy_(state[f"moving/{layer}/var"])
        self.step = int(state["step"])
        self.diverged_at.copy_(state["diverged_at"])
        self.recorder.load_state(state)

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()
