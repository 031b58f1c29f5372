"""Masks, descent and ridge regression against NumPy, scikit-learn and every mask of a small problem."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from dropnorm.experiments import dropout_ridge as kind
from dropnorm.names import ResultName
from dropnorm.networks.marginal_regression import enumerated_solution, marginal_solution, scaled_solution
from dropnorm.training.streams import stream
from tests.experiments.conftest import assert_resumes, experiments_of, finish

SMALL = {"masks": [5, 20], "descent.steps": 50}
P = 0.5


@pytest.fixture
def make(root):
    return experiments_of(root, None, ResultName("related", "ridge"), SMALL)


def problem(spread=1.0, examples=30, inputs=4, seed=0):
    settings = kind.Problem(examples=examples, inputs=inputs, correlation=0.5, noise=1, p=P)
    return kind.draw_problem(settings, spread, stream(seed, "problem"))


def masks(X, seed=0):
    return kind.Masks(tuple(X.shape), P, stream(seed, "masks"))


def test_columns_have_the_lengths_asked_for():
    X, _ = problem(spread=10, inputs=3)
    assert X.mean(0).abs().max() < 1e-14
    assert X.square().mean(0).sqrt().tolist() == pytest.approx([0.1, 1, 10])
    assert problem()[0].square().mean(0).tolist() == pytest.approx([1] * 4)
    torch.testing.assert_close(problem(spread=10)[1], problem()[1])  # a length is a unit: y does not depend on it


def test_columns_are_correlated_as_asked_for():
    X, _ = problem(examples=20_000)
    off_diagonal = np.corrcoef(X.numpy().T)[~np.eye(4, dtype=bool)]
    assert off_diagonal == pytest.approx(0.5, abs=0.03)


def test_the_least_squares_weights_of_masks_by_stacking_all_of_them():
    X, y = problem()
    drawn = torch.cat([masks(X).draw(20)])  # [mask, example, input]
    for count, found in zip([5, 20], kind.distance_by_masks(X, y, P, masks(X), [5, 20]), strict=True):
        stacked = (drawn[:count] * X).flatten(0, 1).numpy()
        w = np.linalg.lstsq(stacked, np.tile(y.numpy(), (count, 1)), rcond=None)[0]
        closed = marginal_solution(X, y, P).numpy()
        assert found.item() == pytest.approx(np.linalg.norm(w - closed) / np.linalg.norm(closed), rel=1e-9)


def test_many_masks_come_near_the_solution_of_all_masks():
    X, y = problem(examples=6, inputs=3)
    torch.testing.assert_close(marginal_solution(X, y, P), enumerated_solution(X, y, P))
    few, many = kind.distance_by_masks(X, y, P, masks(X), [20, 20_000])
    assert many < 0.02 < few


def test_descent_is_that_of_plain_numpy_and_the_rates_share_their_masks():
    X, y = problem()
    settings = kind.Descent(rates=[0.05, 0.2], decay="inverse", half_time=0.5, steps=10)
    found = kind.descend(X, y, P, masks(X), settings)
    closed, drawn = marginal_solution(X, y, P).numpy(), masks(X).draw(10).numpy()
    for i, rate in enumerate(settings.rates):
        w, path = np.zeros((4, 1)), []
        for step in range(10):
            RX = drawn[step] * X.numpy()
            w = w - rate / (1 + step / 5) * RX.T @ (RX @ w - y.numpy()) / len(X)
            path.append(w)
        second = np.stack(path[5:])
        of_average = np.linalg.norm(second.mean(0) - closed) / np.linalg.norm(closed)
        assert found["distance_of_average"][i].item() == pytest.approx(of_average)
        squares = ((second - closed) ** 2).sum((1, 2)).mean() / (closed**2).sum()
        assert found["mean_square"][i].item() == pytest.approx(squares)


def test_ridge_is_that_of_scikit_learn():
    X, y = problem(spread=3)
    theirs = Ridge(alpha=7.0, fit_intercept=False).fit(X.numpy(), y.numpy()[:, 0]).coef_
    assert kind.ridge(X, y, torch.tensor(7.0)).flatten().numpy() == pytest.approx(theirs)


def test_standardised_columns_are_ridge_at_the_lambda_of_the_algebra():
    X, y = problem()
    penalty = torch.tensor(len(X) * (1 - P) / P)
    torch.testing.assert_close(kind.ridge(X, y, penalty), scaled_solution(X, y, P))
    found = kind.distance_to_ridge(X, y, P)
    assert found["distance_to_ridge"] < 1e-6
    assert kind.GRID[found["distance_by_lambda"].argmin()].item() == pytest.approx(0, abs=1e-9)


def test_the_search_finds_the_nearest_ridge_solution():
    X, y = problem(spread=10)
    found = kind.distance_to_ridge(X, y, P)
    w, unit = scaled_solution(X, y, P), (X.T @ X).diagonal().mean()
    penalties = unit * torch.logspace(-8, 4, 20_001, dtype=torch.float64)
    brute = min(
        kind.relative_distance(kind.ridge(X, y, penalty), w).item() for penalty in penalties
    )  # far beyond the grid
    assert found["distance_to_ridge"].item() == pytest.approx(brute, rel=1e-4)
    assert brute > 0.05


@pytest.mark.parametrize("arm", ["masks", "falling", "constant", "unequal"])
def test_resuming_anywhere_gives_the_same_bits(make, arm):
    assert_resumes(lambda: make(arm, [0, 1, 2]), (0, 1, 2, 3))


@pytest.mark.parametrize("arm", ["masks", "constant", "standardised"])
def test_a_seed_in_a_stack_equals_the_seed_alone(make, arm):
    stacked, alone = finish(make(arm, [0, 1])).frame(), finish(make(arm, [1])).frame()
    mine = stacked[stacked.replica == 1].assign(replica=0).reset_index(drop=True)
    assert mine.equals(alone)
    other = stacked[stacked.replica == 0].reset_index(drop=True)
    assert not other.value.equals(alone.value)
