"""What an arm of `dropout_forms` may set, and the network that it describes. p: the probability of retaining a unit."""

from typing import Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt

from dropnorm.networks.dropout_mlp import DropoutMLP, Form
from dropnorm.settings import Strict

CLASSES = 10
AT_ONCE = 20  # masks of every image in one step of a mean over masks
Probability = Field(gt=0, le=1)


class Data(Strict):
    """Which images; pixels are divided by the largest grey value."""

    name: Literal["mnist", "digits"]
    validation: PositiveInt  # images of the training set that a training leaves out and measures


class Network(Strict):
    """ReLU units, and first weights N(0, init_std^2) in the paper's form; in the inverted one p times these."""

    hidden: list[PositiveInt] = Field(min_length=1)
    p_input: float = Probability
    p_hidden: float = Probability
    init_std: PositiveFloat

    def build(self, inputs: int, form: Form, seeds: list[int], dtype: torch.dtype, device: torch.device) -> DropoutMLP:
        """One network a seed, with its first weights: the same function in both forms."""
        p = [self.p_input] + [self.p_hidden] * len(self.hidden)
        retain = [torch.full((len(seeds),), value, dtype=torch.float64, device=device) for value in p]
        net = DropoutMLP([inputs, *self.hidden, CLASSES], retain, form, dtype)
        net.initialise(seeds, [self.init_std] * len(seeds), device)
        return net


class Optimiser(Strict):
    """Plain stochastic gradient descent at one rate; the exact check also converts it."""

    lr: PositiveFloat


class Training(Strict):
    """How long, in mini-batches of what size (of the exact check too)."""

    steps: PositiveInt
    batch_size: PositiveInt


class Measure(Strict):
    """A step counts the updates made before the measurement; the last one is always measured."""

    accuracy_every: PositiveInt  # of test images; validation images are measured after the last step only


class Exact(Strict):
    """Sizes of the exact check."""

    batches: PositiveInt  # on which outputs are compared, at the first weights
    updates: PositiveInt  # of the paths that are compared
    images: PositiveInt  # test images whose inputs are dropped
    masks: PositiveInt = Field(multiple_of=AT_ONCE)  # of each image

    @property
    def steps(self) -> int:
        return self.batches + self.updates + self.masks // AT_ONCE


class Settings(Strict):
    """All settings of one arm."""

    check: Literal["exact", "training"]
    form: Form  # that is trained; the exact check compares both
    data: Data
    network: Network
    optimiser: Optimiser
    training: Training
    measure: Measure
    exact: Exact

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        return self.exact.steps if self.check == "exact" else self.training.steps

    @property
    def shape(self) -> str:
        """Only seeds of one arm share a stack."""
        return self.model_dump_json()
