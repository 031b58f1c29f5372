"""Train Figure 1's batch-normalised network, and look at what sets its training mode apart from its inference mode.

It trains as `inference` does, and is followed as there. After the last step the same weights answer test images in
mini-batches of one and of other sizes in training mode, in batches of several sizes in inference mode, and without any
normalisation, folded into the weights. Statistics for inference are those of Algorithm 2.
"""

import torch
from pydantic import Field, PositiveInt
from torch import Tensor

from dropnorm.experiments import inference
from dropnorm.experiments.layer_order import in_float64
from dropnorm.layers.batch_norm import Statistics
from dropnorm.layers.folding import fold
from dropnorm.networks.sigmoid_mlp import SigmoidMLP

BATCHINGS = (1, 2, 16, 64)  # of the same images in inference mode; and all at once
AT_ONCE = 2000  # images in a batch where its size plays no part


class Measure(inference.Measure):
    """Sizes of test mini-batches in training mode, and how many test images the other measurements look at."""

    test_sizes: list[PositiveInt] = Field(min_length=1)
    alone: PositiveInt  # each a mini-batch by itself
    batched: PositiveInt  # in batches of several sizes


class Settings(inference.Settings):
    """All settings of one arm."""

    measure: Measure


class Experiment(inference.Experiment):
    """R networks in training; after the last step, both modes side by side."""

    def _measure(self) -> None:
        super()._measure()
        if self.step == self.settings.training.steps:
            for quantity, values in self._compare_modes().items():
                self.recorder.add(self.step, quantity, values)

    @torch.no_grad()
    def _compare_modes(self) -> dict[str, Tensor]:
        """By quantity, one value a network `[replica]`."""
        sizes, statistics = self.settings.measure.test_sizes, self._statistics()
        below, above = self._gradients_of_one()
        found = {f"accuracy_of_{m}": self._accuracy_in_batches(m) for m in sizes}
        found |= {
            "answers_to_one": self._answers_to_one(),
            "gradient_of_one": below,
            "gradient_above": above,
            "change_by_batching_float32": self._change_by_batching(statistics),
            "folded_float32": self._folding_error(statistics),
        }
        with in_float64(self.network):
            statistics = [Statistics(s.mean.double(), s.var.double()) for s in statistics]
            found["change_by_batching"] = self._change_by_batching(statistics)
            found["folded_float64"] = self._folding_error(statistics)
        return found

    def _statistics(self) -> list[Statistics]:
        return self.network.population_statistics(self._population_batches())

    def _logits(self, network: SigmoidMLP, statistics: list[Statistics] | None, images: int, size: int) -> Tensor:
        """Answers `[replica, image, class]` to the first test images, in batches of `size`."""
        dtype = network.parameters["W1"].dtype
        x = [self.held_out["test"].inputs(index).to(dtype) for index in self._range(0, images).split(size)]
        return torch.cat([network.forward(u.expand(len(self.seeds), -1, -1), statistics).logits for u in x], 1)

    # --- training mode, mini-batches of one ---

    def _answers_to_one(self) -> Tensor:
        """Largest difference of a logit between any two images, each a mini-batch by itself."""
        return _largest_difference(self._logits(self.network, None, self.settings.measure.alone, 1), 1)

    @torch.enable_grad()
    def _gradients_of_one(self) -> tuple[Tensor, Tensor]:
        """Largest gradient of a weight below a normalisation, and of one above them all, over the same images."""
        test, weights = self.held_out["test"], [self.network.parameters[f"W{i + 1}"] for i in range(self.network.depth)]
        of_layers = []
        for index in self._range(0, self.settings.measure.alone).split(1):
            x = test.inputs(index).expand(len(self.seeds), -1, -1)
            loss = self._loss(self.network.forward(x).logits, test.labels[index].expand(len(self.seeds), -1))
            gradients = torch.autograd.grad(loss.sum(), weights)
            of_layers.append(torch.stack([g.abs().amax((1, 2)) for g in gradients]))
        largest = torch.stack(of_layers).amax(0)  # [layer, replica]
        return largest[:-1].amax(0), largest[-1]

    # --- inference mode ---

    def _change_by_batching(self, statistics: list[Statistics]) -> Tensor:
        """Largest difference of a logit of an image between batches of any two sizes."""
        images = self.settings.measure.batched
        answers = [self._logits(self.network, statistics, images, size) for size in (*BATCHINGS, images)]
        return _largest_difference(torch.stack(answers, 1), 1)

    def _folding_error(self, statistics: list[Statistics]) -> Tensor:
        """Largest difference of a logit to the folded network, over the largest logit; all test images."""
        images = len(self.held_out["test"].labels)
        logits = self._logits(self.network, statistics, images, AT_ONCE)
        of_folded = self._logits(folded(self.network, statistics), None, images, AT_ONCE)
        return (of_folded - logits).abs().amax((1, 2)) / logits.abs().amax((1, 2))


def folded(network: SigmoidMLP, statistics: list[Statistics]) -> SigmoidMLP:
    """A network without normalisation that does what a batch-normalised one does in inference mode."""
    plain, p = SigmoidMLP(network.sizes, batch_normalised=False), network.parameters
    plain.parameters = {name: p[name] for name in (f"W{network.depth}", f"b{network.depth}")}
    for layer, of_layer in enumerate(statistics, start=1):
        W, beta, gamma = (p[f"{kind}{layer}"] for kind in ("W", "b", "gamma"))
        plain.parameters[f"W{layer}"], plain.parameters[f"b{layer}"] = fold(W, gamma, beta, of_layer, network.eps)
    return plain


def _largest_difference(logits: Tensor, along: int) -> Tensor:
    """Between any two of a logit's values along one axis; the largest over all others but the first `[replica]`."""
    return (logits.amax(along) - logits.amin(along)).flatten(1).amax(1)
