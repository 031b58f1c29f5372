"""Checkpoints: all tensors of a running experiment in one safetensors file that knows its own digest."""

import errno
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dropnorm.files import replacing


@dataclass(frozen=True)
class Header:
    """Whose state it is: the replicas (arm, seed), and a digest of code, settings and data of each."""

    key: str
    replicas: list[tuple[str, int]]


def save(path: Path, state: dict[str, Tensor], header: Header) -> None:
    """Write `state` whole or not at all. Raises OSError if it cannot be written."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    metadata = {"key": header.key, "replicas": json.dumps(header.replicas), "digest": _digest(state)}
    with replacing(path) as part:
        try:
            save_file(state, part, metadata=metadata)
        except SafetensorError as error:  # a full disk, as a name of its own
            found = re.search(r"os error (\d+)", str(error))
            code = int(found[1]) if found else errno.EIO
            raise OSError(code, os.strerror(code), str(path)) from None


def header(path: Path) -> Header | None:
    """What a checkpoint says it is, read without its tensors; None if it cannot be read."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        return Header(metadata["key"], [(arm, seed) for arm, seed in json.loads(metadata["replicas"])])
    except (SafetensorError, OSError, KeyError, ValueError):
        return None


def load(path: Path, key: str, console: Console) -> dict[str, Tensor] | None:
    """The state saved for `key`, or None. One that is damaged or of another run is discarded, with a message."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        return _discard(path, f"not readable ({error})", console)
    if metadata.get("digest") != _digest(state):
        return _discard(path, "damaged (its digest does not match)", console)
    if metadata.get("key") != key:
        return _discard(path, "of other code, settings or data", console)
    return state


def _discard(path: Path, why: str, console: Console) -> None:
    console.print(f"checkpoint {path.name} is {why}: discarded, starting over", style="yellow", highlight=False)
    path.unlink(missing_ok=True)


def _digest(state: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
