"""A folded layer against the layer and its normalization, and against torch's own folding."""

import torch
from torch.nn.utils.fusion import fuse_linear_bn_weights

from dropnorm.layers.batch_norm import Statistics, batch_norm_inference
from dropnorm.layers.folding import fold

EPS = 1e-5
REPLICAS, INPUTS, UNITS = 3, 7, 5


def _layer():
    """W, gamma, beta and statistics, all drawn; variances above zero."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    gamma, beta, mean, deviation = (drawn(REPLICAS, 1, UNITS) for _ in range(4))
    return drawn(REPLICAS, INPUTS, UNITS), gamma, beta, Statistics(mean, deviation**2 + 0.1)


def test_the_folded_layer_does_what_both_did():
    W, gamma, beta, statistics = _layer()
    u = torch.randn(REPLICAS, 20, INPUTS, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = batch_norm_inference(u @ W, gamma, beta, statistics, EPS)
    W_folded, b = fold(W, gamma, beta, statistics, EPS)
    torch.testing.assert_close(u @ W_folded + b, expected, rtol=1e-12, atol=1e-12)


def test_it_folds_as_torch_does():
    W, gamma, beta, statistics = _layer()
    W_folded, b = fold(W, gamma, beta, statistics, EPS)
    for r in range(REPLICAS):
        mean, var, scale, shift = (t[r, 0] for t in (*statistics, gamma, beta))
        weight, bias = fuse_linear_bn_weights(W[r].T, None, mean, var, EPS, scale, shift)
        torch.testing.assert_close(W_folded[r].T, weight.detach(), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(b[r, 0], bias.detach(), rtol=1e-12, atol=1e-12)
