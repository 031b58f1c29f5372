"""Dropout in linear regression and ridge regression: many masks, descent with masks, columns of any length.

Srivastava et al. 2014, section 9.1, whose closed form is in `networks.marginal_regression`. Problems are drawn:
y = X w + noise with correlated Gaussian columns, float64, so that a check takes a second and no data set is needed.
"""

from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from scipy.optimize import minimize_scalar
from torch import Tensor

from dropnorm.experiments import checks
from dropnorm.layers.dropout import draw_masks, dropout, mask_threshold
from dropnorm.networks.marginal_regression import gram, marginal_solution, scaled_solution
from dropnorm.settings import Strict
from dropnorm.training.schedules import decay
from dropnorm.training.streams import stream

AT_ONCE = 1000  # masks in one product
GRID = torch.linspace(-6, 3, 91, dtype=torch.float64)  # log10 of lambda, in units of what dropout does on average


class Problem(Strict):
    """Examples, inputs and their correlation, deviation of the noise on y, probability that dropout keeps an input."""

    examples: PositiveInt
    inputs: PositiveInt
    correlation: float = Field(ge=0, lt=1)  # of any two columns: without it, dropout does little but multiply by p
    noise: PositiveFloat
    p: float = Field(gt=0, lt=1)


class Descent(Strict):
    """Gradient descent with a new mask each step, at several rates side by side."""

    rates: list[PositiveFloat] = Field(min_length=1)
    decay: Literal["constant", "inverse"]
    half_time: PositiveFloat  # of an inverse decay, as a share of the steps
    steps: PositiveInt = Field(ge=2)


class Settings(checks.CheckSettings):
    """All settings of one arm: the check it makes, and what each check takes."""

    check: Literal["masks", "descent", "columns"]
    problem: Problem
    masks: list[PositiveInt] = Field(min_length=2)  # numbers of masks, ascending
    descent: Descent
    spread: PositiveFloat  # columns have lengths from 1 / spread to spread; 1: standardised


class Experiment(checks.Experiment):
    """R seeds of one check."""

    def measure(self, seed: int) -> dict[str, Tensor]:
        """One problem and its check."""
        s = self.settings
        X, y = draw_problem(s.problem, s.spread, stream(seed, "problem"))
        X, y = X.to(self.device), y.to(self.device)
        if s.check == "columns":
            return distance_to_ridge(X, y, s.problem.p)
        masks = Masks(X.shape, s.problem.p, stream(seed, "masks"))
        if s.check == "masks":
            return {"distance": distance_by_masks(X, y, s.problem.p, masks, s.masks)}
        return descend(X, y, s.problem.p, masks, s.descent)


class Masks:
    """Masks R of one shape, drawn one after another from one generator."""

    def __init__(self, shape: tuple[int, int], p: float, generator: torch.Generator):
        self.shape, self.generator = shape, generator
        self.threshold = mask_threshold(torch.tensor([p], dtype=torch.float64))

    def draw(self, count: int) -> Tensor:
        """The next `count` masks, float64 `[mask, example, input]`."""
        flat = (count * self.shape[0], self.shape[1])
        return draw_masks(self.threshold, flat, [self.generator], torch.float64).view(count, *self.shape)


def draw_problem(problem: Problem, spread: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """X `[example, input]` of columns with mean 0 and lengths (rms) from 1 / spread to spread, and y `[example, 1]`.

    y is made from the columns at length one: a length is a unit of measurement, and y does not depend on it.
    """

    def normal(rows: int, columns: int) -> Tensor:
        return torch.randn(rows, columns, generator=generator, dtype=torch.float64)

    n, d, c = problem.examples, problem.inputs, problem.correlation
    X = c**0.5 * normal(n, 1) + (1 - c) ** 0.5 * normal(n, d)
    X = X - X.mean(0)
    X = X / X.square().mean(0).sqrt()
    y = X @ normal(d, 1) + problem.noise * normal(n, 1)
    return X * torch.logspace(-1, 1, d, base=spread, dtype=torch.float64), y


def relative_distance(w: Tensor, to: Tensor) -> Tensor:
    """||w - to|| / ||to|| over the last two axes."""
    return (w - to).norm(dim=(-2, -1)) / to.norm(dim=(-2, -1))


def distance_by_masks(X: Tensor, y: Tensor, p: float, masks: Masks, counts: list[int]) -> Tensor:
    """Distance to the closed form `[count]` of the w with the smallest mean of ||y - (R * X) w||^2 over M masks."""
    H, b = X.new_zeros(X.shape[1], X.shape[1]), X.new_zeros(X.shape[1], 1)  # sums of the normal equations
    found, closed = [], marginal_solution(X, y, p)
    for done, count in pairwise([0, *counts]):
        for start in range(done, count, AT_ONCE):
            RX = dropout(X, masks.draw(min(AT_ONCE, count - start)).to(X.device))
            H += gram(RX.flatten(0, 1))
            b += RX.sum(0).mT @ y
        found.append(relative_distance(torch.linalg.solve(H, b), closed))
    return torch.stack(found)


def descend(X: Tensor, y: Tensor, p: float, masks: Masks, settings: Descent) -> dict[str, Tensor]:
    """Descent on half the mean squared error, from w = 0, at all rates with the same masks; by rate `[rate]`.

    distance_of_average: of the mean weights of the second half of the steps to the closed form. mean_square: mean
    squared distance of the weights themselves over the same steps, in units of the closed form's squared length.
    """
    closed, half = marginal_solution(X, y, p), settings.steps // 2
    rates = torch.tensor(settings.rates, dtype=X.dtype, device=X.device).view(-1, 1, 1)
    w = X.new_zeros(len(rates), X.shape[1], 1)
    total, squares = torch.zeros_like(w), X.new_zeros(len(rates))
    for step in range(settings.steps):
        if step % AT_ONCE == 0:
            drawn = masks.draw(min(AT_ONCE, settings.steps - step)).to(X.device)
        RX = dropout(X, drawn[step % AT_ONCE])
        rate = rates * decay(settings.decay, step / settings.steps, settings.half_time)
        w = w - rate * (RX.mT @ (RX @ w - y)) / len(X)
        if step >= half:
            total += w
            squares += (w - closed).square().sum((1, 2))
    counted = settings.steps - half
    return {
        "distance_of_average": relative_distance(total / counted, closed),
        "mean_square": squares / counted / closed.square().sum(),
    }


def ridge(X: Tensor, y: Tensor, penalty: Tensor) -> Tensor:
    """(X'X + lambda I)^-1 X'y."""
    return torch.linalg.solve(gram(X) + penalty * torch.eye(X.shape[1], dtype=X.dtype, device=X.device), X.mT @ y)


def distance_to_ridge(X: Tensor, y: Tensor, p: float) -> dict[str, Tensor]:
    """Distance of dropout's p w to ridge regression: at every lambda of the grid, and the smallest at any lambda.

    lambda = 10^grid (1 - p) / p times the mean squared length of a column: at 10^0 it is what dropout does on average.
    """
    of_dropout = scaled_solution(X, y, p)
    unit = (1 - p) / p * gram(X).diagonal().mean()

    def distance(exponent: float) -> float:
        return relative_distance(ridge(X, y, unit * 10**exponent), of_dropout).item()

    on_grid = torch.tensor([distance(exponent) for exponent in GRID.tolist()], dtype=torch.float64)
    best, step = GRID[on_grid.argmin()].item(), (GRID[1] - GRID[0]).item()
    nearest = minimize_scalar(distance, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-10})
    smallest = min(nearest.fun, on_grid.min().item())
    return {"distance_to_ridge": torch.tensor(smallest, dtype=torch.float64), "distance_by_lambda": on_grid}
