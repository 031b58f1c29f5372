"""What the tests share: the checkout, a small result, and the command line run as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
torch.set_num_threads(1)


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
