"""CIFAR-10 comes as an archive: the right one is unpacked, anything else refused before a byte is written."""

import io
import os
import tarfile

import pytest

from dropnorm.datasets import load
from dropnorm.errors import UserError

ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"


def archive(files: dict[str, bytes], *extra: tarfile.TarInfo) -> bytes:
    """A .tar.gz of `files` inside the published folder, then the `extra` members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(member(FOLDER, tarfile.DIRTYPE))
        for name, content in files.items():
            info = member(f"{FOLDER}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in extra:
            tar.addfile(info)
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


HARMLESS = {"readme.html": b"<html>", "batches.meta.txt": b"airplane\n"}


@pytest.mark.parametrize("place", ["public", "mirror URL", "mirror folder", "data directory", "its folder"])
def test_archive_from_anywhere(cifar10, publish, serve, tmp_path, place):
    content = archive(cifar10.files | HARMLESS)
    data, mirror = tmp_path / "data", None
    server = serve({f"/{ARCHIVE}": content})
    if place == "public":
        publish("cifar10", server.url)
    elif place == "mirror URL":
        mirror = server.url
    else:
        folder = {"data directory": data, "its folder": data / FOLDER}.get(place, tmp_path)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ARCHIVE).write_bytes(content)
        mirror = str(tmp_path) if place == "mirror folder" else None
    dataset = load("cifar10", data, mirror)
    assert (dataset.test_images == cifar10.test[0]).all()
    assert sorted(set(os.listdir(data / FOLDER)) - {ARCHIVE}) == sorted(cifar10.files)
    assert server.requests.count(f"/{ARCHIVE}") == (1 if place in ("public", "mirror URL") else 0)


@pytest.mark.parametrize(
    "bad",
    [
        member("../escaped.bin"),
        member(f"{FOLDER}/../../escaped.bin"),
        member(f"{FOLDER}/../data_batch_1.bin"),
        member("/tmp/escaped.bin"),
        member(f"{FOLDER}/data_batch_1.bin", tarfile.SYMTYPE, "/etc/passwd"),
        member(f"{FOLDER}/data_batch_1.bin", tarfile.LNKTYPE, "../../escaped.bin"),
        member(f"{FOLDER}/data_batch_1.bin", tarfile.FIFOTYPE),
        member(f"{FOLDER}/data_batch_6.bin"),
        member(f"{FOLDER}/deeper/data_batch_1.bin"),
        member("../elsewhere", tarfile.DIRTYPE),
    ],
    ids=lambda info: f"{info.name} {info.type.decode()}",
)
def test_archive_with_a_foreign_member_is_refused_whole(cifar10, tmp_path, bad):
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / ARCHIVE).write_bytes(archive(cifar10.files, bad))
    with pytest.raises(UserError, match="does not belong there: nothing was unpacked"):
        load("cifar10", tmp_path / "data", str(mirror))
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [ARCHIVE]


def test_altered_member_is_not_put_in_place(cifar10, tmp_path):
    (tmp_path / ARCHIVE).write_bytes(archive(cifar10.files | {"data_batch_2.bin": b"altered"}))
    with pytest.raises(UserError, match="SHA-256 of its content .*, expected"):
        load("cifar10", tmp_path / "data", str(tmp_path))
    assert os.listdir(tmp_path / "data" / FOLDER) == ["data_batch_1.bin"]


def test_archive_without_all_files(cifar10, tmp_path):
    files = {name: content for name, content in cifar10.files.items() if name != "test_batch.bin"}
    (tmp_path / ARCHIVE).write_bytes(archive(files))
    with pytest.raises(UserError, match="the archive holds no test_batch.bin"):
        load("cifar10", tmp_path / "data", str(tmp_path))


@pytest.mark.parametrize("damage", [lambda c: c[: len(c) // 2], lambda c: b"not a tar", lambda c: b""])
def test_unreadable_archive(cifar10, tmp_path, damage):
    (tmp_path / ARCHIVE).write_bytes(damage(archive(cifar10.files)))
    with pytest.raises(UserError, match="the archive cannot be unpacked"):
        load("cifar10", tmp_path / "data", str(tmp_path))
