"""Where a number comes from: versions, machine, threads, arithmetic, seconds."""

import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from dropnorm.bfloat16 import has_bfloat16

PACKAGES = ("dropnorm", "torch", "numpy", "pandas", "scipy", "statsmodels", "scikit-learn", "matplotlib", "snakemake")


def now() -> str:
    """This moment in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine(device: torch.device) -> dict[str, Any]:
    """What a run was computed with: the things that can change its bits, or explain its time."""
    return {
        "device": device.type,
        "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "cpu": _cpu_model(),
        "threads": torch.get_num_threads(),
        "gemm": _gemm_path(device),
        "python": platform.python_version(),
        "packages": _versions(),
        "commit": _commit(),
    }


@cache
def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # run from a checkout, or without the pipeline's extras
            continue
    return found | {"torch": torch.__version__}


@cache
def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        info = dict(line.split(":", 1) for line in lines if ":" in line)
        info = {k.strip(): v.strip() for k, v in info.items()}
        return f"{info['model name']} (family {info['cpu family']}, model {info['model']})"
    except (OSError, KeyError):
        return platform.processor() or platform.machine()


def _gemm_path(device: torch.device) -> str:
    if device.type == "cuda":
        rounded = torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32
        precision = "tf32" if rounded else "float32"
        return f"cuBLAS {precision}, CUDA {torch.version.cuda}"
    library = "MKL" if torch.backends.mkl.is_available() else "OpenBLAS or other"
    return f"{library}, {torch.backends.cpu.get_cpu_capability()}{_bfloat16_path(device)}"


def _bfloat16_path(device: torch.device) -> str:
    """What multiplies in bfloat16, where it is not the same unit as for float32."""
    if not has_bfloat16(device):
        return ", bfloat16 by float32"
    return ", bfloat16 by AMX" if torch.cpu._is_amx_tile_supported() else ""


@cache
def _commit() -> str | None:
    """The commit of the checkout this code lies in, marked if the source differs from it."""
    here = Path(__file__).parent
    try:
        commit = _git(here, "rev-parse", "--short=12", "HEAD")
        return commit + ("+changes" if _git(here, "status", "--porcelain", "--", str(here)) else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    # Without its optional locks git only reads: on a full disk it would leave a broken lock in the checkout.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
