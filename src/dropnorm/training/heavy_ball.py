"""The update of the dropout paper's networks: momentum, weight decay, then the norm limit.

Settings are those of the paper's form of dropout; for a network in the inverted form they are converted, layer by
layer, so that the same settings mean the same training (`layers.dropout.inverted_scale`, claim S9.5).
"""

import torch
from torch import Tensor

from dropnorm.layers.dropout import inverted_scale
from dropnorm.layers.max_norm import limit_norm_
from dropnorm.networks.feed_forward import FeedForward
from dropnorm.training.momentum import momentum_step


class HeavyBall:
    """v <- mu v + (lambda W + g), W <- W - eps v, then ||w|| <= c for each unit's incoming weights (appendix B.1).

    One number a replica, `[replica]`: learning_rate eps, l2 lambda, l1, max_norm c (infinite: no limit). Biases have
    neither decay nor limit. L1 adds its factor times sign(W) to the gradient.
    """

    def __init__(
        self, net: FeedForward, *, learning_rate: Tensor, l2: Tensor, max_norm: Tensor, l1: Tensor | None = None
    ):
        self.net = net
        self.velocities = {name: torch.zeros_like(p) for name, p in net.parameters.items()}
        self.learning_rate = {f"b{layer}": _column(learning_rate) for layer in range(1, net.depth + 1)}
        self.l2: dict[str, Tensor | None] = {}
        self.l1: dict[str, Tensor] = {}
        self.max_norm: dict[str, Tensor] = {}
        for name, p in zip(net.weights, net.retain, strict=True):
            scale = inverted_scale(p if net.inverted else torch.ones_like(p))
            self.learning_rate[name] = _column(learning_rate * scale.learning_rate)
            # What no replica has is left out, so that it costs nothing.
            if bool((l2 > 0).any()):
                self.l2[name] = _column(l2 * scale.l2)
            if l1 is not None and bool((l1 > 0).any()):
                self.l1[name] = _column(l1 * scale.l2 * scale.weight)  # sign(W) does not scale with W, as lambda W does
            if bool(max_norm.isfinite().any()):
                self.max_norm[name] = _column(max_norm * scale.max_norm)

    @torch.no_grad()
    def step(self, gradients: dict[str, Tensor], *, momentum: float, decay: float = 1.0, with_l1: bool = False) -> None:
        """One update, at `decay` times the learning rate. gradients: by parameter, means over the mini-batch."""
        parameters = self.net.parameters
        if with_l1:
            for name, l1 in self.l1.items():
                gradients[name].addcmul_(l1, parameters[name].sign())
        momentum_step(
            list(parameters.values()),
            [gradients[name] for name in parameters],
            [self.velocities[name] for name in parameters],
            momentum=momentum,
            learning_rates=[decay * self.learning_rate[name] for name in parameters],
            l2=[self.l2.get(name) for name in parameters],
        )
        for name, c in self.max_norm.items():
            limit_norm_(parameters[name], c)
        self.net.round()

    def state(self) -> dict[str, Tensor]:
        """Parameters and velocities: all that the next update depends on."""
        parameters = {f"parameter/{name}": p for name, p in self.net.parameters.items()}
        return parameters | {f"velocity/{name}": v for name, v in self.velocities.items()}

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        for name, parameter in self.net.parameters.items():
            parameter.copy_(state[f"parameter/{name}"])
            self.velocities[name].copy_(state[f"velocity/{name}"])
        self.net.round()


def _column(x: Tensor) -> Tensor:
    """`[replica]` -> `[replica, 1, 1]`, to be multiplied with weights."""
    return x.view(-1, 1, 1)
