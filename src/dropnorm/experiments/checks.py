"""What kinds of experiment share that check a statement directly: a step is one draw, and nothing is carried over.

Such a kind subclasses `Experiment` and says what one draw of one seed measures.
"""

import pandas as pd
import torch
from pydantic import PositiveInt
from torch import Tensor

from dropnorm.settings import Strict
from dropnorm.training.recorder import Recorder


class CheckSettings(Strict):
    """Settings of one arm of such a kind. Inputs are drawn from the seed, unless a subclass names a data set."""

    draws: PositiveInt

    @property
    def dataset(self) -> str:
        return "gaussian"

    @property
    def steps(self) -> int:
        return self.draws

    @property
    def shape(self) -> str:
        """Arms of equal settings alone share a stack."""
        return self.model_dump_json()


class Experiment:
    """R seeds of one arm, each measured by itself; all in float64 unless the check is about float32."""

    steps_between_looks = 1  # at the runner's clock: a draw may take seconds

    def __init__(self, replicas: list[tuple[CheckSettings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each; settings of equal `shape`. dataset: None where inputs are drawn."""
        self.settings, self.dataset, self.device = replicas[0][0], dataset, device
        self.seeds = [seed for _, seed in replicas]
        self.recorder = Recorder()
        self.step = 0
        self.finished = False

    def measure(self, seed: int, draw: int) -> dict[str, Tensor]:
        """What one draw finds, by quantity: a number `[]`, or one a unit `[unit]`."""
        raise NotImplementedError

    def advance(self) -> None:
        """Make one draw of each seed."""
        found = [self.measure(seed, self.step) for seed in self.seeds]
        for quantity in found[0]:
            self.recorder.add(self.step, quantity, torch.stack([of[quantity] for of in found]))
        self.step += 1
        self.finished = self.step == self.settings.steps

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on: a draw keeps nothing of the one before."""
        return {"step": torch.tensor(self.step)} | self.recorder.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        self.step = int(state["step"])
        self.recorder.load_state(state)
        self.finished = self.step == self.settings.steps

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()
