"""One form of dropout, trained in float32 by plain gradient descent at one rate for all layers, as any user would.

The mini-batches and masks of a seed are the same in both forms and at every rate.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from dropnorm.experiments.forms.settings import Settings
from dropnorm.training.examples import Examples, examples, split
from dropnorm.training.order import EpochOrder
from dropnorm.training.recorder import Recorder
from dropnorm.training.sgd import sgd_step
from dropnorm.training.streams import stream

SPLIT_SEED = 0  # the training/validation split is one and the same for every seed and arm
IMAGES_AT_ONCE = 2000  # in one forward pass of a measurement


class Training:
    """R networks of one form in training."""

    def __init__(self, settings: Settings, seeds: list[int], dataset, device: torch.device):
        self.settings, self.seeds, self.device = settings, seeds, device
        rule = (dataset.pixel_max, "grey", device)
        everything = examples(dataset.train_images, dataset.train_labels, *rule)
        self.train, self.validation = split(everything, settings.data.validation, SPLIT_SEED)
        self.test = examples(dataset.test_images, dataset.test_labels, *rule)
        self.order = EpochOrder(seeds, len(self.train.labels), settings.training.batch_size, device)
        inputs = self.train.pixels.shape[1]
        self.net = settings.network.build(inputs, settings.form, seeds, torch.float32, device)
        self.learning_rate = torch.full((len(seeds), 1, 1), settings.optimiser.lr, device=device)

    def advance(self, step: int, recorder: Recorder) -> None:
        """Make the update number `step` (from 0), then measure what is due."""
        self._update(step)
        updates, last = step + 1, step + 1 == self.settings.steps
        if last or updates % self.settings.measure.accuracy_every == 0:
            recorder.add(updates, "test_accuracy", self._accuracy(self.test))
        if last:
            recorder.add(updates, "validation_accuracy", self._accuracy(self.validation))

    def _update(self, step: int) -> None:
        index = self.order.batch(step)
        m = index.shape[1]
        masks = self.net.draw_masks(m, [stream(seed, "masks", step) for seed in self.seeds])
        logits = self.net.forward(self.train.inputs(index), masks)
        loss = cross_entropy(logits.flatten(0, 1), self.train.labels[index].flatten(), reduction="sum") / m
        parameters = list(self.net.parameters.values())
        # The replicas share no weight, so the gradient of the summed loss is each replica's own.
        sgd_step(parameters, torch.autograd.grad(loss, parameters), self.learning_rate)

    @torch.no_grad()
    def _accuracy(self, held_out: Examples) -> Tensor:
        """Share of right answers of each whole network `[replica]`."""
        right = torch.zeros(len(self.seeds), device=self.device)
        for index in torch.arange(len(held_out.labels), device=self.device).split(IMAGES_AT_ONCE):
            answers = self.net.forward(held_out.inputs(index).expand(len(self.seeds), -1, -1)).argmax(2)
            right += (answers == held_out.labels[index]).sum(1)
        return right / len(held_out.labels)

    def state(self) -> dict[str, Tensor]:
        """Parameters alone: mini-batches and masks are functions of seed and step."""
        return {name: parameter.detach() for name, parameter in self.net.parameters.items()}

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        for name, parameter in self.net.parameters.items():
            parameter.copy_(state[name])
