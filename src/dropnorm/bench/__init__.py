"""How fast a training step is, beside the same network written the usual way in PyTorch; measured in turn.

Each module has `measure(dataset) -> figures`: for each network and version the milliseconds a network and step.
"""

import re
from importlib import import_module
from typing import Any

# Name of a benchmark, which is that of its module, and the data set that it trains on.
BENCHMARKS = {"sigmoid_mlp": "mnist", "dropout_mlp": "mnist", "vgg": "cifar10"}


def measure(name: str, dataset: Any) -> dict[str, Any]:
    """Run a benchmark on its data set, on one thread (about a minute)."""
    return import_module(f"{__name__}.{name}").measure(dataset)


def file_name(figures: dict[str, Any]) -> str:
    """Where figures are kept: a folder a processor, as each is fast in its own way."""
    processor = "-".join(re.findall("[a-z0-9]+", figures["machine"]["cpu"].lower()))
    return f"{processor}/{figures['benchmark']}.json"


def lines(figures: dict[str, Any]) -> list[str]:
    """What was measured of each network and version, for the terminal."""
    return [
        f"{net:10} {version:12} {f['ms']:.3f} ms a network and step ({f['ms_low']:.3f} to {f['ms_high']:.3f}), "
        f"{f['times_faster']:.2f} times the usual speed, {100 * f['share_of_peak']:.0f} % of peak"
        for net, versions in figures["nets"].items()
        for version, f in versions.items()
    ]
