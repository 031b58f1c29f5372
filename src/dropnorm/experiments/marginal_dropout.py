"""What can be computed about dropout exactly: masks averaged out, enumerated, or shared by two forms of one network.

Srivastava et al. 2014, section 9, with sections 1, 4 and 10. Each arm is one check; replicas are seeds, all in float64.
"""

from typing import Literal

import pandas as pd
import torch
from torch import Tensor

from dropnorm.experiments.marginal.exact import (
    GeometricMean,
    GeometricMeanSettings,
    Identity,
    IdentitySettings,
    Penalty,
    PenaltySettings,
)
from dropnorm.experiments.marginal.sampling import MonteCarlo, MonteCarloSettings, Sgd, SgdSettings
from dropnorm.experiments.marginal.trajectories import Trajectories, TrajectorySettings
from dropnorm.settings import Strict
from dropnorm.training.recorder import Recorder

CHECKS = {
    "identity": Identity,
    "monte_carlo": MonteCarlo,
    "sgd": Sgd,
    "penalty": Penalty,
    "geometric_mean": GeometricMean,
    "trajectories": Trajectories,
}


class Data(Strict):
    """Which images; their grey values are the inputs."""

    name: Literal["mnist", "digits"]


class Settings(Strict):
    """All settings of one arm: the check it makes, and what each check takes."""

    check: Literal["identity", "monte_carlo", "sgd", "penalty", "geometric_mean", "trajectories"]
    data: Data
    identity: IdentitySettings
    monte_carlo: MonteCarloSettings
    sgd: SgdSettings
    penalty: PenaltySettings
    geometric_mean: GeometricMeanSettings
    trajectories: TrajectorySettings

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def section(self) -> Strict:
        """The settings of this arm's own check."""
        return getattr(self, self.check)

    @property
    def steps(self) -> int:
        return self.section.steps

    @property
    def shape(self) -> str:
        """Only seeds of one arm share a stack."""
        return self.model_dump_json()


class Experiment:
    """R seeds of one check. `advance()` makes one step; `state()` is everything a checkpoint must hold."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each, of equal settings. dataset: images and labels as NumPy arrays."""
        settings = replicas[0][0]
        self.steps = settings.steps
        self.check = CHECKS[settings.check](settings.section, [seed for _, seed in replicas], dataset, device)
        self.recorder = Recorder()
        self.step = 0

    @property
    def finished(self) -> bool:
        return self.step >= self.steps

    def advance(self) -> None:
        self.check.advance(self.step, self.recorder)
        self.step += 1

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        check = {f"check/{name}": tensor for name, tensor in self.check.state().items()}
        return check | {"step": torch.tensor(self.step)} | self.recorder.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        mine = {name.removeprefix("check/"): t for name, t in state.items() if name.startswith("check/")}
        self.check.load_state(mine)
        self.step = int(state["step"])
        self.recorder.load_state(state)

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()
