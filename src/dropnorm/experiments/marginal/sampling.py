"""Checks with masks that are really drawn: the mean loss, and where gradient descent ends.

Srivastava et al. 2014, section 9.1.
"""

import torch
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from dropnorm.experiments.marginal.problem import CLASSES, draw_problem, normal
from dropnorm.layers.dropout import draw_masks, dropout, mask_threshold
from dropnorm.networks.marginal_regression import dropped_loss, least_squares, marginal_loss, marginal_solution
from dropnorm.settings import Strict
from dropnorm.training.recorder import Recorder
from dropnorm.training.sgd import sgd_step
from dropnorm.training.streams import stream

POINTS_A_DECADE = 10  # of steps at which something is measured


class MonteCarloSettings(Strict):
    """The problem and how many masks are drawn for it."""

    images: PositiveInt
    pixels: NonNegativeInt  # 0: all
    p: float = Field(gt=0, le=1)
    steps: PositiveInt = Field(ge=2)  # masks; one has no standard error


class SgdSettings(Strict):
    """The problem, and stochastic gradient descent on it with averaged weights."""

    images: PositiveInt
    pixels: PositiveInt
    p: float = Field(gt=0, le=1)
    lr: PositiveFloat
    batch_size: PositiveInt
    steps: PositiveInt
    average_from: NonNegativeInt  # the weights after more updates than this are averaged


def measured_at(step: int, last: int) -> bool:
    """Whether `step` is the last or one of about ten a decade, evenly spaced on a logarithmic axis."""
    points = {round(10 ** (i / POINTS_A_DECADE)) for i in range(len(str(last)) * POINTS_A_DECADE)}
    return step == last or step in points


class MonteCarlo:
    """The mean of ||y - (R * X) w||^2 over drawn masks, in standard errors from the formula."""

    def __init__(self, settings: MonteCarloSettings, seeds: list[int], dataset, device: torch.device):
        self.settings = settings
        self.X, self.y = draw_problem(dataset, seeds, settings.images, settings.pixels, device)
        inputs = self.X.shape[2]
        self.w = normal(seeds, "w", inputs, CLASSES, device=device) / inputs**0.5
        self.expected = marginal_loss(self.X, self.y, self.w, settings.p)
        self.threshold = mask_threshold(torch.full((len(seeds),), settings.p, device=device))
        self.generators = [stream(seed, "masks") for seed in seeds]
        # of the relative deviations: their sum, and the sum of their squares, [2, replica]
        self.sums = torch.zeros(2, len(seeds), dtype=torch.float64, device=device)

    def advance(self, step: int, recorder: Recorder) -> None:
        R = draw_masks(self.threshold, self.X.shape[1:], self.generators, torch.float64)
        deviation = dropped_loss(self.X, self.y, self.w, R) / self.expected - 1
        self.sums += torch.stack([deviation, deviation.square()])
        n = step + 1
        if n > 1 and measured_at(n, self.settings.steps):
            mean = self.sums[0] / n
            variance = (self.sums[1] - n * mean.square()) / (n - 1)
            recorder.add(n, "relative_deviation", mean)
            recorder.add(n, "deviation_in_se", mean / (variance / n).sqrt())

    def state(self) -> dict[str, Tensor]:
        return {"sums": self.sums} | generator_state(self.generators)

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.sums.copy_(state["sums"])
        load_generators(self.generators, state)


class Sgd:
    """Gradient descent on ||y - (R * X) w||^2 with a new mask for each example of each mini-batch."""

    def __init__(self, settings: SgdSettings, seeds: list[int], dataset, device: torch.device):
        self.settings, self.device = settings, device
        self.X, self.y = draw_problem(dataset, seeds, settings.images, settings.pixels, device)
        self.w_star = marginal_solution(self.X, self.y, settings.p)
        self.w_ols = least_squares(self.X, self.y)
        self.w, self.sum = torch.zeros_like(self.w_star), torch.zeros_like(self.w_star)
        self.threshold = mask_threshold(torch.full((len(seeds),), settings.p, device=device))
        self.lr = torch.full((len(seeds), 1, 1), settings.lr, dtype=torch.float64, device=device)
        self.order = [stream(seed, "order") for seed in seeds]
        self.masks = [stream(seed, "masks") for seed in seeds]

    def advance(self, step: int, recorder: Recorder) -> None:
        sgd_step([self.w], [self._gradient()], self.lr)
        updates = step + 1
        if updates > self.settings.average_from:
            self.sum += self.w
        if measured_at(updates, self.settings.steps):
            self._measure(updates, recorder)

    def _gradient(self) -> Tensor:
        """Of half the squared error, a mean over the mini-batch. Examples are drawn with replacement, so that each
        mini-batch is a fair sample whatever came before."""
        m = self.settings.batch_size
        chosen = torch.stack([torch.randint(self.settings.images, (m,), generator=g) for g in self.order])
        index = chosen.to(self.device).unsqueeze(2)
        X, y = torch.take_along_dim(self.X, index, 1), torch.take_along_dim(self.y, index, 1)
        RX = dropout(X, draw_masks(self.threshold, X.shape[1:], self.masks, torch.float64))
        return RX.mT @ (RX @ self.w - y) / m

    def _measure(self, updates: int, recorder: Recorder) -> None:
        recorder.add(updates, "iterate_distance", self._distance(self.w, self.w_star))
        if (averaged := updates - self.settings.average_from) > 0:
            mean = self.sum / averaged
            recorder.add(updates, "average_distance", self._distance(mean, self.w_star))
            recorder.add(updates, "average_distance_ols", self._distance(mean, self.w_ols))
        if updates == self.settings.steps:
            recorder.add(updates, "ols_distance", self._distance(self.w_ols, self.w_star))

    def _distance(self, w: Tensor, to: Tensor) -> Tensor:
        """||w - to|| in units of ||w*||, `[replica]`."""
        return (w - to).norm(dim=(1, 2)) / self.w_star.norm(dim=(1, 2))

    def state(self) -> dict[str, Tensor]:
        return {"w": self.w, "sum": self.sum} | generator_state(self.order + self.masks)

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.w.copy_(state["w"])
        self.sum.copy_(state["sum"])
        load_generators(self.order + self.masks, state)


def generator_state(generators: list[torch.Generator]) -> dict[str, Tensor]:
    """The states of generators as tensors that a checkpoint can hold."""
    return {f"generator/{i}": g.get_state() for i, g in enumerate(generators)}


def load_generators(generators: list[torch.Generator], state: dict[str, Tensor]) -> None:
    """Continue every generator where `generator_state` was taken."""
    for i, generator in enumerate(generators):
        generator.set_state(state[f"generator/{i}"].cpu())
