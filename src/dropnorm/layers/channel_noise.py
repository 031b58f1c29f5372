"""The noise of 'noisy' batch norm (Santurkar et al. 2018, appendix A.2.1, Algorithm 1).

At each step, for each channel j:  mu_j ~ U(-n_mu, n_mu),  sigma_j ~ U(1, n_sigma);
for each element of channel j:     m ~ U(mu_j - r_mu, mu_j + r_mu),  s ~ N(sigma_j, r_sigma);  a <- s a + m.

The second argument of N is read as a standard deviation. Draws an element are made of 16 random bits each, four from
one 64-bit word, which is about eight times cheaper than library draws: a uniform is one of 65,536 equidistant values,
a normal the quantile of such a one, so that mean and symmetry are exact and tails end at 4.3 standard deviations.
"""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from dropnorm.layers.channel_norm import batch_statistics

LEVELS = 2**16


class NoiseSizes(NamedTuple):
    """n_mu, n_sigma: how far the noise of a channel moves from step to step; r_mu, r_sigma: its spread within one."""

    n_mu: float
    n_sigma: float
    r_mu: float
    r_sigma: float


class Noise(NamedTuple):
    """Factor s and summand m of each element, `[example, channel, height, width]`, channels last in memory."""

    s: Tensor
    m: Tensor

    def add_to(self, a: Tensor) -> Tensor:
        """s a + m."""
        return torch.addcmul(self.m.to(a.dtype), self.s.to(a.dtype), a)

    def add_relative(self, a: Tensor) -> Tensor:
        """The same in units of each channel's own mini-batch: mean + s (a - mean) + m sd.

        That is noisy batch norm with gamma = sd and beta = mean, the two taken as constants.
        """
        mean, sd = (t.view(1, -1, 1, 1) for t in batch_statistics(a.detach(), "batch", eps=0.0))
        return torch.addcmul(mean + self.m * sd, self.s, a - mean).to(a.dtype)


def draw(shape: torch.Size, sizes: NoiseSizes, generator: torch.Generator, device: torch.device) -> Noise:
    """The noise of one layer at one step; shape `[example, channel, height, width]`."""
    n, channels, height, width = shape
    if device.type != "cpu":  # drawn where it is needed: other numbers than on a CPU, of the same distribution
        generator = torch.Generator(device).manual_seed(generator.initial_seed())
    mu = sizes.n_mu * (2 * torch.rand(channels, generator=generator, device=device) - 1)
    sigma = 1 + (sizes.n_sigma - 1) * torch.rand(channels, generator=generator, device=device)
    uniform, normal = (_sixteen_bits(n * height * width * channels, generator) for _ in range(2))
    # Midpoints of 65,536 equal parts of [-1, 1].
    m = uniform.float().add_(0.5).mul_(sizes.r_mu * 2 / LEVELS).view(-1, channels).add_(mu)
    z = _normal_quantiles(device).index_select(0, normal.int().add_(LEVELS // 2))
    s = z.mul_(sizes.r_sigma).view(-1, channels).add_(sigma)
    return Noise(*(t.view(n, height, width, channels).permute(0, 3, 1, 2) for t in (s, m)))


def _sixteen_bits(count: int, generator: torch.Generator) -> Tensor:
    """`count` integers, uniform on -2^15 .. 2^15 - 1."""
    words = torch.empty(-(-count // 4), dtype=torch.int64, device=generator.device)
    words.random_(-(2**63), None, generator=generator)
    return words.view(torch.int16)[:count]


@cache
def _normal_quantiles(device: torch.device) -> Tensor:
    """The standard normal at the midpoints of 65,536 equal probabilities, float32."""
    p = (torch.arange(LEVELS, dtype=torch.float64) + 0.5) / LEVELS
    return torch.special.ndtri(p).float().to(device)
