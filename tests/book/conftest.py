"""A result with invented runs, evaluated by the real analysis; and the book built from it."""

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from dropnorm.book import build
from dropnorm.evaluation import evaluate
from dropnorm.names import Place, ResultName
from dropnorm.protocol import Protocol, load
from dropnorm.runs import write_arm

NAME = ResultName("ioffe2015", "figure1")
SEEDS = np.arange(4)
STEPS = np.array([0, 250, 400, 500, 4000, 20000, 50000])
UNITS = np.arange(3)
SESSION = {
    "device": "cpu", "gpu": None, "cpu": "Invented processor", "threads": 1, "gemm": "invented, AVX9",
    "python": "3.11.0", "packages": {"dropnorm": "0.1.0", "torch": "2.0"}, "commit": "0123456789ab",
    "started": "2030-01-02T03:04:05+00:00", "ended": "2030-01-02T04:04:05+00:00", "seconds": 1800.0,
    "replicas": len(SEEDS), "steps": 50000,
}  # fmt: skip


def invented_runs(arm: str, settings, rng: np.random.Generator) -> pd.DataFrame:
    """Runs of one arm as an experiment would record them: accuracy that rises, inputs whose spread grows."""
    batch = arm.startswith("batchnorm")
    rows = []
    for seed in SEEDS:
        best = (0.98 if batch else 0.965) + rng.normal(0, 0.001)
        accuracy = best - 0.85 * np.exp(-STEPS / (800 if batch else 4000))
        rows += [(seed, step, "test_accuracy", None, value) for step, value in zip(STEPS, accuracy, strict=True)]
        if settings.data.train_on == "split":
            rows.append((seed, STEPS[-1], "validation_accuracy", None, best - abs(settings.optimiser.lr - 0.3) / 100))
        if settings.measure.percentiles_every:
            rows += _inputs(seed, 1.5 if batch else 40.0, rng)
        rows.append((seed, STEPS[-1], "diverged_at", None, -1))
    return pd.DataFrame(rows, columns=["seed", "step", "quantity", "unit", "value"])


def _inputs(seed: int, growth: float, rng: np.random.Generator) -> list[tuple]:
    rows = []
    for step in STEPS:
        half = growth ** (step / STEPS[-1])
        for unit in UNITS:
            middle = rng.normal(0, 0.05 * growth)
            values = {"p15": middle - half, "p50": middle, "p85": middle + half}
            rows += [(seed, step, f"probe_{p}", unit, value) for p, value in values.items()]
    return rows


def fabricate(place: Place, protocol: Protocol, root: Path, seed: int = 0, **session) -> Path:
    """Write invented runs of every arm, and evaluate them; returns the result's folder."""
    rng = np.random.default_rng(seed)
    for arm, settings in protocol.arms.items():
        write_arm(place, protocol, arm, invented_runs(arm, settings, rng), SESSION | session)
    evaluate(root, place, protocol)
    return place.folder


@pytest.fixture(scope="session")
def results(tmp_path_factory, root) -> Path:
    """A folder of results that holds ioffe2015/figure1 at scale paper, from invented runs."""
    folder = tmp_path_factory.mktemp("results")
    fabricate(Place(folder, "paper", NAME), load(root, NAME, "paper"), root)
    return folder


@pytest.fixture(scope="session")
def result_folder(results) -> Path:
    return Place(results, "paper", NAME).folder


@pytest.fixture(scope="session")
def built(tmp_path_factory, root, results) -> Path:
    """The folder with the HTML of the book at scale paper."""
    return build(root, "paper", tmp_path_factory.mktemp("book"), Console(quiet=True), results).parent


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def address(built):
    """The address at which the built book is served, on this machine only."""
    handler = functools.partial(_Quiet, directory=str(built))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
