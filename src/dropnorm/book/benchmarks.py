"""Benchmarks as tables: what `dropnorm bench --out published/bench` measured and where."""

from itertools import groupby
from pathlib import Path
from typing import Any

from dropnorm.book import texts
from dropnorm.files import read_json
from dropnorm.names import PUBLISHED

NAMES = {
    "baseline": "784-100-100-100-10 of Ioffe & Szegedy, without batch normalization",
    "batchnorm": "784-100-100-100-10 of Ioffe & Szegedy, with batch normalization",
    "3x1024": "784-1024-1024-1024-10, dropout, max-norm",
    "usual": "the usual way",
    "bfloat16": "products in bfloat16",
}
HEADER = ("Network", "Version", "Processor", "ms a network and step [lowest, highest]", "Times as fast", "Of the peak")


def benchmarks(root: Path) -> str:
    """Every committed benchmark: a table with its processors side by side, and where each was measured."""
    found = [read_json(path) for path in (root / PUBLISHED / "bench").glob("*/*.json")]
    found.sort(key=lambda figures: (figures["benchmark"], figures["machine"]["cpu"]))
    tables = [_one(list(group)) for _, group in groupby(found, lambda figures: figures["benchmark"])]
    return "\n".join(tables) or "No benchmark has been committed yet.\n"


def _one(measured: list[dict[str, Any]]) -> str:
    """One benchmark on each of its processors."""
    rows = [
        [
            NAMES.get(net, net),
            NAMES.get(version, version),
            _short(figures["machine"]),
            *_cells(figures["nets"][net][version]),
        ]
        for net, versions in measured[0]["nets"].items()
        for version in versions
        for figures in measured
    ]
    return (
        f"{texts.table(HEADER, rows, right=(3, 4, 5))}\n"
        + "\n".join(f"- {_where(figures)}" for figures in measured)
        + "\n"
    )


def _short(machine: dict[str, Any]) -> str:
    """'Intel(R) Xeon(R) Processor (family 6, model 167)' -> 'Intel (family 6, model 167)'."""
    name, bracket, number = machine["cpu"].partition(" (family")
    return texts.escape(name.split()[0].removesuffix("(R)") + bracket + number)


def _where(figures: dict[str, Any]) -> str:
    machine = figures["machine"]
    return (
        f"{texts.escape(machine['cpu'])}, {machine['threads']} thread, {texts.escape(machine['gemm'])}, torch "
        f"{machine['packages']['torch']}; peak in large float32 matrix products {figures['gflops_peak']:.0f} GFLOP/s. "
        f"Measured {figures['measured']}, commit `{machine['commit'] or 'unknown'}`."
    )


def _cells(f: dict[str, float]) -> list[str]:
    times = f"{f['ms']:.2f} [{f['ms_low']:.2f},{texts.NBSP}{f['ms_high']:.2f}]"
    return [times, f"{f['times_faster']:.2f}", f"{100 * f['share_of_peak']:.0f}{texts.NBSP}%"]
