"""What the tests share: the checkout, a small result, and the command line run as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """With several workers, the tests of a file stay together, and so do all that read the built book.

    What they share is then made once. Groups go to the next free worker in this order: those that take long come first.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    slow = {_group(item) for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: _group(item) not in slow)


def _group(item: pytest.Item) -> str:
    folder = item.path.parent.name
    return "book" if folder == "book" else f"{folder}/{item.path.stem}"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture
def dropnorm(root):
    """Run the `dropnorm` command in a process of its own: dropnorm('status', ...) -> CompletedProcess."""

    def call(*arguments: object, cwd: Path = root, **options) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "dropnorm", *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300, **options)

    return call
