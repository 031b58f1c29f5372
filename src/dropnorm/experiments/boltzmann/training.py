"""Train restricted Boltzmann machines on digits by contrastive divergence; look at filters and hidden activations."""

from typing import Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor

from dropnorm.experiments.boltzmann.filters import mean_frequency, radius_of_gyration
from dropnorm.layers.dropout import draw_masks, mask_threshold, weight_scaled
from dropnorm.networks.rbm import RBM, cd1_gradient, initial_rbm, sample
from dropnorm.settings import Strict
from dropnorm.training.examples import Examples, examples
from dropnorm.training.momentum import momentum_at, momentum_step
from dropnorm.training.order import EpochOrder
from dropnorm.training.recorder import Recorder
from dropnorm.training.streams import stream

AT_ONCE = 1000  # test images


class Machine(Strict):
    """The machine: hidden units, the probability p to retain one in training, first weights N(0, scale^2 / hidden)."""

    hidden: PositiveInt
    p: float = Field(gt=0, le=1)
    init_scale: PositiveFloat


class Training(Strict):
    """Contrastive divergence with momentum that rises from `start` to `final`; l2 is the factor in the gradient."""

    steps: PositiveInt
    batch_size: PositiveInt
    lr: PositiveFloat
    momentum_start: float = Field(ge=0, lt=1)
    momentum_final: float = Field(ge=0, lt=1)
    momentum_tau: PositiveFloat
    l2: NonNegativeFloat


class Measure(Strict):
    """When and what to measure; a step counts the updates made before the measurement."""

    every: PositiveInt
    below: float = Field(gt=0, lt=1)  # share of activations below this is measured
    above: float = Field(gt=0, lt=1)  # and above this
    bins: PositiveInt  # of the histograms
    mini_batch: PositiveInt  # the first so many test images have histograms of their own, as in the paper
    filters: bool  # keep the weights themselves, for the pictures


class Cd1Training:
    """R machines in training: seeds of one arm."""

    def __init__(self, settings, seeds: list[int], dataset, device: torch.device):
        """settings: of the experiment (`experiments.rbm.Settings`)."""
        self.machine, self.training, self.measure = settings.machine, settings.training, settings.measure
        self.pixels: Literal["grey", "sampled"] = settings.data.pixels
        self.seeds, self.device = seeds, device
        self.image = dataset.train_images.shape[1:]
        self.train = examples(dataset.train_images, dataset.train_labels, dataset.pixel_max, "grey", device)
        rule = {"grey": "grey", "sampled": "drawn"}[self.pixels]  # one and the same draw for all measurements
        self.test = examples(dataset.test_images, dataset.test_labels, dataset.pixel_max, rule, device)
        self.order = EpochOrder(seeds, len(self.train.labels), self.training.batch_size, device)
        visible, hidden = self.train.pixels.shape[1], self.machine.hidden
        self.rbm = initial_rbm(seeds, visible, hidden, self.machine.init_scale * hidden**-0.5, device)
        self.velocity = RBM(*(torch.zeros_like(t) for t in self.rbm))
        self.p = torch.full((len(seeds),), self.machine.p, device=device)
        rate, l2, zero = (
            torch.full((len(seeds), 1, 1), x, device=device) for x in (self.training.lr, self.training.l2, 0.0)
        )
        self.rates, self.l2 = [rate] * 3, [l2, zero, zero]  # of W, a, b: biases do not decay
        self.diverged_at = torch.full((len(seeds),), -1, device=device)

    # --- one step ---

    def advance(self, step: int, recorder: Recorder) -> None:
        """The update number `step` (from 0), and what is due to be measured after it."""
        v = self._visible(self.train.inputs(self.order.batch(step)), step)
        gradient = cd1_gradient(self.rbm, v, self._uniform("gibbs", step, self.machine.hidden), self._masks(step))
        s = self.training
        mu = momentum_at(step, s.momentum_start, s.momentum_final, s.momentum_tau)
        momentum_step(self.rbm, gradient, self.velocity, momentum=mu, learning_rates=self.rates, l2=self.l2)
        broken = ~gradient.a.sum((1, 2)).isfinite() & (self.diverged_at < 0)  # a NaN anywhere gets into v
        self.diverged_at.masked_fill_(broken, step)
        last = step + 1 == s.steps
        if last or (step + 1) % self.measure.every == 0:
            self._measure(step + 1, recorder)
        if last:
            self._measure_end(step + 1, recorder)

    def _visible(self, grey: Tensor, step: int) -> Tensor:
        """Grey values as they are, or each drawn anew as a binary pixel with its grey value as probability."""
        return sample(grey, self._uniform("pixels", step, grey.shape[2])) if self.pixels == "sampled" else grey

    def _uniform(self, purpose: str, step: int, units: int) -> Tensor:
        """Uniform numbers `[replica, batch, unit]`, a function of (seed, step)."""
        m = self.training.batch_size
        drawn = [torch.rand(m, units, generator=stream(seed, purpose, step)) for seed in self.seeds]
        return torch.stack(drawn).to(self.device)

    def _masks(self, step: int) -> Tensor | None:
        """r `[replica, batch, hidden]`, new for each example; None for a machine without dropout."""
        if self.machine.p == 1:
            return None
        generators = [stream(seed, "masks", step) for seed in self.seeds]
        return draw_masks(mask_threshold(self.p), (self.training.batch_size, self.machine.hidden), generators)

    # --- measurements ---

    def _measure(self, step: int, recorder: Recorder) -> None:
        W = self.rbm.W.double()
        for name, value in {
            "norm": W.norm(dim=1),
            "radius": radius_of_gyration(W, *self.image),
            "frequency": mean_frequency(W, *self.image),
            **self._activations("", self.test),
        }.items():
            recorder.add(step, name, value)

    def _measure_end(self, step: int, recorder: Recorder) -> None:
        first = torch.arange(min(self.measure.mini_batch, len(self.test.labels)), device=self.device)
        for name, value in self._activations("batch_", self.test.subset(first)).items():
            recorder.add(step, name, value)
        recorder.add(step, "diverged_at", self.diverged_at)
        if self.measure.filters:
            for pixel in range(self.rbm.W.shape[1]):
                recorder.add(step, f"filter.{pixel:03d}", self.rbm.W[:, pixel])

    def _activations(self, prefix: str, images: Examples) -> dict[str, Tensor]:
        """P(h = 1 | v) over images, no unit left out: moments a unit, and over all of them shares and a histogram."""
        m, n, units = self.measure, len(images.labels), self.machine.hidden
        total = {name: 0.0 for name in ("sum", "squares", "below", "above", "histogram", "error")}
        for start in range(0, n, AT_ONCE):
            v = images.inputs(torch.arange(start, min(start + AT_ONCE, n), device=self.device))
            v = v.expand(len(self.seeds), -1, -1)
            h = self.rbm.hidden_probability(v)
            total["sum"] += h.double().sum(1)
            total["squares"] += h.double().square().sum(1)
            total["below"] += (h < m.below).double().mean(2).sum(1)
            total["above"] += (h > m.above).double().mean(2).sum(1)
            total["histogram"] += histogram(h, m.bins)
            # States are multiplied by p at test, so that visible units receive what they did in training, on average.
            error = self.rbm.visible_probability(weight_scaled(h, self.p)) - v
            total["error"] += error.square_().sum((1, 2))
        mean = total["sum"] / n
        nan = 0 * mean.sum(1)  # 0, or NaN where the machine diverged: comparisons would lose it
        return {
            f"{prefix}activation_mean": mean,
            f"{prefix}activation_sd": (total["squares"] / n - mean.square()).clamp(min=0).sqrt(),
            f"{prefix}share_below": total["below"] / n + nan,
            f"{prefix}share_above": total["above"] / n + nan,
            f"{prefix}histogram": total["histogram"] / (n * units) + nan.unsqueeze(1),
            f"{prefix}squared_error": total["error"] / n,
        }

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        pairs = (("", self.rbm), ("velocity/", self.velocity))
        tensors = {f"{prefix}{name}": t for prefix, of in pairs for name, t in of._asdict().items()}
        return tensors | {"diverged_at": self.diverged_at}

    def load_state(self, state: dict[str, Tensor]) -> None:
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


def histogram(h: Tensor, bins: int) -> Tensor:
    """How many of h in [0, 1] `[replica, batch, unit]` fall into each of `bins` equal bins, `[replica, bin]`."""
    index = (h.flatten(1) * bins).nan_to_num_().long().clamp_(0, bins - 1)
    counts = torch.zeros(len(h), bins, dtype=torch.float64, device=h.device)
    return counts.scatter_add_(1, index, torch.ones_like(index, dtype=torch.float64))
