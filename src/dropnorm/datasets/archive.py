"""Read the expected files out of a tar archive, and refuse an archive that holds anything else."""

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from dropnorm.datasets.files import MAX_BYTES, Damaged
from dropnorm.datasets.registry import Source

HARMLESS = {"batches.meta.txt", "readme.html"}  # published in the archive, not needed


def read_members(archive: Path, source: Source) -> Iterator[tuple[str, bytes]]:
    """Yield (file name, content, not yet verified) for each of the source's files in `archive`.

    Nothing is ever extracted by tar itself, so no member chooses where it is written.
    Raises Damaged for an unreadable archive or, before the first file, for one with a foreign member.
    """
    try:
        with tarfile.open(archive) as tar:
            wanted = [m for m in tar.getmembers() if _is_wanted(m, source)]
            for member in wanted:
                yield PurePosixPath(member.name).name, tar.extractfile(member).read(MAX_BYTES)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise Damaged(f"the archive cannot be unpacked ({error})") from error


def _is_wanted(member: tarfile.TarInfo, source: Source) -> bool:
    """Whether `member` is one of the source's files. Raises Damaged if it has no business in the archive."""
    path = PurePosixPath(member.name)  # './x' becomes 'x', '..' stays
    if member.isdir() and path in (PurePosixPath(source.folder), PurePosixPath(".")):
        return False
    expected_place = path.parent in (PurePosixPath(source.folder), PurePosixPath("."))
    if not (member.isreg() and expected_place and path.name in source.files.keys() | HARMLESS):
        raise Damaged(f"the archive holds {member.name!r}, which does not belong there: nothing was unpacked")
    return path.name in source.files
