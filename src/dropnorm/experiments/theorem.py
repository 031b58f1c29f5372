"""Both sides of a theorem, on random cases and on the layers of a small network while it trains.

Santurkar et al. 2018, section 4; Ioffe & Szegedy 2015, section 3. Seeds are replicas; every step of `random` draws new
cases, every measured step of `network` takes all hidden units of all layers on the mini-batch of that step. The
mathematics is in dropnorm.theory.
"""

from typing import Literal

import pandas as pd
import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from dropnorm.settings import Strict
from dropnorm.theory import lemma45, observation43, section3, theorem41, theorem42, theorem44, theoremc1
from dropnorm.theory.losses import KINDS, Draws, random_cases
from dropnorm.theory.network import BatchNormMLP
from dropnorm.training.examples import examples
from dropnorm.training.order import EpochOrder
from dropnorm.training.recorder import Recorder
from dropnorm.training.streams import stream

MEASURES = {
    "theorem41": theorem41.measure,
    "theorem42": theorem42.measure,
    "observation43": observation43.measure,
    "theorem44": theorem44.measure,
    "theoremc1": theoremc1.measure,
    "section3": section3.measure,
}
EPS_MEASURES = {"theorem41": theorem41.eps_deviation, "section3": section3.eps_change}  # of random cases
Measured = dict[str, Tensor]  # by quantity: [replica * case] or [factor, replica * case]


class Data(Strict):
    """Which images the network learns."""

    name: Literal["mnist", "digits"]


class Random(Strict):
    """Random cases: how many, over a batch of how many examples, of a layer of how many inputs."""

    draws: PositiveInt
    cases: PositiveInt  # of each kind of loss, in each draw
    batch_size: PositiveInt = Field(ge=4)  # fewer leave nothing beside the mean, yhat and rounding
    inputs: PositiveInt


class Network(Strict):
    """The trained network, and when it is measured."""

    hidden: list[PositiveInt] = Field(min_length=1)
    lr: PositiveFloat
    steps: PositiveInt
    batch_size: PositiveInt = Field(ge=4)
    measure_every: PositiveInt


class Settings(Strict):
    """All settings of one arm."""

    theorem: Literal["theorem41", "theorem42", "observation43", "theorem44", "lemma45", "theoremc1", "section3"]
    cases: Literal["random", "network"]
    data: Data
    random: Random
    network: Network
    eps: PositiveFloat = 1e-5  # only where its effect is measured; everything else has none

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        return self.random.draws if self.cases == "random" else self.network.steps

    @property
    def shape(self) -> str:
        """Arms of equal settings alone share a stack."""
        return self.model_dump_json()


class Experiment:
    """R seeds of one arm. `advance()` measures what is due and makes one draw or one update."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each; settings of equal `shape`. dataset: images and labels as NumPy arrays."""
        self.settings = replicas[0][0]
        self.device = device
        self.seeds = [seed for _, seed in replicas]
        self.recorder = Recorder()
        self.step = 0
        self.finished = False
        self.network = None
        if self.settings.cases == "network":
            self._build(dataset)

    def _build(self, dataset) -> None:
        s = self.settings.network
        self.train = examples(dataset.train_images, dataset.train_labels, dataset.pixel_max, "grey", self.device)
        self.order = EpochOrder(self.seeds, len(self.train.labels), s.batch_size, self.device)
        self.network = BatchNormMLP([self.train.pixels.shape[1], *s.hidden, 10], self.seeds, self.device)
        self.first = {name: p.detach().clone() for name, p in self.network.parameters.items()}
        self.learning_rate = torch.tensor(s.lr, dtype=torch.float64, device=self.device)

    # --- one step ---

    def advance(self) -> None:
        """One draw of random cases; or measure the network where it is due, and train it by one step."""
        if self.settings.cases == "random":
            self._measure_random()
        elif self.step % self.settings.network.measure_every == 0:
            self._measure_network()
        if self.step == self.settings.steps - (self.settings.cases == "random"):
            self.finished = True
        elif self.network is not None:
            self.network.update(*self._batch(), self.learning_rate)
        self.step += not self.finished

    def _batch(self) -> tuple[Tensor, Tensor]:
        index = self.order.batch(self.step)
        return self.train.inputs(index).double(), self.train.labels[index]

    def _measure_random(self) -> None:
        s = self.settings
        for kind in KINDS if s.theorem != "lemma45" else ("matrices",):
            purpose = f"{s.theorem}/{kind}"
            draws = Draws([stream(seed, purpose, self.step) for seed in self.seeds], s.random.cases)
            self._record(kind, self._random(draws, kind))

    def _random(self, draws: Draws, kind: str) -> Measured:
        s = self.settings
        m, d = s.random.batch_size, s.random.inputs
        if s.theorem == "lemma45":
            W0, W_star = lemma45.random_pairs(draws, d, d)
            return lemma45.distances(W0, W_star) | lemma45.scaling(draws.normal(m, d), draws.normal(d), s.eps)
        cases = random_cases(draws, kind, m, d)
        found = MEASURES[s.theorem](cases)
        return found | EPS_MEASURES[s.theorem](cases, s.eps) if s.theorem in EPS_MEASURES else found

    def _measure_network(self) -> None:
        x, labels = self._batch()
        for layer in range(1, self.network.depth):
            cases = self.network.cases(layer, x, labels)
            if self.settings.theorem != "lemma45":
                found = MEASURES[self.settings.theorem](cases)
            else:
                W0, W_star = self.first[f"W{layer}"], self.network.parameters[f"W{layer}"].detach()
                found = lemma45.distances(W0.mT, W_star.mT) | lemma45.scaling(cases.X, cases.W, self.settings.eps)
            self._record(f"layer{layer}", found)

    def _record(self, part: str, found: Measured) -> None:
        """Reduce the cases of each seed to what is kept, by the first word of a quantity's name."""
        for name, values in found.items():
            by_seed = values.view(*values.shape[:-1], len(self.seeds), -1)  # [..., replica, case]
            kind = name.split("_")[0]
            if kind == "error":
                self.recorder.add(self.step, f"{name}.{part}", by_seed.amax(-1))
            elif kind == "mean":
                self.recorder.add(self.step, f"{name}.{part}", by_seed.nanmean(-1))
            elif kind == "holds":
                self.recorder.add(self.step, f"{name}.{part}", by_seed.nansum(-1))
                self.recorder.add(self.step, f"of_{name}.{part}", (~by_seed.isnan()).sum(-1))
            elif kind in ("share", "deviation"):  # one value a factor: `unit` counts the factors
                reduced = by_seed.mean(-1) if kind == "share" else by_seed.median(-1).values
                self.recorder.add(self.step, f"{name}.{part}", reduced.mT)
            elif self.step == 0:  # shown: every case, for a histogram
                self.recorder.add(self.step, f"{name}.{part}", by_seed)

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        parameters = self.network.parameters if self.network is not None else {}
        state = {f"parameter/{name}": p.detach() for name, p in parameters.items()}
        return state | {"step": torch.tensor(self.step)} | self.recorder.state()

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        for name, parameter in (self.network.parameters if self.network is not None else {}).items():
            parameter.copy_(state[f"parameter/{name}"])
        self.step = int(state["step"])
        self.recorder.load_state(state)

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()
