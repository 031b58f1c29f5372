"""The KL-sparsity of Srivastava et al. 2014, Table 9, as the paper's released code has it for ReLU units.

The penalty pulls each hidden unit's running mean activation rho towards a target: its gradient on an activation is
cost * (rho - target). (For ReLU units that code leaves out the divisor rho (1 - rho) of the KL divergence.)
"""

import torch
from torch import Tensor

DAMPING = 0.9  # of the running mean, as released


class Sparsity:
    """Running means of R stacks of hidden layers, `[replica, 1, unit]`, and the pull on their activations."""

    def __init__(self, widths: list[int], cost: Tensor, target: Tensor):
        """cost, target `[replica]`; a cost of 0 pulls nothing."""
        self.cost, self.target = cost.view(-1, 1, 1), target.view(-1, 1, 1)
        self.means = [self.target.expand(-1, 1, n).clone() for n in widths]

    def pull(self, hidden: list[Tensor]) -> list[Tensor]:
        """Take in a mini-batch's activations `[replica, batch, unit]`; gradient of the penalty on each, by layer.

        Divided by the batch, like every gradient of a mean over examples.
        """
        for mean, y in zip(self.means, hidden, strict=True):
            mean.lerp_(y.mean(1, keepdim=True, dtype=mean.dtype), 1 - DAMPING)
        return [
            (self.cost * (mean - self.target) / y.shape[1]).to(y.dtype)
            for mean, y in zip(self.means, hidden, strict=True)
        ]

    def state(self) -> dict[str, Tensor]:
        return {f"sparsity/{layer}": mean for layer, mean in enumerate(self.means)}

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        for layer, mean in enumerate(self.means):
            mean.copy_(state[f"sparsity/{layer}"])
