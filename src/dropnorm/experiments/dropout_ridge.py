"""Dropout in linear regression beside its closed form, beside gradient descent, and beside ordinary ridge regression.

Srivastava et al. 2014, section 9.1. An arm makes one check on random problems, y = X w_0 + noise; with masks R of zeros
and ones, each one with probability p, the closed form is

    w* = (p^2 X^T X + p (1 - p) diag(X^T X))^-1 p X^T y        the smallest E_R ||y - (R * X) w||^2
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from dropnorm.experiments import checks
from dropnorm.layers.dropout import draw_masks, dropout, mask_threshold
from dropnorm.networks.marginal_regression import gamma_squared, gram, marginal_solution, scaled_solution
from dropnorm.networks.ridge_regression import nearest_lambda, relative_distance, ridge_path
from dropnorm.settings import Strict
from dropnorm.training.schedules import Decay, decay
from dropnorm.training.sgd import sgd_step
from dropnorm.training.streams import stream

LENGTHS = (-1, 1)  # columns of unequal length: from 10^-1 to 10^1
LOT = 500  # masks drawn at once


class Problem(Strict):
    """Columns of variance one, each two with the same correlation, and the standard deviation of the noise."""

    examples: PositiveInt
    columns: PositiveInt
    correlation: float = Field(ge=0, lt=1)
    noise: NonNegativeFloat
    lengths: Literal["drawn", "unequal", "standardised"]


class Masks(Strict):
    """After how many masks the least-squares weights are looked at."""

    counts: list[PositiveInt] = Field(min_length=2)


class Descent(Strict):
    """Gradient descent with a new mask each step, at several first rates with the same masks."""

    rates: list[PositiveFloat] = Field(min_length=1)
    decay: Decay
    half_time: PositiveFloat  # of `dropnorm.training.schedules.decay`, as a share of all steps
    steps: int = Field(ge=2)


class Ridge(Strict):
    """The grid of lambda, in units of the mean squared length of a column: from 10^-decades to 10^decades."""

    decades: PositiveInt
    points_a_decade: PositiveInt


class Settings(checks.CheckSettings):
    """All settings of one arm: the check it makes, its problem, and what each check takes."""

    check: Literal["masks", "descent", "ridge"]
    p: float = Field(gt=0, lt=1)
    problem: Problem
    masks: Masks
    descent: Descent
    ridge: Ridge


class Experiment(checks.Experiment):
    """Draws a problem for each seed and draw, and makes one check on it."""

    def measure(self, seed: int, draw: int) -> dict[str, Tensor]:
        """What the check of this arm finds."""
        check = {"masks": many_masks, "descent": descent, "ridge": nearest_ridge}[self.settings.check]
        X, y = draw_problem(self.settings.problem, stream(seed, "problem", draw))
        return check(X.to(self.device), y.to(self.device), self.settings, stream(seed, "masks", draw))


def draw_problem(s: Problem, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """X `[example, column]`, y `[example, 1]`, float64.

    The lengths are set after y is made: the same regression with its columns measured in other units.
    """
    shape = (s.examples, s.columns)
    own, shared, w_0, noise = (
        torch.randn(size, generator=generator, dtype=torch.float64)
        for size in (shape, (s.examples, 1), (s.columns, 1), (s.examples, 1))
    )
    X = (1 - s.correlation) ** 0.5 * own + s.correlation**0.5 * shared
    y = X @ w_0 + s.noise * noise
    if s.lengths == "unequal":
        X = X / X.norm(dim=0) * torch.logspace(*LENGTHS, s.columns, dtype=torch.float64)
    if s.lengths == "standardised":
        X = (X - X.mean(0)) / X.std(0, correction=0)
    return X, y


def masked_equations(
    X: Tensor, y: Tensor, p: float, masks: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """G = (R * X)^T (R * X) `[mask, column, column]` and b = (R * X)^T y `[mask, column, 1]` of new masks, in lots.

    All that a loss ||y - (R * X) w||^2 tells of its w: the gradient of half of it is G w - b.
    """
    threshold = mask_threshold(torch.tensor([p], device=X.device))
    for start in range(0, masks, LOT):
        n = min(LOT, masks - start)
        R = draw_masks(threshold, (n * X.shape[0], X.shape[1]), [generator], torch.float64)
        RX = dropout(X, R.view(n, *X.shape))
        yield gram(RX), RX.mT @ y


def many_masks(X: Tensor, y: Tensor, s: Settings, generator: torch.Generator) -> dict[str, Tensor]:
    """Relative distance to w* `[count]` of the w with the smallest mean of ||y - (R * X) w||^2 over the first masks."""
    w_star = marginal_solution(X, y, s.p)
    G_sum, b_sum = torch.zeros_like(gram(X)), torch.zeros_like(w_star)
    distances = []
    for before, count in pairwise([0, *s.masks.counts]):
        for G, b in masked_equations(X, y, s.p, count - before, generator):
            G_sum += G.sum(0)
            b_sum += b.sum(0)
        distances.append(relative_distance(torch.linalg.solve(G_sum, b_sum).mT, w_star.mT).squeeze())
    return {"distance": torch.stack(distances)}


def descent(X: Tensor, y: Tensor, s: Settings, generator: torch.Generator) -> dict[str, Tensor]:
    """Where gradient descent on half the mean squared error ends, at each rate, from w = 0; all relative, `[rate]`.

    distance_of_average: of the mean of the weights of the second half of the steps; mean_square: mean of the squared
    distance of these weights; distance_of_last: of the last weights.
    """
    w_star = marginal_solution(X, y, s.p)
    first_rates = torch.tensor(s.descent.rates, dtype=torch.float64, device=X.device).view(-1, 1, 1)
    w = torch.zeros_like(w_star).repeat(len(first_rates), 1, 1)  # [rate, column, 1]
    w_sum, square_sum, averaged = torch.zeros_like(w), torch.zeros_like(first_rates), 0
    equations = masked_equations(X, y, s.p, s.descent.steps, generator)
    for step, (G, b) in enumerate(pair for lot in equations for pair in zip(*lot, strict=True)):
        done = step / s.descent.steps
        rate = first_rates * decay(s.descent.decay, done, s.descent.half_time)
        sgd_step([w], [(G @ w - b) / len(X)], rate)
        if done >= 0.5:
            w_sum += w
            square_sum += (w - w_star).square().sum(1, keepdim=True)
            averaged += 1
    return {
        "distance_of_average": relative_distance(w_sum.mT / averaged, w_star.mT).squeeze(1),
        "mean_square": (square_sum / averaged / w_star.square().sum()).flatten(),
        "distance_of_last": relative_distance(w.mT, w_star.mT).squeeze(1),
    }


def nearest_ridge(X: Tensor, y: Tensor, s: Settings, generator: torch.Generator) -> dict[str, Tensor]:
    """How near ordinary ridge regression comes to p w*, by its weights and by its answers; lambdas in mean lengths."""
    w_tilde = scaled_solution(X, y, s.p).squeeze(1)
    unit = gamma_squared(X).mean()
    n = 2 * s.ridge.decades * s.ridge.points_a_decade + 1
    lambdas = unit * torch.logspace(-s.ridge.decades, s.ridge.decades, n, dtype=torch.float64, device=X.device)
    nearest = torch.tensor([nearest_lambda(X, y, w_tilde, lambdas)]).to(X)
    path = ridge_path(X, y, lambdas)
    return {
        "distance_to_ridge": relative_distance(ridge_path(X, y, nearest), w_tilde).squeeze(),
        "nearest_lambda": (nearest / unit).squeeze(),
        "distance_by_lambda": relative_distance(path, w_tilde),
        "distance_of_answers": relative_distance(path @ X.mT, X @ w_tilde).min(),
    }
