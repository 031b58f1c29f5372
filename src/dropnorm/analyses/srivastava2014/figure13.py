"""Srivastava et al. 2014, Figure 13: activations of a restricted Boltzmann machine, with and without dropout.

Drawn and judged from the machines of Figure 12's protocol, those of 1,024 hidden units. The claims F13.1 and F13.2 are
fixed in claims/srivastava2014.yaml. Activations are P(h = 1 | v) of the whole machine, not multiplied by p.
"""

import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.measures import (
    Measures,
    curve_frame,
    facts_of,
    finals,
    in_settings,
    last_of_units,
    measured,
    sample_frame,
    table_frame,
)
from dropnorm.analyses.srivastava2014 import figure13_drawings as drawings
from dropnorm.analyses.srivastava2014.machines import ARMS, LARGE, NAMES, NETS, size_of_large
from dropnorm.analyses.tidy import final, history

QUANTITIES = {"share_below": ("share_below", 100), "share_above": ("share_above", 100)}
UNIT_BINS = 50  # of the units' mean activations
FORMS = {"share_below": ".1f", "share_above": ".1f", "mean": ".3f"} | {
    f"{m}_batch": f for m, f in (("share_below", ".1f"), ("share_above", ".1f"), ("mean", ".3f"))
}


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the result, its claims and its page, from tidy runs."""
    found = measured([entry for arms in ARMS.values() for arm in arms for entry in _measures(runs, arm)])
    return Summary(
        samples=sample_frame(found),
        table=table_frame(found),
        curves=_curves(runs, found),
        facts=facts_of(found, FORMS, NAMES) | _gains(found) | size_of_large(runs),
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name."""
    return drawings.figures(curves, reference, context)


def _measures(runs: pd.DataFrame, arm: str) -> Measures:
    found: Measures = []
    for prefix, ending in (("", ""), ("batch_", "_batch")):  # all test images; as many as the paper shows
        found += finals(runs, arm, {f"{m}{ending}": (f"{prefix}{q}", f) for m, (q, f) in QUANTITIES.items()})
        units = last_of_units(runs, arm, f"{prefix}activation_mean")
        found.append((f"mean{ending}", arm, units.mean(skipna=False) if len(units) else pd.Series(dtype=float)))
    return [*found, ("squared_error", arm, final(runs, arm, "squared_error"))]


def _curves(runs: pd.DataFrame, found: Measures) -> pd.DataFrame:
    tables = []
    for net in NETS:
        tables.append(("activations_batch", net, activation_bins(runs, net + LARGE)))
        tables.append(("units_batch", net, unit_bins(runs, net + LARGE)))
        for m in ("share_below", "share_above"):
            tables.append((m, net, 100 * history(runs, net + LARGE, m)))
    return curve_frame(tables + in_settings(found, ("share_below", "share_above", "mean"), ARMS))


def activation_bins(runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Percent of all activations on as many images as the paper shows, in each bin [left edge x seed]."""
    table = 100 * last_of_units(runs, arm, "batch_histogram")
    return table.set_axis((table.index / max(len(table), 1)).astype(float))


def unit_bins(runs: pd.DataFrame, arm: str) -> pd.DataFrame:
    """Percent of the units with a mean activation over these images in each bin [left edge x seed]."""
    means = last_of_units(runs, arm, "batch_activation_mean")
    if not len(means):
        return pd.DataFrame()
    index = (means * UNIT_BINS).clip(0, UNIT_BINS - 1).apply(lambda x: x // 1)
    counts = index.apply(lambda x: x.value_counts(normalize=True)).reindex(range(UNIT_BINS)).fillna(0)
    return 100 * counts.set_axis([i / UNIT_BINS for i in range(UNIT_BINS)])


def _gains(found: Measures) -> dict[str, str]:
    """By how many points dropout changes the two shares, in every setting: gain_below_SETTING, gain_above_SETTING."""
    values = {(measure, arm): v for measure, arm, v in found}
    facts = {}
    for arm, name in NAMES.items():
        partner = arm.replace("standard", "dropout")
        for measure in ("share_below", "share_above"):
            if arm.startswith("standard") and {(measure, arm), (measure, partner)} <= set(values):
                gain = (values[measure, partner] - values[measure, arm]).mean()
                facts[f"gain_{measure.removeprefix('share_')}{name.removeprefix('standard')}"] = f"{gain:+.1f}".replace(
                    "-", "\N{MINUS SIGN}"
                )
    return facts
