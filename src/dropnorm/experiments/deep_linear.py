"""Train deep linear networks by full-batch gradient descent, and probe their loss around the path.

Santurkar et al. 2018, appendix A: the 25-layer linear network of Figures 3, 5, 9, 10, 11 and 13. Replicas are seeds
(on a GPU arms that differ in their rate, too), all in float64. There is no data set: inputs and target are drawn.
"""

from typing import Literal

import pandas as pd
import torch
from pydantic import Field, PositiveFloat, PositiveInt, model_validator
from torch import Tensor

from dropnorm.experiments.linear.probes import bin_edges, covariate_shift, histogram, landscape, log10, sigma
from dropnorm.networks.deep_linear import DeepLinear, Evaluation, Parameters, draw, moved, norm
from dropnorm.settings import Strict
from dropnorm.training.recorder import Recorder


class Data(Strict):
    """x and A with entries N(0, 1); every step sees all examples."""

    name: Literal["gaussian"]
    examples: PositiveInt


class Network(Strict):
    """Depth, width, where and how outputs are normalised, and first weights."""

    depth: PositiveInt
    width: PositiveInt
    normalisation: Literal["none", "batch", "l1", "l2", "linf"]
    normalise_last: bool = False
    eps: float = Field(ge=0)
    init: Literal["uniform", "normal"]  # Glorot's


class Optimiser(Strict):
    """Plain gradient descent."""

    lr: PositiveFloat


class Training(Strict):
    """How long, and the factor in front of the summed squares."""

    steps: PositiveInt
    loss_factor: PositiveFloat


class Measure(Strict):
    """What is measured, and every how many steps."""

    every: PositiveInt
    step_lengths: list[PositiveFloat] = Field(min_length=1)  # in units of the learning rate
    shift_layers: list[PositiveInt]
    sigma_every: PositiveInt
    histogram_layers: list[PositiveInt]
    histogram_bins: int = Field(ge=2)
    histogram_reach: PositiveFloat


class Settings(Strict):
    """All settings of one arm."""

    data: Data
    network: Network
    optimiser: Optimiser
    training: Training
    measure: Measure

    @model_validator(mode="after")
    def _layers(self) -> "Settings":
        measure, depth = self.measure, self.network.depth
        if max([*measure.shift_layers, *measure.histogram_layers], default=0) > depth:
            raise ValueError(f"measure.shift_layers and measure.histogram_layers must be layers of 1 to {depth}")
        if self.data.examples <= self.network.width:
            raise ValueError(f"data.examples must be above network.width ({self.network.width})")
        return self

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        return self.training.steps

    @property
    def shape(self) -> str:
        """Arms of equal shape can train in one stack: all but the rate."""
        return self.model_dump_json(exclude={"optimiser": {"lr"}})


class Experiment:
    """R networks in training. `advance()` makes one step; `state()` is everything a checkpoint must hold."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each; settings of equal `shape`. dataset: None, there is none."""
        self.settings = replicas[0][0]
        s, seeds = self.settings, [seed for _, seed in replicas]
        self.examples = draw(seeds, s.data.examples, s.network.width, device)
        self.network = DeepLinear(
            s.network.depth, s.network.normalisation, s.network.normalise_last, s.network.eps, s.training.loss_factor
        )
        self.parameters = self.network.initialise(seeds, s.network.width, s.network.init, device)
        self.lr = torch.tensor([r.optimiser.lr for r, _ in replicas], dtype=torch.float64, device=device)
        self.step_lengths = torch.outer(self.lr, self.lr.new_tensor(s.measure.step_lengths))
        self.diverged_at = torch.full((len(seeds),), -1, device=device)
        self.recorder = Recorder()
        self.step = 0
        self.finished = False

    # --- one step ---

    def advance(self) -> None:
        """Measure what is due after `step` updates, then make the next update; after the last one only measure."""
        here = self.network.evaluate(self.parameters, self.examples)
        self.diverged_at.masked_fill_(~here.loss.isfinite() & (self.diverged_at < 0), self.step)
        updated = moved(self.parameters, here.gradient, self.lr)
        self._measure(here, updated)
        if self.step == self.settings.training.steps:
            self._record({"diverged_at": self.diverged_at})
            self.finished = True
        else:
            self.parameters = updated
            self.step += 1

    # --- measurements ---

    def _measure(self, here: Evaluation, updated: Parameters) -> None:
        if self.step == 0:
            self._record_scales()
        if self.step % self.settings.measure.every == 0:
            self._record({"log10_loss": log10(here.loss), "log10_gradient": log10(norm(here.gradient))})
            self._record(landscape(self.network, self.parameters, here, self.examples, self.step_lengths))
            for layer in self.settings.measure.shift_layers:
                where = (self.network, self.parameters, updated, here, self.examples, layer)
                self._record(covariate_shift(*where), layer)
        if self.step % self.settings.measure.sigma_every == 0:
            self._measure_outputs()

    def _record_scales(self) -> None:
        """What the units of `..._there` and of histograms stand for."""
        measure = self.settings.measure
        edges = bin_edges(measure.histogram_bins, measure.histogram_reach)
        middles = ((edges[:-1] + edges[1:]) / 2).expand(len(self.lr), -1)
        self._record({"log10_lr": log10(self.lr), "log10_step_length": log10(self.step_lengths)})
        self._record({"histogram_middle": middles})

    def _measure_outputs(self) -> None:
        measure = self.settings.measure
        outputs = self.network.forward(self.parameters, self.examples)[:-1]
        for layer, output in enumerate(outputs, start=1):
            self._record({"sigma": sigma(output, self.examples)}, layer)
        for layer in measure.histogram_layers:
            shares = histogram(outputs[layer - 1], self.examples, measure.histogram_bins, measure.histogram_reach)
            self._record({"histogram": shares}, layer)

    def _record(self, found: dict[str, Tensor], layer: int | None = None) -> None:
        for name, values in found.items():
            self.recorder.add(self.step, name if layer is None else f"{name}.layer{layer}", values)

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        state = {f"parameter/{name}": p for name, p in self.parameters._asdict().items()}
        return state | {"step": torch.tensor(self.step), "diverged_at": self.diverged_at} | self.recorder.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        device = self.lr.device
        self.parameters = Parameters(*(state[f"parameter/{name}"].to(device) for name in Parameters._fields))
        self.step = int(state["step"])
        self.diverged_at.copy_(state["diverged_at"])
        self.recorder.load_state(state)

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()
