"""The two formats, byte by byte."""

import gzip
from hashlib import sha256

import numpy as np
import pytest

from dropnorm.datasets import files
from dropnorm.datasets.cifar10 import decode_records
from dropnorm.datasets.files import Damaged
from dropnorm.datasets.mnist import decode_idx

PIXELS = bytes(range(12))
HEADER = bytes([0, 0, 8, 3]) + bytes([0, 0, 0, 3]) + bytes([0, 0, 0, 2]) * 2


def test_idx_is_read_row_by_row():
    array = decode_idx(HEADER + PIXELS, dims=3)
    assert array.dtype == np.uint8 and array.shape == (3, 2, 2)
    assert array[1].tolist() == [[4, 5], [6, 7]]
    array[0, 0, 0] = 9  # torch wants memory that it may write to


@pytest.mark.parametrize(
    "content, dims, reason",
    [
        (b"", 3, "not an IDX file"),
        (HEADER[:15], 3, "not an IDX file"),
        (b"\x01" + HEADER[1:] + PIXELS, 3, "begins with 01 00 08 03"),
        (bytes([0, 0, 9, 3]) + HEADER[4:] + PIXELS, 3, "not an IDX file"),  # signed bytes
        (HEADER + PIXELS, 1, "not an IDX file of 1 dimensions"),
        (HEADER + PIXELS[:-1], 3, "announces 12 bytes .* holds 11"),
        (HEADER + PIXELS + b"\0", 3, "announces 12 bytes .* holds 13"),
        (HEADER[:4] + b"\xff" * 12 + PIXELS, 3, "announces 79228162458924105385300197375 bytes"),
    ],
)
def test_idx_header_must_fit(content, dims, reason):
    with pytest.raises(Damaged, match=reason):
        decode_idx(content, dims)


def test_records():
    content = bytes([7]) + bytes(3072) + bytes([9]) + bytes([5]) * 3072
    records = decode_records(content)
    assert records.shape == (2, 3073) and records[:, 0].tolist() == [7, 9] and records[1, 1:].min() == 5


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "0 bytes are not a whole number"),
        (bytes(3072), "3072 bytes are not a whole number"),
        (bytes([10]) + bytes(3072), "label 10"),
    ],
)
def test_records_must_be_whole(content, reason):
    with pytest.raises(Damaged, match=reason):
        decode_records(content)


def test_a_gzip_bomb_is_not_inflated(tmp_path, monkeypatch):
    (tmp_path / "bomb.gz").write_bytes(gzip.compress(bytes(1000)))
    assert files.read_verified(tmp_path / "bomb.gz", sha256(bytes(1000)).hexdigest()) == bytes(1000)
    monkeypatch.setattr(files, "MAX_BYTES", 10)
    with pytest.raises(Damaged, match=sha256(bytes(10)).hexdigest()):  # all that was read
        files.read_verified(tmp_path / "bomb.gz", sha256(bytes(1000)).hexdigest())
