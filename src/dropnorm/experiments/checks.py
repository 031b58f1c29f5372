"""What kinds of experiment share that check a statement directly, seed by seed, without a training that goes on.

Such a kind subclasses `Experiment` and says what one seed measures.
"""

import pandas as pd
import torch
from torch import Tensor

from dropnorm.settings import Strict
from dropnorm.training.recorder import Recorder


class CheckSettings(Strict):
    """Settings of one arm of such a kind. Inputs are drawn from the seed, unless a subclass names a data set."""

    @property
    def dataset(self) -> str:
        return "gaussian"

    @property
    def steps(self) -> int:
        return 1  # a seed; a stack has one a seed

    @property
    def shape(self) -> str:
        """Arms of equal settings alone share a stack."""
        return self.model_dump_json()


class Experiment:
    """R seeds of one arm, measured one after another: a step is a seed."""

    steps_between_looks = 1  # at the runner's clock: a step takes seconds

    def __init__(self, replicas: list[tuple[CheckSettings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each; settings of equal `shape`. dataset: None where inputs are drawn."""
        self.settings, self.dataset, self.device = replicas[0][0], dataset, device
        self.seeds = [seed for _, seed in replicas]
        self.steps = len(self.seeds)
        self.found: list[dict[str, Tensor]] = []  # by seed

    def measure(self, seed: int) -> dict[str, Tensor]:
        """What one seed finds, by quantity: a number `[]`, or one a unit `[unit]`."""
        raise NotImplementedError

    def advance(self) -> None:
        """Measure the next seed."""
        self.found.append(self.measure(self.seeds[self.step]))

    @property
    def step(self) -> int:
        """How many seeds are measured."""
        return len(self.found)

    @property
    def finished(self) -> bool:
        return self.step == self.steps

    def state(self) -> dict[str, Tensor]:
        """What was found so far; nothing else goes from one seed to the next."""
        return {f"{i}/{quantity}": value for i, of in enumerate(self.found) for quantity, value in of.items()}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        named = [(*name.split("/"), value) for name, value in state.items()]
        measured = max((int(i) + 1 for i, _, _ in named), default=0)
        self.found = [{quantity: value for i, quantity, value in named if int(i) == n} for n in range(measured)]

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step (0), quantity, unit, value."""
        recorder = Recorder()
        for quantity in self.found[0]:
            recorder.add(0, quantity, torch.stack([of[quantity] for of in self.found]))
        return recorder.frame()
