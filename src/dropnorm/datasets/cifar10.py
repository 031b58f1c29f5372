"""CIFAR-10, binary version (no pickle): https://www.cs.toronto.edu/~kriz/cifar.html."""

from pathlib import Path

import numpy as np

from dropnorm.datasets.files import Damaged, load_file
from dropnorm.datasets.registry import SOURCES

IMAGE_SHAPE = (3, 32, 32)  # red, green, blue planes, row by row
RECORD_BYTES = 1 + 3 * 32 * 32  # the label, then the pixels


def decode_records(content: bytes) -> np.ndarray:
    """The records in `content`: uint8 [n, 3073]. Raises Damaged for part of one, or a label above 9."""
    if not content or len(content) % RECORD_BYTES:
        raise Damaged(f"{len(content)} bytes are not a whole number of records of {RECORD_BYTES}")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)
    if records[:, 0].max() > 9:
        raise Damaged(f"it has a label {records[:, 0].max()}, and there are only 0 to 9")
    return records


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Train images [50000, 3, 32, 32], train labels [50000], test images [10000, ...], test labels [10000].

    All uint8, pixels 0 to 255. Raises UserError for a damaged file, which is set aside.
    """
    files = SOURCES["cifar10"].files
    batches = [load_file(folder / name, digest, decode_records) for name, digest in files.items()]
    *train, test = batches  # the registry lists the five training batches in order, then the test batch
    return *_split(train), *_split([test])


def _split(batches: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Images [n, 3, 32, 32] and labels [n] of all records [m, 3073] in `batches`, copied once."""
    images = np.concatenate([records[:, 1:] for records in batches])
    labels = np.concatenate([records[:, 0] for records in batches])
    return images.reshape(-1, *IMAGE_SHAPE), labels
