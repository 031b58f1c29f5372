"""Restricted Boltzmann machines with and without dropout: trained on digits, and a small one checked by enumeration.

Srivastava et al. 2014, section 8. Replicas are the seeds of one arm.
"""

from typing import Literal

import pandas as pd
import torch
from torch import Tensor

from dropnorm.experiments.boltzmann.enumeration import Enumeration, ToySettings
from dropnorm.experiments.boltzmann.training import Cd1Training, Machine, Measure, Training
from dropnorm.settings import Strict
from dropnorm.training.recorder import Recorder


class Data(Strict):
    """Which images. grey: grey values as they are; sampled: binary, drawn anew each time an image is seen."""

    name: Literal["mnist", "digits"]
    pixels: Literal["grey", "sampled"]


class Settings(Strict):
    """All settings of one arm: whether it trains, or enumerates the states of a toy machine."""

    task: Literal["train", "enumerate"]
    data: Data
    machine: Machine
    training: Training
    measure: Measure
    toy: ToySettings

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        return self.training.steps if self.task == "train" else self.toy.steps

    @property
    def shape(self) -> str:
        """Only seeds of one arm share a stack."""
        return self.model_dump_json()


class Experiment:
    """R seeds of one arm. `advance()` makes one step; `state()` is everything a checkpoint must hold."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each, of equal settings. dataset: images and labels as NumPy arrays."""
        settings, seeds = replicas[0][0], [seed for _, seed in replicas]
        self.steps = settings.steps
        if settings.task == "train":
            self.task = Cd1Training(settings, seeds, dataset, device)
        else:
            self.task = Enumeration(settings.toy, seeds, device)
        self.recorder = Recorder()
        self.step = 0

    @property
    def finished(self) -> bool:
        return self.step >= self.steps

    @torch.no_grad()
    def advance(self) -> None:
        self.task.advance(self.step, self.recorder)
        self.step += 1

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        task = {f"task/{name}": tensor for name, tensor in self.task.state().items()}
        return task | {"step": torch.tensor(self.step)} | self.recorder.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        self.task.load_state({k.removeprefix("task/"): t for k, t in state.items() if k.startswith("task/")})
        self.step = int(state["step"])
        self.recorder.load_state(state)

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()
