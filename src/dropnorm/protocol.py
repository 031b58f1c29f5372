"""Protocols: what is trained and measured, checked before anything runs.

    base settings <- the scale's, then the scale's for this arm <- `--set` <- the arm's own  =  the settings of one arm

A *derived* result has no runs of its own: its file says `runs_of: [PAPER/RESULT, ...]`, and it is judged and drawn from
the runs of these sources. Whose run an arm is, is asked in one way for all results: `protocol.owner(arm)`.
"""

import hashlib
import itertools
import math
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from dropnorm.errors import UserError
from dropnorm.kinds import experiment_module
from dropnorm.names import SCALES, ResultName, natural
from dropnorm.protocol_file import ARM, DerivedFile, Overrides, path_of, read, source_files
from dropnorm.validation import describe


class UnknownSetting(UserError):
    """A protocol or `--set` names a setting that the experiment does not have."""


class Protocol:
    """A protocol at one scale, with the changes of a variant applied; `arms` maps each arm to its checked settings."""

    def __init__(self, path: Path, scale: str, changes: Overrides | None = None):
        """Raises UserError: one line naming file, key, value and what is allowed."""
        if scale not in SCALES:
            raise UserError(f"scale '{scale}' is unknown; allowed: {', '.join(SCALES)}")
        self.path, self.scale_name, self.changes = path, scale, dict(changes or {})
        self.file = read(path)
        self.name = ResultName(self.file.paper, self.file.result)
        if path.parts[-2:] != (self.name.paper, f"{self.name.result}.yaml"):
            raise UserError(f"{path}: says it is {self.name}, so it must lie at protocols/{self.name}.yaml")
        self._fill()

    def _fill(self) -> None:
        self.sources: list[Protocol] = [self]
        self.scale = self.file.scales[self.scale_name]
        self.module = experiment_module(self.file.experiment)
        self.arms: dict[str, BaseModel] = {arm: self._settings(arm, o) for arm, o in self._overrides.items()}

    @property
    def root(self) -> Path:
        """The checkout that it lies in."""
        return self.path.parents[2]

    @property
    def derived(self) -> bool:
        """Whether this result has no runs of its own, but is judged from those of `sources`."""
        return self.sources != [self]

    @property
    def sources_in_words(self) -> str:
        """'santurkar2018/figure1 and santurkar2018/figure2'."""
        return " and ".join(str(source.name) for source in self.sources)

    def owner(self, arm: str) -> "Protocol":
        """The protocol whose run this arm is: its own, or one of the sources of a derived result."""
        return next(source for source in self.sources if arm in source.arms)

    @property
    def seeds(self) -> list[int]:
        return self.file.seeds_at(self.scale_name)

    @property
    def first_settings(self) -> dict[str, Any]:
        """The settings of the first arm, for what all arms have in common."""
        return next(iter(self.arms.values())).model_dump()

    @cached_property
    def _overrides(self) -> dict[str, Overrides]:
        """Every arm of this scale, those of the sweeps included, with what it sets."""
        arms = dict(self.file.arms)
        for sweep_name, sweep in self.file.sweeps.items():
            for base, values in itertools.product(sweep.arms, itertools.product(*sweep.over.values())):
                if base not in self.file.arms:
                    known = ", ".join(self.file.arms)
                    raise UserError(f"{self.path}: sweeps.{sweep_name}.arms: unknown arm '{base}'; allowed: {known}")
                arm = f"{base}.{sweep_name}-{'-'.join(str(v) for v in values)}"
                if arm in arms or not ARM.fullmatch(arm):
                    why = "is there already" if arm in arms else "has signs that no name of a file may have"
                    raise UserError(f"{self.path}: sweeps.{sweep_name}: its arm {arm!r} {why}")
                chosen = dict(zip(sweep.over, values, strict=True))
                arms[arm] = {**self.file.arms[base], **sweep.set, **chosen}
        for key in ("arms", "leave_out"):
            if unknown := [arm for arm in getattr(self.scale, key) if arm not in arms]:
                raise UserError(f"{self.path}: scales.{self.scale_name}.{key}: there is no arm '{unknown[0]}'")
        return {arm: chosen for arm, chosen in arms.items() if arm not in self.scale.leave_out}

    def may_change(self, key: str) -> bool:
        """Whether a changed setting reaches an arm: what an arm sets itself, it keeps."""
        kept = [[own for own in chosen if f"{key}.".startswith(f"{own}.")] for chosen in self._overrides.values()]
        return key in self.changes and not all(kept)

    def _settings(self, arm: str, overrides: Overrides) -> BaseModel:
        tree = _copy(self.file.settings)
        for source, changes in [
            (f"scales.{self.scale_name}", self.scale.settings),
            (f"scales.{self.scale_name}.arms.{arm}", self.scale.arms.get(arm, {})),
            ("--set", self.changes),
            (f"arm {arm}", overrides),
        ]:
            for key, value in changes.items():
                _assign(tree, key, value, f"{self.path}: {source}")
        try:
            settings = self.module.Settings.model_validate(tree)
            if odd := _no_number(tree, settings.model_dump()):
                raise UserError(f"{self.path}: {odd} (arm {arm})")
            return settings
        except ValidationError as error:
            unknown = any(e["type"] == "extra_forbidden" for e in error.errors())
            refused = UnknownSetting if unknown else UserError
            raise refused(f"{self.path}: {describe(error, self.module.Settings)} (arm {arm})") from None

    def settings_digest(self, arm: str) -> str:
        """A digest of all settings of one arm: what makes its runs the same runs."""
        return hashlib.sha256(self.arms[arm].model_dump_json().encode()).hexdigest()


class Derived(Protocol):
    """The protocol of a derived result: the arms of its sources, each of which knows its own settings and seeds.

    Of a variant's changes each source takes those whose settings it has.
    """

    def _fill(self) -> None:
        paths = [path_of(self.root, name) for name in source_files(self.root, self.file)]
        changes = [{k: v for k, v in self.changes.items() if self._has(path, k, v)} for path in paths]
        for key in self.changes:
            if not any(key in of_source for of_source in changes):
                raise UnknownSetting(f"{self.path}: --set {key}: no setting of {', '.join(self.file.runs_of)}")
        self.sources = [Protocol(p, self.scale_name, of_source) for p, of_source in zip(paths, changes, strict=True)]
        self.arms = {}
        for source in self.sources:
            if shared := [arm for arm in source.arms if arm in self.arms]:
                first = self.owner(shared[0]).name
                raise UserError(f"{self.path}: runs_of: arm '{shared[0]}' is in both {first} and {source.name}")
            self.arms |= source.arms

    def _has(self, path: Path, key: str, value: Any) -> bool:
        """Whether a source has a setting. Its value is judged later, together with the other changes."""
        try:
            Protocol(path, self.scale_name, {key: value})
        except UserError as error:
            return not isinstance(error, UnknownSetting)
        return True


def load(root: Path, name: ResultName, scale: str, changes: Overrides | None = None) -> Protocol:
    """The protocol of a result. Raises UserError if there is none or it is wrong."""
    path = path_of(root, name)
    protocol = (Derived if isinstance(read(path), DerivedFile) else Protocol)(path, scale, changes)
    for key in protocol.changes:
        if not any(source.may_change(key) for source in protocol.sources):
            raise UserError(f"{path}: --set {key}: every arm sets it itself, so that nothing would change")
    return protocol


def all_names(root: Path) -> list[ResultName]:
    """Every result that has a protocol, in order of name (figure2 before figure10).

    Raises UserError if a file there has a name that no result can have. Hidden ones are an editor's own.
    """
    paths = (root / "protocols").glob("*/*.yaml")
    shown = [path for path in paths if not any(name.startswith(".") for name in (path.name, path.parent.name))]
    return sorted(map(_name_of, shown), key=lambda name: natural(str(name)))


def _name_of(path: Path) -> ResultName:
    try:
        return ResultName.parse(f"{path.parent.name}/{path.stem}")
    except UserError:
        raise UserError(f"{path}: call it by small letters and digits, as in ioffe2015/figure1.yaml") from None


def parse_changes(items: list[str]) -> Overrides:
    """['optimiser.lr=0.3'] -> {'optimiser.lr': 0.3}. Raises UserError if one is no KEY=VALUE."""
    changes = {}
    for item in items:
        key, sign, value = item.partition("=")
        if not sign or not key.strip():
            raise UserError(f"--set {item}: write KEY=VALUE, as in --set optimiser.lr=0.3")
        if key.strip() in changes:
            raise UserError(f"--set {item}: {key.strip()} is set twice")
        try:
            changes[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UserError(f"--set {item}: its value is not readable as YAML; write it as in a protocol") from None
    return changes


def _no_number(raw: Any, checked: Any, key: str = "") -> str:
    """What is wrong with a value that passes for a number and is none, as 'key = value: why'; '' if nothing is."""
    if isinstance(raw, dict) and isinstance(checked, dict):
        found = (_no_number(raw[k], checked[k], f"{key}.{k}") for k in raw.keys() & checked.keys())
        return next(filter(None, found), "")
    if isinstance(raw, list) and isinstance(checked, list):
        return next(filter(None, (_no_number(*both, key) for both in zip(raw, checked, strict=False))), "")
    if isinstance(raw, bool) and not isinstance(checked, bool):
        return f"{key.removeprefix('.')} = {raw!r}: input should be a number, not yes or no"
    if isinstance(checked, float) and not math.isfinite(checked):
        return f"{key.removeprefix('.')} = {checked!r}: input should be a finite number"
    return ""


def _copy(tree: Any) -> Any:
    return {k: _copy(v) for k, v in tree.items()} if isinstance(tree, dict) else tree


def _assign(tree: dict, dotted: str, value: Any, where: str) -> None:
    """tree['a']['b'] = value for 'a.b'. A key that leads through a plain value is refused; others are checked later."""
    *parents, last = dotted.split(".")
    for key in parents:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise UnknownSetting(f"{where}: {dotted}: '{key}' is a value, it has no keys of its own")
    try:
        tree[last] = _copy(value)  # else the next dotted key of one arm would change it for all
    except RecursionError:
        raise UserError(f"{where}: {dotted}: contains itself, by an alias of YAML") from None
