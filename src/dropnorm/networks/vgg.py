"""VGG nets (Santurkar et al. 2018, appendix A): 3x3 convolutions in five blocks, each ended by max pooling.

Layers with weights are numbered from 1, convolutions first. Each but the last is  conv -> [norm] -> [noise] -> ReLU;
hidden fully connected layers are 1x1 convolutions, for after five poolings a picture of 32x32 is 1x1. With a norm, b is
its beta (a bias before it would have no effect). The net itself holds no numbers: parameters are passed in, so that
probes can evaluate it anywhere without touching the weights in training.

Shapes: x `[example, channel, height, width]`, W `[out, in, 3, 3]`, all channels last in memory; b, gamma `[out]`.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d, linear, max_pool2d

from dropnorm.layers.channel_norm import Statistics, batch_statistics, channel_norm, channel_norm_inference
from dropnorm.training.streams import stream

CLASSES = 10
Parameters = dict[str, Tensor]
Noise = Callable[[Tensor, int], Tensor]  # (pre-activation, layer) -> noisy pre-activation


class Layer(NamedTuple):
    """One hidden layer with weights."""

    number: int
    n_in: int
    n_out: int
    kernel: int
    pool: bool  # max pooling behind it


class Output(NamedTuple):
    """What one forward pass yields."""

    logits: Tensor  # [example, class], float32
    activations: dict[int, Tensor]  # of the layers watched: what goes into their ReLU
    statistics: list[Statistics]  # of the mini-batch in each normalised layer, if asked for


class VGG:
    """The shape of a net, and how it computes."""

    def __init__(self, blocks: Sequence[Sequence[int]], hidden: Sequence[int], normalisation: str, eps: float):
        """blocks: channels of each convolution; hidden: widths of fully connected layers before the last one."""
        self.normalisation, self.eps = normalisation, eps
        widths = [(width, 3, i == len(block) - 1) for block in blocks for i, width in enumerate(block)]
        widths += [(width, 1, False) for width in hidden]
        inputs = [3, *(width for width, _, _ in widths)]
        self.layers = [Layer(i + 1, inputs[i], *shape) for i, shape in enumerate(widths)]
        self.last = len(self.layers) + 1
        self.features = inputs[-1]

    @property
    def normalised(self) -> bool:
        return self.normalisation != "none"

    def initialise(self, seed: int, init: str, device: torch.device) -> Parameters:
        """Glorot's weights (variance 2 / (fan in + fan out)), or He's (2 / fan in); biases and beta 0, gamma 1.

        Draws come from CPU streams of the seed and layer: nets of one seed start from the same weights.
        """
        parameters = {}
        for layer in self.layers:
            shape = (layer.n_out, layer.n_in, layer.kernel, layer.kernel)
            W = _draw(shape, init, stream(seed, "init", layer.number))
            parameters[f"W{layer.number}"] = W.contiguous(memory_format=torch.channels_last)
            parameters[f"b{layer.number}"] = torch.zeros(layer.n_out)
            if self.normalised:
                parameters[f"gamma{layer.number}"] = torch.ones(layer.n_out)
        parameters[f"W{self.last}"] = _draw((CLASSES, self.features), init, stream(seed, "init", self.last))
        parameters[f"b{self.last}"] = torch.zeros(CLASSES)
        return {name: p.to(device).requires_grad_() for name, p in parameters.items()}

    def forward(
        self,
        parameters: Parameters,
        x: Tensor,
        *,
        products: str = "float32",
        noise: Noise | None = None,
        watched: Sequence[int] = (),
        statistics: Sequence[Statistics] | None = None,
        keep_statistics: bool = False,
    ) -> Output:
        """x `[example, 3, 32, 32]` -> Output.

        Without `statistics` each normalised layer uses the mini-batch itself (training); with them, one pair a layer,
        it is the inference network. products: 'bfloat16' rounds the operands of convolutions to it, sums in float32.
        """
        activations, kept = {}, []
        convolve = _CONVOLVE[products]
        for layer in self.layers:
            n = layer.number
            bias = None if self.normalised else parameters[f"b{n}"]
            u = convolve(x, parameters[f"W{n}"], bias, layer.kernel // 2)
            if self.normalised:
                if keep_statistics:
                    kept.append(batch_statistics(u.detach(), self.normalisation, self.eps))
                u = self._normalise(u, parameters[f"gamma{n}"], parameters[f"b{n}"], statistics, n)
            if noise is not None:
                u = noise(u, n)
            if n in watched:
                activations[n] = u.detach().float()
            x = u.relu()
            if layer.pool:
                x = max_pool2d(x, 2)
        W, b = parameters[f"W{self.last}"], parameters[f"b{self.last}"]
        logits = linear(x.flatten(1).to(W.dtype), W, b)
        return Output(logits, activations, kept)

    def _normalise(self, u, gamma, beta, statistics, number) -> Tensor:
        if statistics is None:
            return channel_norm(u, gamma, beta, self.normalisation, self.eps)
        return channel_norm_inference(u, gamma, beta, statistics[number - 1])

    @torch.no_grad()
    def population_statistics(self, parameters: Parameters, batches: Sequence[Tensor]) -> list[Statistics] | None:
        """Mean and N of each layer over mini-batches of training pictures, averaged; None without norm.

        For batch norm it is the variance that is averaged, with the factor m / (m - 1) (Ioffe & Szegedy 2015, alg. 2),
        m being examples times positions.
        """
        if not self.normalised:
            return None
        found = [self.forward(parameters, x, keep_statistics=True).statistics for x in batches]
        return [self._average(layer, of_layer, batches[0]) for layer, of_layer in enumerate(zip(*found, strict=True))]

    def _average(self, index: int, of_batches: Sequence[Statistics], x: Tensor) -> Statistics:
        mean = torch.stack([s.mean for s in of_batches]).mean(0)
        norms = torch.stack([s.norm for s in of_batches])
        if self.normalisation != "batch":
            return Statistics(mean, norms.mean(0))
        poolings = sum(layer.pool for layer in self.layers[:index])
        m = x.shape[0] * (x.shape[2] >> poolings) * (x.shape[3] >> poolings)
        return Statistics(mean, ((norms.square().mean(0) - self.eps) * (m / (m - 1)) + self.eps).sqrt())


def _draw(shape: tuple[int, ...], init: str, generator: torch.Generator) -> Tensor:
    """Weights of variance 2 / (fan in + fan out), uniform or normal, or for 'he' normal of variance 2 / fan in."""
    positions = shape[2] * shape[3] if len(shape) == 4 else 1
    fan_in, fan_out = shape[1] * positions, shape[0] * positions
    if init == "he":
        return sqrt(2 / fan_in) * torch.randn(shape, generator=generator)
    sd = sqrt(2 / (fan_in + fan_out))
    if init == "glorot_normal":
        return sd * torch.randn(shape, generator=generator)
    return sd * sqrt(3) * (2 * torch.rand(shape, generator=generator) - 1)


def _convolve(x: Tensor, W: Tensor, b: Tensor | None, padding: int) -> Tensor:
    return conv2d(x, W, b, padding=padding)


def _convolve_bfloat16(x: Tensor, W: Tensor, b: Tensor | None, padding: int) -> Tensor:
    x, W, b = (t if t is None else t.bfloat16() for t in (x, W, b))
    if _has_bfloat16(x):
        return conv2d(x, W, b, padding=padding)
    # The same rounding, with float32 arithmetic: a CPU without bfloat16 takes many times as long over bfloat16.
    return conv2d(x.float(), W.float(), b if b is None else b.float(), padding=padding).bfloat16()


def _has_bfloat16(x: Tensor) -> bool:
    if x.device.type != "cpu":
        return True
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


_CONVOLVE = {"float32": _convolve, "bfloat16": _convolve_bfloat16}
