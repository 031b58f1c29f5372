"""Made-up runs of the deep linear network, so that every answer is known."""

import numpy as np
import pandas as pd

SEEDS = 4
STEPS = np.arange(0, 10001, 500)
ETAS = np.array([0.01, 0.1, 1, 10, 32])  # in units of the rate
SPIKE = 1000  # step in the first third at which the plain net's loss blows up

SETTINGS = {
    "network": {"depth": 25, "width": 10},
    "data": {"examples": 1000},
    "optimiser": {"lr": 1e-6},
    "training": {"steps": 10000},
    "measure": {"step_lengths": ETAS.tolist(), "histogram_reach": 12},
}


def rows(arm, quantity, values, steps=STEPS):
    """values [step, seed] or [step, seed, unit], or what can be broadcast to the first, as tidy runs."""
    values = np.asarray(values, float)
    if values.ndim < 3:
        values = np.broadcast_to(values, (len(steps), SEEDS))
    index = np.indices(values.shape).reshape(values.ndim, -1)
    unit = index[2] if values.ndim == 3 else [pd.NA] * values.size
    return pd.DataFrame({"arm": arm, "seed": index[1], "step": np.asarray(steps)[index[0]], "quantity": quantity,
                         "unit": pd.array(unit, "Int16"), "value": values.ravel()})  # fmt: skip


def arm(name, *, lr=1e-6, loss=4.0, upper=5.0, spike=None, beta=1.0, shift=2.0, cosine=0.5, sigma=1.0):
    """One arm. All values are log10 but cosine, sigma and beta (in units of 2 / rate).

    Loss falls from `loss` + 1 to `loss`, a hundredth more for each seed; at the middle step length it is `upper`,
    elsewhere 4; beta is attained at the first step length, the upper edge of the gradient's change at the last.
    """
    grid = np.ones((len(STEPS), SEEDS))
    seed = np.arange(SEEDS) / 100
    there = np.full((*grid.shape, len(ETAS)), 4.0)
    there[:, :, 2] = upper
    if spike is not None:
        there[STEPS == SPIKE, :, 2] = spike
    relative = np.log10(beta * 2 / lr * np.array([1, 1, 0.9, 0.5, 0.2]))
    change = relative + np.log10(ETAS * lr) + 3.0 + 0 * there
    parts = [
        rows(name, "log10_loss", np.linspace(loss + 1, loss, len(STEPS))[:, None] + seed),
        rows(name, "log10_gradient", 3.0),
        rows(name, "log10_loss_there", there),
        rows(name, "log10_difference_there", change),
        rows(name, "log10_lr", np.log10(lr), [0]),
        rows(name, "log10_step_length", np.broadcast_to(np.log10(ETAS * lr), (1, SEEDS, 5)), [0]),
        rows(name, "histogram_middle", np.broadcast_to([-6.0, 0, 6], (1, SEEDS, 3)), [0]),
        rows(name, "diverged_at", -1, [STEPS[-1]]),
    ]
    for layer in (9, 17):
        parts += [rows(name, f"log10_shift.layer{layer}", shift + seed), rows(name, f"log10_G.layer{layer}", 3.0)]
        parts += [rows(name, f"cosine.layer{layer}", cosine)]
    for layer in (1, 2, 3):  # sigma of layer 3, the last one, must not count
        parts += [rows(name, f"sigma.layer{layer}", np.full((len(STEPS), SEEDS, 2), sigma if layer < 3 else 99.0))]
    shares = np.broadcast_to([0.25, 0.5, 0.25], (len(STEPS), SEEDS, 3))
    return pd.concat([*parts, rows(name, "histogram.layer2", shares)], ignore_index=True)


def made_up(*frames):
    """Tidy runs of some arms."""
    return pd.concat(frames, ignore_index=True).astype({"arm": "category", "quantity": "category"})


def all_arms():
    """Every arm that claims speak of, with answers that differ."""
    return made_up(
        arm("linear_none", loss=4.0, upper=6.5, spike=12.0, beta=0.01, shift=1.0, cosine=0.995, sigma=0.5),
        arm("linear_batch", loss=3.0, upper=5.0, shift=4.0, sigma=2.0),
        arm("linear_l1", loss=2.0, upper=5.2),
        arm("linear_l2", loss=3.1, upper=5.4),
        arm("linear_linf", loss=3.2, upper=5.9, beta=1.3),
        arm("linear_batch_last", upper=5.1),
        arm("linear_none.lr-1e-07", lr=1e-7, shift=0.5, cosine=1.0),
        arm("linear_batch.lr-1e-07", lr=1e-7, loss=3.5, shift=3.5, cosine=-0.1),
        arm("linear_batch.lr-5e-07", lr=5e-7, beta=1.05),
        arm("linear_batch.lr-2e-06", lr=2e-6, beta=0.8),
    )


def values(summary, measure, arm):
    """One value a seed of a measure of an arm, as an array."""
    mine = summary.samples[(summary.samples.measure == measure) & (summary.samples.arm == arm)]
    assert len(mine) == SEEDS
    return mine.value.to_numpy()


def draw_all(module, summary, reference, scale="paper"):
    """Draw every figure of a module in both themes; returns the drawings by name."""
    import matplotlib.pyplot as plt

    from dropnorm.analyses import Context
    from dropnorm.plotting import THEMES, theme

    context = Context(scale, "drawn Gaussian inputs (no data set)", "deep (network.depth = 40)", SETTINGS)
    drawings = module.figures(summary.curves, reference, context)
    for drawing in drawings.values():
        assert f"{SEEDS} seeds" in drawing.caption
        assert "deep (network.depth = 40)" in drawing.caption
        for style in THEMES:
            with theme(style):
                plt.close(drawing.draw())
    return drawings
