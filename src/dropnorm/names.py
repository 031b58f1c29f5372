"""One name for each result, everywhere, and the places that follow from it.

A result is one figure, table or theorem of one paper: `ioffe2015/figure1`. Its protocol, working folder, analysis
module, book page, test and Snakemake target (`ioffe2015_figure1`) all carry these two words.
"""

import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from dropnorm.errors import UserError

RESULTS = Path("results")  # where they are kept, unless one says otherwise
PUBLISHED = Path("published")  # those that are committed
SCALES = ("smoke", "full", "paper")
_NAME = re.compile(r"[a-z][a-z0-9]*")
_DIGITS = re.compile(r"(\d+)")
_VARIANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*")


def natural(text: str) -> list[str | int]:
    """A key to sort by as a reader would: figure2 before figure10, S4.2b after S4.2."""
    return [int(word) if word.isdigit() else word for word in _DIGITS.split(text)]


@dataclass(frozen=True, order=True)
class ResultName:
    """The name of a result: paper and result."""

    paper: str
    result: str

    @classmethod
    def parse(cls, text: str) -> "ResultName":
        """From `ioffe2015/figure1`, `ioffe2015_figure1` or `protocols/ioffe2015/figure1.yaml`.

        Raises UserError if `text` is none of these.
        """
        words = text.removesuffix(".yaml").rstrip("/").replace("_", "/").split("/")
        words = words[-2:] if text.endswith(".yaml") else words
        if len(words) != 2 or not all(_NAME.fullmatch(w) for w in words):
            raise UserError(f"'{text}' is no result; name one as in ioffe2015/figure1 (`dropnorm list` shows all)")
        return cls(*words)

    def __str__(self) -> str:
        return f"{self.paper}/{self.result}"

    @property
    def target(self) -> str:
        return f"{self.paper}_{self.result}"


@dataclass(frozen=True)
class Place:
    """Where a result of one scale (and variant, if any) lives under a folder of results."""

    root: Path
    scale: str
    name: ResultName
    variant: str | None = None

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise UserError(f"scale '{self.scale}' is unknown; allowed: {', '.join(SCALES)}")
        if self.variant is not None and not _VARIANT.fullmatch(self.variant):
            raise UserError(f"variant {self.variant!r} must be letters, digits, '.' and '-' (it names a folder)")

    @property
    def folder(self) -> Path:
        suffix = f"@{self.variant}" if self.variant else ""
        return self.root / self.scale / self.name.paper / (self.name.result + suffix)

    @property
    def runs(self) -> Path:
        return self.folder / "runs"

    def run(self, arm: str) -> Path:
        """The tidy measurements of one arm; its provenance lies beside it (`.json`)."""
        return self.runs / f"{arm}.parquet"

    @property
    def checkpoints(self) -> Path:
        """A folder of them; which stack of replicas each belongs to says its header."""
        return self.folder / "checkpoints"

    def file(self, name: str) -> Path:
        return self.folder / name

    @property
    def arguments(self) -> list[str]:
        """The command line's words that name this place, its result aside."""
        words = ["--scale", self.scale]
        if self.variant:
            words += ["--variant", self.variant]
        if self.root not in (RESULTS, project_root() / RESULTS):
            words += ["--out", str(self.root)]
        return words

    def command(self, verb: str) -> str:
        """What to type to have `dropnorm VERB` done here; what a variant changes need not be said again."""
        return shlex.join(["dropnorm", verb, str(self.name), *self.arguments])

    def of(self, name: ResultName) -> "Place":
        """The place of another result, at the same scale and variant."""
        return replace(self, name=name)


def project_root(start: Path | None = None) -> Path:
    """The folder that holds `protocols/`, from here upwards.

    Raises UserError outside a checkout of dropnorm.
    """
    start = (start or Path.cwd()).resolve()
    for folder in [start, *start.parents]:
        if (folder / "protocols").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    raise UserError(f"no dropnorm checkout at or above {start}; change into the folder that holds protocols/")
