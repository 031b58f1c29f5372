"""What the tests share: the checkout, a small result, and the command line run as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
torch.set_num_threads(1)


def _group(nodeid: str) -> str:
    """What shares fixtures: the tests of a file, and all that read the built book."""
    file = nodeid.partition("::")[0]
    return "tests/book" if file.startswith("tests/book/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With several workers, a group stays with one of them, so that what its tests share is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items):
    """Groups go to the next free worker in this order: those that take long come first."""
    slow = {_group(item.nodeid) for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: _group(item.nodeid) not in slow)


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
