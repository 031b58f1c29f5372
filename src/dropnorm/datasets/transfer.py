"""Copy one file from an address (a Path or an http(s) URL) to a local path, without judging its content."""

import shutil
import sys
import time
from pathlib import Path

from tqdm import tqdm

TIMEOUT_S = (10, 30)  # to connect, and between two pieces of the answer
CHUNK_BYTES = 64 * 1024
GRACE_S = 30  # after this long ...
MIN_BYTES_PER_S = 10_000  # ... a server slower than this counts as stuck: CIFAR-10 would take 5 hours


class TransferError(Exception):
    """The file did not arrive; another attempt may help."""


class NotThere(TransferError):
    """The address answers that it has no such file; another attempt is useless."""


class Bar(tqdm):
    """A progress bar that gives up on a server that only trickles."""

    def __bool__(self) -> bool:
        return True  # pooch asks whether there is a bar; tqdm would answer whether there is anything to count

    def update(self, n: float = 1) -> bool | None:
        """Add `n` bytes; raises TransferError if the transfer has become too slow."""
        shown = super().update(n)
        elapsed = time.time() - self.start_t
        if elapsed > GRACE_S and self.n < MIN_BYTES_PER_S * elapsed:
            raise TransferError(f"too slow: {self.n:.0f} bytes in {elapsed:.0f} s")
        return shown


def transfer(address: str | Path, part: Path) -> None:
    """Write what is at `address` to `part`. Raises NotThere, TransferError, and OSError if the disk fails."""
    if not isinstance(address, Path):
        _download(address, part)
    elif address.is_file():
        shutil.copyfile(address, part)
    else:
        raise NotThere("not there")


def _download(url: str, part: Path) -> None:
    """GET `url` with a progress bar on stderr."""
    import pooch  # here, as it takes 0.1 s that only a download needs
    from requests.exceptions import HTTPError, RequestException

    # A log file gets a line now and then, a terminal a moving bar.
    interval_s = 0.2 if sys.stderr.isatty() else 10
    name = url.rsplit("/", 1)[-1]
    try:
        with Bar(desc=name, unit="B", unit_scale=True, mininterval=interval_s, delay=0.5) as bar:
            # 'identity': a server that would unpack the .gz on the way makes its length a lie
            get = pooch.HTTPDownloader(bar, CHUNK_BYTES, timeout=TIMEOUT_S, headers={"Accept-Encoding": "identity"})
            get(url, str(part), None)
    except HTTPError as error:
        status = error.response.status_code
        raise (NotThere if status in (401, 403, 404, 410) else TransferError)(f"HTTP status {status}") from error
    except RequestException as error:
        raise TransferError(f"no connection, or it broke off ({type(error).__name__})") from error
