"""The mathematics of the theorems against independent means: finite differences, cases computed by hand, search."""

import numpy as np
import pytest
import torch

from dropnorm.layers.batch_norm import batch_norm
from dropnorm.theory import lemma45, observation43, section3, theorem41, theorem42, theorem44, theoremc1
from dropnorm.theory.cases import Cases, curvature, gradient, hessian, outputs, standardise
from dropnorm.theory.losses import KINDS, Draws, random_cases
from dropnorm.theory.network import BatchNormMLP
from dropnorm.training.streams import stream

CPU = torch.device("cpu")


def draws(cases=6, seed=0):
    return Draws([stream(seed, "test")], cases)


@pytest.fixture(params=KINDS)
def cases(request):
    return random_cases(draws(), request.param, 8, 12)


@pytest.fixture
def by_hand():
    """y = (1, -1), so mu = 0, sigma = 1, yhat = y; gamma = 2, beta = 0; L = z_1^2."""
    X, W = torch.tensor([[[1.0], [-1.0]]]).double(), torch.ones(1, 1).double()
    return Cases(X, W, torch.full((1, 1), 2.0).double(), torch.zeros(1, 1).double(), lambda z: z[:, 0].square())


def numpy_normalised(cases, y):
    """The normalised loss by NumPy arithmetic alone (the loss itself is what the case says)."""
    y = np.asarray(y)
    yhat = (y - y.mean(1, keepdims=True)) / y.std(1, keepdims=True)
    return cases.loss(cases.gamma * torch.from_numpy(yhat) + cases.beta).numpy()


def test_random_losses_are_of_the_kinds_that_they_are_called():
    """By curvature at two points: a quadratic has the same at both; a convex one none below zero."""

    def curvatures(kind: str) -> list[np.ndarray]:
        cases = random_cases(draws(30), kind, 8, 12)
        points = (torch.randn(30, 8, generator=stream(at, "z"), dtype=torch.float64) for at in (1, 2))
        return [hessian(cases.loss, z).numpy() for z in points]

    for kind in KINDS:
        here, there = curvatures(kind)
        same = np.abs(here - there).max() < 1e-12 * np.abs(here).max()
        lowest, highest = (pick(np.linalg.eigvalsh((here + here.swapaxes(1, 2)) / 2)) for pick in (np.min, np.max))
        assert same == (kind in ("convex", "quadratic")), kind
        assert (lowest > -1e-12 * highest) == (kind in ("convex", "logistic")), kind
        assert highest > 0.1, kind


def test_random_layers_have_a_deviation_from_a_tenth_to_ten():
    sigma = standardise(random_cases(draws(3000), "convex", 8, 12).y).sigma.log10().numpy()
    assert np.quantile(sigma, [0, 0.25, 0.5, 0.75, 1]) == pytest.approx([-1, -0.5, 0, 0.5, 1], abs=0.06)


def test_gradient_and_curvature_agree_with_finite_differences(cases):
    y = cases.y.numpy()
    v = gradient(cases.normalised_loss, cases.y).numpy()
    u = np.random.default_rng(0).normal(size=y.shape) * y.std(1, keepdims=True)
    h = 1e-4
    plus, at, minus = (numpy_normalised(cases, y + t * u) for t in (h, 0, -h))
    np.testing.assert_allclose((plus - minus) / (2 * h), (u * v).sum(1), rtol=1e-5, atol=1e-6)
    second = curvature(cases.normalised_loss, cases.y, torch.from_numpy(u)).numpy()
    np.testing.assert_allclose((plus - 2 * at + minus) / h**2, second, rtol=1e-4, atol=1e-4)


def test_the_whole_hessian_agrees_with_its_products(cases):
    u = torch.randn(cases.y.shape, generator=stream(1, "u"), dtype=torch.float64)
    H = hessian(cases.normalised_loss, cases.y)
    torch.testing.assert_close(
        (u.unsqueeze(1) @ H @ u.unsqueeze(2)).flatten(), curvature(cases.normalised_loss, cases.y, u)
    )


def test_yhat_is_standardised_and_eps_is_under_the_root():
    y = torch.tensor([[1.0, 2.0, 3.0, 6.0]]).double()
    norm = standardise(y)
    assert norm.sigma.item() == pytest.approx(np.sqrt(3.5))
    np.testing.assert_allclose(norm.yhat.numpy()[0], np.array([-2, -1, 0, 3]) / np.sqrt(3.5))
    assert standardise(y, eps=0.5).sigma.item() == pytest.approx(2.0)


def test_theorem_41_holds_in_its_right_form_only(cases):
    found = theorem41.measure(cases)
    assert found["error_equality"].max() < 1e-12
    assert found["holds_printed"].max() == 0
    np.testing.assert_allclose(found["shown_right"], 1, rtol=1e-10)
    norm, left = standardise(cases.y), gradient(cases.normalised_loss, cases.y).square().sum(1)
    g_equal_outputs = gradient(cases.loss, cases.gamma * norm.yhat + cases.beta)
    printed = theorem41.right_side(g_equal_outputs, norm.yhat, cases.gamma / norm.sigma, 1 / np.sqrt(8))
    torch.testing.assert_close(found["shown_printed"], printed / left)
    assert (found["shown_printed"] < 1).all()
    g = gradient(cases.loss, cases.y)  # at equal weights
    naive = theorem41.right_side(g, norm.yhat, cases.gamma / norm.sigma, 1 / 8)
    torch.testing.assert_close(found["shown_equal_weights"], naive / left)
    assert torch.equal(found["holds_equal_weights"] == 1, left <= naive)


def test_theorem_41_by_hand(by_hand):
    """z = (2, -2), g = (4, 0), m = 2: 4 (16 - 16/2 - c 16) is 0 with c = 1/2, as a batch of two must give."""
    g, yhat = torch.tensor([[4.0, 0.0]]).double(), torch.tensor([[1.0, -1.0]]).double()
    scale = torch.full((1, 1), 2.0).double()
    assert theorem41.right_side(g, yhat, scale, 1 / 2).item() == 0
    assert theorem41.right_side(g, yhat, scale, 2**-0.5).item() == pytest.approx(4 * (8 - 16 / 2**0.5))
    assert gradient(by_hand.normalised_loss, by_hand.y).abs().max() < 1e-15
    assert theorem41.measure(by_hand)["holds_printed"].item() == 0


def test_eps_matters_where_sigma_is_small(cases):
    deviation = theorem41.eps_deviation(cases, 1e-5)["deviation"].median(1).values
    assert deviation[0] > 0.5
    assert deviation[-1] < 1e-5


def test_theorem_42_first_line_is_an_equality_and_second_follows_from_its_condition(cases):
    found = theorem42.measure(cases)
    assert found["error_equality"].max() < 1e-10
    norm = standardise(cases.y)
    z = cases.gamma * norm.yhat + cases.beta
    g, v = gradient(cases.loss, z), gradient(cases.normalised_loss, cases.y)
    plain = curvature(cases.loss, z, g)
    assert torch.equal(found["holds_second_line"] == 1, curvature(cases.loss, z, v) <= plain)
    assert torch.equal(found["holds_positive"] == 1, (g * norm.yhat).sum(1) > 0)
    assert torch.equal(found["holds_smoother"] == 1, curvature(cases.normalised_loss, cases.y, v) < plain)
    torch.testing.assert_close(found["mean_gain"], (cases.gamma / norm.sigma).squeeze(1))


def test_observation_43(cases, by_hand):
    assert observation43.measure(by_hand)["mean_removed"].item() == pytest.approx(1)  # a batch of two keeps nothing
    found = observation43.measure(cases)
    assert max(found["error_same"].max(), found["error_excess"].max()) < 1e-13
    assert ((found["mean_removed"] > 0) & (found["mean_removed"] < 1)).all()


def test_theorem_44_no_input_of_the_norm_beats_the_maximum(cases):
    found = theorem44.measure(cases)
    assert max(found[e].max() for e in ("error_identity", "error_bound", "error_maximiser")) < 1e-12
    v = gradient(cases.normalised_loss, cases.y)
    for seed in range(20):
        X = torch.randn(cases.X.shape, generator=stream(seed, "X"), dtype=torch.float64)
        X /= torch.linalg.matrix_norm(X, 2).view(-1, 1, 1)
        assert ((X.mT @ v.unsqueeze(2)).square().sum((1, 2)) <= v.square().sum(1) * (1 + 1e-12)).all()


def test_theorem_44_as_printed_depends_on_the_unit_of_the_loss(cases):
    found = theorem44.measure(cases)
    assert torch.equal(found["holds_printed"], found["share_by_factor"].amin(0))  # in every unit
    held = found["share_by_factor"].mean(1)
    assert held[0] <= held[-1]
    assert held[0] < 1


def test_a_reflection_keeps_the_norm_and_moves_the_vector():
    X = torch.diag(torch.tensor([3.0, 1.0])).double().unsqueeze(0)
    u, v = torch.tensor([[1.0, 0.0]]).double(), torch.tensor([[0.0, 2.0]]).double()
    np.testing.assert_allclose(theorem44.reflected(X, u, v)[0].numpy(), [[0, 1], [3, 0]], atol=1e-15)


def test_lemma_45_by_hand():
    """W0 = (1, 1), W* = (2, 0): the nearest multiple is (1, 0), at distance 1 = 2 - (4 - 2)^2 / 4."""
    found = lemma45.distances(torch.tensor([[[1.0, 1.0]]]).double(), torch.tensor([[[2.0, 0.0]]]).double())
    assert found["error_identity"].item() < 1e-16
    two_rows = torch.tensor([[[1.0, 1], [0, 1]]]).double(), torch.tensor([[[2.0, 0], [0, 1]]]).double()
    nearer = lemma45.distances(*two_rows)["mean_nearer_percent"].item()
    assert nearer == pytest.approx(100 * (1 - 1 / np.sqrt(1.2)))  # k = 0.6 for both, or 0.5 and 1
    W0, W_star = lemma45.random_pairs(draws(), 5, 7)
    along = (W0 * W_star).sum((1, 2)) / W_star.square().sum((1, 2))
    for t in torch.linspace(0.01, 3, 50):
        assert (
            (W0 - t * W_star).square().sum((1, 2)) >= (W0 - along.view(-1, 1, 1) * W_star).square().sum((1, 2))
        ).all()
    assert lemma45.distances(W0, W_star)["error_rows"].max() == 0


def test_lemma_45_a_negative_product_is_left_out():
    found = lemma45.distances(torch.tensor([[[-1.0, 1.0]]]).double(), torch.tensor([[[2.0, 0.0]]]).double())
    assert found["error_identity"].item() == 0
    assert found["mean_nearer_percent"].isnan().all()


def test_scale_invariance_and_what_eps_leaves_of_it():
    X, W = draws().normal(32, 40) + 3, draws().normal(40)
    found = lemma45.scaling(X, W, 1e-5)
    assert found["error_scale"].max() < 1e-12
    torch.testing.assert_close(outputs(X, lemma45.unit_spread(X, W)).std(1, correction=0), torch.ones(len(W)).double())
    yhat = standardise(outputs(X, W)).yhat
    factor = 0.01 * np.sqrt((1 + 1e-5) / (1e-4 + 1e-5))  # how much the output shrinks at a hundredth
    expected = (1 - factor) * (yhat / np.sqrt(1 + 1e-5)).abs().amax(1)
    torch.testing.assert_close(found["error_hundredth"], expected, rtol=1e-8, atol=0)


def test_theorem_c1_maximum_is_attained_and_never_beaten(cases):
    H = hessian(cases.normalised_loss, cases.y)
    v = gradient(cases.normalised_loss, cases.y)
    most, gap = theoremc1.max_over_inputs(H, v)
    assert gap.max() < 1e-9
    best = torch.full_like(most, -torch.inf)
    for seed in range(300):
        X = torch.randn(len(v), 8, 3, generator=stream(seed, "X"), dtype=torch.float64)
        X /= torch.linalg.matrix_norm(X, 2).view(-1, 1, 1)
        u = X @ (X.mT @ v.unsqueeze(2))
        best = torch.maximum(best, (u.mT @ H @ u).flatten())
    at_v = (v.unsqueeze(1) @ H @ v.unsqueeze(2)).flatten()
    assert (torch.maximum(best, at_v) <= most + 1e-9 * most.abs()).all()
    assert (best >= 0.1 * most).any()


def test_theorem_c1_maximum_by_hand():
    """H = diag(1, 0), v = (2, 0): u fills the disc around (1, 0) of radius 1, so u_1 is at most 2. H = -1: u = 0."""
    v = torch.tensor([[2.0, 0.0]]).double()
    H = torch.stack([torch.diag(torch.tensor([1.0, 0.0])), -torch.eye(2)]).double()
    most, _ = theoremc1.max_over_inputs(H, v.expand(2, -1))
    np.testing.assert_allclose(most.numpy(), [4, 0], atol=1e-9)


def test_theorem_c1_takes_kappa_off():
    """Random cases whose left side lies between the bound and the bound without kappa decide which of them was used."""
    differ = 0
    for kind in KINDS:
        cases = random_cases(draws(30), kind, 8, 12)
        y, norm = cases.y, standardise(cases.y)
        z = cases.gamma * norm.yhat + cases.beta
        g, v = gradient(cases.loss, z), gradient(cases.normalised_loss, y)
        left, plain = (
            theoremc1.max_over_inputs(hessian(*of), along)[0]
            for of, along in (((cases.normalised_loss, y), v), ((cases.loss, z), g))
        )
        ratio = (cases.gamma / norm.sigma).squeeze(1) ** 2
        kappa = (g * norm.yhat).sum(1) * v.square().sum(1) / (8 * cases.gamma.squeeze(1))
        found = theoremc1.measure(cases)
        holds = found["holds_everywhere"].bool()
        condition = ((g * norm.yhat).sum(1) > 0) & (curvature(cases.loss, z, v) <= curvature(cases.loss, z, g))
        assert torch.equal(found["holds_condition"] == 1, condition)
        assert torch.equal(found["holds_bound"].isnan(), ~condition)
        at_v, at_g = curvature(cases.normalised_loss, y, v), curvature(cases.loss, z, g)
        assert torch.equal(found["holds_at_v_and_g"] == 1, condition & (at_v <= ratio * (at_g - kappa)))
        clear = ((left - ratio * (plain - kappa)).abs() > 1e-4 * (left.abs() + ratio * plain.abs())).logical_and(
            kappa != 0
        )
        assert torch.equal(holds[clear], (left <= ratio * (plain - kappa))[clear])
        differ += int(((left <= ratio * plain) != (left <= ratio * (plain - kappa)))[clear].sum())
    assert differ > 0


# --- the network ---


@pytest.fixture
def network():
    net = BatchNormMLP([6, 5, 4, 10], [0, 1], CPU)
    x = torch.randn(2, 12, 6, generator=stream(0, "x"), dtype=torch.float64)
    labels = torch.randint(0, 10, (2, 12), generator=stream(0, "labels"))
    return net, x, labels


@pytest.mark.parametrize("layer", [1, 2])
def test_a_unit_of_the_network_is_a_case(network, layer):
    """The case's loss and weight gradient are those of the whole network, by this package's own batch-norm layer."""
    net, x, labels = network
    cases = net.cases(layer, x, labels)
    units = net.parameters[f"W{layer}"].shape[2]
    loss = net.loss(x, labels)
    torch.testing.assert_close(
        cases.normalised_loss(cases.y).view(2, units), loss.detach().unsqueeze(1).expand(-1, units)
    )
    (whole,) = torch.autograd.grad(loss.sum(), net.parameters[f"W{layer}"])
    v = gradient(cases.normalised_loss, cases.y)
    mine = (cases.X.mT @ v.unsqueeze(2)).view(2, units, -1).mT
    torch.testing.assert_close(mine, whole)


def test_networks_side_by_side_learn_as_each_alone(network):
    net, x, labels = network
    alone = BatchNormMLP([6, 5, 4, 10], [1], CPU)
    rate = torch.tensor(0.3).double()
    net.update(x, labels, rate)
    alone.update(x[1:], labels[1:], rate)
    for name, parameter in alone.parameters.items():
        torch.testing.assert_close(parameter, net.parameters[name][1:])


def test_the_network_learns(network):
    net, x, labels = network
    before = net.loss(x, labels).detach()
    for _ in range(60):
        net.update(x, labels, torch.tensor(0.3).double())
    assert (net.loss(x, labels) < before / 2).all()


def test_the_layer_of_this_package_has_the_gradient_of_theorem_41(cases):
    """v = gamma/sigma P g with the gradient written out in layers.batch_norm."""
    y = cases.y.view(-1, 8, 1).requires_grad_()
    gamma, beta = cases.gamma.view(-1, 1, 1), cases.beta.view(-1, 1, 1)
    z, _ = batch_norm(y, gamma, beta, 0.0)
    (v,) = torch.autograd.grad(cases.loss(z.squeeze(2)).sum(), y)
    g, norm = gradient(cases.loss, z.squeeze(2)), standardise(cases.y)
    right = theorem41.right_side(g, norm.yhat, cases.gamma / norm.sigma, 1 / 8)
    torch.testing.assert_close(v.square().sum((1, 2)), right, rtol=1e-9, atol=1e-12)


def test_scale_of_the_weights(cases):
    """Section 3 of Ioffe & Szegedy: what is exact is exact, and a negative factor changes the outputs."""
    found = section3.measure(cases)
    for name in ("scaled", "sign", "right_angle", "growth", "identity"):
        assert found[f"error_{name}"].max() < 1e-12, name
    for name in ("weights_gradient", "inputs_gradient"):
        assert found[f"error_{name}"].max() < 1e-10, name
    assert (found["holds_grows"] == 1).all()
    assert (found["holds_negative"] == 0).all()


def test_without_normalisation_the_statements_are_false(cases, monkeypatch):
    """Else the check would say nothing: of the plain outputs each fails by far."""
    monkeypatch.setattr(Cases, "normalised_loss", lambda self, y: self.loss(y))
    found = section3.measure(cases)
    for name in ("weights_gradient", "inputs_gradient", "right_angle", "growth"):
        assert found[f"error_{name}"].median() > 1e-3, name


def test_what_eps_leaves_of_the_invariance(cases):
    eps = 1e-5
    found = section3.eps_change(cases, eps)
    y = standardise(cases.y).yhat.numpy()
    for name, a in section3.CHANGES.items():
        factor = a * np.sqrt(1 + eps) / np.sqrt(a**2 + eps)
        expected = (1 - factor) * np.abs(y).max(1) / np.sqrt(1 + eps)
        np.testing.assert_allclose(found[f"mean_{name}"], expected, rtol=1e-9)
    assert found["error_eps_factor"].max() < 1e-12
    assert section3.eps_change(cases, 0.0)["mean_change_thousandth"].max() < 1e-12
