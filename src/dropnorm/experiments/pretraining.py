"""Networks of logistic units that are pretrained as a deep belief net or a deep Boltzmann machine, then fine-tuned.

Srivastava et al. 2014, sections 5.2 and 6.1.1 (Table 2, last rows); Hinton et al. 2012, appendix A.2. Steps are updates
of the machines, layer by layer, and then those of the network; what is measured counts the latter.
"""

from typing import Literal

import pandas as pd
import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator
from torch import Tensor

from dropnorm.experiments import dropout_settings
from dropnorm.experiments.boltzmann.fine_tuning import FineTuning
from dropnorm.experiments.boltzmann.stack import Stack
from dropnorm.settings import Strict


class Pretraining(Strict):
    """Contrastive divergence, layer by layer, each with the whole schedule of momentum. none: random first weights."""

    model: Literal["none", "dbn", "dbm"]
    updates: PositiveInt  # of each layer
    lr: PositiveFloat
    momentum_start: float = Field(ge=0, lt=1)
    momentum_final: float = Field(ge=0, lt=1)
    momentum_tau: PositiveFloat  # of the way from one to the other, as a share of the layer's updates
    l2: NonNegativeFloat  # factor in the gradient, not of biases
    init: PositiveFloat  # first weights of a machine: N(0, init^2)
    mean_field: PositiveInt  # iterations, of a deep Boltzmann machine


class Settings(dropout_settings.Settings):
    """All settings of one arm: those of a dropout classification, and the pretraining."""

    pretraining: Pretraining
    rate_times: PositiveFloat = 1  # times the optimiser's rate in fine-tuning

    @model_validator(mode="after")
    def _possible(self) -> "Settings":
        if self.pretraining.model == "dbm" and len(self.network.hidden) != 2:
            raise ValueError("a deep Boltzmann machine (pretraining.model dbm) has two hidden layers here")
        if self.pretraining.model != "none" and (self.network.units != "logistic" or self.dropout.noise == "gaussian"):
            raise ValueError("pretrained units are logistic, with Bernoulli noise or none")
        return self

    @property
    def fine_tuning(self) -> dropout_settings.Settings:
        """The settings of the network once it is pretrained."""
        tree = self.model_dump(exclude={"pretraining", "rate_times"})
        tree["optimiser"]["lr"] *= self.rate_times
        return dropout_settings.Settings.model_validate(tree)

    @property
    def before(self) -> int:
        """Updates of the machines."""
        return 0 if self.pretraining.model == "none" else len(self.network.hidden) * self.pretraining.updates

    @property
    def steps(self) -> int:
        return self.before + super().steps


class Experiment:
    """R networks: first stacks of machines, then classifiers. `state()` is everything a checkpoint must hold."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each; settings of equal `shape`. dataset: images and labels as NumPy arrays."""
        settings, seeds = replicas[0][0], [seed for _, seed in replicas]
        pretraining, widths = settings.pretraining, settings.network.widths
        means = widths[-1] if pretraining.model == "dbm" else 0
        self.network = FineTuning([(s.fine_tuning, seed) for s, seed in replicas], dataset, device, means)
        self.before, self.stack = settings.before, None
        self.pretrained = 0  # updates of the machines so far
        if self.before:
            images = self.network.images
            sizes = [images.pixels.shape[1], *widths]
            self.stack = Stack(pretraining, sizes, seeds, images, settings.training.batch_size)

    @property
    def step(self) -> int:
        return self.network.step + self.pretrained

    @property
    def finished(self) -> bool:
        return self.network.finished

    @torch.no_grad()
    def advance(self) -> None:
        """One update of the machines; after their last one, of the network."""
        if self.pretrained == self.before:
            self.network.advance()
            return
        self.stack.advance(self.pretrained)
        self.pretrained += 1
        if self.pretrained == self.before:
            self._hand_over()

    def _hand_over(self) -> None:
        """Reconstruction errors on test images, unit by unit the layers; then the network starts from the machines."""
        test = self.network.held_out["test"]
        images = test.examples if self.network.means else test
        self.network.recorder.add(0, "reconstruction_error", self.stack.squared_errors(images))
        self.network.start_from(self.stack)

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        state = {f"network/{name}": t for name, t in self.network.state().items()}
        if self.stack:
            state |= {f"stack/{name}": t for name, t in self.stack.state().items()}
        return state | {"pretrained": torch.tensor(self.pretrained)}

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        self.network.load_state(_part(state, "network/"))
        self.pretrained = int(state["pretrained"])
        if self.stack:
            self.stack.load_state(_part(state, "stack/"))
            if self.pretrained == self.before:
                self.network.fill_means(self.stack)  # a function of the machines, so no checkpoint holds them

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.network.frame()


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in state.items() if name.startswith(prefix)}
