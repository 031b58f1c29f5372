"""Fine-tuning of pretrained networks: a dropout classification that starts from the weights of a stack of machines."""

import torch
from torch import Tensor

from dropnorm.experiments import dropout_classification
from dropnorm.experiments.boltzmann.stack import Stack
from dropnorm.networks.deep_boltzmann import joined_bias, mean_field
from dropnorm.training.examples import Examples

AT_ONCE = 1000  # images
LEVELS = 255  # means are kept as eight bits


class WithMeans:
    """Examples whose inputs are their pixels and, of each replica's own, mean-field means of its top layer."""

    def __init__(self, examples: Examples, replicas: int, units: int):
        self.examples, self.labels = examples, examples.labels
        self.means = torch.zeros(replicas, len(self.labels), units, dtype=torch.uint8, device=self.labels.device)
        # What a network asks of examples besides their inputs is how many these are.
        self.pixels = torch.empty(len(self.labels), examples.pixels.shape[1] + units, device="meta")

    def inputs(self, index: Tensor) -> Tensor:
        """float32 inputs `[replica, n, feature]` of the examples at `index` `[replica, n]`."""
        means = torch.stack([of.index_select(0, i) for of, i in zip(self.means, index, strict=True)])
        return torch.cat([self.examples.inputs(index), means.float().div_(LEVELS)], dim=2)

    def fill(self, stack: Stack, iterations: int) -> None:
        """Compute the means; a function of the pretrained weights alone."""
        for index in torch.arange(len(self.labels), device=self.labels.device).split(AT_ONCE):
            v = self.examples.inputs(index).expand(len(self.means), -1, -1)
            _, top = mean_field(*stack.rbms, v, iterations)
            self.means[:, index] = top.nan_to_num().mul_(LEVELS).round_().to(torch.uint8)


class FineTuning(dropout_classification.Experiment):
    """R networks whose hidden layers have the shape of a stack of machines."""

    def __init__(self, replicas, dataset, device: torch.device, means: int):
        """means: how many mean-field means each image has as further inputs."""
        self.means = means
        super().__init__(replicas, dataset, device)

    def _load(self, dataset) -> None:
        super()._load(dataset)
        self.images = self.train
        if self.means:
            self.train = WithMeans(self.train, len(self.seeds), self.means)
            self.held_out = {k: WithMeans(v, len(self.seeds), self.means) for k, v in self.held_out.items()}

    def fill_means(self, stack: Stack) -> None:
        if self.means:
            for examples in (self.train, *self.held_out.values()):
                examples.fill(stack, stack.settings.mean_field)

    @torch.no_grad()
    def start_from(self, stack: Stack) -> None:
        """Put the pretrained weights, times 1/p of the units that they read, in place of the first ones (section 5.2).

        A deep Boltzmann machine's first layer reads the top layer's means too, by the weights between the two layers.
        """
        W = [rbm.W for rbm in stack.rbms]
        b = [rbm.b for rbm in stack.rbms]
        if self.means:
            W[0], b[0] = torch.cat([W[0], W[1].mT], dim=1), joined_bias(*stack.rbms)
        for layer, (weight, bias) in enumerate(zip(W, b, strict=True), start=1):
            p = self.network.retain[layer - 1].view(-1, 1, 1)
            self.network.parameters[f"W{layer}"].copy_(weight / p)
            self.network.parameters[f"b{layer}"].copy_(bias)
        self.network.round()
        self.fill_means(stack)
