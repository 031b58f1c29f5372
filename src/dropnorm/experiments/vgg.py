"""Train VGG nets on small pictures, and probe the loss around them, the shift of their gradients, their activations.

Santurkar et al. 2018, all figures that show VGG. Replicas are seeds of one arm, trained in turn, step by step.
"""

import pandas as pd
import torch
from torch import Tensor

from dropnorm.experiments.vgg_parts.net import Found, Net
from dropnorm.experiments.vgg_parts.settings import Settings
from dropnorm.training.order import EpochOrder
from dropnorm.training.pictures import pictures
from dropnorm.training.recorder import Recorder

__all__ = ["Experiment", "Settings"]


class Experiment:
    """R nets in training. `advance()` makes one step of each; `state()` is everything a checkpoint must hold."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each, of equal settings. dataset: images and labels as NumPy arrays."""
        self.settings = replicas[0][0]
        self.seeds = [seed for _, seed in replicas]
        self.data = pictures(dataset, device)
        batch_size = self.settings.training.batch_size
        self.order = EpochOrder(self.seeds, len(self.data["train"].labels), batch_size, device)
        self.nets = [Net(settings, seed, device) for settings, seed in replicas]
        self.diverged_at = torch.full((len(self.seeds),), -1)
        self.recorder = Recorder()
        self.step = 0
        self.finished = False

    def advance(self) -> None:
        """Measure what is due after `step` updates and make the next one; after the last one only test."""
        last = self.step == self.settings.steps
        if last or self.step % self.settings.measure.test_every == 0:
            self._record([net.test_accuracy(self.data["train"], self.data["test"], self.step) for net in self.nets])
        if last:
            self.recorder.add(self.step, "diverged_at", self.diverged_at)
            self.finished = True
        else:
            self._update()
            self.step += 1

    def _update(self) -> None:
        found = []
        for i, (net, index) in enumerate(zip(self.nets, self.order.batch(self.step), strict=True)):
            x, labels = self._inputs(index, net.seed), self.data["train"].labels[index]
            of_net, loss = net.advance(x, labels, self.step)
            found.append(of_net)
            if self.diverged_at[i] < 0 and not loss.isfinite():
                self.diverged_at[i] = self.step
        self._record(found)

    def _inputs(self, index: Tensor, seed: int) -> Tensor:
        train = self.data["train"]
        return train.augmented(index, seed, self.step) if self.settings.data.augment else train.inputs(index)

    def _record(self, found: list[Found]) -> None:
        """Every net has measured the same quantities."""
        for quantity in found[0]:
            self.recorder.add(self.step, quantity, torch.stack([of_net[quantity] for of_net in found]))

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        state = {
            f"net{i}/{name}": parameter.detach()
            for i, net in enumerate(self.nets)
            for name, parameter in net.parameters.items()
        }
        return state | {"step": torch.tensor(self.step), "diverged_at": self.diverged_at} | self.recorder.state()

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        for i, net in enumerate(self.nets):
            for name, parameter in net.parameters.items():
                parameter.copy_(state[f"net{i}/{name}"])
        self.step = int(state["step"])
        self.diverged_at.copy_(state["diverged_at"])
        self.recorder.load_state(state)

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()
