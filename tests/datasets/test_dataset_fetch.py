"""Fetching: a server that fails as servers do, mirrors of several kinds, and never a half-written file."""

import os
import threading
from pathlib import Path

import pytest

from dropnorm.datasets import fetch, files, load, transfer
from dropnorm.errors import UserError

IMAGES = "train-images-idx3-ubyte.gz"


def web(fake, prefix: str = "") -> dict[str, bytes]:
    return {f"{prefix}/{name}": content for name, content in fake.files.items()}


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


@pytest.mark.parametrize("fault", ["drop", "truncate", "wrong", "stall", "503"])
def test_one_failure_is_tried_again(mnist, publish, serve, tmp_path, fault):
    server = serve(web(mnist), {f"/{IMAGES}": [fault]})
    publish("mnist", server.url)
    load("mnist", tmp_path)
    assert server.requests.count(f"/{IMAGES}") == 2
    assert names_in(tmp_path / "MNIST/raw") == sorted(mnist.files)


@pytest.mark.parametrize("fault, attempts", [("drop", 3), ("truncate", 3), ("wrong", 3), ("stall", 3), ("404", 1)])
def test_the_next_address_helps(mnist, publish, serve, tmp_path, fault, attempts):
    bad = serve({} if fault == "404" else web(mnist), {f"/{IMAGES}": [fault] * 9})
    good = serve(web(mnist))
    publish("mnist", bad.url, good.url)
    load("mnist", tmp_path)
    assert bad.requests.count(f"/{IMAGES}") == attempts
    assert good.requests.count(f"/{IMAGES}") == 1
    assert names_in(tmp_path / "MNIST/raw") == sorted(mnist.files)


def test_attempts_wait_longer_each_time(mnist, publish, serve, tmp_path, monkeypatch):
    publish("mnist", serve(web(mnist), {f"/{IMAGES}": ["drop", "503"]}).url)
    waits: list[float] = []
    monkeypatch.setattr(fetch, "BACKOFF_S", 1.0)
    monkeypatch.setattr(fetch.time, "sleep", waits.append)
    load("mnist", tmp_path)
    assert waits[:3] == [0, 1, 2]


def test_a_dead_server_is_not_waited_for_again(mnist, publish, serve, tmp_path):
    bad = serve(web(mnist), {path: ["stall"] * 9 for path in web(mnist)})
    publish("mnist", bad.url, serve(web(mnist)).url)
    load("mnist", tmp_path)
    assert bad.requests == [f"/{IMAGES}"] * 3


@pytest.mark.parametrize(
    "fault, reason",
    [("wrong", "SHA-256 of its content"), ("truncate", "broke off"), ("503", "503"), ("404", "404")],
)
def test_nowhere_is_one_clear_error(mnist, publish, serve, tmp_path, fault, reason):
    server = serve(web(mnist), {f"/{IMAGES}": [fault] * 9})
    publish("mnist", server.url)
    with pytest.raises(UserError, match=reason) as caught:
        load("mnist", tmp_path)
    assert server.url.removeprefix("http://") in str(caught.value) and "\n" not in str(caught.value)
    assert names_in(tmp_path / "MNIST/raw") == []


def test_a_trickle_counts_as_stuck(mnist, publish, serve, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "GRACE_S", 0)
    monkeypatch.setattr(transfer, "MIN_BYTES_PER_S", 1e15)
    publish("mnist", serve(web(mnist)).url)
    with pytest.raises(UserError, match="too slow"):
        load("mnist", tmp_path)


def test_no_network_and_no_data(mnist, publish, serve, tmp_path):
    server = serve({})
    server.shutdown()
    server.server_close()  # nobody listens on its port now
    publish("mnist", server.url)
    with pytest.raises(UserError, match="no connection") as caught:
        load("mnist", tmp_path)
    message = str(caught.value)
    assert all(name in message for name in mnist.files)
    for hint in (str(tmp_path / "MNIST/raw"), "--mirror", "--config mirror=", "--config scale=smoke"):
        assert hint in message
    assert "\n" not in message


def test_only_the_missing_files_are_named_and_fetched(mnist, publish, serve, tmp_path):
    (mnist.lay_out(tmp_path / "MNIST/raw") / IMAGES).unlink()
    server = serve(web(mnist))
    publish("mnist", server.url)
    with pytest.raises(UserError, match=f"^mnist: {IMAGES} not in .*switched off"):
        load("mnist", tmp_path, download=False)
    assert server.requests == []
    load("mnist", tmp_path)
    assert server.requests == [f"/{IMAGES}"]


@pytest.mark.parametrize("layout", ["MNIST/raw", ""])
@pytest.mark.parametrize("kind", ["folder", "file URL", "http"])
def test_mirror_comes_before_the_public_address(mnist, publish, serve, tmp_path, kind, layout):
    public = serve(web(mnist))
    publish("mnist", public.url)
    folder = tmp_path / "a mirror"
    mnist.lay_out(folder / layout)
    mirror = {"folder": lambda: str(folder), "file URL": folder.as_uri}.get(
        kind, lambda: serve(web(mnist, f"/{layout}".rstrip("/"))).url + "/"
    )()
    load("mnist", tmp_path / "data", mirror=mirror)
    assert public.requests == []


def test_mirror_with_a_last_slash(mnist, serve, tmp_path):
    server = serve(web(mnist, "/data/MNIST/raw"))
    load("mnist", tmp_path, mirror=f"{server.url}/data/")
    assert server.requests == list(server.files)


def test_unpacked_mirror_keeps_its_names(mnist, tmp_path):
    mnist.lay_out(tmp_path / "mirror", unpacked=True)
    load("mnist", tmp_path / "data", mirror=str(tmp_path / "mirror"))
    assert names_in(tmp_path / "data/MNIST/raw") == sorted(n.removesuffix(".gz") for n in mnist.files)


def test_altered_mirror_is_refused_and_left_alone(cifar10, tmp_path):
    (cifar10.lay_out(tmp_path / "mirror") / "test_batch.bin").write_bytes(b"altered")
    with pytest.raises(UserError, match=f"test_batch.bin not in .*{tmp_path}/mirror: SHA-256 of its content"):
        load("cifar10", tmp_path / "data", mirror=str(tmp_path / "mirror"))
    assert (tmp_path / "mirror/test_batch.bin").read_bytes() == b"altered"
    assert "test_batch.bin" not in names_in(tmp_path / "data/cifar-10-batches-bin")


def test_unusable_mirror_address(mnist, tmp_path):
    with pytest.raises(UserError, match="mirror=s3://bucket: must be a folder or a URL"):
        load("mnist", tmp_path, mirror="s3://bucket")


def test_data_directory_that_is_a_file(mnist, tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(UserError, match="cannot fetch mnist into .*/data.*: Not a directory; choose another"):
        load("mnist", tmp_path / "data", mirror=str(tmp_path))


def test_nothing_appears_before_it_is_whole(mnist, publish, serve, tmp_path, monkeypatch):
    """Stopped after the last byte, before the rename: there is no file, and the next start fetches it."""
    publish("mnist", serve(web(mnist)).url)
    with monkeypatch.context() as stopped, pytest.raises(KeyboardInterrupt):
        stopped.setattr(files.os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        load("mnist", tmp_path)
    assert names_in(tmp_path / "MNIST/raw") == []
    load("mnist", tmp_path)


def test_a_full_disk_is_said_at_once(mnist, publish, serve, tmp_path, monkeypatch):
    server = serve(web(mnist))
    publish("mnist", server.url)
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(files.os, "fsync", lambda *_: (_ for _ in ()).throw(full))
    with pytest.raises(UserError, match="No space left on device; free some space or choose another"):
        load("mnist", tmp_path)
    assert server.requests == [f"/{IMAGES}"]
    assert names_in(tmp_path / "MNIST/raw") == []


def test_two_at_once(mnist, publish, serve, tmp_path, monkeypatch):
    """Both are held where each has its own finished part; both succeed, and only the four files remain."""
    publish("mnist", serve(web(mnist)).url)
    barrier, place, parts = threading.Barrier(2, timeout=10), files.put_in_place, []

    def meet(part: Path, path: Path) -> None:
        parts.append(part)
        barrier.wait()
        place(part, path)
        barrier.wait()

    monkeypatch.setattr(fetch, "put_in_place", meet)
    digests: list[str] = []
    threads = [threading.Thread(target=lambda: digests.append(load("mnist", tmp_path).digest)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 2 and len(set(parts)) == 8
    assert names_in(tmp_path / "MNIST/raw") == sorted(mnist.files)


def test_files_are_readable_by_others(mnist, tmp_path):
    """A data directory of several people: the mode follows the umask, as for any other file."""
    mnist.lay_out(tmp_path / "mirror")
    before = os.umask(0o022)
    try:
        load("mnist", tmp_path / "data", mirror=str(tmp_path / "mirror"))
    finally:
        os.umask(before)
    assert (tmp_path / "data/MNIST/raw" / IMAGES).stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_real_data_over_http(real_mirror, serve, tmp_path, name):
    paths = [p for p in real_mirror.rglob("*") if p.is_file()]
    server = serve({f"/{p.relative_to(real_mirror)}": p.read_bytes() for p in paths})
    over_http = load(name, tmp_path, mirror=server.url)
    assert over_http.digest == load(name, real_mirror, download=False).digest
