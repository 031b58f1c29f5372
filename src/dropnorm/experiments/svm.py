"""A support vector machine with a Gaussian kernel, its two settings chosen on validation images.

Srivastava et al. 2014, Table 2, row 2 (which the paper quotes): k(x, x') = exp(-gamma ||x - x'||^2), and C, the price
of a margin that is not kept. Every pair of a grid is fitted to a subset of the training images that the seed draws; the
pair with the lowest validation error is then fitted to all of them. One step is one fit of each seed.
"""

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from dropnorm.settings import Strict
from dropnorm.training.examples import Examples, examples, split
from dropnorm.training.recorder import Recorder
from dropnorm.training.streams import stream

if TYPE_CHECKING:
    from sklearn.svm import SVC

SPLIT_SEED = 0  # as for the networks: one split for every seed
CACHE = 1000  # MB of kernel values that a fit may keep: it changes its time alone


class Data(Strict):
    """Which images; their grey values, divided by the largest, are the inputs."""

    name: Literal["mnist", "digits"]
    validation: PositiveInt  # images kept from the choice's fits, to choose on
    subset: PositiveInt  # images that each fit of the choice sees (at most), drawn by the seed


class Grid(Strict):
    """The values tried, each with each."""

    C: list[PositiveFloat] = Field(min_length=1)
    gamma: list[PositiveFloat] = Field(min_length=1)

    @property
    def pairs(self) -> list[tuple[float, float]]:
        return [(C, gamma) for C in self.C for gamma in self.gamma]


class Settings(Strict):
    """All settings of one arm."""

    data: Data
    grid: Grid

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        """A fit for each pair of the grid, and one to all images."""
        return len(self.grid.pairs) + 1

    @property
    def shape(self) -> str:
        """Arms of equal settings alone share a stack."""
        return self.model_dump_json()


class Experiment:
    """R seeds of one arm. `advance()` fits one pair of the grid for each seed; the last one fits the chosen pairs."""

    steps_between_looks = 1  # at the runner's clock: a step takes minutes

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each; settings of equal `shape`. The device is not used: libsvm has none."""
        self.settings = replicas[0][0]
        self.seeds = [seed for _, seed in replicas]
        rule = (dataset.pixel_max, "grey", torch.device("cpu"))
        self.all = examples(dataset.train_images, dataset.train_labels, *rule)
        self.test = examples(dataset.test_images, dataset.test_labels, *rule)
        train, self.validation = split(self.all, self.settings.data.validation, SPLIT_SEED)
        n = min(self.settings.data.subset, len(train.labels))
        self.subsets = [
            train.subset(torch.randperm(len(train.labels), generator=stream(seed, "subset"))[:n]) for seed in self.seeds
        ]
        self.errors = torch.zeros(len(self.settings.grid.pairs), len(self.seeds), dtype=torch.float64)  # [pair, seed]
        self.recorder = Recorder()
        self.step = 0
        self.finished = False

    def advance(self) -> None:
        """Fit the next pair of the grid to each seed's subset; after the last one, the chosen pairs to all images."""
        pairs = self.settings.grid.pairs
        if self.step < len(pairs):
            self._try(pairs[self.step])
        else:
            self._fit_chosen()
        self.step += 1
        self.finished = self.step == self.settings.steps

    def _try(self, pair: tuple[float, float]) -> None:
        for i, subset in enumerate(self.subsets):
            self.errors[self.step, i] = error(fit(subset, *pair), self.validation)
        self._record(("C", "gamma"), [pair] * len(self.seeds))
        self.recorder.add(self.step, "validation_error", self.errors[self.step])

    def chosen(self) -> list[tuple[float, float]]:
        """The pair (C, gamma) of the lowest validation error of each seed, the first of equals."""
        return [self.settings.grid.pairs[i] for i in self.errors.argmin(0).tolist()]

    def _fit_chosen(self) -> None:
        chosen, found = self.chosen(), {}
        for pair in dict.fromkeys(chosen):  # no draw is left in this fit: seeds that chose alike share it
            machine = fit(self.all, *pair)
            found[pair] = (error(machine, self.test), len(machine.support_))
        self._record(("C", "gamma"), chosen)
        self._record(("test_error", "support_vectors"), [found[pair] for pair in chosen])

    def _record(self, names: tuple[str, str], by_seed: list[tuple[float, float]]) -> None:
        for name, values in zip(names, torch.tensor(by_seed, dtype=torch.float64).T, strict=True):
            self.recorder.add(self.step, name, values)

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on: a fit keeps nothing of the one before."""
        return {"step": torch.tensor(self.step), "errors": self.errors} | self.recorder.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        self.step = int(state["step"])
        self.errors.copy_(state["errors"])
        self.recorder.load_state(state)
        self.finished = self.step == self.settings.steps

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()


def fit(data: Examples, C: float, gamma: float) -> "SVC":
    """A machine for ten classes, one against one, fitted to all of `data`."""
    from sklearn.svm import SVC  # here, as importing it takes seconds, and every list of results imports this module

    return SVC(C=C, gamma=gamma, cache_size=CACHE).fit(_inputs(data), data.labels.numpy())


def error(machine: "SVC", data: Examples) -> float:
    """Wrong answers in percent."""
    return 100 * float(np.mean(machine.predict(_inputs(data)) != data.labels.numpy()))


def _inputs(data: Examples) -> np.ndarray:
    """float64 inputs `[N, feature]`: what libsvm computes with."""
    return data.pixels.numpy() * np.float64(data.scale)
