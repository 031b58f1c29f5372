"""Dropout in the form of the 2014 paper and in the inverted one: what is equal exactly, and how well each trains.

Srivastava et al. 2014, sections 4 and 10. An arm makes the exact check, or trains one form.
"""

import torch

from dropnorm.experiments import marginal_dropout
from dropnorm.experiments.forms.exact import Exact
from dropnorm.experiments.forms.settings import Settings
from dropnorm.experiments.forms.training import Training
from dropnorm.training.recorder import Recorder

__all__ = ["Experiment", "Settings"]

CHECKS = {"exact": Exact, "training": Training}


class Experiment(marginal_dropout.Experiment):
    """R seeds of one arm, advanced, kept and resumed as the checks of section 9 are."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each, of equal settings. dataset: images and labels as NumPy arrays."""
        settings = replicas[0][0]
        self.steps = settings.steps
        self.check = CHECKS[settings.check](settings, [seed for _, seed in replicas], dataset, device)
        self.recorder = Recorder()
        self.step = 0
