"""Small stand-ins for the published files, and a web server on this machine that can misbehave."""

import contextlib
import gzip
import hashlib
import os
import socket
import struct
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from dropnorm.datasets import fetch, registry, transfer

STALL_S = 0.8  # longer than the read timeout that the tests set


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Fake:
    """A small data set under a real name: its files, packed as published, and its arrays."""

    files: dict[str, bytes]
    train: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]

    def lay_out(self, folder: Path, unpacked: bool = False) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            if unpacked:
                name, content = name.removesuffix(".gz"), gzip.decompress(content)
            (folder / name).write_bytes(content)
        return folder


class Server(ThreadingHTTPServer):
    """Serves `files` (path -> bytes); `faults[path]` is what happens instead, one entry a request."""

    daemon_threads = True

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.faults: dict[str, list[str]] = {}
        self.requests: list[str] = []
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        fault = (self.server.faults.get(self.path) or ["none"]).pop(0)
        content = self.server.files.get(self.path)
        if fault == "drop":
            return self.connection.shutdown(socket.SHUT_RDWR)
        if fault == "stall":
            time.sleep(STALL_S)
        if fault in ("404", "503"):
            return self.send_error(int(fault))
        if content is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if fault == "wrong":
            content = bytes(len(content))
        with contextlib.suppress(OSError):  # the client may have given up
            self.wfile.write(content[: len(content) // 2] if fault == "truncate" else content)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def serve(monkeypatch):
    """A function that starts a server (files, as path -> bytes); no waiting between attempts."""
    monkeypatch.setattr(fetch, "BACKOFF_S", 0)
    monkeypatch.setattr(transfer, "TIMEOUT_S", (1, STALL_S / 3))
    servers = []

    def start(files: dict[str, bytes], faults: dict[str, list[str]] | None = None) -> Server:
        server = Server()
        server.files, server.faults = files, faults or {}
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def install(monkeypatch, name: str, fake: Fake, contents: dict[str, bytes]) -> None:
    """Make `fake` the known content of `name`, with no public address."""
    real = registry.SOURCES[name]
    files = {file: sha256(content) for file, content in contents.items()}
    monkeypatch.setitem(registry.SOURCES, name, registry.Source(real.folder, files, (), real.archive))
    digests = tuple(sha256(i.tobytes() + j.tobytes()) for i, j in (fake.train, fake.test))
    monkeypatch.setitem(registry.DIGESTS, name, digests)


@pytest.fixture
def publish(monkeypatch):
    """A function that makes `addresses` the public ones of the data set `name`."""

    def set_addresses(name: str, *addresses: str) -> None:
        real = registry.SOURCES[name]
        source = registry.Source(real.folder, real.files, addresses, real.archive)
        monkeypatch.setitem(registry.SOURCES, name, source)

    return set_addresses


@pytest.fixture
def mnist(monkeypatch) -> Fake:
    """Six training and three test images of 4x4 pixels."""
    rng = np.random.default_rng(1)
    train, test = (
        (rng.integers(256, size=(n, 4, 4), dtype=np.uint8), rng.integers(10, size=n, dtype=np.uint8)) for n in (6, 3)
    )
    names = list(registry.SOURCES["mnist"].files)
    contents = dict(zip(names, map(idx, [*train, *test]), strict=True))
    fake = Fake({name: gzip.compress(c, mtime=0) for name, c in contents.items()}, train, test)
    install(monkeypatch, "mnist", fake, contents)
    return fake


@pytest.fixture
def cifar10(monkeypatch) -> Fake:
    """Two records in each of the six files."""
    rng = np.random.default_rng(2)
    labels = rng.integers(10, size=12, dtype=np.uint8)
    images = rng.integers(256, size=(12, 3, 32, 32), dtype=np.uint8)
    records = np.column_stack([labels, images.reshape(12, -1)])
    names = list(registry.SOURCES["cifar10"].files)
    contents = {name: records[2 * i : 2 * i + 2].tobytes() for i, name in enumerate(names)}
    fake = Fake(contents, (images[:10], labels[:10]), (images[10:], labels[10:]))
    install(monkeypatch, "cifar10", fake, contents)
    return fake


@pytest.fixture
def real_mirror() -> Path:
    """The published files, in the layout of torchvision."""
    folder = os.environ.get("DROPNORM_TEST_MIRROR")
    if not folder:
        pytest.skip("DROPNORM_TEST_MIRROR names no folder with MNIST/raw and cifar-10-batches-bin")
    return Path(folder)
