"""Checks that need no training: identities, closed forms and small enumerations, one value of p a step.

Srivastava et al. 2014: section 9.1 for the marginalised loss, sections 1 and 4 for the geometric mean.
"""

from abc import ABC, abstractmethod

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from dropnorm.experiments.marginal.problem import CLASSES, draw_problem, normal
from dropnorm.networks.marginal_regression import (
    enumerated_loss,
    enumerated_solution,
    least_squares,
    marginal_loss,
    marginal_loss_scaled,
    marginal_solution,
    penalty_norm,
    scaled_solution,
)
from dropnorm.networks.thinned import all_masks, geometric_mean, mask_weights, one_layer_logits, two_layer_logits
from dropnorm.settings import Strict
from dropnorm.training.recorder import Recorder

MOST_UNITS = 12  # 2^12 masks are enumerated in a moment


class _Grid(Strict):
    """Settings of a check that goes through a list of p, one a step."""

    p: list[float] = Field(min_length=1)

    @property
    def steps(self) -> int:
        return len(self.p)


class IdentitySettings(_Grid):
    """The problem whose masks are enumerated."""

    images: PositiveInt
    pixels: int = Field(ge=1, le=MOST_UNITS)


class PenaltySettings(_Grid):
    """The problem that is solved for every p, and the range of column lengths of the one with orthogonal columns."""

    images: PositiveInt
    pixels: PositiveInt
    column_scales: tuple[float, float]


class GeometricMeanSettings(_Grid):
    """How many images, and how many units may be dropped: all inputs, or half inputs and half hidden units."""

    images: PositiveInt
    units: int = Field(ge=2, le=MOST_UNITS)


class _GridCheck(ABC):
    """Measures something at each p of a list."""

    def __init__(self, settings: _Grid, seeds: list[int], dataset, device: torch.device):
        self.settings, self.seeds, self.device = settings, seeds, device
        self._prepare(dataset)

    def advance(self, step: int, recorder: Recorder) -> None:
        p = self.settings.p[step]
        recorder.add(step + 1, "p", torch.full((len(self.seeds),), p))
        for quantity, values in self._measure(p).items():
            recorder.add(step + 1, quantity, values)

    def state(self) -> dict[str, Tensor]:
        return {}

    def load_state(self, state: dict[str, Tensor]) -> None:  # noqa: B027 (there is nothing to restore)
        """Nothing: what was drawn depends on the seeds alone."""

    @abstractmethod
    def _prepare(self, dataset) -> None:
        """Draw whatever stays the same over all p."""

    @abstractmethod
    def _measure(self, p: float) -> dict[str, Tensor]:
        """Quantities `[replica]` by name."""


class Identity(_GridCheck):
    """The expected loss and its minimiser, by formula and by all masks."""

    def _prepare(self, dataset) -> None:
        s = self.settings
        self.X, self.y = draw_problem(dataset, self.seeds, s.images, s.pixels, self.device)
        self.w = normal(self.seeds, "w", s.pixels, CLASSES, device=self.device)

    def _measure(self, p: float) -> dict[str, Tensor]:
        X, y, w = self.X, self.y, self.w
        expected = torch.stack([enumerated_loss(*problem, p) for problem in zip(X, y, w, strict=True)])
        solved = torch.stack([enumerated_solution(*problem, p) for problem in zip(X, y, strict=True)])
        in_w = (marginal_loss(X, y, w, p) / expected - 1).abs()
        in_w_tilde = (marginal_loss_scaled(X, y, p * w, p) / expected - 1).abs()
        return {
            "identity_error": torch.maximum(in_w, in_w_tilde),
            "solution_error": torch.maximum(
                _relative(marginal_solution(X, y, p), solved), _relative(scaled_solution(X, y, p), p * solved)
            ),
        }


class Penalty(_GridCheck):
    """How ||Gamma w_tilde|| depends on p, for pixels and for orthogonal columns of very different lengths."""

    def _prepare(self, dataset) -> None:
        s = self.settings
        self.X, self.y = draw_problem(dataset, self.seeds, s.images, s.pixels, self.device)
        self.ols = least_squares(self.X, self.y)
        low, high = s.column_scales
        scales = torch.logspace(low, high, s.pixels, base=10, dtype=torch.float64, device=self.device)
        self.Q = torch.linalg.qr(normal(self.seeds, "columns", s.images, s.pixels, device=self.device)).Q * scales
        self.y_Q = normal(self.seeds, "targets", s.images, 1, device=self.device)
        self.ols_Q = least_squares(self.Q, self.y_Q)

    def _measure(self, p: float) -> dict[str, Tensor]:
        w_tilde, w_tilde_Q = scaled_solution(self.X, self.y, p), scaled_solution(self.Q, self.y_Q, p)
        norm = penalty_norm(self.X, w_tilde)
        return {
            "penalty_norm": norm,
            "shrinkage": norm / penalty_norm(self.X, self.ols),
            "orthogonal_error": (w_tilde_Q / (p * self.ols_Q) - 1).abs().amax((1, 2)),
        }


class GeometricMean(_GridCheck):
    """All thinned networks' geometric mean beside the one network with scaled weights, for one layer and for two."""

    def _prepare(self, dataset) -> None:
        s = self.settings
        self.x, _ = draw_problem(dataset, self.seeds, s.images, s.units, self.device)
        self.W = normal(self.seeds, "W", s.units, CLASSES, device=self.device)
        self.b = normal(self.seeds, "b", CLASSES, device=self.device)
        self.inputs = s.units // 2
        hidden = s.units - self.inputs
        self.W1 = normal(self.seeds, "W1", self.inputs, hidden, device=self.device)
        self.W2 = normal(self.seeds, "W2", hidden, CLASSES, device=self.device)
        self.masks = all_masks(s.units).to(self.device)

    def _measure(self, p: float) -> dict[str, Tensor]:
        replicas = range(len(self.seeds))
        return {
            "one_layer_difference": torch.stack([self._one_layer(i, p) for i in replicas]),
            "two_layer_difference": torch.stack([self._two_layers(i, p) for i in replicas]),
        }

    def _one_layer(self, i: int, p: float) -> Tensor:
        x, W, b = self.x[i], self.W[i], self.b[i]
        ensemble = geometric_mean(one_layer_logits(x, self.masks, W, b), mask_weights(self.masks, p))
        return (ensemble - (x @ (p * W) + b).softmax(1)).abs().max()

    def _two_layers(self, i: int, p: float) -> Tensor:
        x, W1, W2 = self.x[i][:, : self.inputs], self.W1[i], self.W2[i]
        ensemble = geometric_mean(two_layer_logits(x, self.masks, W1, W2), mask_weights(self.masks, p))
        return (ensemble - (torch.relu(x @ (p * W1)) @ (p * W2)).softmax(1)).abs().max()


def _relative(a: Tensor, b: Tensor) -> Tensor:
    """The largest difference of two solutions in units of the largest entry, `[replica]`."""
    return (a - b).abs().amax((1, 2)) / b.abs().amax((1, 2))
