"""Ioffe & Szegedy 2015, sections 3 and 3.3: the scale of the weights and of their gradient in a batch-normalised layer.

BN((aW)u) = BN(Wu)                      for a > 0; for a < 0 the outputs change sign
dl/d(aW) = 1/a dl/dW                    and dl/du is the same
<W, dl/dW> = 0                          so |W - lr dl/dW|^2 = |W|^2 + lr^2 |dl/dW|^2
BN(x) = x                               for gamma = sqrt(Var + eps), beta = E
"""

import torch
from torch import Tensor

from dropnorm.layers.batch_norm import batch_norm, batch_statistics
from dropnorm.theory.cases import Cases, gradient, inner, outputs, relative
from dropnorm.theory.lemma45 import FACTORS, scale_error, unit_layer, unit_spread

EXACT = 1e-12  # up to which an output counts as unchanged
LR = 0.1  # of the step whose effect on the length is measured
CHANGES = {"change_tenth": 0.1, "change_hundredth": 0.01, "change_thousandth": 0.001}


def measure(cases: Cases) -> dict[str, Tensor]:
    """Every statement above, without eps but for the identity; `[case]` each."""
    return (
        _scale(cases.X, cases.W)
        | _gradients(cases)
        | _growth(cases)
        | {"error_identity": identity_error(cases.y, 1e-5)}
    )


def _scale(X: Tensor, W: Tensor) -> dict[str, Tensor]:
    before = unit_layer(outputs(X, W), 0.0)
    negative = torch.stack([unit_layer(outputs(X, -a * W), 0.0) for a in FACTORS])  # [factor, case, m]
    return {
        "error_scaled": scale_error(X, W, 0.0).amax(0),
        "error_sign": (negative + before).abs().amax((0, 2)),
        "holds_negative": ((negative - before).abs().amax((0, 2)) <= EXACT).to(W.dtype),
    }


def _gradients(cases: Cases) -> dict[str, Tensor]:
    """Largest error over the factors; relative to the gradient of the layer as it is."""
    weights, inputs = _weights_gradient(cases, 1.0), _inputs_gradient(cases, 1.0)
    of_weights = [_relative_length(a * _weights_gradient(cases, a) - weights, weights) for a in FACTORS]
    of_inputs = [_relative_length(_inputs_gradient(cases, a) - inputs, inputs) for a in FACTORS]
    return {
        "error_weights_gradient": torch.stack(of_weights).amax(0),
        "error_inputs_gradient": torch.stack(of_inputs).amax(0),
    }


def _weights_gradient(cases: Cases, a: float) -> Tensor:
    """dl/d(aW) `[case, d]` of the layer with weights aW."""
    return gradient(lambda W: cases.normalised_loss(outputs(cases.X, W)), a * cases.W)


def _inputs_gradient(cases: Cases, a: float) -> Tensor:
    """dl/du `[case, m, d]` of the layer with weights aW."""
    return gradient(lambda X: cases.normalised_loss(outputs(X, a * cases.W)), cases.X)


def _relative_length(difference: Tensor, of: Tensor) -> Tensor:
    return relative(difference.flatten(1).norm(dim=1), of.flatten(1).norm(dim=1))


def _growth(cases: Cases) -> dict[str, Tensor]:
    """One step of plain gradient descent on one unit's weights."""
    W, g = cases.W, _weights_gradient(cases, 1.0)
    before, step = inner(W, W), LR**2 * inner(g, g)
    after = inner(W - LR * g, W - LR * g)
    return {
        "error_right_angle": relative(inner(W, g), W.norm(dim=1) * g.norm(dim=1)),
        "error_growth": relative(after - before - step, after),
        "holds_grows": (after >= before * (1 - EXACT)).to(W.dtype),
        "mean_length": before.sqrt(),
    }


def identity_error(x: Tensor, eps: float) -> Tensor:
    """Largest |BN(x) - x| `[case]` with gamma = sqrt(Var + eps) and beta = E, relative to the case's largest |x|."""
    u = x.unsqueeze(2)
    mean, var = batch_statistics(u)
    restored, _ = batch_norm(u, (var + eps).sqrt(), mean, eps)
    return relative((restored - u).abs().amax((1, 2)), u.abs().amax((1, 2)))


def eps_change(cases: Cases, eps: float) -> dict[str, Tensor]:
    """What scaled weights change where there is an eps: the largest change of an output, of units with sigma = 1."""
    X, W = cases.X, unit_spread(cases.X, cases.W)
    change = scale_error(X, W, eps)  # [factor, case]
    named = {name: change[FACTORS.index(a)] for name, a in CHANGES.items()}
    return {f"mean_{name}": found for name, found in named.items()} | {
        "error_eps_factor": torch.stack([_beside_factor(X, W, a, eps) for a in FACTORS]).amax(0),
        "share_by_factor": change,
    }


def _beside_factor(X: Tensor, W: Tensor, a: float, eps: float) -> Tensor:
    """|BN((aW)u) - a sqrt(1 + eps) / sqrt(a^2 + eps) BN(Wu)|, the largest of each case of variance one."""
    factor = a * ((1 + eps) / (a * a + eps)) ** 0.5
    return (unit_layer(outputs(X, a * W), eps) - factor * unit_layer(outputs(X, W), eps)).abs().amax(1)
