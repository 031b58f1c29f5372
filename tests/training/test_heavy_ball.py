"""The update: momentum, penalties, the limit, and their conversion to the inverted form; schedules; sparsity."""

import pytest
import torch

from dropnorm.networks.feed_forward import FeedForward
from dropnorm.training.heavy_ball import HeavyBall
from dropnorm.training.schedules import decay
from dropnorm.training.sparsity import DAMPING, Sparsity
from dropnorm.training.streams import stream

CPU = torch.device("cpu")
INF = float("inf")


def net(noise="bernoulli", replicas=2):
    retain = [torch.full((replicas,), p, dtype=torch.float64) for p in (0.8, 0.5)]
    made = FeedForward([4, 3, 2], retain, noise=noise, product=torch.float64)
    made.initialise(list(range(replicas)), [1.0] * replicas, CPU)
    return made


def gradients_of(made, step):
    generator = stream(step, "gradients")
    return {n: torch.randn(p.shape, generator=generator, dtype=p.dtype) for n, p in made.parameters.items()}


def numbers(*values):
    return torch.tensor(values, dtype=torch.float64)


def test_three_updates_by_hand():
    made = net()
    rule = {"learning_rate": (0.1, 0.2), "l2": (0.0, 0.01), "l1": (0.003, 0.0), "max_norm": (INF, 1.5)}
    optimiser = HeavyBall(made, **{name: numbers(*values) for name, values in rule.items()})
    W = {name: p.clone() for name, p in made.parameters.items()}
    v = {name: torch.zeros_like(p) for name, p in W.items()}
    for step in range(3):
        given = gradients_of(made, step)
        for name in W:
            for i in range(2):
                g = given[name][i].clone()
                if name.startswith("W"):
                    g += rule["l2"][i] * W[name][i] + (rule["l1"][i] * W[name][i].sign() if step > 0 else 0)
                v[name][i] = 0.9 * v[name][i] + g
                W[name][i] -= 0.5 * rule["learning_rate"][i] * v[name][i]
                if name.startswith("W"):
                    for unit in range(W[name].shape[2]):
                        w = W[name][i, :, unit]
                        w *= min(1, rule["max_norm"][i] / w.norm().item())
        optimiser.step(given, momentum=0.9, decay=0.5, with_l1=step > 0)
        for name, expected in W.items():
            torch.testing.assert_close(made.parameters[name], expected)


def test_the_inverted_form_trains_alike():
    """Gradients of weights are 1 / p of the other's; then W_inv = p W after every update (claim S9.5)."""
    paper, inverted = net(), net("gaussian")
    rule = {
        "learning_rate": numbers(0.1, 0.2),
        "l2": numbers(0.01, 0.0),
        "l1": numbers(0.01, 0.02),
        "max_norm": numbers(1, 2),
    }
    both = [HeavyBall(n, **{name: x.clone() for name, x in rule.items()}) for n in (paper, inverted)]
    p = {"W1": 0.8, "W2": 0.5, "b1": 1, "b2": 1}
    for step in range(4):
        given = gradients_of(paper, step)
        both[0].step({name: g.clone() for name, g in given.items()}, momentum=0.9, with_l1=True)
        both[1].step({name: g / p[name] for name, g in given.items()}, momentum=0.9, with_l1=True)
        for name, W in paper.parameters.items():
            torch.testing.assert_close(inverted.parameters[name], p[name] * W)


def test_what_no_replica_has_costs_nothing():
    optimiser = HeavyBall(net(), learning_rate=numbers(1, 1), l2=numbers(0, 0), max_norm=numbers(INF, INF))
    assert not (optimiser.l2 or optimiser.l1 or optimiser.max_norm)


def test_weights_of_a_unit_lie_side_by_side_through_updates_and_checkpoints():
    made = net()
    optimiser = HeavyBall(made, learning_rate=numbers(0.1, 0.1), l2=numbers(0, 0), max_norm=numbers(1, 1))
    optimiser.step(gradients_of(made, 0), momentum=0.9)
    optimiser.load_state({name: t.contiguous().clone() for name, t in optimiser.state().items()})
    assert made.parameters["W1"].stride()[1] == optimiser.velocities["W1"].stride()[1] == 1


def test_an_optimiser_goes_on_from_its_state_to_the_bit():
    def optimiser(made):
        return HeavyBall(made, learning_rate=numbers(0.1, 0.1), l2=numbers(0.1, 0), max_norm=numbers(1, INF))

    whole, again = net(), net()
    first, second = optimiser(whole), optimiser(again)
    first.step(gradients_of(whole, 0), momentum=0.9)
    second.load_state({name: t.clone() for name, t in first.state().items()})
    for made, each in ((whole, first), (again, second)):
        each.step(gradients_of(made, 1), momentum=0.9)
    assert all(torch.equal(p, again.parameters[name]) for name, p in whole.parameters.items())


@pytest.mark.parametrize(
    ("kind", "factors"),
    [
        ("constant", (1, 1, 1)),
        ("linear", (1, 0.75, 0.0)),
        ("inverse", (1, 0.5, 0.2)),
        ("exponential", (1, 0.5, 1 / 16)),
    ],
)
def test_decays_by_hand(kind, factors):
    assert [decay(kind, done, 0.25) for done in (0, 0.25, 1)] == pytest.approx(factors)


def test_sparsity_pulls_the_running_mean_to_its_target():
    sparsity = Sparsity([3], numbers(0.5, 0.0), numbers(0.1, 0.1))
    y = torch.ones(2, 4, 3, dtype=torch.float64)
    (pull,) = sparsity.pull([y])
    mean = DAMPING * 0.1 + (1 - DAMPING) * 1
    torch.testing.assert_close(pull[0], torch.full((1, 3), 0.5 * (mean - 0.1) / 4, dtype=torch.float64))
    assert not pull[1].any()
    for _ in range(200):
        (pull,) = sparsity.pull([y * 0])
    assert (pull[0] < 0).all()  # too few: pushed up
