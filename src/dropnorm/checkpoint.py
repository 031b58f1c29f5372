"""Checkpoints: all tensors of a running experiment in one safetensors file that knows its own digest."""

import hashlib
from pathlib import Path

import torch
from rich.console import Console
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from dropnorm.files import replacing


def save(path: Path, state: dict[str, Tensor], key: str) -> None:
    """Write `state` whole or not at all. `key` says which run (code, settings, data, seeds) it belongs to."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    with replacing(path) as part:
        save_file(state, part, metadata={"key": key, "digest": _digest(state)})


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
