"""Santurkar et al. 2018, Figure 10: loss and gradient along the gradient's direction, in the deep linear network.

The claims S10.1 to S10.3 are fixed in claims/santurkar2018.yaml; here are the numbers they ask for.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.santurkar2018 import figure10_drawings as drawings
from dropnorm.analyses.santurkar2018.linear import arm_of, final_loss, log_curve, log_history, log_median, power
from dropnorm.analyses.santurkar2018.linear_landscape import (
    EDGES,
    band,
    edge_curves,
    edge_samples,
    over_edge,
    part,
    ratio_curves,
    there,
)
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    has_diverged,
    joined,
    run_counts,
    sample_rows,
    samples,
    table_row,
)
from dropnorm.criteria import by_seed

NETS = ("none", "batch")
LAST = "linear_batch_last"  # batch norm after the last layer, too
NEAR = np.log10(1.1)  # of the edge of stability


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the figure, its claims and its page, from tidy runs."""
    arms = [arm for arm in runs.arm.unique() if len(log_history(runs, arm, "loss"))]
    parts = [s for arm in (*map(arm_of, NETS), LAST) for s in edge_samples(runs, arm)]
    parts += [samples("beta_over_edge", arm, 10 ** part(over_edge(runs, arm), "settled").median()) for arm in arms]
    parts += [samples("final_loss", arm, final_loss(runs, arm)) for arm in arms]
    found = joined(parts, SAMPLE_COLUMNS)
    curves = [c for net in NETS for c in edge_curves(runs, net)] + ratio_curves(found, "batch")
    curves += [log_curve("over_edge", arm, over_edge(runs, arm)) for arm in arms]
    facts = _edge_facts(found) | _spike_facts(runs) | _beta_facts(found, arms) | _growth_facts(runs)
    facts |= {f"still_learning_{_name(arm)}": _still_learning(runs, arm) for arm in arms}
    facts |= run_counts(runs[runs.arm.isin(arms)])
    return Summary(found, _table(runs, parts, arms), joined(curves, CURVE_COLUMNS), facts)


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; `figure` is the one that stands beside the paper's."""
    return drawings.figures(curves, reference, context)


def _table(runs: pd.DataFrame, parts: list[pd.DataFrame], arms: list[str]) -> pd.DataFrame:
    rows = sample_rows(parts)
    rows += [table_row(arm, "diverged", has_diverged(runs, arm)) for arm in arms]
    return pd.DataFrame(rows)


def _edge_facts(found: pd.DataFrame) -> dict[str, str]:
    """Upper edges of both nets (geometric mean over seeds), and in how many seeds they differ as claimed."""
    facts = {}
    for measure in [f"{q}_edge_{p}{e}" for q in EDGES for p in ("early", "late") for e in ("", "_maximum")]:
        plain, batch = (by_seed(found, measure, arm_of(net)) for net in NETS)
        for net, values in zip(NETS, (plain, batch), strict=True):
            if len(values):
                facts[f"{measure}_{net}"] = power(values.mean())
        ratio = (plain - batch).dropna()
        if len(ratio):
            facts[f"{measure}_ratio"] = f"{ratio.mean():.2f}"
            facts[f"{measure}_above_ten"] = f"{(ratio > 1).sum()} of {len(ratio)}"
    return facts


def _edge(value: float) -> str:
    """Beta in units of the edge: 0.994, or 6.7 × 10⁻⁵."""
    return f"{value:.3f}" if value >= 0.01 else power(np.log10(value))


def _spike_facts(runs: pd.DataFrame) -> dict[str, str]:
    """How often, in the first third, some step length raises the loss more than tenfold, and the largest loss there."""
    facts = {}
    for net in NETS:
        if (edges := band(runs, arm_of(net), "loss")) is not None:
            upper, here = part(edges.upper, "early"), part(log_history(runs, arm_of(net), "loss"), "early")
            facts[f"spikes_{net}"] = f"{100 * (upper - here > 1).to_numpy().mean():.1f} %"
            facts[f"largest_loss_{net}"] = power(upper.to_numpy().max())
    return facts


def _name(arm: str) -> str:
    """An arm in the name of a fact: 'linear_batch.lr-5e-07' -> 'batch_5em07'."""
    return arm.removeprefix("linear_").replace(".lr-", "_").replace("-", "m")


def _still_learning(runs: pd.DataFrame, arm: str) -> str:
    """In how many seeds the loss falls by more than a hundredth in the last third of training."""
    loss = part(log_history(runs, arm, "loss"), "late")
    fallen = loss.iloc[-1] - loss.iloc[0]
    return f"{(fallen < np.log10(0.99)).sum()} of {len(fallen)}"


def _beta_facts(found: pd.DataFrame, arms: list[str]) -> dict[str, str]:
    """Where beta settles and the loss ends, for every arm, and how near the edge a net is."""
    facts = {}
    for arm in arms:
        name = _name(arm)
        values = by_seed(found, "beta_over_edge", arm)
        facts[f"beta_over_edge_{name}"] = _edge(values.median())
        facts[f"beta_over_edge_{name}_range"] = f"{_edge(values.min())} to {_edge(values.max())}"
        facts[f"seeds_at_edge_{name}"] = f"{(values.map(np.log10).abs() <= NEAR).sum()} of {len(values)}"
        loss = by_seed(found, "final_loss", arm)
        facts[f"final_loss_{name}"] = f"{log_median(loss):,.0f}"
        facts[f"final_loss_{name}_range"] = f"{loss.min():,.0f} to {loss.max():,.0f}"
    return facts


def _growth_facts(runs: pd.DataFrame) -> dict[str, str]:
    """How much the change grows with batch norm from the first to the third step length, rate / 100 to rate."""
    change, _ = there(runs, arm_of("batch"), "difference")
    grown = change[:, :, 2] - change[:, :, 0] if change.shape[2] > 2 else np.empty(0)
    return {"growth_to_rate_batch": power(np.median(grown))} if grown.size else {}
