"""Bring the missing files of a data set: from the mirror first, then from the public addresses."""

import errno
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dropnorm.datasets.addresses import best_folder, candidates, host_of, mirror_base, missing
from dropnorm.datasets.archive import read_members
from dropnorm.datasets.files import Damaged, find, part_of, put_in_place, read_verified
from dropnorm.datasets.registry import SOURCES, Source
from dropnorm.datasets.transfer import NotThere, TransferError, transfer
from dropnorm.errors import UserError

ATTEMPTS = 3  # on each web address
BACKOFF_S = 1.0  # before the second attempt; twice that before the third


def ensure(name: str, data_dir: Path, mirror: str | None = None, download: bool = True) -> Path:
    """The folder that holds all files of `name` ('mnist' or 'cifar10'), fetched first where missing.

    What is fetched is verified before it gets its name; what was there already is verified when it is read.
    `mirror` is a folder or an http(s)/file URL; with `download=False` only the data directory is looked at.
    Raises UserError if a file is neither there nor to be had, or the folder cannot be written.
    """
    source, data_dir = SOURCES[name], Path(data_dir).expanduser().resolve()
    folder = best_folder(source, data_dir)
    fetcher = _Fetcher(source, folder)
    if download and missing(source, folder):
        base = mirror_base(mirror)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for file in missing(source, folder):
                if not fetcher.fetch(file, candidates(source, file, (folder, data_dir), base)):
                    break  # the other files would only add waiting
        except OSError as error:
            space = "free some space or " if error.errno == errno.ENOSPC else ""
            hint = f"{space}choose another data directory (--data-dir)"
            raise UserError(f"cannot fetch {name} into {folder}: {error.strerror or error}; {hint}") from error
    if absent := missing(source, folder):
        raise UserError(_advice(name, folder, absent, fetcher.failures))
    return folder


@dataclass
class _Fetcher:
    """Brings single files of `source` into `folder`, and remembers what went wrong where."""

    source: Source
    folder: Path
    failures: dict[str, str] = field(default_factory=dict)  # host or folder -> reason
    unreachable: set[str] = field(default_factory=set)  # hosts not worth another wait

    def fetch(self, name: str, addresses: Iterable[str | Path]) -> bool:
        """Whether `name` is in the folder, or could be brought from one of `addresses`."""
        return find(self.folder, name) is not None or any(self._try(name, address) for address in addresses)

    def _try(self, name: str, address: str | Path) -> bool:
        """Whether `name` could be brought from `address`, with a few attempts if that is on the web."""
        host = host_of(address)
        attempts = 1 if isinstance(address, Path) else ATTEMPTS
        if host in self.unreachable:
            return False
        for attempt in range(attempts):
            time.sleep(BACKOFF_S * attempt)
            try:
                self._bring(name, address)
                return True
            except NotThere as error:
                self.failures.setdefault(host, str(error))  # any other reason says more
                return False
            except (TransferError, Damaged) as error:
                self.failures[host] = str(error)
                last = error
        if isinstance(last, TransferError):
            self.unreachable.add(host)
        return False

    def _bring(self, name: str, address: str | Path) -> None:
        """Transfer `address`, and put it, or what the archive holds, in its place once it is verified."""
        target = self.folder / Path(str(address)).name
        with part_of(target) as part:
            transfer(address, part)
            if target.name != self.source.archive:
                self._place(part, target, name)
                return
            for member, content in read_members(part, self.source):
                with part_of(self.folder / member) as member_part:
                    member_part.write_bytes(content)
                    self._place(member_part, self.folder / member, member)
        if find(self.folder, name) is None:
            raise Damaged(f"the archive holds no {name}")

    def _place(self, part: Path, target: Path, name: str) -> None:
        read_verified(part, self.source.files[name])
        put_in_place(part, target)


def _advice(name: str, folder: Path, absent: list[str], failures: dict[str, str]) -> str:
    """One line: what is missing, why it could not be fetched, and the three ways out."""
    archive = SOURCES[name].archive
    wanted = f"the files, or {archive}," if archive else "the files"
    tried = "; ".join(f"{host}: {reason}" for host, reason in failures.items()) or "fetching is switched off"
    return (
        f"{name}: {', '.join(absent)} not in {folder} and not to be had ({tried}). Put {wanted} into that "
        "folder, or name a mirror, a folder or a URL (--mirror PLACE or --config mirror=PLACE), "
        "or run the scale that needs no data: snakemake --cores 2 --config scale=smoke"
    )
