"""Train autoencoders with or without dropout, then measure their filters, their codes, and what a lost unit costs.

Srivastava et al. 2014, section 7, Figures 7 and 8. Replicas (arms of equal shape, times seeds) train side by side.
"""

from math import isqrt
from typing import Literal

import pandas as pd
import torch
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt
from torch import Tensor

from dropnorm.experiments.features import filters, knockout, sparsity
from dropnorm.layers.dropout import draw_masks, mask_threshold, weight_scaled
from dropnorm.networks.autoencoder import Autoencoder, Loss, squared_error
from dropnorm.settings import Strict
from dropnorm.training.examples import Examples, examples, split
from dropnorm.training.fused_momentum import descend_layer
from dropnorm.training.momentum import momentum_at
from dropnorm.training.order import EpochOrder
from dropnorm.training.recorder import Recorder
from dropnorm.training.streams import stream

SPLIT_SEED = 0  # the training/validation split is one and the same for every seed and arm
CHUNK = 2000  # images at a time where a whole set is measured


class Data(Strict):
    """Which images; their grey values are inputs and targets."""

    name: Literal["mnist", "digits"]
    validation: PositiveInt  # training images left out of training


class Network(Strict):
    """Shape, probability p to retain a hidden unit, first weights N(0, sigma^2 / units of the next layer)."""

    hidden: PositiveInt
    p: float = Field(gt=0, le=1)
    init_sigma: PositiveFloat


class Optimiser(Strict):
    """Gradient descent at a constant rate, with momentum that rises, and L2 on weights."""

    lr: PositiveFloat
    momentum_start: float = Field(ge=0, lt=1)
    momentum_final: float = Field(ge=0, lt=1)
    momentum_tau: PositiveFloat
    l2: NonNegativeFloat


class Training(Strict):
    """Which loss, how long, in mini-batches of what size."""

    loss: Loss
    steps: PositiveInt
    batch_size: PositiveInt


class Measure(Strict):
    """What is measured: the error over training, all else after the last step."""

    error_every: PositiveInt
    window: PositiveInt  # pixels, side of the window that holds a filter's energy
    low_frequency_radius: PositiveFloat  # cycles a picture
    knockout_images: PositiveInt
    knockout_draws: PositiveInt
    knockout_percent: list[float] = Field(min_length=1)
    batch_images: PositiveInt  # of the test images that the paper's histograms show
    histogram_width: PositiveFloat
    histogram_bins: PositiveInt
    pictures_of_seed: NonNegativeInt  # whose filters are kept


class Settings(Strict):
    """All settings of one arm."""

    data: Data
    network: Network
    optimiser: Optimiser
    training: Training
    measure: Measure

    @property
    def dataset(self) -> str:
        return self.data.name

    @property
    def steps(self) -> int:
        return self.training.steps

    @property
    def shape(self) -> str:
        """Arms of equal shape can train in one stack: all but what is a number a replica."""
        return self.model_dump_json(exclude={"optimiser": {"lr", "l2"}, "network": {"p", "init_sigma"}})


class Experiment:
    """R networks in training. `advance()` makes one step; `state()` is everything a checkpoint must hold."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each; settings of equal `shape`. dataset: images and labels as NumPy arrays."""
        self.settings = replicas[0][0]
        self.device = device
        self.seeds = [seed for _, seed in replicas]
        self._load(dataset)
        self._build([settings for settings, _ in replicas])
        self.recorder = Recorder()
        self.step = 0
        self.finished = False

    def _load(self, dataset) -> None:
        rule = (dataset.pixel_max, "grey", self.device)
        whole = examples(dataset.train_images, dataset.train_labels, *rule)
        self.train, validation = split(whole, self.settings.data.validation, SPLIT_SEED)
        test = examples(dataset.test_images, dataset.test_labels, *rule)
        self.held_out = {"test": test, "validation": validation}
        self.order = EpochOrder(self.seeds, len(self.train.labels), self.settings.training.batch_size, self.device)

    def _build(self, settings: list[Settings]) -> None:
        def numbers(values) -> Tensor:
            return torch.tensor(list(values), device=self.device)

        p = numbers(s.network.p for s in settings)
        self.net = Autoencoder(self.train.pixels.shape[1], self.settings.network.hidden, p)
        self.net.initialise(self.seeds, [s.network.init_sigma for s in settings], self.device)
        self.velocities = {name: torch.zeros_like(W) for name, W in self.net.parameters.items()}
        self.learning_rate = numbers(s.optimiser.lr for s in settings).view(-1, 1, 1)
        self.l2 = numbers(s.optimiser.l2 for s in settings).view(-1, 1, 1)
        self.threshold = mask_threshold(p) if bool((p < 1).any()) else None
        self.diverged_at = torch.full((len(self.seeds),), -1, device=self.device)

    # --- one step ---

    def advance(self) -> None:
        """Measure what is due after `step` updates, then make the next update; after the last one only measure."""
        last = self.step == self.settings.training.steps
        if last or self.step % self.settings.measure.error_every == 0:
            self._measure_errors()
        if last:
            self._measure_end()
            self.finished = True
        else:
            self._update()
            self.step += 1

    @torch.no_grad()
    def _update(self) -> None:
        o, x = self.settings.optimiser, self.train.inputs(self.order.batch(self.step))
        errors = self.net.errors(x, self._masks(), self.settings.training.loss)
        momentum = momentum_at(self.step, o.momentum_start, o.momentum_final, o.momentum_tau)
        for layer, read, delta in zip((1, 2), errors.read, errors.delta, strict=True):
            names = f"W{layer}", f"b{layer}"
            descend_layer(
                *(self.net.parameters[n] for n in names), *(self.velocities[n] for n in names), read, delta,
                momentum=momentum, learning_rate=self.learning_rate, l2=self.l2,
            )  # fmt: skip
        # An error that is not finite is in the velocity of the output biases for good.
        newly = ~self.velocities["b2"].sum((1, 2)).isfinite() & (self.diverged_at < 0)
        self.diverged_at.masked_fill_(newly, self.step)

    def _masks(self) -> Tensor | None:
        """A mask for each image and hidden unit, a function of (seed, step); None if no replica drops any."""
        if self.threshold is None:
            return None
        shape = (self.settings.training.batch_size, self.settings.network.hidden)
        return draw_masks(self.threshold, shape, [stream(seed, "mask", self.step) for seed in self.seeds])

    # --- measurements ---

    def _inputs(self, held_out: Examples, start: int, stop: int) -> Tensor:
        """Images `[replica, image, pixel]`, the same for all replicas."""
        x = held_out.inputs(torch.arange(start, min(stop, len(held_out.labels)), device=self.device))
        return x.expand(len(self.seeds), -1, -1)

    @torch.no_grad()
    def _measure_errors(self) -> None:
        """Squared error an image of the whole network, weights scaled by p."""
        for name, held_out in self.held_out.items():
            total = torch.zeros(len(self.seeds), device=self.device)
            for start in range(0, len(held_out.labels), CHUNK):
                x = self._inputs(held_out, start, start + CHUNK)
                total += squared_error(self.net.reconstruct(x), x).sum(1)
            self.recorder.add(self.step, f"{name}_error", total / len(held_out.labels))

    @torch.no_grad()
    def _measure_end(self) -> None:
        self._measure_filters()
        self._measure_knockout()
        self._measure_codes()
        self.recorder.add(self.step, "diverged_at", self.diverged_at)

    def _add(self, quantity: str, values: Tensor) -> None:
        self.recorder.add(self.step, quantity, values)

    def _measure_filters(self) -> None:
        m = self.settings.measure
        w = filters.as_pictures(self.net.parameters["W1"].double(), isqrt(self.net.pixels))
        norms = filters.norms(w)
        self._add("filter_norm", norms)
        self._add("filter_window_energy", filters.window_energy(w, m.window))
        self._add("filter_participation", filters.participation(w))
        self._add("filter_low_frequency", filters.low_frequency(w, m.low_frequency_radius))
        self._add("filter_moran", filters.morans_i(w))
        self._keep_pictures(w, norms)

    def _keep_pictures(self, w: Tensor, norms: Tensor) -> None:
        """The filters themselves, by decreasing norm, of one seed; of the others nothing (NaN, see `frame`)."""
        others = torch.tensor([seed != self.settings.measure.pictures_of_seed for seed in self.seeds])
        ranks = norms.argsort(1, descending=True)
        pixels = w.flatten(2)
        for rank in range(w.shape[1]):
            chosen = pixels[torch.arange(len(w), device=self.device), ranks[:, rank]]
            chosen[others] = torch.nan
            self._add(f"picture_{rank:03}", chosen)

    def _measure_knockout(self) -> None:
        m = self.settings.measure
        x = self._inputs(self.held_out["test"], 0, m.knockout_images)
        code = weight_scaled(self.net.hidden(x), self.net.p)
        self._add("knockout_none", squared_error(self.net.decode(code), x).mean(1))
        self._add("knockout_unit", knockout.unit_errors(self.net, code, x))
        for percent in m.knockout_percent:
            units = self.settings.network.hidden
            kept = [knockout.kept_units(seed, units, percent, m.knockout_draws) for seed in self.seeds]
            kept = torch.stack(kept).to(self.device)
            for name, rescale in (("knockout", False), ("knockout_rescaled", True)):
                self._add(f"{name}_{percent:g}", knockout.group_error(self.net, code, x, kept, rescale=rescale))

    def _measure_codes(self) -> None:
        """Activations of the whole network, not multiplied by p: on some test images, as in the paper, and on all."""
        test, m = self.held_out["test"], self.settings.measure
        starts = range(0, len(test.labels), CHUNK)
        h = torch.cat([self.net.hidden(self._inputs(test, start, start + CHUNK)) for start in starts], dim=1)
        drawn = [
            torch.randperm(len(test.labels), generator=stream(seed, "shown"))[: m.batch_images] for seed in self.seeds
        ]
        index = torch.stack(drawn).to(self.device).unsqueeze(2).expand(-1, -1, h.shape[2])
        for name, activations in (("batch", h.gather(1, index)), ("test", h)):
            found = sparsity.shares(activations, self.net.p) | sparsity.code_sparsity(activations)
            found["unit_mean"] = activations.mean(1)
            found["histogram"] = sparsity.histogram(activations, m.histogram_width, m.histogram_bins)
            for quantity, values in found.items():
                self._add(f"{name}_{quantity}", values)
        for quantity, values in sparsity.live_code_sparsity(h).items():
            self._add(f"test_{quantity}", values)
        self._add("test_dead_units", (h.amax(1) == 0).float().sum(1))

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        state = {f"parameter/{name}": W for name, W in self.net.parameters.items()}
        state |= {f"velocity/{name}": v for name, v in self.velocities.items()}
        return state | {"step": torch.tensor(self.step), "diverged_at": self.diverged_at} | self.recorder.state()

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        for kind, tensors in (("parameter", self.net.parameters), ("velocity", self.velocities)):
            for name, tensor in tensors.items():
                tensor.copy_(state[f"{kind}/{name}"])
        self.step = int(state["step"])
        self.diverged_at.copy_(state["diverged_at"])
        self.recorder.load_state(state)

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value; without pictures that were not kept."""
        frame = self.recorder.frame()
        kept = torch.tensor([seed == self.settings.measure.pictures_of_seed for seed in self.seeds]).numpy()
        return frame[~frame.quantity.str.startswith("picture_") | kept[frame.replica]].reset_index(drop=True)
