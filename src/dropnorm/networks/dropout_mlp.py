"""The multilayer perceptron of Srivastava et al. 2014: ReLU units, dropout on the inputs of every layer, logits.

R networks of one shape train side by side: weights `[replica, in, out]`, activations `[replica, batch, unit]`.
"""

from typing import Literal

import torch
from torch import Tensor

from dropnorm.layers.dropout import (
    draw_masks,
    dropout,
    inverted_dropout,
    inverted_scale,
    mask_threshold,
    weight_scaled,
)
from dropnorm.training.streams import stream

Form = Literal["paper", "inverted"]


class DropoutMLP:
    """A stack of R perceptrons y_l = relu(W_l (r_l * y_{l-1}) + b_l) (section 4, equations of Figure 3); last: no relu.

    sizes: units of input, hidden layers, output. retain: for each layer the probability p `[replica]` that a unit it
    *reads* is kept (of the first layer: of the inputs). form: where the factor p goes (see `layers.dropout`).
    """

    def __init__(
        self, sizes: list[int], retain: list[Tensor], form: Form = "paper", dtype: torch.dtype = torch.float32
    ):
        self.sizes, self.retain, self.form, self.dtype = sizes, retain, form, dtype
        self.depth = len(sizes) - 1
        if len(retain) != self.depth:
            raise ValueError(f"{self.depth} layers need {self.depth} retention probabilities, not {len(retain)}")
        self.thresholds = [mask_threshold(p) for p in retain]
        self.parameters: dict[str, Tensor] = {}

    def initialise(self, seeds: list[int], init_stds: list[float], device: torch.device) -> None:
        """W ~ N(0, init_std^2), in the inverted form p times that; biases 0.

        The draws come from a CPU generator of the replica's own seed and are the same in both forms.
        """
        for layer, (n_in, n_out) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            W = torch.stack([
                std * torch.randn(n_in, n_out, generator=stream(seed, "init", layer), dtype=torch.float64)
                for seed, std in zip(seeds, init_stds, strict=True)
            ])  # fmt: skip
            if self.form == "inverted":
                W = W * inverted_scale(self.retain[layer - 1].cpu().double()).weight.view(-1, 1, 1)
            self.parameters[f"W{layer}"] = W.to(device, self.dtype)
            self.parameters[f"b{layer}"] = torch.zeros(len(seeds), 1, n_out, device=device, dtype=self.dtype)
        for parameter in self.parameters.values():
            parameter.requires_grad_()

    def draw_masks(self, batch: int, generators: list[torch.Generator]) -> list[Tensor]:
        """One mask a layer for the units it reads, `[replica, batch, unit]`: a new one for each example."""
        pairs = zip(self.thresholds, self.sizes, strict=False)
        return [draw_masks(threshold, (batch, n), generators, self.dtype) for threshold, n in pairs]

    def forward(self, x: Tensor, masks: list[Tensor] | None = None) -> Tensor:
        """Logits `[replica, batch, class]` of x `[replica, batch, feature]`.

        With masks this is the thinned network of training, without them the whole network of test.
        """
        for layer in range(1, self.depth + 1):
            y = self._dropped(x, layer, masks)
            x = torch.baddbmm(self.parameters[f"b{layer}"], y, self.parameters[f"W{layer}"])
            if layer < self.depth:
                x = torch.relu(x)
        return x

    def _dropped(self, y: Tensor, layer: int, masks: list[Tensor] | None) -> Tensor:
        p = self.retain[layer - 1].to(self.dtype)
        if masks is None:
            return weight_scaled(y, p) if self.form == "paper" else y
        r = masks[layer - 1]
        return dropout(y, r) if self.form == "paper" else inverted_dropout(y, r, p)
