"""The update of `training.momentum` for a layer whose gradient is one matrix product, which goes straight into v.

v <- mu v + (lambda W + a^T delta),  W <- W - eps v.  Written so that no gradient of the size of W is ever stored.
"""

import torch
from torch import Tensor


@torch.no_grad()
def descend_layer(
    W: Tensor, b: Tensor, v: Tensor, v_b: Tensor, read: Tensor, delta: Tensor,
    *, momentum: float, learning_rate: Tensor, l2: Tensor,
) -> None:  # fmt: skip
    """One update of a layer in place: weights W, v `[replica, in, out]`, biases b, v_b `[replica, 1, out]`.

    read `[replica, batch, in]` is what the layer read, delta `[replica, batch, out]` the gradient of the mean loss with
    respect to W read + b. learning_rate and l2 (on weights only) `[replica, 1, 1]`.
    """
    torch.baddbmm(v, read.mT, delta, beta=momentum, out=v)
    v.addcmul_(l2, W)
    v_b.mul_(momentum).add_(delta.sum(1, keepdim=True))
    for parameter, velocity in ((W, v), (b, v_b)):
        parameter.addcmul_(learning_rate, velocity, value=-1)
