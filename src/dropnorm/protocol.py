"""Protocols: readable YAML records of what is trained and measured, checked before anything runs.

    base settings <- the scale's <- `--set` <- the arm's own  =  the settings of one arm

Settings of a scale, a sweep or an arm are written as dotted keys (`optimiser.lr: 0.3`).
"""

import hashlib
import itertools
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, Field, PositiveInt, ValidationError, field_validator

from dropnorm.errors import UserError
from dropnorm.kinds import KINDS, experiment_module
from dropnorm.names import SCALES, ResultName
from dropnorm.settings import Strict
from dropnorm.validation import describe

Overrides = dict[str, Any]


def parse_seeds(text: str | int) -> list[int]:
    """'0-9', '3' or '0,2,5-7' -> sorted list. Raises ValueError if it is none of these."""
    seeds: set[int] = set()
    for part in str(text).split(","):
        first, _, last = part.strip().partition("-")
        seeds.update(range(int(first), int(last or first) + 1))
    if not seeds:
        raise ValueError("no seed")
    return sorted(seeds)


class _Seeded(Strict):
    seeds: str | int | None = None

    @field_validator("seeds")
    @classmethod
    def _readable(cls, value: str | int | None) -> str | int | None:
        if value is not None:
            try:
                parse_seeds(value)
            except ValueError:
                raise ValueError("must be a range such as 0-9 or a list such as 0,2,5") from None
        return value


class Sweep(Strict):
    """Arms made from named arms at every combination of the values of `over`."""

    arms: list[str] = Field(min_length=1)
    over: dict[str, list[Any]] = Field(min_length=1)
    set: Overrides = {}


class Scale(_Seeded):
    """What a scale changes; `arms_per_job` arms share one process (few big jobs instead of many small ones)."""

    settings: Overrides = {}
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

    @field_validator("scales")
    @classmethod
    def _all_scales(cls, value: dict[str, Scale]) -> dict[str, Scale]:
        if set(value) != set(SCALES):
            raise ValueError(f"must be exactly: {', '.join(SCALES)}")
        return value


class Protocol:
    """A protocol at one scale, with the changes of a variant applied; `arms` maps each arm to its checked settings."""

    def __init__(self, path: Path, scale: str, changes: Overrides | None = None):
        """Raises UserError: one line naming file, key, value and what is allowed."""
        if scale not in SCALES:
            raise UserError(f"scale '{scale}' is unknown; allowed: {', '.join(SCALES)}")
        self.path, self.scale_name, self.changes = path, scale, dict(changes or {})
        self.file = _read(path)
        self.name = ResultName(self.file.paper, self.file.result)
        if path.parts[-2:] != (self.name.paper, f"{self.name.result}.yaml"):
            raise UserError(f"{path}: says it is {self.name}, so it must lie at protocols/{self.name}.yaml")
        self.scale = self.file.scales[scale]
        self.module = experiment_module(self.file.experiment)
        self.arms: dict[str, BaseModel] = {arm: self._settings(arm, o) for arm, o in self._overrides.items()}

    @property
    def seeds(self) -> list[int]:
        return parse_seeds(self.file.seeds if self.scale.seeds is None else self.scale.seeds)

    @cached_property
    def _overrides(self) -> dict[str, Overrides]:
        """Every arm, those of the sweeps included, with what it sets."""
        arms = dict(self.file.arms)
        for sweep_name, sweep in self.file.sweeps.items():
            for base, values in itertools.product(sweep.arms, itertools.product(*sweep.over.values())):
                if base not in self.file.arms:
                    known = ", ".join(self.file.arms)
                    raise UserError(f"{self.path}: sweeps.{sweep_name}.arms: unknown arm '{base}'; allowed: {known}")
                label = "-".join(str(v) for v in values)
                chosen = dict(zip(sweep.over, values, strict=True))
                arms[f"{base}.{sweep_name}-{label}"] = {**self.file.arms[base], **sweep.set, **chosen}
        return arms

    def _settings(self, arm: str, overrides: Overrides) -> BaseModel:
        tree = _copy(self.file.settings)
        for source, changes in [
            (f"scales.{self.scale_name}", self.scale.settings),
            ("--set", self.changes),
            (f"arm {arm}", overrides),
        ]:
            for key, value in changes.items():
                _assign(tree, key, value, f"{self.path}: {source}")
        try:
            return self.module.Settings.model_validate(tree)
        except ValidationError as error:
            raise UserError(f"{self.path}: {describe(error, self.module.Settings)} (arm {arm})") from None

    def settings_digest(self, arm: str) -> str:
        """A digest of all settings of one arm: what makes its runs the same runs."""
        return hashlib.sha256(self.arms[arm].model_dump_json().encode()).hexdigest()


def load(root: Path, name: ResultName, scale: str, changes: Overrides | None = None) -> Protocol:
    """The protocol of a result. Raises UserError if there is none or it is wrong."""
    return Protocol(root / "protocols" / name.paper / f"{name.result}.yaml", scale, changes)


def all_names(root: Path) -> list[ResultName]:
    """Every result that has a protocol, in order of name."""
    return sorted(ResultName(p.parent.name, p.stem) for p in (root / "protocols").glob("*/*.yaml"))


def parse_changes(items: list[str]) -> Overrides:
    """['optimiser.lr=0.3'] -> {'optimiser.lr': 0.3}. Raises UserError if one is no KEY=VALUE."""
    changes = {}
    for item in items:
        key, sign, value = item.partition("=")
        if not sign or not key.strip():
            raise UserError(f"--set {item}: write KEY=VALUE, as in --set optimiser.lr=0.3")
        changes[key.strip()] = yaml.safe_load(value)
    return changes


def _read(path: Path) -> ProtocolFile:
    try:
        tree = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such protocol (`dropnorm list` shows all)") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    try:
        return ProtocolFile.model_validate(tree)
    except ValidationError as error:
        raise UserError(f"{path}: {describe(error, ProtocolFile)}") from None


def _copy(tree: Any) -> Any:
    return {k: _copy(v) for k, v in tree.items()} if isinstance(tree, dict) else tree


def _assign(tree: dict, dotted: str, value: Any, where: str) -> None:
    """tree['a']['b'] = value for 'a.b'. A key that leads through a plain value is refused; others are checked later."""
    *parents, last = dotted.split(".")
    for key in parents:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise UserError(f"{where}: {dotted}: '{key}' is a value, it has no keys of its own")
    tree[last] = value
