"""A machine so small that all its states can be listed: are conditionals and training steps what the model says?

The listed side uses the energy alone: joint probabilities, summed. It shares no formula with `networks.rbm`.
"""

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from dropnorm.layers.dropout import draw_masks, mask_threshold
from dropnorm.networks.rbm import RBM, cd1_gradient
from dropnorm.networks.thinned import all_masks, mask_weights
from dropnorm.settings import Strict
from dropnorm.training.recorder import Recorder
from dropnorm.training.streams import stream

LARGEST = 2**13  # joint states that are listed at once


class ToySettings(Strict):
    """The machine, the batch it sees, and how many training steps are drawn, a hundred batches at a time."""

    visible: PositiveInt
    hidden: PositiveInt
    p: float = Field(gt=0, le=1)  # of retaining a hidden unit
    weight_std: PositiveFloat
    examples: PositiveInt
    steps: PositiveInt
    draws: PositiveInt  # batches in one step

    def model_post_init(self, _context: object) -> None:
        if 2 ** (self.visible + self.hidden) > LARGEST:
            raise ValueError(f"2^(visible + hidden) states are listed; at most {LARGEST}")


def conditionals(W: Tensor, a: Tensor, b: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """P(h_j = 1 | v, r) `[2^visible, hidden]` for each v, and P(v_i = 1 | h, r) `[allowed h, visible]`, listed.

    W `[visible, hidden]`, a `[visible]`, b `[hidden]`, r `[hidden]`. All joint states with h_j = 0 where r_j = 0.
    """
    v, h = all_masks(len(a)).to(W), allowed(r)
    joint = weights(W, a, b, v, h)  # [v, h], not normalised
    return joint @ h / joint.sum(1, keepdim=True), joint.T @ v / joint.sum(0).unsqueeze(1)


def allowed(r: Tensor) -> Tensor:
    """All hidden states with h_j = 0 where r_j = 0, `[state, hidden]`."""
    h = all_masks(len(r)).to(r)
    return h[(h <= r).all(1)]


def weights(W: Tensor, a: Tensor, b: Tensor, v: Tensor, h: Tensor) -> Tensor:
    """exp(-energy) `[v, h]` of visible states `[v, visible]` (any real numbers) with hidden ones `[h, hidden]`."""
    return torch.exp(v @ W @ h.T + (v @ a).unsqueeze(1) + h @ b)


def expected_gradient(W: Tensor, a: Tensor, b: Tensor, v: Tensor, p: float) -> tuple[Tensor, Tensor, Tensor]:
    """What a step of contrastive divergence is on average over masks and hidden states, for a batch v.

    v `[batch, visible]`. Returns the expectations of what `cd1_gradient` gives for W, a, b.
    """
    total = [torch.zeros_like(t) for t in (W, a, b)]
    masks = all_masks(len(b))
    for r, chance in zip(masks, mask_weights(masks, p), strict=True):
        h = allowed(r.to(W))
        given_v = _normalised(weights(W, a, b, v, h))  # [batch, h]
        v_model = _mean_visible(W, a, b, h)  # [h, visible]
        h_data, h_model = given_v @ h, _normalised(weights(W, a, b, v_model, h)) @ h
        of_states = given_v.mean(0)  # how often each hidden state is drawn in the batch
        total[0] += chance * ((of_states.unsqueeze(1) * v_model).T @ h_model - v.T @ h_data / len(v))
        total[1] += chance * (of_states @ v_model - v.mean(0))
        total[2] += chance * (of_states @ h_model - h_data.mean(0))
    return tuple(total)


def _normalised(joint: Tensor) -> Tensor:
    return joint / joint.sum(1, keepdim=True)


def _mean_visible(W: Tensor, a: Tensor, b: Tensor, h: Tensor) -> Tensor:
    """P(v_i = 1 | h) for each hidden state h `[h, hidden]`, summed over all visible states."""
    v = all_masks(len(a)).to(W)
    return _normalised(weights(W, a, b, v, h).T) @ v


class Enumeration:
    """Errors of the conditionals, of a step without masks, and of the mean of many drawn steps, for each seed."""

    def __init__(self, settings: ToySettings, seeds: list[int], device: torch.device):
        self.settings, self.seeds, self.device = settings, seeds, device
        s = settings
        draw = [self._draw(seed) for seed in seeds]
        self.rbm = RBM(*(torch.stack(t).to(device) for t in zip(*(d[:3] for d in draw), strict=True)))
        self.v = torch.stack([d[3] for d in draw]).to(device)  # [replica, examples, visible]
        self.threshold = mask_threshold(torch.full((len(seeds),), s.p)).to(device)
        expected = [expected_gradient(*self._machine(i), self.v[i], s.p) for i in range(len(seeds))]
        self.expected = torch.stack([torch.cat([t.flatten() for t in e]) for e in expected])
        self.sum = torch.zeros_like(self.expected)
        self.sum_of_squares = torch.zeros_like(self.expected)

    def _draw(self, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        s, generator = self.settings, stream(seed, "toy")
        shapes = ((s.visible, s.hidden), (1, s.visible), (1, s.hidden))
        parameters = [s.weight_std * torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]
        return *parameters, torch.rand(s.examples, s.visible, generator=generator, dtype=torch.float64)

    def _machine(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        return self.rbm.W[i], self.rbm.a[i, 0], self.rbm.b[i, 0]

    def advance(self, step: int, recorder: Recorder) -> None:
        """Draw steps of contrastive divergence; the first and the last time, measure."""
        if step == 0:
            recorder.add(0, "conditional_error", self.conditional_error())
            recorder.add(0, "standard_difference", self.standard_difference())
        drawn = self._drawn_gradients(step) - self.expected.unsqueeze(1)
        self.sum += drawn.sum(1)
        self.sum_of_squares += drawn.square().sum(1)
        if step + 1 == self.settings.steps:
            recorder.add(step + 1, "deviation_in_se", self.deviation_in_se())

    def _drawn_gradients(self, step: int) -> Tensor:
        """Gradients of many batches, `[replica, draw, parameter]`."""
        return torch.stack([self._drawn_of(i, seed, step) for i, seed in enumerate(self.seeds)])

    def _drawn_of(self, i: int, seed: int, step: int) -> Tensor:
        # The draws of one seed stand where replicas stand elsewhere: copies of its machine, each with its own batch.
        s = self.settings
        generator = stream(seed, "toy_gibbs", step)
        uniform = torch.rand(s.draws, s.examples, s.hidden, generator=generator, dtype=torch.float64).to(self.device)
        rows = draw_masks(self.threshold[i : i + 1], (s.draws * s.examples, s.hidden), [generator], torch.float64)
        copies = RBM(*(t[i].expand(s.draws, -1, -1) for t in self.rbm))
        gradient = cd1_gradient(copies, self.v[i].expand(s.draws, -1, -1), uniform, rows.view_as(uniform))
        return torch.cat([t.flatten(1) for t in gradient], 1)

    def conditional_error(self) -> Tensor:
        """The largest difference between listed and computed conditionals, over all masks and states, `[replica]`."""
        return torch.stack([self._conditional_error(i) for i in range(len(self.seeds))])

    def _conditional_error(self, i: int) -> Tensor:
        alone = RBM(*(t[i : i + 1] for t in self.rbm))
        v, errors = all_masks(self.settings.visible).to(self.v), []
        for r in all_masks(self.settings.hidden).to(self.v):
            listed_h, listed_v = conditionals(*self._machine(i), r)
            computed_h = alone.hidden_probability(v.unsqueeze(0), r.expand(1, len(v), -1))[0]
            computed_v = alone.visible_probability(allowed(r).unsqueeze(0))[0]
            errors += [(listed_h - computed_h).abs().amax(), (listed_v - computed_v).abs().amax()]
        return torch.stack(errors).amax()

    def standard_difference(self) -> Tensor:
        """The largest difference of a step with all units retained from one without masks, `[replica]`."""
        s = self.settings
        shape = (s.examples, s.hidden)
        rand = [torch.rand(shape, generator=stream(seed, "toy_standard"), dtype=torch.float64) for seed in self.seeds]
        uniform = torch.stack(rand).to(self.device)
        pairs = zip(
            cd1_gradient(self.rbm, self.v, uniform, torch.ones_like(uniform)),
            cd1_gradient(self.rbm, self.v, uniform),
            strict=True,
        )
        return torch.stack([(x - y).abs().amax((1, 2)) for x, y in pairs]).amax(0)

    def deviation_in_se(self) -> Tensor:
        """Distance of the mean drawn step from its expectation, in standard errors; the worst parameter `[replica]`."""
        n = self.settings.steps * self.settings.draws
        mean = self.sum / n
        variance = (self.sum_of_squares / n - mean.square()) * n / (n - 1)
        return (mean.abs() / (variance / n).sqrt()).amax(1)

    def state(self) -> dict[str, Tensor]:
        return {"sum": self.sum, "sum_of_squares": self.sum_of_squares}

    def load_state(self, state: dict[str, Tensor]) -> None:
        self.sum.copy_(state["sum"])
        self.sum_of_squares.copy_(state["sum_of_squares"])
