"""Is the network of test the mean of the thinned ones? Inputs and outputs of first-layer units, averaged over masks.

Only the inputs of the first layer are dropped. A unit's input is linear in the mask, so that its mean is its value at
test; its output is not. For an input that is Gaussian over masks, with mean t and variance one, a ReLU's mean output is
phi(t) - |t| Phi(-|t|) above relu(t).
"""

import torch
from torch import Tensor

from dropnorm.experiments.forms.settings import AT_ONCE
from dropnorm.layers.dropout import draw_masks
from dropnorm.networks.dropout_mlp import DropoutMLP
from dropnorm.training.examples import Examples
from dropnorm.training.recorder import Recorder
from dropnorm.training.streams import stream

LIMIT = 4  # standard errors
SIDES = ("input", "output")  # of the nonlinearity
EDGES = torch.arange(-4, 4.5, 0.5, dtype=torch.float64)  # of the inputs at test, in standard deviations over masks


class MeanNetwork:
    """Sums over masks of the deviations from the value at test, of each image and first-layer unit."""

    def __init__(self, net: DropoutMLP, test: Examples, images: int, masks: int, seeds: list[int]):
        """net: in the paper's form, float64; its first layer is looked at as it is when a step is made."""
        self.seeds, self.masks = seeds, masks
        # The first layer alone is a network too: its logits are what the units get.
        self.layer = DropoutMLP(net.sizes[:2], net.retain[:1], net.form, net.dtype)
        self.layer.parameters = {name: net.parameters[name] for name in ("W1", "b1")}
        device = test.labels.device
        self.x = test.inputs(torch.arange(images, device=device)).to(net.dtype)  # [image, feature]
        # [side, deviation or its square, replica, image, unit]
        self.sums = torch.zeros(2, 2, len(seeds), images, net.sizes[1], dtype=net.dtype, device=device)

    @torch.no_grad()
    def advance(self, step: int, recorder: Recorder) -> None:
        """AT_ONCE masks of each image; measure after the last ones."""
        images, features = self.x.shape
        generators = [stream(seed, "mean masks", step) for seed in self.seeds]
        r = draw_masks(self.layer.thresholds[0], (AT_ONCE * images, features), generators, self.x.dtype)
        z = self.layer.forward(self.x.repeat(AT_ONCE, 1), [r]).unflatten(1, (AT_ONCE, images))
        at_test = self.at_test()
        for sums, values, fixed in zip(self.sums, (z, z.relu()), (at_test, at_test.relu()), strict=True):
            deviation = values - fixed.unsqueeze(1)
            sums += torch.stack([deviation.sum(1), deviation.square().sum(1)])
        if (done := (step + 1) * AT_ONCE) == self.masks:
            for quantity, values in measures(*self.moments(), at_test, done).items():
                recorder.add(done, quantity, values)

    def at_test(self) -> Tensor:
        """Inputs to the units at test `[replica, image, unit]`."""
        return self.layer.forward(self.x.expand(len(self.seeds), -1, -1))

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and sample variance of the deviations over masks, both `[side, replica, image, unit]`."""
        mean = self.sums[:, 0] / self.masks
        return mean, (self.sums[:, 1] - self.masks * mean.square()).clamp(min=0) / (self.masks - 1)


def measures(mean: Tensor, variance: Tensor, at_test: Tensor, masks: int) -> dict[str, Tensor]:
    """What the means over masks say, `[replica]`, and `[replica, bin]` by the input at test.

    mean, variance of the deviations `[side, replica, image, unit]`; at_test: inputs `[replica, image, unit]`. A unit
    that no mask changes, such as one that is always off, counts as within.
    """
    within = (mean.abs() <= LIMIT * (variance / masks).sqrt()) | (variance == 0)
    spread = variance[0].sqrt()
    found = {f"share_within_{side}": share for side, share in zip(SIDES, within.double().mean((2, 3)), strict=True)}
    found |= {f"excess_of_{side}": excess for side, excess in zip(SIDES, mean.mean((2, 3)), strict=True)}
    for side, deviation in zip(SIDES, mean, strict=True):
        found[f"excess_{side}_by_position"] = in_bins(at_test / spread, deviation / spread)
    return found | {"output_at_test": at_test.relu().mean((1, 2)), "spread_of_input": spread.mean((1, 2))}


def in_bins(position: Tensor, values: Tensor) -> Tensor:
    """Mean of the values `[replica, image, unit]` by position, between EDGES: `[replica, bin]`, NaN if none."""
    edges = EDGES.to(position.device)
    here = position.unsqueeze(-1)
    inside = (here >= edges[:-1]) & (here < edges[1:])  # [replica, image, unit, bin]
    return torch.where(inside, values.unsqueeze(-1), 0).sum((1, 2)) / inside.sum((1, 2))
