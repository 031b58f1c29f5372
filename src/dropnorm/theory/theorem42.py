"""Theorem 4.2 (smoothness): the curvature along the gradient with and without batch norm.

    v^T Hhat v  =  gamma^2/sigma^2 v^T H v - gamma/(m sigma^2) <g, yhat> ||v||^2              first line
               <=  gamma^2/sigma^2 ( g^T H g - 1/(m gamma) <g, yhat> ||v||^2 )                second line

with H = d2L/dz dz and Hhat = d2Lhat/dy dy. The paper prints "<=" in both lines; the second needs v^T H v <= g^T H g.
"""

from torch import Tensor

from dropnorm.theory.cases import Cases, curvature, gradient, inner, relative, standardise, where_alive

ROUNDING = 1e-9


def measure(cases: Cases) -> dict[str, Tensor]:
    """Both lines, the sign of <g, yhat>, and plain against batch-normalised curvature; `[case]` each."""
    y, m = cases.y, cases.y.shape[1]
    norm = standardise(y)
    z = cases.gamma * norm.yhat + cases.beta
    g, v = gradient(cases.loss, z), gradient(cases.normalised_loss, y)
    left = curvature(cases.normalised_loss, y, v)
    vHv, gHg = curvature(cases.loss, z, v), curvature(cases.loss, z, g)
    gamma, sigma = cases.gamma.squeeze(1), norm.sigma.squeeze(1)
    ratio = (gamma / sigma).square()
    separation = gamma / (m * sigma.square()) * inner(g, norm.yhat) * inner(v, v)
    first, second = ratio * vHv - separation, ratio * gHg - separation
    size = (ratio * vHv).abs() + separation.abs()
    return {
        "error_equality": relative(left - first, size),
        "holds_second_line": where_alive(left <= second + ROUNDING * (size + (ratio * gHg).abs()), g),
        "holds_positive": where_alive(inner(g, norm.yhat) > 0, g),
        "holds_smoother": where_alive(left < gHg, g),
        "mean_gain": gamma / sigma,
    }
