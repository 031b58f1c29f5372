"""Two networks with the same masks, dropout in the paper's form and in the inverted one, trained side by side.

Srivastava et al. 2014, sections 4, 5.1 and 10. All in float64, so that what is left of a difference is rounding.
"""

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor
from torch.nn.functional import cross_entropy

from dropnorm.experiments.marginal.sampling import generator_state, load_generators
from dropnorm.layers.dropout import inverted_scale
from dropnorm.layers.max_norm import at_limit, limit_norm_
from dropnorm.networks.dropout_mlp import DropoutMLP
from dropnorm.settings import Strict
from dropnorm.training.examples import examples
from dropnorm.training.momentum import inverse_decay, momentum_at, momentum_step
from dropnorm.training.recorder import Recorder
from dropnorm.training.streams import stream

CLASSES = 10


class TrajectorySettings(Strict):
    """The network and its training, in the paper's form."""

    hidden: list[PositiveInt] = Field(min_length=1)
    p_input: float = Field(gt=0, le=1)
    p_hidden: float = Field(gt=0, le=1)
    init_std: PositiveFloat
    lr: PositiveFloat
    lr_half_time: PositiveFloat
    momentum_start: float = Field(ge=0, lt=1)
    momentum_final: float = Field(ge=0, lt=1)
    momentum_tau: PositiveFloat
    max_norm: PositiveFloat
    l2: NonNegativeFloat
    batch_size: PositiveInt
    steps: PositiveInt
    measure_every: PositiveInt
    test_images: PositiveInt
    convert: bool  # rate, limit and l2 for the inverted form; False: only the weights are converted, the usual slip


class _Side:
    """One of the two networks with its optimiser: settings of the paper's form, times `scale` for its weights."""

    def __init__(self, net: DropoutMLP, settings: TrajectorySettings, convert: bool):
        self.net, self.settings = net, settings
        self.velocities = {name: torch.zeros_like(p) for name, p in net.parameters.items()}
        self.lr, self.l2, self.c = {}, {}, {}
        for layer, p in enumerate(net.retain, start=1):
            scale = inverted_scale(p if convert else torch.ones_like(p))
            lr, l2, c = (x.view(-1, 1, 1) for x in (scale.learning_rate, scale.l2, scale.max_norm))
            self.lr |= {f"W{layer}": settings.lr * lr, f"b{layer}": torch.full_like(lr, settings.lr)}
            self.l2 |= {f"W{layer}": settings.l2 * l2, f"b{layer}": None}
            self.c[f"W{layer}"] = settings.max_norm * c

    def update(self, step: int, x: Tensor, labels: Tensor, masks: list[Tensor]) -> None:
        """Forward, backward, momentum, norm limit. x `[replica, batch, feature]`, labels `[replica, batch]`."""
        s, parameters = self.settings, self.net.parameters
        logits = self.net.forward(x, masks)
        loss = cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum") / s.batch_size
        decay = inverse_decay(step, s.lr_half_time)
        momentum_step(
            list(parameters.values()),
            torch.autograd.grad(loss, list(parameters.values())),
            list(self.velocities.values()),
            momentum=momentum_at(step, s.momentum_start, s.momentum_final, s.momentum_tau),
            learning_rates=[decay * self.lr[name] for name in parameters],
            l2=[self.l2[name] for name in parameters],
        )
        for name, c in self.c.items():
            limit_norm_(parameters[name], c)

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {name: p.detach() for name, p in self.net.parameters.items()} | {
            f"velocity/{name}": v for name, v in self.velocities.items()
        }


class Trajectories:
    """The largest difference of the two networks' weights after every step, the inverted ones divided by p."""

    def __init__(self, settings: TrajectorySettings, seeds: list[int], dataset, device: torch.device):
        self.settings, self.device = settings, device
        rule = (dataset.pixel_max, "grey", device)
        self.train = examples(dataset.train_images, dataset.train_labels, *rule)
        held_out = examples(dataset.test_images, dataset.test_labels, *rule)
        self.test = held_out.subset(torch.arange(min(settings.test_images, len(held_out.labels)), device=device))
        sizes = [self.train.pixels.shape[1], *settings.hidden, CLASSES]
        p = [settings.p_input] + [settings.p_hidden] * len(settings.hidden)
        retain = [torch.full((len(seeds),), value, dtype=torch.float64, device=device) for value in p]
        self.paper, self.inverted = (
            _Side(self._net(sizes, retain, form, seeds), settings, convert)
            for form, convert in (("paper", False), ("inverted", settings.convert))
        )
        self.order = [stream(seed, "order") for seed in seeds]
        self.masks = [stream(seed, "masks") for seed in seeds]
        self.largest = torch.zeros(len(seeds), dtype=torch.float64, device=device)

    def _net(self, sizes: list[int], retain: list[Tensor], form: str, seeds: list[int]) -> DropoutMLP:
        net = DropoutMLP(sizes, retain, form, torch.float64)
        net.initialise(seeds, [self.settings.init_std] * len(seeds), self.device)
        return net

    def advance(self, step: int, recorder: Recorder) -> None:
        m = self.settings.batch_size
        chosen = torch.stack([torch.randint(len(self.train.labels), (m,), generator=g) for g in self.order])
        index = chosen.to(self.device)
        x, labels = self.train.inputs(index).double(), self.train.labels[index]
        masks = self.paper.net.draw_masks(m, self.masks)
        for side in (self.paper, self.inverted):
            side.update(step, x, labels, masks)
        now = self.difference()
        self.largest = torch.maximum(self.largest, now)
        if (step + 1) % self.settings.measure_every == 0 or step + 1 == self.settings.steps:
            recorder.add(step + 1, "difference", now)
            recorder.add(step + 1, "largest_difference", self.largest)
        if step + 1 == self.settings.steps:
            self._measure_end(step + 1, recorder)

    @torch.no_grad()
    def difference(self) -> Tensor:
        """The largest difference of any weight or bias, in units of the largest of its layer, `[replica]`."""
        found = []
        for name, W in self.paper.net.parameters.items():
            p = self.paper.net.retain[int(name[1:]) - 1].view(-1, 1, 1)
            back = self.inverted.net.parameters[name] / (p if name.startswith("W") else 1)
            found.append((back - W).abs().amax((1, 2)) / W.abs().amax((1, 2)).clamp(min=1e-300))
        # NaN (a net that diverged) must not be lost in a maximum: torch's propagates it.
        return torch.stack(found).amax(0)

    @torch.no_grad()
    def _measure_end(self, step: int, recorder: Recorder) -> None:
        x = self.test.inputs(torch.arange(len(self.test.labels), device=self.device)).double()
        logits = [side.net.forward(x.expand(len(self.masks), -1, -1)) for side in (self.paper, self.inverted)]
        recorder.add(
            step, "answer_difference", (logits[1] - logits[0]).abs().amax((1, 2)) / logits[0].abs().amax((1, 2))
        )
        for name, answer in zip(("paper", "inverted"), logits, strict=True):
            right = (answer.argmax(2) == self.test.labels).double().mean(1)
            recorder.add(step, f"test_accuracy_{name}", right)
        limits = self.paper.c.items()
        shares = [at_limit(self.paper.net.parameters[name], c) for name, c in limits]
        recorder.add(step, "share_at_limit", torch.stack(shares).amax(0))

    def state(self) -> dict[str, Tensor]:
        sides = {"paper": self.paper, "inverted": self.inverted}
        tensors = {f"{name}/{key}": t for name, side in sides.items() for key, t in side.tensors.items()}
        return tensors | {"largest": self.largest} | generator_state(self.order + self.masks)

    @torch.no_grad()
    def load_state(self, state: dict[str, Tensor]) -> None:
        for name, side in (("paper", self.paper), ("inverted", self.inverted)):
            for key, tensor in side.tensors.items():
                tensor.copy_(state[f"{name}/{key}"])
        self.largest.copy_(state["largest"])
        load_generators(self.order + self.masks, state)
