"""Protocol files as written: readable YAML records, whose keys are checked here; the settings of each arm are not yet.

Settings of a scale, a sweep or an arm are written as dotted keys (`optimiser.lr: 0.3`). Nothing here imports torch.
"""

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field, PositiveInt, ValidationError, field_validator

from dropnorm.errors import UserError
from dropnorm.files import read_yaml
from dropnorm.kinds import KINDS
from dropnorm.names import SCALES, ResultName
from dropnorm.settings import Strict
from dropnorm.validation import describe

Overrides = dict[str, Any]
LARGEST_SEED, MOST_SEEDS = 2**31 - 1, 10_000  # a table of runs has 32 bits for a seed
ARM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*")  # it names a file


def parse_seeds(text: str | int) -> list[int]:
    """'0-9', '3' or '0,2,5-7' -> sorted list. Raises ValueError if it is none of these, or beyond MOST_SEEDS."""
    seeds: set[int] = set()
    for part in str(text).split(","):
        first, dash, last = part.strip().partition("-")
        of_part = range(int(first), int(last if dash else first) + 1)
        if not of_part or of_part[-1] > LARGEST_SEED or len(of_part) > MOST_SEEDS:
            raise ValueError(f"no seed, or too large ones or too many, in {part}")
        seeds.update(of_part)
    if len(seeds) > MOST_SEEDS:
        raise ValueError(f"too many seeds in {text}")
    return sorted(seeds)


class _Seeded(Strict):
    seeds: str | int | None = None

    @field_validator("seeds")
    @classmethod
    def _readable(cls, value: str | int | None) -> str | int | None:
        if value is not None:
            try:
                parse_seeds("yes or no" if isinstance(value, bool) else value)
            except ValueError:
                raise ValueError(
                    f"must be a range such as 0-9 or a list such as 0,2,5; at most {MOST_SEEDS:,}"
                ) from None
        return value


class Sweep(Strict):
    """Arms made from named arms at every combination of the values of `over`."""

    arms: list[str] = Field(min_length=1)
    over: dict[str, list[Any]] = Field(min_length=1)
    set: Overrides = {}


class Scale(_Seeded):
    """What a scale changes; `arms_per_job` arms share one process (few big jobs instead of many small ones)."""

    settings: Overrides = {}
    arms: dict[str, Overrides] = {}  # what it changes for single arms, those of sweeps included
    leave_out: list[str] = []  # arms that this scale does not run, such as those that take a GPU
    arms_per_job: PositiveInt = 1


class ProtocolFile(_Seeded):
    """A protocol file as written."""

    paper: str
    result: str
    title: str
    experiment: str
    seeds: str | int
    settings: dict[str, Any]
    arms: dict[str, Overrides] = Field(min_length=1)
    sweeps: dict[str, Sweep] = {}
    scales: dict[str, Scale]

    @field_validator("experiment")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"unknown experiment; allowed: {', '.join(KINDS)}")
        return value

    @field_validator("arms", "sweeps")
    @classmethod
    def _names_files(cls, value: dict[str, Any]) -> dict[str, Any]:
        if wrong := [name for name in value if not ARM.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} must be letters, digits, '_', '.' and '-' (it names a file)")
        return value

    @property
    def sources(self) -> list[ResultName]:
        """The results whose runs this one is judged from: itself."""
        return [ResultName(self.paper, self.result)]

    def seeds_at(self, scale: str) -> list[int]:
        """The seeds that are planned at a scale: its own, or those of the protocol."""
        own = self.scales[scale].seeds
        return parse_seeds(self.seeds if own is None else own)

    @field_validator("scales")
    @classmethod
    def _all_scales(cls, value: dict[str, Scale]) -> dict[str, Scale]:
        if set(value) != set(SCALES):
            raise ValueError(f"must be exactly: {', '.join(SCALES)}")
        return value


class DerivedFile(Strict):
    """The protocol file of a result that is judged and drawn from the runs of other results."""

    paper: str
    result: str
    title: str
    runs_of: list[str] = Field(min_length=1)

    @field_validator("runs_of")
    @classmethod
    def _names(cls, value: list[str]) -> list[str]:
        try:
            names = [str(ResultName.parse(text)) for text in value]
        except UserError as error:
            raise ValueError(str(error)) from None
        if len(set(names)) < len(names):
            raise ValueError("names a result twice")
        return names

    @property
    def sources(self) -> list[ResultName]:
        """The results whose runs this one is judged from."""
        return [ResultName.parse(name) for name in self.runs_of]


def path_of(root: Path, name: ResultName) -> Path:
    """Where the protocol of a result lies."""
    return root / "protocols" / name.paper / f"{name.result}.yaml"


def read(path: Path) -> ProtocolFile | DerivedFile:
    """A protocol file as written; its settings are not checked yet. Raises UserError if it is wrong."""
    try:
        tree = read_yaml(path)
    except FileNotFoundError:
        near = get_close_matches(path.stem, [p.stem for p in path.parent.glob("*.yaml")], n=1)
        meant = f"did you mean {path.parent.name}/{near[0]}? " if near else ""
        raise UserError(f"{path}: there is no such protocol ({meant}`dropnorm list` shows all)") from None
    model = DerivedFile if isinstance(tree, dict) and "runs_of" in tree else ProtocolFile
    if model is DerivedFile and (
        both := [k for k in tree if k in set(ProtocolFile.model_fields) - set(model.model_fields)]
    ):
        raise UserError(
            f"{path}: runs_of: a result without runs of its own has no {', '.join(both)}; drop one or other"
        )
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise UserError(f"{path}: {describe(error, model)}") from None


def source_files(root: Path, file: ProtocolFile | DerivedFile) -> dict[ResultName, ProtocolFile]:
    """The protocol files whose runs a result is judged from: its own, or those of the sources of a derived one.

    Raises UserError if a source does not exist or is derived itself.
    """
    if isinstance(file, ProtocolFile):
        return {name: file for name in file.sources}
    where = f"{path_of(root, ResultName(file.paper, file.result))}: runs_of"
    found = {}
    for name in file.sources:
        if not path_of(root, name).exists():
            raise UserError(f"{where}: there is no {name} (`dropnorm list` shows all)")
        found[name] = read(path_of(root, name))
        if isinstance(found[name], DerivedFile):
            raise UserError(f"{where}: {name} has no runs of its own either; name the results it uses")
    return found
