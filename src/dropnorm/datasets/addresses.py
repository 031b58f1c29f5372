"""Where the files of a data set may be: folders in the data directory, the mirror, the public addresses."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from dropnorm.datasets.files import find, variants
from dropnorm.datasets.registry import Source
from dropnorm.errors import UserError


def best_folder(source: Source, data_dir: Path) -> Path:
    """Of the usual layouts (torchvision's, or `data_dir` itself) the folder that holds most of the files."""
    inner = source.folder.rpartition("/")[2]
    folders = [data_dir / source.folder, data_dir / inner, data_dir]
    return min(folders, key=lambda folder: len(missing(source, folder)))


def missing(source: Source, folder: Path) -> list[str]:
    """The names of the source's files that `folder` does not hold, packed or unpacked."""
    return [name for name in source.files if find(folder, name) is None]


def mirror_base(mirror: str | None) -> str | Path | None:
    """The URL without its last slash, or a Path for a local folder. Raises UserError for another URL."""
    if not mirror:
        return None
    parts = urlsplit(mirror)
    if parts.scheme in ("http", "https"):
        return mirror.rstrip("/")
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    if "://" in mirror:
        raise UserError(f"mirror={mirror}: must be a folder or a URL with http://, https:// or file://")
    return Path(mirror).expanduser().resolve()


def candidates(source: Source, name: str, local: Iterable[Path], mirror: str | Path | None) -> Iterator[str | Path]:
    """Every address (Path: local, str: URL) of the file `name` or of the archive that holds it, in order.

    `local`: folders where a person may have put the archive.
    """
    archive = source.archive
    if archive:
        yield from (folder / archive for folder in local if (folder / archive).is_file())
    if mirror:
        yield from (_join(mirror, sub, v) for sub in (source.folder, "") for v in variants(name))
    if mirror and archive:
        yield _join(mirror, archive)
    yield from (_join(base, archive or name) for base in source.addresses)


def host_of(address: str | Path) -> str:
    """What stands for an address in messages: its host, or its folder."""
    return str(address.parent) if isinstance(address, Path) else urlsplit(address).netloc


def _join(base: str | Path, *parts: str) -> str | Path:
    return base.joinpath(*parts) if isinstance(base, Path) else "/".join([base, *filter(None, parts)])
