"""Marginalised dropout by independent means: every joint mask, finite differences, cases worked out by hand."""

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from dropnorm.networks.marginal_regression import (
    dropped_loss,
    enumerated_loss,
    enumerated_solution,
    least_squares,
    marginal_loss,
    marginal_loss_scaled,
    marginal_solution,
    penalty_norm,
    penalty_ratio,
    scaled_solution,
)
from dropnorm.networks.thinned import all_masks, geometric_mean, mask_weights, one_layer_logits, two_layer_logits

P = [0.9, 0.8, 0.5, 0.1]


def problem(images=4, pixels=3, outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    return [torch.from_numpy(rng.normal(size=s)) for s in ((images, pixels), (images, outputs), (pixels, outputs))]


@pytest.mark.parametrize("p", P)
def test_the_formula_is_the_mean_over_every_joint_mask_of_all_examples(p):
    """All 2^12 masks R of four examples with three inputs each, in plain NumPy."""
    X, y, w = problem()
    expected = 0.0
    for bits in itertools.product((0, 1), repeat=12):
        R = np.array(bits).reshape(4, 3)
        expected += p ** R.sum() * (1 - p) ** (12 - R.sum()) * ((y.numpy() - (R * X.numpy()) @ w.numpy()) ** 2).sum()
    assert float(marginal_loss(X, y, w, p)) == pytest.approx(expected, rel=1e-12)
    assert float(marginal_loss_scaled(X, y, p * w, p)) == pytest.approx(expected, rel=1e-12)
    assert float(enumerated_loss(X, y, w, p)) == pytest.approx(expected, rel=1e-12)


def test_one_input_by_hand():
    """x = 2, y = 3, w = 1, p = 1/2: the loss is 9 without the input and 1 with it, in the mean 5."""
    X, y, w = (torch.full((1, 1), v, dtype=torch.float64) for v in (2.0, 3.0, 1.0))
    assert float(marginal_loss(X, y, w, 0.5)) == 5
    assert float(dropped_loss(X, y, w, torch.zeros(1, 1, dtype=torch.float64))) == 9
    # p x^2 w^2 - 2 p x y w + y^2 is least at w = y / x: a lone column is orthogonal to all others
    assert float(marginal_solution(X, y, 0.5)) == pytest.approx(1.5)
    assert float(scaled_solution(X, y, 0.5)) == pytest.approx(0.75)  # p times OLS


@pytest.mark.parametrize("p", P)
def test_closed_forms_minimise_the_enumerated_loss(p):
    X, y, _ = problem(images=9, outputs=1)
    found = minimize(
        lambda w: float(enumerated_loss(X, y, torch.from_numpy(w).unsqueeze(1), p)), np.zeros(3), method="BFGS",
        options={"gtol": 1e-10},
    )  # fmt: skip
    w = marginal_solution(X, y, p)
    assert w.flatten().numpy() == pytest.approx(found.x, rel=1e-5)
    torch.testing.assert_close(enumerated_solution(X, y, p), w)
    torch.testing.assert_close(scaled_solution(X, y, p), p * w)


def test_p_of_one_is_ordinary_least_squares():
    X, y, _ = problem(images=9)
    ols = np.linalg.lstsq(X.numpy(), y.numpy(), rcond=None)[0]
    for solved in (marginal_solution(X, y, 1.0), scaled_solution(X, y, 1.0), least_squares(X, y)):
        assert solved.numpy() == pytest.approx(ols, rel=1e-9)


def test_penalty_by_hand():
    X = torch.tensor([[3.0, 0.0], [4.0, 2.0]], dtype=torch.float64)  # columns of length 5 and 2
    w = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
    assert float(penalty_norm(X, w)) == pytest.approx((25 + 16) ** 0.5)
    assert [penalty_ratio(p) for p in (0.8, 0.5, 0.1)] == pytest.approx([0.25, 1, 9])


def test_a_stack_of_problems_equals_each_alone():
    several = [problem(seed=s) for s in range(3)]
    X, y, w = (torch.stack(part) for part in zip(*several, strict=True))
    for i, (X_i, y_i, w_i) in enumerate(several):
        torch.testing.assert_close(marginal_loss(X, y, w, 0.8)[i], marginal_loss(X_i, y_i, w_i, 0.8))
        torch.testing.assert_close(marginal_solution(X, y, 0.8)[i], marginal_solution(X_i, y_i, 0.8))


# --- thinned networks ---


def test_all_masks_are_all_and_their_weights_add_up():
    masks = all_masks(3)
    assert sorted(map(tuple, masks.tolist())) == sorted(itertools.product((0.0, 1.0), repeat=3))
    for p in P:
        assert float(mask_weights(masks, p).sum()) == pytest.approx(1)
    row = masks.tolist().index([1.0, 1.0, 0.0])
    assert float(mask_weights(masks, 0.8)[row]) == pytest.approx(0.8 * 0.8 * 0.2)


def test_geometric_mean_by_hand():
    """Two networks that say (1/2, 1/2) and (1/5, 4/5): sqrt(1/10) to sqrt(2/5) is 1 to 2."""
    logits = torch.tensor([[[0.5, 0.5]], [[0.2, 0.8]]], dtype=torch.float64).log()
    mean = geometric_mean(logits, torch.tensor([0.5, 0.5], dtype=torch.float64))
    assert mean.tolist() == [[pytest.approx(1 / 3), pytest.approx(2 / 3)]]


@pytest.mark.parametrize("p", P)
def test_weight_scaling_is_the_geometric_mean_for_one_layer_and_not_for_two(p):
    x, _, W = problem(images=5, pixels=6, outputs=4)
    b = torch.tensor([0.3, -0.2, 0.0, 1.0], dtype=torch.float64)
    masks = all_masks(6)
    # the ensemble in plain NumPy: a product of powers of probabilities
    product = np.ones((5, 4))
    for mask in masks.numpy():
        logits = (mask * x.numpy()) @ W.numpy() + b.numpy()
        answer = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        product *= answer ** (p ** mask.sum() * (1 - p) ** (6 - mask.sum()))
    ensemble = geometric_mean(one_layer_logits(x, masks, W, b), mask_weights(masks, p))
    assert ensemble.numpy() == pytest.approx(product / product.sum(1, keepdims=True), rel=1e-12)
    torch.testing.assert_close(ensemble, (p * x @ W + b).softmax(1), rtol=0, atol=1e-13)
    W1, W2 = W[:3, :3], W[3:, :3]
    ensemble = geometric_mean(two_layer_logits(x[:, :3], masks, W1, W2), mask_weights(masks, p))
    scaled = (p * torch.relu(p * x[:, :3] @ W1) @ W2).softmax(1)
    assert (ensemble - scaled).abs().max() > 1e-4


def test_two_layer_masks_are_of_inputs_then_of_hidden_units():
    x = torch.tensor([[1.0, 1.0]], dtype=torch.float64)
    W1, W2 = torch.eye(2, dtype=torch.float64), torch.tensor([[1.0], [10.0]], dtype=torch.float64)
    masks = torch.tensor([[1, 1, 1, 1], [0, 1, 1, 1], [1, 1, 1, 0]], dtype=torch.float64)
    assert two_layer_logits(x, masks, W1, W2).flatten().tolist() == [11, 10, 1]
