"""MNIST: the IDX format, http://yann.lecun.com/exdb/mnist/."""

import struct
from functools import partial
from pathlib import Path

import numpy as np

from dropnorm.datasets.files import Damaged, find, load_file
from dropnorm.datasets.registry import SOURCES

UINT8 = 0x08  # the only element type that MNIST uses


def decode_idx(content: bytes, dims: int) -> np.ndarray:
    """The uint8 array with `dims` dimensions that `content` holds. Raises Damaged if the header disagrees.

    Header, big-endian: two zero bytes, the element type, the number of dimensions, then each size as uint32.
    """
    start = 4 + 4 * dims
    if len(content) < start or content[:4] != bytes([0, 0, UINT8, dims]):
        raise Damaged(f"not an IDX file of {dims} dimensions of bytes (it begins with {content[:4].hex(' ')})")
    shape = struct.unpack(f">{dims}I", content[4:start])
    size = int(np.prod(shape, dtype=object))  # exact: an altered header may claim more than 64 bits hold
    if len(content) - start != size:
        raise Damaged(f"its IDX header announces {size} bytes of shape {shape}, it holds {len(content) - start}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()  # a copy can be written to


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Train images [60000, 28, 28], train labels [60000], test images [10000, 28, 28], test labels [10000].

    All uint8, pixels 0 (background) to 255. Raises UserError for a damaged file, which is set aside.
    """
    files = SOURCES["mnist"].files
    return tuple(
        load_file(find(folder, name) or folder / name, files[name], partial(decode_idx, dims=dims))
        for name, dims in [
            ("train-images-idx3-ubyte.gz", 3),
            ("train-labels-idx1-ubyte.gz", 1),
            ("t10k-images-idx3-ubyte.gz", 3),
            ("t10k-labels-idx1-ubyte.gz", 1),
        ]
    )
