"""The numbers of a result's `table.csv`, grouped: the main arms open, each sweep folded."""

import re
from collections import defaultdict

from dropnorm.book import texts
from dropnorm.book.sources import Result

HEADER = ("Arm", "Quantity", "Mean [95 % interval]", "sd", "n")
MAIN = "main"
_LEVEL = re.compile(r"_(\d+)_percent$")  # `rise_10_percent` is what it is at 10 percent, in whatever unit
_SWEEP = re.compile(r"\.([A-Za-z_]\w*)-")


def numbers(result: Result) -> str:
    """Every row of the table. Intervals are 95 % t-intervals of the mean over seeds."""
    groups = defaultdict(list)
    for row in result.table():
        groups[group(row["arm"])].append(row)
    parts = [texts.table(HEADER, map(_row, groups.pop(MAIN, [])), right=(2, 3, 4))]
    for name, rows in groups.items():
        label = texts.escape(name.replace("_", " "))
        body = texts.table(HEADER, map(_row, rows), right=(2, 3, 4))
        parts.append(f"````{{dropdown}} Sweep: {label}, {texts.counted(len(rows), 'row')}\n{body}````\n")
    return "\n".join(parts)


def group(arm: str) -> str:
    """`baseline.lr-0.1` belongs to the sweep `lr`; an arm without a sweep's name, such as `b-0.1`, is a main one."""
    sweep = _SWEEP.search(arm)
    return sweep[1] if sweep else MAIN


def _row(row: dict[str, str]) -> list[str]:
    arm, n = f"`{row['arm']}`", row["n"]
    if row["quantity"] == "diverged":  # a share of runs, told as a count
        return [arm, "runs that diverged", f"{round(float(row['mean']) * int(n))} of {n}", "–", n]
    mean, low, high = (float(row[key]) if row[key] not in ("", "nan") else None for key in ("mean", "low", "high"))
    return [arm, _words(row["quantity"]), texts.measured(mean, (low, high)), texts.number(row["sd"], 2), n]


def _words(quantity: str) -> str:
    quantity = _LEVEL.sub(r" at \1 %", quantity)
    unit = " (%)" if quantity.endswith("_percent") else ""
    return texts.escape(quantity.removesuffix("_percent").replace("_", " ") + unit)
