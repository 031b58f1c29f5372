"""Greedy pretraining: restricted Boltzmann machines one after the other, each on the hidden units below it."""

import torch
from torch import Tensor

from dropnorm.networks.deep_boltzmann import layers
from dropnorm.networks.rbm import RBM, cd1_gradient, initial_rbm
from dropnorm.training.examples import Examples
from dropnorm.training.momentum import momentum_at, momentum_step
from dropnorm.training.order import EpochOrder
from dropnorm.training.streams import stream


class Stack:
    """R stacks in pretraining. Each layer sees the probabilities of the one below, which no longer changes."""

    def __init__(self, settings, sizes: list[int], seeds: list[int], train: Examples, batch_size: int):
        """settings: `experiments.pretraining.Pretraining`. sizes: units of the image and of each hidden layer."""
        self.settings, self.seeds, self.train, self.batch_size = settings, seeds, train, batch_size
        self.device = train.labels.device
        self.order = EpochOrder(seeds, len(train.labels), batch_size, self.device)
        pairs = enumerate(zip(sizes, sizes[1:], strict=False), start=1)
        self.rbms = [initial_rbm(seeds, v, h, settings.init, self.device, layer) for layer, (v, h) in pairs]
        self.velocities = [RBM(*(torch.zeros_like(t) for t in rbm)) for rbm in self.rbms]
        self.layers = layers(settings.model, self.rbms)
        rate, l2 = (torch.full((len(seeds), 1, 1), x, device=self.device) for x in (settings.lr, settings.l2))
        self.rates, self.l2 = [rate] * 3, [l2, None, None]  # of W, a, b: biases do not decay

    @property
    def updates(self) -> int:
        """Of all layers."""
        return len(self.rbms) * self.settings.updates

    def advance(self, step: int) -> None:
        """Update number `step` (from 0): of one layer, all others stand still."""
        s = self.settings
        at, local = divmod(step, s.updates)
        v = self.up(self.train.inputs(self.order.batch(step)), at)
        shape = (self.batch_size, self.rbms[at].W.shape[2])
        uniform = torch.stack([torch.rand(shape, generator=stream(seed, "gibbs", step)) for seed in self.seeds])
        momentum_step(
            self.rbms[at],
            cd1_gradient(self.layers[at], v, uniform.to(self.device)),
            self.velocities[at],
            momentum=momentum_at(local / s.updates, s.momentum_start, s.momentum_final, s.momentum_tau),
            learning_rates=self.rates,
            l2=self.l2,
        )

    def up(self, v: Tensor, until: int) -> Tensor:
        """Probabilities of the hidden units of layer `until` (0: v itself) in a pass upwards."""
        for layer in self.layers[:until]:
            v = layer.hidden_probability(v)
        return v

    def squared_errors(self, images: Examples, at_once: int = 1000) -> Tensor:
        """Squared error of each layer's reconstruction of its own input, mean over images, `[replica, layer]`."""
        total = torch.zeros(len(self.seeds), len(self.layers), device=self.device)
        for index in torch.arange(len(images.labels), device=self.device).split(at_once):
            v = images.inputs(index).expand(len(self.seeds), -1, -1)
            for i, layer in enumerate(self.layers):
                h = layer.hidden_probability(v)
                total[:, i] += (layer.visible_probability(h) - v).square().sum((1, 2))
                v = h
        return total / len(images.labels)

    def state(self) -> dict[str, Tensor]:
        return {
            f"{kind}{i}/{name}": t
            for kind, machines in (("rbm", self.rbms), ("velocity", self.velocities))
            for i, machine in enumerate(machines, start=1)
            for name, t in machine._asdict().items()
        }

    def load_state(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
