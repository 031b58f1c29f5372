"""How fast a training step is, beside the same network written the usual way in PyTorch; measured in turn.

Each module has `measure(dataset) -> figures`: for each network and version the milliseconds a network and step.
"""

from importlib import import_module
from typing import Any

# Name of a benchmark, which is that of its module, and the data set that it trains on.
BENCHMARKS = {"sigmoid_mlp": "mnist", "dropout_mlp": "mnist", "vgg": "cifar10"}


def measure(name: str, dataset: Any) -> dict[str, Any]:
    """Run a benchmark on its data set, on one thread (about a minute)."""
    return import_module(f"{__name__}.{name}").measure(dataset)
