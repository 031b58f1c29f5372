"""The deep linear network in the figures that show it beside the VGG network: 3 (b), 5 (b) and 11 (b).

    figure3(runs), figure5(runs), figure11(runs) -> Summary: samples, table, curves, facts of the arms `linear_...`

to be joined to those of the other network. `runs` may hold other arms, and lack any: what cannot be computed is left
out. Arms are those of protocols/santurkar2018/figure10.yaml.

Samples, one value a seed, as the claims S3.3 to S3.5, S5.2 and S5.3 ask for:
    log10_shift_layer9, _layer17   mean over steps of log10 ||G - G'||          cosine_layer9, _layer17    mean cosine
    final_loss                     after the last step                          final_loss_over_plain      same rate

Curves (panel, series = net: none, batch, l1, l2, linf); on log axes median, lowest, highest seed, else the mean:
    linear_loss_RATE, linear_shift_layer9_RATE, linear_cosine_layer9_RATE, ... RATE: 1e-06 or 1e-07      figure3
    linear_loss                                                                                          figure5
    linear_difference             x: step length; median over steps and seeds, lowest, highest           figure11
    linear_difference_NET         series: the step, x: step length; first seed, 51 steps                 figure11

Facts begin with `linear_`.
"""

import numpy as np
import pandas as pd
from scipy.stats import wilcoxon

from dropnorm.analyses import Summary
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    TABLE_COLUMNS,
    curve,
    history,
    joined,
    sample_rows,
    samples,
    table_row,
    unit_history,
)
from dropnorm.criteria import by_seed, paired
from dropnorm.powers import scientific

NETS = ("none", "batch", "l1", "l2", "linf")
WORDS = {"none": "none", "batch": "batch norm", "l1": "l₁", "l2": "l₂", "linf": "l∞"}
RATES = {"1e-06": "", "1e-07": ".lr-1e-07"}  # as in the names of curves, and the ending of the arms
ALIKE = 0.01  # losses that differ by less than this share are told as the same
LARGEST = 300.0  # log10 of what a measure of a diverged run counts as: the tests need numbers
LAYERS = (9, 17)  # of Figure 3
CURVES_SHOWN = 51  # of Figure 11, one for each of so many steps


def arm_of(net: str, rate: str = "1e-06") -> str:
    """The arm of a net at a rate."""
    return f"linear_{net}{RATES[rate]}"


def log_history(runs: pd.DataFrame, arm: str, quantity: str) -> pd.DataFrame:
    """log10 of a quantity, [step x seed], no larger than LARGEST."""
    return history(runs, arm, f"log10_{quantity}").clip(-LARGEST, LARGEST)


def log_curve(panel: str, series: str, log10: pd.DataFrame) -> pd.DataFrame:
    """A curve from log10 of its values [x x seed]: median over seeds, with the lowest and the highest."""
    found = curve(panel, series, log10).assign(value=log10.median(axis=1).to_numpy())
    return found.assign(**{c: 10 ** found[c].astype(float) for c in ("value", "low", "high")})


def final_loss(runs: pd.DataFrame, arm: str) -> pd.Series:
    """Loss after the last step, by seed; empty if the arm was not run."""
    table = log_history(runs, arm, "loss")
    return 10 ** table.iloc[-1] if len(table) else pd.Series(dtype=float)


def log_median(values: pd.Series) -> float:
    """The median of the logarithms, as for the curves: of an even number, the geometric mean of the middle two."""
    return float(10 ** np.log10(values).median())


def power(log10: float) -> str:
    """The number with this logarithm, to two digits, as it is printed: 350; 1.2 × 10⁷."""
    value = float(f"{10.0**log10:.1e}")
    return f"{value:,g}" if 1e-3 <= value < 1e5 else scientific(value)


# --- Figure 3 (b): internal covariate shift ---


def figure3(runs: pd.DataFrame) -> Summary:
    """Shift and cosine at layers 9 and 17, and loss, with and without batch norm at both rates."""
    parts, curves, rows = [], [], []
    for rate in RATES:
        for net in ("none", "batch"):
            found = _shift_samples(runs, arm_of(net, rate))
            parts += found
            rows += sample_rows(found)
            curves += _shift_curves(runs, net, rate)
        parts += _over_plain(runs, rate)
    all_samples = joined(parts, SAMPLE_COLUMNS)
    return _summary(all_samples, rows, curves, _shift_facts(all_samples))


def _shift_samples(runs: pd.DataFrame, arm: str) -> list[pd.DataFrame]:
    found = []
    for layer in LAYERS:
        if len(shift := log_history(runs, arm, f"shift.layer{layer}")):
            relative = shift - log_history(runs, arm, f"G.layer{layer}")
            # A gradient that is no number agrees with nothing.
            cosine = history(runs, arm, f"cosine.layer{layer}").fillna(0)
            for measure, table in (("log10_shift", shift), ("log10_relative_shift", relative), ("cosine", cosine)):
                found.append(samples(f"{measure}_layer{layer}", arm, table.mean()))
    if len(loss := final_loss(runs, arm)):
        found.append(samples("final_loss", arm, loss))
    return found


def _over_plain(runs: pd.DataFrame, rate: str) -> list[pd.DataFrame]:
    plain, batch = (final_loss(runs, arm_of(net, rate)) for net in ("none", "batch"))
    ratio = (batch / plain).dropna()
    return [samples("final_loss_over_plain", arm_of("batch", rate), ratio)] if len(ratio) else []


def _shift_curves(runs: pd.DataFrame, net: str, rate: str) -> list[pd.DataFrame]:
    arm, found = arm_of(net, rate), []
    if len(loss := log_history(runs, arm, "loss")):
        found.append(log_curve(f"linear_loss_{rate}", net, loss))
    for layer in LAYERS:
        if len(shift := log_history(runs, arm, f"shift.layer{layer}")):
            found.append(log_curve(f"linear_shift_layer{layer}_{rate}", net, shift))
            cosine = history(runs, arm, f"cosine.layer{layer}").fillna(0)
            found.append(curve(f"linear_cosine_layer{layer}_{rate}", net, cosine))
    return found


def _shift_facts(found: pd.DataFrame) -> dict[str, str]:
    facts = {}
    for rate in RATES:
        for net in ("none", "batch"):
            for measure, form in (("log10_shift", ".2f"), ("cosine", ".3f")):
                for layer in LAYERS:
                    values = by_seed(found, f"{measure}_layer{layer}", arm_of(net, rate))
                    if len(values):
                        name = f"linear_{measure}_layer{layer}_{net}_{_word(rate)}"
                        facts[name] = format(values.mean(), form)
                        facts[f"{name}_range"] = f"{values.min():{form}} to {values.max():{form}}"
        lower = by_seed(found, "final_loss_over_plain", arm_of("batch", rate))
        if len(lower):
            facts[f"linear_seeds_lower_{_word(rate)}"] = f"{(lower < 1).sum()} of {len(lower)}"
    return facts


def _word(rate: str) -> str:
    """A rate in the name of a fact, which may not hold a minus sign."""
    return {"1e-06": "default", "1e-07": "low"}[rate]


# --- Figure 5 (b): training with every normalisation ---


def figure5(runs: pd.DataFrame) -> Summary:
    """Loss over training, without normalisation and with each."""
    parts, curves = [], []
    for net in NETS:
        if len(loss := log_history(runs, arm_of(net), "loss")):
            curves.append(log_curve("linear_loss", net, loss))
            parts.append(samples("final_loss", arm_of(net), final_loss(runs, arm_of(net))))
    found = joined(parts, SAMPLE_COLUMNS)
    return _summary(found, sample_rows(parts), curves, _loss_facts(found))


def _loss_facts(found: pd.DataFrame) -> dict[str, str]:
    facts = {}
    for net in NETS:
        values = by_seed(found, "final_loss", arm_of(net))
        if len(values):
            facts[f"linear_final_loss_{net}"] = f"{log_median(values):,.0f}"
            facts[f"linear_final_loss_{net}_range"] = f"{values.min():,.0f} to {values.max():,.0f}"
    batch, l1 = paired(found, "final_loss", (arm_of("batch"), arm_of("l1")))
    if len(l1):
        lower, higher = (l1 < (1 - ALIKE) * batch).sum(), (l1 > (1 + ALIKE) * batch).sum()
        facts |= {"linear_l1_below_batch": f"{lower} of {len(l1)}", "linear_l1_above_batch": str(higher)}
        p = wilcoxon(np.log(batch) - np.log(l1), alternative="greater").pvalue
        facts["linear_wilcoxon_p"] = f"{p:.2g}"
    return facts


# --- Figure 11 (b): change of the gradient against the step length ---


def figure11(runs: pd.DataFrame) -> Summary:
    """||grad L(w) - grad L(w - eta g)|| against eta, without and with batch norm."""
    curves, rows, facts = [], [], {}
    for net in ("none", "batch"):
        arm = arm_of(net)
        if (lengths := step_lengths(runs, arm)) is None:
            continue
        change = unit_history(runs, arm, "log10_difference_there").clip(-LARGEST, LARGEST)  # [step, seed, eta]
        steps = np.sort(runs[(runs.arm == arm) & (runs.quantity == "log10_difference_there")].step.unique())
        everything = pd.DataFrame(change.reshape(-1, len(lengths)).T, index=lengths)
        curves.append(log_curve("linear_difference", net, everything).assign(n=change.shape[1]))
        every = max((len(steps) - 1) // (CURVES_SHOWN - 1), 1)
        for step, of_step in zip(steps[::every], change[::every, :1], strict=True):
            curves.append(log_curve(f"linear_difference_{net}", str(step), pd.DataFrame(of_step.T, index=lengths)))
        seeds = sorted(runs[runs.arm == arm].seed.unique())
        for i, length in enumerate(lengths):
            by_seed = pd.Series(np.median(change[:, :, i], axis=0), index=seeds)
            rows.append(table_row(arm, f"log10_difference_at_{length:.2g}", by_seed))
        facts[f"linear_difference_growth_{net}"] = power(np.median(change[:, :, -1] - change[:, :, 0]))
    return _summary(joined([], SAMPLE_COLUMNS), rows, curves, facts)


def step_lengths(runs: pd.DataFrame, arm: str) -> np.ndarray | None:
    """The step lengths eta of an arm, in the order of their units; None if it was not run."""
    mine = runs[(runs.arm == arm) & (runs.quantity == "log10_step_length")]
    return 10 ** mine.groupby("unit").value.first().to_numpy(float) if len(mine) else None


# --- shared ---


def _summary(found: pd.DataFrame, rows: list[dict], curves: list[pd.DataFrame], facts: dict[str, str]) -> Summary:
    return Summary(found, pd.DataFrame(rows, columns=TABLE_COLUMNS), joined(curves, CURVE_COLUMNS), facts)
