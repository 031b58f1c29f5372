"""The order in which a run sees its training examples: reshuffled epochs, one order a seed."""

import torch
from torch import Tensor

from dropnorm.training.streams import stream


class EpochOrder:
    """Mini-batches without replacement: each epoch is a fresh permutation, an incomplete last batch is left out.

    The order is a function of (seed, step) alone, so a resumed run needs no generator state to continue it.
    """

    def __init__(self, seeds: list[int], examples: int, batch_size: int, device: torch.device):
        self.seeds, self.examples, self.batch_size, self.device = seeds, examples, batch_size, device
        self.steps_per_epoch = examples // batch_size
        self._epoch, self._batches = -1, None

    def batch(self, step: int) -> Tensor:
        """Indices `[replica, batch]` of the mini-batch of `step` (counted from 0)."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._permutations(epoch)
        return self._batches[within]

    def _permutations(self, epoch: int) -> Tensor:
        used = self.steps_per_epoch * self.batch_size
        orders = [torch.randperm(self.examples, generator=stream(s, "order", epoch))[:used] for s in self.seeds]
        # [replica, step, batch] -> [step, replica, batch]
        shaped = torch.stack(orders).view(len(orders), self.steps_per_epoch, self.batch_size)
        return shaped.transpose(0, 1).contiguous().to(self.device)
