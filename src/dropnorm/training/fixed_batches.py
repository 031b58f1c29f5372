"""Mini-batches whose composition never changes: the same examples always meet, in a new order of mini-batches."""

import torch
from torch import Tensor

from dropnorm.training.order import EpochOrder
from dropnorm.training.streams import stream


class FixedBatches(EpochOrder):
    """As `EpochOrder`, but every epoch has the mini-batches of the first one, in another order."""

    def _permutations(self, epoch: int) -> Tensor:
        batches = super()._permutations(0)  # [step, replica, batch]
        orders = [torch.randperm(self.steps_per_epoch, generator=stream(s, "batches", epoch)) for s in self.seeds]
        return torch.stack([batches[order.to(self.device), r] for r, order in enumerate(orders)], 1)
