"""The data sets of the papers, as uint8 arrays whose content is known to the last bit."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from dropnorm.datasets import cifar10, digits, fetch, mnist
from dropnorm.datasets.registry import DIGESTS
from dropnorm.errors import UserError

__all__ = ["Dataset", "Name", "load"]

Name = Literal["mnist", "cifar10", "digits"]
READERS = {"mnist": mnist.read, "cifar10": cifar10.read}


@dataclass(frozen=True)
class Dataset:
    """Images uint8 [n, *features] with pixels 0..pixel_max, labels uint8 [n] in 0..9, in file order (digits: permuted).

    Features: MNIST 28x28, digits 8x8 (pixel_max 16), CIFAR-10 3x32x32 (planes red, green, blue).
    `digest`: SHA-256 of the content digests of train and test, as hex, one after the other.
    """

    name: str
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    pixel_max: int
    digest: str


def load(name: Name, data_dir: Path, mirror: str | None = None, download: bool = True) -> Dataset:
    """Read the data set `name` from `data_dir`, where its files are fetched to first if they are missing.

    `mirror` (a folder or an http(s)/file URL) is asked before the public addresses; with `download=False`
    nothing is fetched from anywhere. Raises UserError if the data is not to be had or not as published.
    """
    if name not in get_args(Name):
        raise UserError(f"unknown data set {name!r}: choose one of {', '.join(get_args(Name))}")
    bundled = name == "digits"
    arrays = digits.read() if bundled else READERS[name](fetch.ensure(name, data_dir, mirror, download))
    found = (_content_digest(*arrays[:2]), _content_digest(*arrays[2:]))
    _check_digests(name, found)
    digest = hashlib.sha256("".join(found).encode()).hexdigest()
    return Dataset(name, *arrays, pixel_max=16 if bundled else 255, digest=digest)


def _content_digest(images: np.ndarray, labels: np.ndarray) -> str:
    """SHA-256 of all images as uint8, then all labels, whatever files they came from."""
    digest = hashlib.sha256(images)
    digest.update(labels)
    return digest.hexdigest()


def _check_digests(name: str, found: tuple[str, str]) -> None:
    """Raise UserError unless the decoded arrays are the known ones.

    No file is to blame here, as each was verified when it was read: the decoder, or the digits inside
    scikit-learn, must have changed.
    """
    for split, digest, expected in zip(("train", "test"), found, DIGESTS[name], strict=True):
        if digest != expected:
            raise UserError(
                f"the {split} part of {name} has SHA-256 {digest}, expected {expected}: "
                "install the versions of constraints.txt (pip install -c constraints.txt -e .)"
            )
