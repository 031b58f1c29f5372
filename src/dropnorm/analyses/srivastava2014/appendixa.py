"""Srivastava et al. 2014, appendix A: width, learning rate, momentum, limit and p of the inputs, each varied alone.

The claims A1 to A4 are fixed in claims/srivastava2014.yaml; here are the numbers they ask for. What is best is chosen
by validation error, and what is judged are test errors, in percent.
"""

import numpy as np
import pandas as pd

from dropnorm.analyses import Context, Drawing, Summary
from dropnorm.analyses.srivastava2014 import appendixa_drawings as drawings
from dropnorm.analyses.srivastava2014.errors import (
    by_level,
    counts,
    error_history,
    error_table,
    final_errors,
    mean_of,
    slopes,
    values,
    written,
)
from dropnorm.analyses.tidy import (
    CURVE_COLUMNS,
    SAMPLE_COLUMNS,
    curve,
    final,
    first_crossing,
    joined,
    samples,
    table_row,
)

NETS = ("none", "dropout")
BASE_RATE = "0.1"  # of every arm that says no other
WIDTHS = {0.125: ".width-0.125", 0.25: ".width-0.25", 0.5: ".width-0.5", 1.0: "", 2.0: ".width-2"}
RATES = {0.003: ".lr-0.003", 0.01: ".lr-0.01", 0.03: ".lr-0.03", 0.1: "", 0.3: ".lr-0.3", 1.0: ".lr-1.0"}
P_INPUT = {0.5: ".p_input-0.5", 0.6: ".p_input-0.6", 0.7: ".p_input-0.7", 0.8: "", 0.9: ".p_input-0.9",
           1.0: ".p_input-1.0"}  # fmt: skip
MOMENTUM = {  # final momentum -> arm; at the same rate, and at the same rate / (1 - momentum)
    "same_rate": {0.9: "momentum-0.9", 0.95: "dropout", 0.99: "momentum-0.99"},
    "same_step": {0.9: "same_step-0.9", 0.95: "dropout", 0.99: "same_step-0.99"},
}
LIMITS, LIMITED_RATES = ("1", "2", "3", "4", "None"), ("0.1", "0.3", "1.0")
TYPICAL_LIMIT, LARGE_RATE = "3", "1.0"  # A3
LARGEST_EXCESS = 1.0  # A3: what a run that diverged counts as, in points
SPEED = {  # A2c, and one more: arm -> what its updates are called
    "dropout": "updates_base", "dropout.lr-0.01": "updates_low_rate", "momentum-0.9": "updates_low_momentum",
    "momentum-0.99": "updates_high_momentum",
}  # fmt: skip
LEVELS = (2.0, 1.5)  # A2c: percent, in a short and in a long schedule
LONG = 100_000  # updates


def summarise(runs: pd.DataFrame) -> Summary:
    """All numbers of the guide, its claims and its page, from tidy runs."""
    errors, speed = final_errors(runs), updates_to_level(runs)
    extra = [samples("updates_to_level", arm, by_seed) for arm, by_seed in speed.items()]
    extra += [*_width_samples(errors), *_rate_samples(errors), *_momentum_samples(errors)]
    found = joined([errors, *extra, *_limit_samples(runs, errors)], SAMPLE_COLUMNS)
    rows = pd.DataFrame([table_row(arm, "updates_to_level", by_seed) for arm, by_seed in speed.items()])
    return Summary(
        samples=found,
        table=pd.concat([error_table(runs, errors), rows], ignore_index=True),
        curves=_curves(runs, errors),
        facts=counts(runs) | _facts(found) | _reached(runs) | _chosen(errors) | {"level": f"{level(runs):g}"},
    )


def figures(curves: pd.DataFrame, reference: pd.DataFrame | None, context: Context) -> dict[str, Drawing]:
    """The figures of this result by name; the paper has none."""
    return drawings.figures(curves, context)


def whole(errors: pd.DataFrame, measure: str, arms: dict) -> pd.DataFrame:
    """A measure as a table [value x seed], of the seeds that have every value; empty unless all arms were run.

    The best of half a sweep is no best.
    """
    table = by_level(errors, measure, arms)
    return table.dropna(axis=1) if len(table) == len(arms) else pd.DataFrame()


def of_net(net: str, endings: dict[float, str]) -> dict[float, str]:
    """The arms of one net in a sweep, by value."""
    return {value: net + ending for value, ending in endings.items()}


def best(table: pd.DataFrame) -> float:
    """The value of the lowest mean error."""
    return table.mean(axis=1).idxmin()


# --- one value a seed, for the claims ---


def best_width(errors: pd.DataFrame) -> float | None:
    """A1: the best width without dropout (1: as the arms themselves), of those whose double was trained too."""
    table = whole(errors, "validation_error", of_net("none", WIDTHS))
    return best(table[table.index < max(WIDTHS)]) if table.size else None


def _width_samples(errors: pd.DataFrame) -> list[pd.DataFrame]:
    """A1: what twice the best width gains with dropout, and the slope of the error with log2 of the width."""
    tables = {net: whole(errors, "test_error", of_net(net, WIDTHS)) for net in NETS}
    found = [
        samples("slope_with_width", net, slopes(table.set_axis(np.log2(table.index.to_numpy(float)))))
        for net, table in tables.items()
        if table.size
    ]
    if (n := best_width(errors)) is not None and tables["dropout"].size:
        found.append(samples("gain_of_width", "dropout", tables["dropout"].loc[n] - tables["dropout"].loc[2 * n]))
    return found


def _rate_samples(errors: pd.DataFrame) -> list[pd.DataFrame]:
    """A2a: the rate of each seed's lowest validation error."""
    tables = {net: whole(errors, "validation_error", of_net(net, RATES)) for net in NETS}
    return [samples("best_rate", net, table.idxmin()) for net, table in tables.items() if table.size]


def _momentum_samples(errors: pd.DataFrame) -> list[pd.DataFrame]:
    """A2b: test error with momentum 0.9, and with the better of 0.95 and 0.99."""
    found = []
    for kind, arms in MOMENTUM.items():
        if (table := whole(errors, "validation_error", arms)).size:
            high = arms[best(table[table.index > 0.9])]
            for name, arm in (("low_momentum", arms[0.9]), ("high_momentum", high)):
                found.append(samples(f"error_{kind}", name, values(errors, "test_error", arm)))
    return found


def level(runs: pd.DataFrame) -> float:
    """A2c: the test error that is to be reached, for the length of these runs."""
    return LEVELS[int(runs[runs.quantity == "test_error"].step.max() >= LONG)]


def updates_to_level(runs: pd.DataFrame) -> dict[str, pd.Series]:
    """A2c: by arm and seed the updates until the test error is down to the level; all of them if it never is."""
    tables = {arm: error_history(runs, arm) for arm in SPEED}
    return {arm: (-table).apply(first_crossing, level=-level(runs)) for arm, table in tables.items() if len(table)}


def limited(limit: str, rate: str) -> str:
    """The arm of a limit c ('None': without) at a rate. c = 2 is the arms' own, and its rates are another sweep's."""
    if limit == "2":
        return "dropout" if rate == BASE_RATE else f"dropout.lr-{rate}"
    return f"dropout.c-{limit}-{rate}"


def _limit_samples(runs: pd.DataFrame, errors: pd.DataFrame) -> list[pd.DataFrame]:
    """A3: how much more often the net without a limit errs at the large rate, no more than LARGEST_EXCESS either way.

    If one of the two runs diverged it counts as if it erred without bound; if both did, their errors are compared.
    """
    without, typical = (limited(limit, LARGE_RATE) for limit in ("None", TYPICAL_LIMIT))
    excess = (values(errors, "test_error", without) - values(errors, "test_error", typical)).dropna()
    if len(excess) == 0:
        return []
    lost, lost_too = (final(runs, arm, "diverged_at").reindex(excess.index) >= 0 for arm in (without, typical))
    excess = excess.mask(lost & ~lost_too, np.inf).mask(lost_too & ~lost, -np.inf)
    return [samples("excess_without_limit", "dropout", excess.clip(-LARGEST_EXCESS, LARGEST_EXCESS))]


# --- what is shown ---


def _curves(runs: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Panels width, rate, momentum, limit, p_input: test error against what was varied; speed: over training."""
    swept = [("width", net, of_net(net, WIDTHS)) for net in NETS]
    swept += [("rate", net, of_net(net, RATES)) for net in NETS]
    swept += [("momentum", kind, arms) for kind, arms in MOMENTUM.items()]
    swept += [("limit", _words(c), {float(rate): limited(c, rate) for rate in LIMITED_RATES}) for c in LIMITS]
    swept.append(("p_input", "dropout", of_net("dropout", P_INPUT)))
    found = [(panel, series, by_level(errors, "test_error", arms)) for panel, series, arms in swept]
    found += [("speed", arm, error_history(runs, arm)) for arm in SPEED]
    return joined([curve(panel, series, table) for panel, series, table in found if len(table)], CURVE_COLUMNS)


def _words(limit: str) -> str:
    return "no limit" if limit == "None" else f"c = {limit}"


def _facts(found: pd.DataFrame) -> dict[str, str]:
    """Numbers for the page's prose: `test_error_dropout_width_05` is that at half the width, `..._rate_003` at 0.03."""
    arms = {f"{net}_width_{value:g}": arm for net in NETS for value, arm in of_net(net, WIDTHS).items()}
    arms |= {f"{net}_rate_{value:g}": arm for net in NETS for value, arm in of_net(net, RATES).items()}
    arms |= {f"{kind}_momentum_{value:g}": arm for kind, of in MOMENTUM.items() for value, arm in of.items()}
    arms |= {f"c_{c.lower()}_rate_{rate}": limited(c, rate) for c in LIMITS for rate in LIMITED_RATES}
    arms |= {f"p_input_{value:g}": arm for value, arm in of_net("dropout", P_INPUT).items()}
    two = {
        f"{error}_{name.replace('.', '')}": mean_of(found, error, arm)
        for error in ("test_error", "validation_error")
        for name, arm in arms.items()
    }
    for measure in ("gain_of_width", "excess_without_limit"):
        two[measure] = mean_of(found, measure, "dropout")
    for net in NETS:
        two[f"slope_with_width_{net}"] = mean_of(found, "slope_with_width", net)
    updates = {name: mean_of(found, "updates_to_level", arm) for arm, name in SPEED.items()}
    return written(two) | written(updates, ",.0f")


def _reached(runs: pd.DataFrame) -> dict[str, str]:
    """A2c: in how many seeds each of its nets gets down to the level."""
    lowest = {name: error_history(runs, arm).min() for arm, name in SPEED.items()}
    return {
        name.replace("updates", "reached"): f"{(of <= level(runs)).sum()} of {len(of)}"
        for name, of in lowest.items()
        if len(of)
    }


def _chosen(errors: pd.DataFrame) -> dict[str, str]:
    """What had the lowest mean validation error in each sweep that is whole."""
    sweeps = {f"best_width_{net}": of_net(net, WIDTHS) for net in NETS}
    sweeps |= {f"best_rate_{net}": of_net(net, RATES) for net in NETS}
    sweeps |= {f"best_momentum_{kind}": arms for kind, arms in MOMENTUM.items()}
    sweeps["best_p_input"] = of_net("dropout", P_INPUT)
    tables = {name: whole(errors, "validation_error", arms) for name, arms in sweeps.items()}
    facts = {name: f"{best(table):g}" for name, table in tables.items() if table.size}
    if (n := best_width(errors)) is not None:
        facts |= {"n": f"{n:g}", "n_over_p": f"{2 * n:g}"}
    limits = whole(errors, "validation_error", {c: limited(c, BASE_RATE) for c in LIMITS})
    return facts | ({"best_limit": _words(best(limits))} if limits.size else {})
