"""Train Figure 1's batch-normalised network, and test it with several statistics in place of the mini-batch's.

Ioffe & Szegedy 2015, section 3.1. It trains as `classification` does; what differs is what is measured, and that the
rate may fall.
"""

from typing import Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from dropnorm.experiments import classification
from dropnorm.layers.batch_norm import Statistics, update_moving_average
from dropnorm.training.schedules import decay
from dropnorm.training.streams import stream

ORDER = 0  # of the test images in mini-batches: one and the same for every seed and arm


class Optimiser(classification.Optimiser):
    """Plain stochastic gradient descent at a rate that may fall to zero."""

    decay: Literal["constant", "linear"] = "constant"


class Measure(classification.Measure):
    """A second, faster moving average, and how many test images get other mates in their batch."""

    fast_average: float = Field(gt=0, lt=1)
    mates: PositiveInt


class Settings(classification.Settings):
    """All settings of one arm."""

    optimiser: Optimiser
    measure: Measure

    @property
    def shape(self) -> str:
        """Arms of equal settings but for the first rate and weights can train in one stack."""
        return self.model_dump_json(exclude={"optimiser": {"lr"}, "network": {"init_std"}})


class Experiment(classification.Experiment):
    """R networks in training, tested in inference mode with several statistics and in training mode."""

    def _build(self, settings: list[Settings]) -> None:
        super()._build(settings)
        self.first_rate = self.learning_rate
        self.fast = [Statistics(average.mean.clone(), average.var.clone()) for average in self.moving]

    def _update(self) -> None:
        kind, done = self.settings.optimiser.decay, self.step / self.settings.steps
        self.learning_rate = self.first_rate * decay(kind, done, half_time=1.0)
        super()._update()

    def _follow_moving_average(self, statistics: list[Statistics]) -> None:
        super()._follow_moving_average(statistics)
        momentum, m = self.settings.measure.fast_average, self.settings.training.batch_size
        for average, batch in zip(self.fast, statistics, strict=True):
            update_moving_average(average, batch, momentum, m)

    # --- measurements ---

    def _measure_accuracy(self) -> None:
        """Test accuracy `[replica]` by Algorithm 2, without its factor, by moving averages, by the mini-batch."""
        test, m = self.held_out["test"], self.settings.training.batch_size
        population = self.network.population_statistics(self._population_batches())
        biased = [Statistics(s.mean, s.var * ((m - 1) / m)) for s in population]
        for name, statistics in {
            "population": population, "biased": biased, "slow_average": self.moving, "fast_average": self.fast
        }.items():  # fmt: skip
            self.recorder.add(self.step, f"accuracy_{name}", self._accuracy(test, statistics))
        self.recorder.add(self.step, "accuracy_batch", self._accuracy_in_batches(m))
        for mode, statistics in {"inference": population, "training": None}.items():
            self.recorder.add(self.step, f"change_by_mates_{mode}", self._change_by_mates(statistics))

    def _accuracy_in_batches(self, m: int) -> Tensor:
        """Test accuracy `[replica]` of the training network on shuffled mini-batches of m, whole ones only."""
        test = self.held_out["test"]
        order = torch.randperm(len(test.labels), generator=stream(ORDER, "test batches")).to(self.device)
        batches = order[: len(order) // m * m].view(-1, m)
        right = torch.zeros(len(self.seeds), device=self.device)
        for index in batches:
            x = test.inputs(index).expand(len(self.seeds), -1, -1)
            right += (self.network.forward(x).logits.argmax(2) == test.labels[index]).sum(1)
        return right / batches.numel()

    def _change_by_mates(self, statistics: list[Statistics] | None) -> Tensor:
        """Largest change of a logit `[replica]` of a test image when the others of its mini-batch are exchanged."""
        m, count = self.settings.training.batch_size, self.settings.measure.mates
        images = len(self.held_out["test"].labels)
        largest = torch.zeros(len(self.seeds), device=self.device)
        for image in range(count):
            mates = torch.randperm(images, generator=stream(ORDER, "mates", image))[: 2 * (m - 1)].view(2, -1)
            a, b = (self._logits_of_first(image, others, statistics) for others in mates)
            largest = torch.maximum(largest, (a - b).abs().amax(1))
        return largest

    def _logits_of_first(self, image: int, mates: Tensor, statistics: list[Statistics] | None) -> Tensor:
        """Logits `[replica, class]` of one test image in a mini-batch with these mates."""
        index = torch.cat([torch.tensor([image]), mates]).to(self.device)
        x = self.held_out["test"].inputs(index).expand(len(self.seeds), -1, -1)
        return self.network.forward(x, statistics).logits[:, 0]

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        fast = {f"fast/{i}/{name}": getattr(a, name) for i, a in enumerate(self.fast) for name in ("mean", "var")}
        return super().state() | fast

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        super().load_state(state)
        for i, average in enumerate(self.fast):
            average.mean.copy_(state[f"fast/{i}/mean"])
            average.var.copy_(state[f"fast/{i}/var"])
