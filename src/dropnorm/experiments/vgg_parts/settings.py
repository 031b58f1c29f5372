"""The settings of one arm of the VGG experiment."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from dropnorm.settings import Strict


class Data(Strict):
    """Which pictures."""

    name: Literal["cifar10", "digits"]
    augment: bool = False  # random crops and mirror images; the paper's figures have none


class Network(Strict):
    """Shape and first weights."""

    blocks: list[Annotated[list[PositiveInt], Field(min_length=1)]] = Field(min_length=5, max_length=5)
    hidden: list[PositiveInt] = []  # fully connected layers before the last one
    normalisation: Literal["none", "batch", "l1", "l2", "linf"]
    init: Literal["glorot_uniform", "glorot_normal", "he"]
    eps: PositiveFloat


class NoiseSettings(Strict):
    """Algorithm 1 of appendix A.2.1, on what goes into each hidden layer's ReLU, in training only."""

    kind: Literal["none", "absolute", "relative"]  # relative: in units of each channel's mini-batch
    n_mu: NonNegativeFloat
    n_sigma: float = Field(ge=1)
    r_mu: NonNegativeFloat
    r_sigma: NonNegativeFloat


class Optimiser(Strict):
    """Plain stochastic gradient descent."""

    lr: PositiveFloat
    weight_decay: NonNegativeFloat  # lambda of lambda/2 ||W||^2, which is then part of every loss


class Steps(Strict):
    """The three lengths of a run: an arm names which is its own."""

    long: PositiveInt
    medium: PositiveInt
    short: PositiveInt


class Training(Strict):
    """How long, in mini-batches of what size, with what products."""

    steps: Steps
    length: Literal["long", "medium", "short"]
    batch_size: PositiveInt = Field(ge=2)
    products: Literal["float32", "bfloat16"]  # operands of convolutions in training; probes are always float32


class Measure(Strict):
    """When and what to measure; a step counts the updates made before it. 0: never."""

    record_every: PositiveInt  # loss and accuracy of the mini-batch
    test_every: PositiveInt
    population_batches: PositiveInt  # that give the statistics of the inference network
    activations_every: NonNegativeInt  # moments, at this step and the next one
    quantiles_every: NonNegativeInt
    activation_layers: list[PositiveInt]
    channels: PositiveInt  # followed in each of these layers
    landscape_every: NonNegativeInt
    random_every: NonNegativeInt  # the same along a random direction
    step_lengths: list[PositiveFloat]  # of the landscape, as multiples of lr
    shift_every: NonNegativeInt  # Definition 2.1
    shift_layers: list[PositiveInt]


class Settings(Strict):
    """All settings of one arm."""

    data: Data
    network: Network
    noise: NoiseSettings
    optimiser: Optimiser
    training: Training
    measure: Measure

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        return getattr(self.training.steps, self.training.length)

    @property
    def shape(self) -> str:
        """Only seeds of one arm share a stack."""
        return self.model_dump_json()
