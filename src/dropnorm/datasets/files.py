"""One file at a time: read it and check its content, put it in place whole, set a damaged one aside."""

import gzip
import hashlib
import os
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

from dropnorm.errors import UserError

T = TypeVar("T")

GZIP_MAGIC = b"\x1f\x8b"
MAX_BYTES = 64 * 2**20  # the largest file holds 45 MiB; a gzip bomb stops here


class Damaged(Exception):
    """Data that is not what it should be; the text completes the sentence 'this file is damaged: ...'."""


def find(folder: Path, name: str) -> Path | None:
    """The file `name` in `folder`, as published or unpacked (without `.gz`), or None."""
    return next((folder / v for v in variants(name) if (folder / v).is_file()), None)


def variants(name: str) -> list[str]:
    """The names under which the content of `name` may be kept: `x.gz` also as `x`."""
    return list(dict.fromkeys([name, name.removesuffix(".gz")]))


def read_verified(path: Path, expected: str) -> bytes:
    """The content of `path`, gunzipped if it is packed, whose SHA-256 is `expected`.

    Raises Damaged, with the digest found and the one expected, and OSError.
    """
    with path.open("rb") as stream:
        # By its first bytes, not its name: some servers unpack a .gz on the way.
        opener = gzip.open if stream.read(2) == GZIP_MAGIC else open
    try:
        with opener(path, "rb") as stream:
            content = stream.read(MAX_BYTES)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        raise Damaged(
            f"it cannot be unpacked ({error}); SHA-256 of the file as it is {found}, of its content expected {expected}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise Damaged(f"SHA-256 of its content {found}, expected {expected}")
    return content


def load_file(path: Path, expected: str, decode: Callable[[bytes], T]) -> T:
    """`decode` of the verified content of `path`.

    Raises UserError if it is damaged: the file is then renamed, so that nothing ever trains on it.
    """
    try:
        return decode(read_verified(path, expected))
    except Damaged as error:
        raise UserError(f"{path} is damaged: {error}; {_set_aside(path)}") from error
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}: check the file and its permissions") from error


def _set_aside(path: Path) -> str:
    """Rename `path` to the first free one of NAME.damaged, NAME.damaged-2, ...; say what to do now."""
    names = (path.with_name(f"{path.name}.damaged" + (f"-{i}" if i > 1 else "")) for i in count(1))
    aside = next(name for name in names if not name.exists())
    try:
        with suppress(FileNotFoundError):  # another process was quicker
            path.rename(aside)
    except OSError as error:
        return f"it cannot be set aside ({error.strerror}): remove it and run again"
    return f"set aside as {aside.name}: run again to fetch it anew, or put a good copy in its place"


@contextmanager
def part_of(path: Path) -> Iterator[Path]:
    """A name beside `path` that no other process uses; whatever is left there at the end is removed."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Make the finished `part` appear as `path` at once; it is on the disk before it has its name."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(part, path)
