"""Data that is already on this machine: the layouts that are recognised, and what damage leads to."""

import gzip
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from dropnorm.datasets import digits, load, registry
from dropnorm.errors import UserError

IMAGES = "train-images-idx3-ubyte.gz"


def same(dataset, fake) -> bool:
    found = (dataset.train_images, dataset.train_labels, dataset.test_images, dataset.test_labels)
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(found, fake.train + fake.test, strict=True))


@pytest.mark.parametrize("unpacked", [False, True], ids=["gz", "unpacked"])
@pytest.mark.parametrize("layout", ["MNIST/raw", "raw", ""])
def test_mnist_layouts(mnist, tmp_path, layout, unpacked):
    mnist.lay_out(tmp_path / layout, unpacked)
    assert same(load("mnist", tmp_path, download=False), mnist)


@pytest.mark.parametrize("layout", ["cifar-10-batches-bin", ""])
def test_cifar10_layouts(cifar10, tmp_path, layout):
    cifar10.lay_out(tmp_path / layout)
    dataset = load("cifar10", tmp_path, download=False)
    assert same(dataset, cifar10)
    assert dataset.train_images.flags.c_contiguous and dataset.train_images.flags.writeable


def test_the_container_does_not_matter(mnist, tmp_path):
    """Packed again at another level, or raw bytes under a .gz name: only the content counts."""
    folder = mnist.lay_out(tmp_path / "MNIST/raw")
    digest = load("mnist", tmp_path, download=False).digest
    content = gzip.decompress(mnist.files[IMAGES])
    (folder / IMAGES).write_bytes(gzip.compress(content, 1, mtime=1))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.decompress(mnist.files["t10k-labels-idx1-ubyte.gz"]))
    assert (folder / IMAGES).read_bytes() != mnist.files[IMAGES]
    assert load("mnist", tmp_path, download=False).digest == digest


def damage_error(tmp_path: Path, name: str) -> str:
    with pytest.raises(UserError) as caught:
        load(name, tmp_path, download=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_truncated_gz_is_set_aside(mnist, tmp_path):
    path = mnist.lay_out(tmp_path / "MNIST/raw") / IMAGES
    half = mnist.files[IMAGES][:60]
    path.write_bytes(half)
    message = damage_error(tmp_path, "mnist")
    assert str(path) in message and "cannot be unpacked" in message
    assert registry.SOURCES["mnist"].files[IMAGES] in message
    assert not path.exists()
    assert path.with_name(IMAGES + ".damaged").read_bytes() == half


def test_altered_byte_is_set_aside_with_both_digests(cifar10, tmp_path):
    path = cifar10.lay_out(tmp_path) / "data_batch_3.bin"
    content = bytearray(path.read_bytes())
    content[700] ^= 1
    path.write_bytes(content)
    message = damage_error(tmp_path, "cifar10")
    assert str(path) in message
    assert sha256(content).hexdigest() in message
    assert sha256(cifar10.files["data_batch_3.bin"]).hexdigest() in message
    assert path.with_name("data_batch_3.bin.damaged").read_bytes() == content
    assert sorted(p.name for p in tmp_path.glob("*.bin")) == sorted(set(cifar10.files) - {path.name})


def test_nothing_set_aside_is_ever_overwritten(cifar10, tmp_path):
    folder = cifar10.lay_out(tmp_path)
    for content in (b"first", b"second", b"third"):
        (folder / "test_batch.bin").write_bytes(content)
        damage_error(tmp_path, "cifar10")
    aside = [folder / f"test_batch.bin.damaged{suffix}" for suffix in ("", "-2", "-3")]
    assert [path.read_bytes() for path in aside] == [b"first", b"second", b"third"]


def test_damage_in_a_folder_that_cannot_be_written(cifar10, tmp_path, monkeypatch):
    (cifar10.lay_out(tmp_path) / "test_batch.bin").write_bytes(b"short")
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    assert "cannot be set aside (Permission denied): remove it" in damage_error(tmp_path, "cifar10")


def test_digits_are_the_pinned_ones():
    dataset = load("digits", Path("/nowhere"))
    assert dataset.train_images.shape == (1437, 8, 8) and dataset.test_images.shape == (360, 8, 8)
    assert dataset.train_images.dtype == dataset.train_labels.dtype == np.uint8
    assert dataset.train_images.max() == dataset.pixel_max == 16
    assert dataset.digest == "c15dfdafd49f7b05c24aa868a1d317f4b90853fe1be414c23c17babe1ca4329b"


def test_changed_digits_are_noticed(monkeypatch):
    arrays = digits.read()
    arrays[2][0, 0, 0] += 1
    monkeypatch.setattr(digits, "read", lambda: arrays)
    with pytest.raises(UserError, match=f"test part of digits.*expected {registry.DIGESTS['digits'][1]}"):
        load("digits", Path("/nowhere"))


def test_train_and_test_are_checked_apart(mnist, tmp_path, monkeypatch):
    """Right files in the wrong order must not pass: the digest is that of the decoded split."""
    mnist.lay_out(tmp_path)
    monkeypatch.setitem(registry.DIGESTS, "mnist", registry.DIGESTS["mnist"][::-1])
    with pytest.raises(UserError, match="train part of mnist has SHA-256"):
        load("mnist", tmp_path, download=False)


def test_unknown_name():
    with pytest.raises(UserError, match="'mnits': choose one of mnist, cifar10, digits"):
        load("mnits", Path("/nowhere"))


@pytest.mark.parametrize("name, shape", [("mnist", (60000, 28, 28)), ("cifar10", (50000, 3, 32, 32))])
def test_real_data(real_mirror, tmp_path, name, shape):
    """From a folder mirror into an empty data directory; read again, it is the same, and quick."""
    first = load(name, tmp_path, mirror=str(real_mirror))
    start = time.perf_counter()
    dataset = load(name, tmp_path, download=False)
    assert time.perf_counter() - start < 5  # 0.4 s alone; this machine may be busy
    assert dataset.train_images.shape == shape and dataset.test_images.shape == (10000, *shape[1:])
    assert dataset.digest == first.digest and dataset.pixel_max == dataset.train_images.max() == 255
    assert np.bincount(dataset.test_labels).sum() == 10000 and dataset.train_labels.max() == 9
