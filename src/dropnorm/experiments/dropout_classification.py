"""Train feed-forward networks with and without dropout to classify digits, and measure their errors in percent.

Srivastava et al. 2014, sections 6, 7 and 10, appendices A and B.1: one kind of experiment for all of them. Replicas
(arms of equal shape, times seeds) train side by side.
"""

import pandas as pd
import torch
from torch import Tensor

from dropnorm.experiments.dropout_settings import Settings
from dropnorm.experiments.model_averaging import ModelAveraging
from dropnorm.networks.feed_forward import FeedForward
from dropnorm.training.examples import Examples, examples, split
from dropnorm.training.heavy_ball import HeavyBall
from dropnorm.training.momentum import momentum_at
from dropnorm.training.order import EpochOrder
from dropnorm.training.recorder import Recorder
from dropnorm.training.schedules import decay
from dropnorm.training.sparsity import Sparsity
from dropnorm.training.streams import stream

__all__ = ["Experiment", "Settings"]

CLASSES = 10
SPLIT_SEED = 0  # the training/validation split is one and the same for every seed and arm
AT_ONCE = 2000  # images in one forward pass of a measurement
PRODUCTS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Experiment:
    """R networks in training. `advance()` makes one step; `state()` is everything a checkpoint must hold."""

    def __init__(self, replicas: list[tuple[Settings, int]], dataset, device: torch.device):
        """replicas: (settings, seed) of each; settings of equal `shape`. dataset: images and labels as NumPy arrays."""
        self.settings, self.device = replicas[0][0], device
        self.seeds = [seed for _, seed in replicas]
        self.each = [settings for settings, _ in replicas]
        self._load(dataset)
        self._build()
        updates, times = self.settings.training.updates, self.settings.measure.times
        self.measured_at = {round(i * updates / times) for i in range(1, times + 1)}
        self.recorder = Recorder()
        self.step = 0
        self.finished = False

    def _load(self, dataset) -> None:
        data, rule = self.settings.data, (dataset.pixel_max, "grey", self.device)
        self.train = examples(dataset.train_images, dataset.train_labels, *rule)
        self.held_out = {"test": examples(dataset.test_images, dataset.test_labels, *rule)}
        if data.train_on == "split":
            self.train, self.held_out["validation"] = split(self.train, data.validation, SPLIT_SEED)
        available = len(self.train.labels)
        self.subset, used = None, min(data.subset or available, available)
        if used < available:
            drawn = [torch.randperm(available, generator=stream(s, "subset"))[:used] for s in self.seeds]
            self.subset = torch.stack(drawn).to(self.device)  # [replica, example]
        self.order = EpochOrder(self.seeds, used, min(self.settings.training.batch_size, used), self.device)

    def _build(self) -> None:
        network, dropout, noise = self.settings.network, self.settings.dropout, self.settings.dropout.noise
        sizes = [self.train.pixels.shape[1], *network.widths, CLASSES]
        p_input = self._numbers(s.dropout.p_input if noise != "none" else 1 for s in self.each)
        p_hidden = self._numbers(s.dropout.p_hidden if noise != "none" else 1 for s in self.each)
        self.network = FeedForward(
            sizes,
            [p_input] + [p_hidden] * len(network.widths),
            noise=dropout.noise,
            units=network.units,
            pieces=network.pieces,
            product=PRODUCTS[self.settings.training.products],
        )
        self.network.initialise(self.seeds, [s.network.init for s in self.each], self.device)
        rules = [s.regularisation for s in self.each]
        self.optimiser = HeavyBall(
            self.network,
            learning_rate=self._numbers(s.optimiser.lr for s in self.each),
            l2=self._numbers(r.l2 for r in rules),
            l1=self._numbers(r.l1 for r in rules),
            max_norm=self._numbers(float("inf") if r.max_norm is None else r.max_norm for r in rules),
        )
        self.sparsity = None
        if any(r.sparsity_cost > 0 for r in rules):
            cost, target = (
                self._numbers(r.sparsity_cost for r in rules),
                self._numbers(r.sparsity_target for r in rules),
            )
            self.sparsity = Sparsity(network.widths, cost, target)
        averaging = self.settings.measure.averaging
        self.averaging = ModelAveraging(self.seeds, self.held_out["test"], averaging) if averaging.networks else None
        self.diverged_at = torch.full((len(self.seeds),), -1, device=self.device)

    def _numbers(self, values) -> Tensor:
        """One number a replica as a tensor `[replica]`."""
        return torch.tensor(list(values), dtype=torch.float32, device=self.device)

    # --- one step ---

    @torch.no_grad()
    def advance(self) -> None:
        """Measure what is due after `step` updates and make the next; after the last one, average thinned networks."""
        updates = self.settings.training.updates
        if self.step <= updates:
            self._measure(last=self.step == updates)
        if self.step == self.settings.steps:
            self.recorder.add(updates, "diverged_at", self.diverged_at)
            self.finished = True
            return
        if self.step < updates:
            self._update()
        else:
            self.averaging.advance(self.network, self.recorder)
        self.step += 1

    def _update(self) -> None:
        s = self.settings
        index = self._examples(self.order.batch(self.step))
        labels = self.train.labels[index]
        r = self.network.draw_noise(index.shape[1], [stream(seed, "noise", self.step) for seed in self.seeds])
        trace = self.network.forward(self.train.inputs(index), r)
        loss, dlogits = cross_entropy(trace.logits, labels)
        dhidden = self.sparsity.pull(trace.hidden) if self.sparsity else None
        done = self.step / s.training.updates
        self.optimiser.step(
            self.network.backward(trace, r, dlogits, dhidden),
            momentum=momentum_at(
                done, s.optimiser.momentum_start, s.optimiser.momentum_final, s.optimiser.momentum_tau
            ),
            decay=decay(s.optimiser.decay, done, s.optimiser.half_time),
            with_l1=done >= s.regularisation.l1_from,
        )
        newly = ~loss.isfinite() & (self.diverged_at < 0)
        self.diverged_at.masked_fill_(newly, self.step)

    def _examples(self, index: Tensor) -> Tensor:
        """Positions `[replica, n]` among a replica's own training examples -> positions among all."""
        return index if self.subset is None else self.subset.gather(1, index)

    # --- measurements ---

    def _measure(self, last: bool) -> None:
        if last or self.step in self.measured_at:
            for name, held_out in self.held_out.items():
                self.recorder.add(self.step, f"{name}_error", self._error(held_out))
        if last and self.settings.measure.train_error:
            self.recorder.add(self.step, "train_error", self._error(self.train, self.subset))
        if last and self.settings.measure.noise_draws:
            self._measure_noise(self.settings.measure.noise_draws)

    def _measure_noise(self, draws: int) -> None:
        """Mean and variance of the factor on a unit, in the inverted form, `[replica, input or hidden]`."""
        moments = []
        for noise in (self.network.noises[0], self.network.noises[-1]):
            r = noise.draw((1, draws), [stream(seed, "noise moments") for seed in self.seeds], torch.float32)
            factor = (r if self.network.inverted else r / noise.p).flatten(1).double()
            moments.append((factor.mean(1), factor.var(1)))
        for name, values in zip(("noise_mean", "noise_variance"), zip(*moments, strict=True), strict=True):
            self.recorder.add(self.step, name, torch.stack(values, dim=1))

    def _error(self, data: Examples, of: Tensor | None = None) -> Tensor:
        """Wrong answers of each whole network in percent `[replica]`; `of`: its own examples `[replica, n]`."""
        if of is None:
            of = torch.arange(len(data.labels), device=self.device).expand(len(self.seeds), -1)
        wrong = torch.zeros(len(self.seeds), device=self.device)
        for index in of.split(AT_ONCE, dim=1):
            wrong += (self.network.answer(data.inputs(index)).argmax(2) != data.labels[index]).sum(1)
        return 100 * wrong / of.shape[1]

    # --- state ---

    def state(self) -> dict[str, Tensor]:
        """Every tensor that the rest of the run depends on."""
        state = self.optimiser.state() | self.recorder.state()
        for part in (self.sparsity, self.averaging):
            state |= part.state() if part else {}
        return state | {"step": torch.tensor(self.step), "diverged_at": self.diverged_at}

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        """Continue exactly where `state()` was taken."""
        self.optimiser.load_state(state)
        self.recorder.load_state(state)
        for part in (self.sparsity, self.averaging):
            if part:
                part.load_state(state)
        self.step = int(state["step"])
        self.diverged_at.copy_(state["diverged_at"])

    def frame(self) -> pd.DataFrame:
        """What was measured, tidy: replica, step, quantity, unit, value."""
        return self.recorder.frame()


def cross_entropy(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean softmax cross-entropy of each replica `[replica]`, and its gradient on the logits.

    logits `[replica, batch, class]`, labels `[replica, batch]`.
    """
    log_probability = logits.log_softmax(2)
    target = labels.unsqueeze(2)
    loss = -log_probability.gather(2, target).squeeze(2).mean(1)
    gradient = log_probability.exp().scatter_add_(2, target, torch.full_like(target, -1, dtype=logits.dtype))
    return loss, gradient / labels.shape[1]
