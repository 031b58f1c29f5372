"""Plain stochastic gradient descent with one learning rate a replica."""

import torch
from torch import Tensor


@torch.no_grad()
def sgd_step(parameters: list[Tensor], gradients: list[Tensor], learning_rate: Tensor) -> None:
    """W <- W - lr * g in place; parameters and gradients `[replica, ...]`, learning_rate `[replica, 1, 1]`."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.addcmul_(learning_rate, gradient, value=-1)
