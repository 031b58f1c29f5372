"""A small batch-normalised ReLU network in float64, trained, whose every hidden unit is a case of the theorems.

R networks side by side: weights `[replica, in, out]`, activations `[replica, batch, unit]`. eps = 0, as in the theory.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from dropnorm.layers.batch_norm import batch_norm
from dropnorm.theory.cases import Cases, standardise
from dropnorm.training.sgd import sgd_step
from dropnorm.training.streams import stream


class BatchNormMLP:
    """x -> [W, batch norm, ReLU] for each hidden layer -> W, b -> logits."""

    def __init__(self, sizes: list[int], seeds: list[int], device: torch.device):
        """W ~ N(0, 2 / n_in), gamma 1, beta and b 0; float64."""
        self.depth = len(sizes) - 1
        self.parameters: dict[str, Tensor] = {}
        for layer, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
            drawn = [torch.randn(n_in, n_out, generator=stream(s, "theory", layer), dtype=torch.float64) for s in seeds]
            self.parameters[f"W{layer}"] = torch.stack(drawn).to(device) * (2 / n_in) ** 0.5
            self.parameters[f"beta{layer}"] = torch.zeros(len(seeds), 1, n_out, dtype=torch.float64, device=device)
            if layer < self.depth:
                self.parameters[f"gamma{layer}"] = torch.ones_like(self.parameters[f"beta{layer}"])
        for parameter in self.parameters.values():
            parameter.requires_grad_()

    def loss(self, x: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy `[replica]` of x `[replica, batch, feature]`, by this package's batch-norm layer."""
        p = self.parameters
        for layer in range(1, self.depth):
            y = x @ p[f"W{layer}"]
            x = batch_norm(y, p[f"gamma{layer}"], p[f"beta{layer}"], 0.0)[0].relu()
        return _cross_entropy(x @ p[f"W{self.depth}"] + p[f"beta{self.depth}"], labels)

    def update(self, x: Tensor, labels: Tensor, learning_rate: Tensor) -> None:
        """One step of plain gradient descent."""
        parameters = list(self.parameters.values())
        sgd_step(parameters, torch.autograd.grad(self.loss(x, labels).sum(), parameters), learning_rate)

    @torch.no_grad()
    def inputs_of(self, layer: int, x: Tensor) -> Tensor:
        """What goes into hidden layer `layer` (counted from 1) `[replica, batch, in]`."""
        p = self.parameters
        for below in range(1, layer):
            x = _normalised(x @ p[f"W{below}"], p[f"gamma{below}"], p[f"beta{below}"]).relu()
        return x

    def cases(self, layer: int, x: Tensor, labels: Tensor) -> Cases:
        """Every unit of a hidden layer as a case `[replica * unit]`: its y, and the loss as a function of its own z."""
        W, gamma, beta = (self.parameters[f"{n}{layer}"].detach() for n in ("W", "gamma", "beta"))
        X = self.inputs_of(layer, x)
        replicas, m, units = len(X), X.shape[1], W.shape[2]
        base = _normalised(X @ W, gamma, beta)
        own = torch.eye(units, dtype=torch.bool, device=x.device).view(units, 1, units)

        def loss(z: Tensor) -> Tensor:
            # One copy of the network for each unit; in copy j only unit j is free.
            z = torch.where(own, z.view(replicas, units, m, 1), base.unsqueeze(1))
            return self._rest(layer, z, labels).flatten()

        copies = X.unsqueeze(1).expand(-1, units, -1, -1).flatten(0, 1)
        columns, scales, shifts = (a.mT.reshape(replicas * units, -1) for a in (W, gamma, beta))
        return Cases(copies, columns, scales, shifts, loss)

    def _rest(self, layer: int, z: Tensor, labels: Tensor) -> Tensor:
        """The loss `[replica, copy]` from the normalised outputs z `[replica, copy, batch, unit]` of a hidden layer."""
        p = {name: value.detach().unsqueeze(1) for name, value in self.parameters.items()}
        for above in range(layer + 1, self.depth):
            z = _normalised(z.relu() @ p[f"W{above}"], p[f"gamma{above}"], p[f"beta{above}"])
        logits = z.relu() @ p[f"W{self.depth}"] + p[f"beta{self.depth}"]
        return _cross_entropy(logits, labels.unsqueeze(1).expand(logits.shape[:-1]))


def _normalised(y: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """Batch norm in plain operations, which can be differentiated twice; y `[..., batch, unit]`."""
    return gamma * standardise(y.mT).yhat.mT + beta


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over the batch `[...]` of logits `[..., batch, class]`, labels `[..., batch]`."""
    each = cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(-1)
