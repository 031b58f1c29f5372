"""Files appear whole or not at all, and a damaged one is noticed by its digest."""

import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from dropnorm.errors import UserError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path to write to; on success it is flushed to disk and takes the place of `path`, else it goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The ending stays: pandas and matplotlib choose the format by it.
    part = path.with_name(f".{uuid4().hex}.part.{path.name}")  # of a cluster, two may share a process id
    try:
        yield part
        with open(part, "rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON whole or not at all; NaN is refused, for JSON has none."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, kind: type = dict) -> Any:
    """Read JSON. Raises FileNotFoundError, and UserError if it is damaged, or holds something else than a `kind`."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not readable as JSON ({error}); delete it, and have it made again") from None
    if not isinstance(value, kind):
        raise UserError(f"{path}: not what belongs there; delete it, and have it made again")
    return value


def read_yaml(path: Path) -> Any:
    """Read YAML; the tree is shared by all who read the same text, and must not be changed.

    Raises FileNotFoundError, and UserError if it is not readable.
    """
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None


# Every job of Snakemake reads all protocols and criteria: the loader in C is ten times as fast.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Refuses a key that stands twice in a mapping, of which YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := [key for key, count in Counter(keys).items() if count > 1]:
            raise yaml.constructor.ConstructorError(None, None, f"'{twice[0]}' stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


@lru_cache(maxsize=256)
def _parsed(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)


def differing(folder: Path) -> list[str]:
    """Names in a folder's `digests.json` whose file is gone or is not what it was; [] if all are, or if it has none."""
    path = folder / "digests.json"
    digests = read_json(path) if path.exists() else {}
    return [n for n, digest in digests.items() if not (folder / n).exists() or sha256(folder / n) != digest]


def seal(folder: Path, names: list[str]) -> None:
    """Write `digests.json`: what these files of a folder are, so that `differing` finds one that was changed."""
    write_json(folder / "digests.json", {name: sha256(folder / name) for name in names})


def from_git_again(path: Path) -> str:
    """What to do about a committed file, or folder, that is damaged or gone."""
    return f"take it from git again: git checkout -- {path}"


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
