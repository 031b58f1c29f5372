"""What an arm of a dropout classification may set. Values are those of the paper's form of dropout (`layers.noise`)."""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from dropnorm.settings import Strict
from dropnorm.training.schedules import Decay

Probability = Field(gt=0, le=1)


class Data(Strict):
    """Which images; pixels are divided by the largest grey value."""

    name: Literal["mnist", "digits"]
    train_on: Literal["all", "split"] = "all"  # split: all but `validation` images, which then measure
    validation: PositiveInt = 10_000
    subset: NonNegativeInt = 0  # train on so many of them (at most), drawn anew by each seed; 0: on all


class Network(Strict):
    """Units of the hidden layers and first weights N(0, init^2)."""

    hidden: list[PositiveInt] = Field(min_length=1)
    width: PositiveFloat = 1  # times as many units: a narrow network is a quick one
    units: Literal["relu", "logistic", "maxout"] = "relu"
    pieces: PositiveInt = 1  # of a maxout unit
    init: PositiveFloat | Literal["he"] = "he"  # he: sqrt(2 / inputs)

    @property
    def widths(self) -> list[int]:
        """Units of each hidden layer."""
        return [max(2, round(self.width * n)) for n in self.hidden]


class Dropout(Strict):
    """Noise on the units that layers read; p is the probability of retaining one."""

    noise: Literal["none", "bernoulli", "gaussian"]
    p_input: float = Probability
    p_hidden: float = Probability


class Regularisation(Strict):
    """What holds the weights and activations down, besides noise."""

    max_norm: PositiveFloat | None  # c, for each unit's incoming weights, output layer included; null: no limit
    l2: NonNegativeFloat = 0  # lambda: the factor in the gradient, a penalty of lambda / 2
    l1: NonNegativeFloat = 0
    l1_from: float = Field(ge=0, le=1, default=0)  # share of the training after which L1 acts
    sparsity_cost: NonNegativeFloat = 0
    sparsity_target: PositiveFloat = 0.1


class Optimiser(Strict):
    """Stochastic gradient descent with momentum: v <- mu v + g, W <- W - eps v."""

    lr: PositiveFloat
    decay: Decay
    half_time: PositiveFloat = 1  # of an inverse or exponential decay, as a share of the training
    momentum_start: float = Field(ge=0, lt=1)
    momentum_final: float = Field(ge=0, lt=1)
    momentum_tau: PositiveFloat  # of the way from one to the other, as a share of the training


class Training(Strict):
    """How long, in mini-batches of what size, and the precision of the matrix products."""

    steps: PositiveInt
    stretch: PositiveFloat = 1  # times as many steps, all schedules stretched with them
    batch_size: PositiveInt
    products: Literal["float32", "bfloat16"]

    @property
    def updates(self) -> int:
        return max(1, round(self.stretch * self.steps))


class Averaging(Strict):
    """Monte-Carlo model averaging after the training (section 7.5): so many thinned networks, so many times over."""

    networks: NonNegativeInt = 0  # 0: none
    repeats: PositiveInt = 1


class Measure(Strict):
    """A step counts the updates made before the measurement; everything is measured after the last one."""

    times: NonNegativeInt  # measurements of the errors on held-out images, at equal distances; the last is at the end
    train_error: bool = True  # of the whole network, at the end
    noise_draws: NonNegativeInt = 0  # of which the mean and variance are measured (claim T10.4)
    averaging: Averaging = Averaging()


class Settings(Strict):
    """All settings of one arm."""

    data: Data
    network: Network
    dropout: Dropout
    regularisation: Regularisation
    optimiser: Optimiser
    training: Training
    measure: Measure

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        """Updates, and then one step for each thinned network that is averaged."""
        averaging = self.measure.averaging
        return self.training.updates + averaging.networks * averaging.repeats

    @property
    def shape(self) -> str:
        """Arms of equal shape can train in one stack: all but what is a number a replica."""
        numbers = {
            "network": {"init"}, "dropout": {"p_input", "p_hidden"}, "optimiser": {"lr"},
            "regularisation": {"max_norm", "l2", "l1", "sparsity_cost", "sparsity_target"},
        }  # fmt: skip
        return self.model_dump_json(exclude=numbers)
