"""Hidden units: the function of a layer's total input, and the way of a gradient back through it.

Each kind has `forward(z) -> (y, saved)` and `backward(dy, saved) -> dz`, for z `[replica, batch, unit * pieces]` and
y `[replica, batch, unit]`. Written out because the networks here compute their gradients by hand (see
`networks.feed_forward`).
"""

import torch
from torch import Tensor


class Relu:
    """y = max(0, z) (Srivastava et al. 2014, Table 2: "ReLU")."""

    pieces = 1

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.relu(z)
        return y, y

    def backward(self, dy: Tensor, saved: Tensor) -> Tensor:
        return torch.ops.aten.threshold_backward(dy, saved, 0)  # dy where y > 0; a product with a bool costs ten times


class Logistic:
    """y = 1 / (1 + exp(-z)) (Table 2: "Logistic")."""

    pieces = 1

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.sigmoid(z)
        return y, y

    def backward(self, dy: Tensor, saved: Tensor) -> Tensor:
        return torch.ops.aten.sigmoid_backward(dy, saved)


class Maxout:
    """y = the largest of a unit's pieces, each with weights of its own (Goodfellow et al. 2013; Table 2: "Maxout")."""

    def __init__(self, pieces: int):
        self.pieces = pieces

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        return z.view(*z.shape[:-1], -1, self.pieces).max(-1)  # the index of the largest piece is what to save

    def backward(self, dy: Tensor, saved: Tensor) -> Tensor:
        dz = dy.new_zeros(*dy.shape, self.pieces)
        return dz.scatter_(-1, saved.unsqueeze(-1), dy.unsqueeze(-1)).flatten(-2)


def make_units(kind: str, pieces: int = 1) -> Relu | Logistic | Maxout:
    """Units by name: relu, logistic, or maxout of so many pieces."""
    return Maxout(pieces) if kind == "maxout" else {"relu": Relu, "logistic": Logistic}[kind]()
