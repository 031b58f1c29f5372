"""Benchmarks as tables: what `dropnorm bench --out published/bench` measured and where."""

from pathlib import Path
from typing import Any

from dropnorm.book import texts
from dropnorm.files import read_json

NAMES = {
    "baseline": "784-100-100-100-10 of Ioffe & Szegedy, without batch normalization",
    "batchnorm": "784-100-100-100-10 of Ioffe & Szegedy, with batch normalization",
    "3x1024": "784-1024-1024-1024-10, dropout, max-norm",
    "usual": "the usual way",
    "bfloat16": "products in bfloat16",
}


def benchmarks(root: Path) -> str:
    """Every committed benchmark: a table, and the machine it was measured on."""
    found = [read_json(path) for path in sorted((root / "published" / "bench").glob("*.json"))]
    return "\n".join(_one(figures) for figures in found) or "No benchmark has been committed yet.\n"


def _one(figures: dict[str, Any]) -> str:
    header = ("Network", "Version", "ms a network and step [lowest, highest]", "Times as fast", "Of the peak")
    rows = [
        [NAMES.get(net, net), NAMES.get(version, version), *_cells(f)]
        for net, versions in figures["nets"].items()
        for version, f in versions.items()
    ]
    machine = figures["machine"]
    where = (
        f"{texts.escape(machine['cpu'])}, {machine['threads']} thread, {texts.escape(machine['gemm'])}, torch "
        f"{machine['packages']['torch']}; peak in large float32 matrix products {figures['gflops_peak']:.0f} GFLOP/s. "
        f"Measured {figures['measured']}, commit `{machine['commit'] or 'unknown'}`."
    )
    return f"{texts.table(header, rows, right=(2, 3, 4))}\n{where}\n"


def _cells(f: dict[str, float]) -> list[str]:
    times = f"{f['ms']:.2f} [{f['ms_low']:.2f},{texts.NBSP}{f['ms_high']:.2f}]"
    return [times, f"{f['times_faster']:.2f}", f"{100 * f['share_of_peak']:.0f}{texts.NBSP}%"]
