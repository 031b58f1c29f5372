"""What the Snakefile needs to know of protocols: jobs, files, and what makes them stale."""

import hashlib
import os
import shlex
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import NonNegativeInt, ValidationError, field_validator

from dropnorm.datasets.addresses import mirror_base
from dropnorm.datasets.registry import SOURCES
from dropnorm.errors import UserError
from dropnorm.evaluation import evaluation_digest
from dropnorm.figure_files import figure_files
from dropnorm.names import PUBLISHED, RESULTS, Place, ResultName
from dropnorm.options import not_committed
from dropnorm.protocol import Protocol, all_names, parse_changes
from dropnorm.protocol_file import Overrides
from dropnorm.runs import Identity, arguments, identity, table, unfinished
from dropnorm.settings import Strict
from dropnorm.status import former
from dropnorm.timing import core_seconds, ms_per_replica_step
from dropnorm.validation import describe
from dropnorm.variants import NoVariant, most_telling, open_protocol

OUTPUTS = (
    "claims.json", "facts.json", "figures.json", "provenance.json", "digests.json",
    "samples.csv", "table.csv", "curves.csv",
    *figure_files("figure"),
)  # fmt: skip
SHOWN = (  # on the pages of every book
    "claims/*.yaml", "protocols/*/*.yaml", "published/bench/*/*.json",
    "published/again/*/*/*/*.*", "published/*/*/*/claims.json",
)  # fmt: skip
SHORTEST_MINUTES, SLACK = 30, 8  # of the time asked of a cluster: at least, and times what the fastest session took


class WorkflowConfig(Strict):
    """`config/config.yaml`, with what `--config` changed."""

    scale: Literal["smoke", "full", "paper"]
    device: Literal["cpu", "cuda"]
    data_dir: str
    mirror: str
    out: str
    variant: str
    set: str
    source: Literal["", "published"]
    arms_per_job: NonNegativeInt

    @field_validator("variant", "set", mode="before")
    @classmethod
    def _text(cls, value: Any) -> Any:
        if isinstance(value, int | float):
            raise ValueError("is read as a number here, and written otherwise; begin it with a letter")
        return value

    @field_validator("data_dir", "out")
    @classmethod
    def _home(cls, value: str) -> str:
        return str(Path(value).expanduser())

    @field_validator("data_dir", "out", "mirror")
    @classmethod
    def _no_wildcard(cls, value: str) -> str:
        if "{" in value or "}" in value:
            raise ValueError("has a brace, which Snakemake takes for a wildcard; choose another folder")
        return value

    @classmethod
    def check(cls, config: dict[str, Any], where: str) -> "WorkflowConfig":
        """Raises UserError: one line naming where, key, value and what is allowed."""
        try:
            checked = cls.model_validate(config)
        except ValidationError as error:
            raise UserError(f"{where}: {describe(error, cls)}") from None
        not_committed(Path(checked.out), "out=")  # before Snakemake deletes what its jobs are to make
        mirror_base(checked.mirror)
        return checked

    @property
    def data_mark(self) -> str:
        """The file that says that a data set, called {name} in it, was checked: with the data, and so gone with them.

        With the results where the folder of data is there for reading only.
        """
        if Path(self.data_dir).is_dir() and not os.access(self.data_dir, os.W_OK):
            return f"{self.out}/data/{{name}}.verified"
        return f"{self.data_dir}/.{{name}}.verified"

    @property
    def changes(self) -> Overrides:
        try:
            return parse_changes(shlex.split(self.set))
        except ValueError as error:  # a quote that is not closed
            raise UserError(f"set={self.set}: {error}; write set='KEY=VALUE KEY=VALUE'") from None


@dataclass(frozen=True)
class Job:
    """One process: a few arms of a result."""

    name: str
    arms: list[str]
    tables: list[str]
    records: list[str]
    datasets: list[str]  # those that must be fetched
    identity: list[str]
    unfinished: list[str]  # a mark that is not there, if some runs are not as they would be today
    minutes: int
    describe: str


class Result:
    """A result at the scale (and variant) of this call, as rules see it; a derived one has no jobs, only `runs`.

    judged: whether claims were judged from its runs, its own or those of a derived result.
    """

    def __init__(self, root: Path, place: Place, protocol: Protocol, config: WorkflowConfig, *, judged: bool):
        self.place, self.protocol, self.name, self.judged = place, protocol, protocol.name, judged
        self.target = protocol.name.target
        self.outputs = [self.file(name) for name in OUTPUTS]
        self.evaluation_digest = evaluation_digest(root, protocol.name)
        self.former = self._former()
        tables = [table(place, protocol, arm) for arm in protocol.arms]
        self.runs = [str(path) for path in (*tables, *(t.with_suffix(".json") for t in tables))]
        self._known_ms = ms_per_replica_step(place, protocol, root / PUBLISHED)
        self.jobs = [] if protocol.derived else self._jobs(config.arms_per_job or protocol.scale.arms_per_job)

    def file(self, name: str) -> str:
        return str(self.place.file(name))

    @property
    def arguments(self) -> str:
        """What names this result to the `dropnorm` command, but for where results are kept."""
        return shlex.join([str(self.name), *arguments(replace(self.place, root=RESULTS), self.protocol)])

    def _former(self) -> list[str]:
        """A mark that is not there, as `_unfinished` for runs, if the result was judged by former code or criteria.

        Or if what was made of it then is not all there, or not as it was.
        """
        if not self.place.file("provenance.json").exists():
            return []
        try:
            fresh = not former(self.place, self.evaluation_digest)
        except UserError:
            fresh = False
        return [] if fresh else self._mark(".evaluation.former")

    def _jobs(self, size: int) -> list[Job]:
        arms = list(self.protocol.arms)
        groups = [arms[i : i + size] for i in range(0, len(arms), size)]
        return [self._job(i, group) for i, group in enumerate(groups)]

    def _job(self, number: int, arms: list[str]) -> Job:
        label = arms[0] if len(arms) == 1 else f"part{number + 1}"
        seconds = core_seconds(self.protocol, dict.fromkeys(arms, len(self.protocol.seeds)), self._known_ms) or 0
        names = {self.protocol.arms[arm].dataset for arm in arms}
        return Job(
            name=f"{self.target}_run_{label}",
            arms=arms,
            tables=[str(self.place.run(arm)) for arm in arms],
            records=[str(self.place.run(arm).with_suffix(".json")) for arm in arms],
            datasets=sorted(names & set(SOURCES)),
            identity=[_digest(identity(self.protocol, arm)) for arm in arms] + [str(self.protocol.seeds)],
            unfinished=self._unfinished(label, arms),
            minutes=max(SHORTEST_MINUTES, round(SLACK * seconds / 60)),
            describe=f"{self.name} {', '.join(arms)} at scale {self.place.scale}",
        )

    def _unfinished(self, label: str, arms: list[str]) -> list[str]:
        """Of runs made by hand, or restored, Snakemake knows no parameters, and takes them for finished.

        Where some are not, the job makes this mark too, and the result's target asks for it.
        """
        if not any(unfinished(self.place, self.protocol, arm, judged=self.judged) for arm in arms):
            return []
        return self._mark(f".{label}.unfinished")

    def _mark(self, name: str) -> list[str]:
        mark = self.place.file(name)
        mark.unlink(missing_ok=True)  # that of a former time
        return [str(mark)]


def load_results(root: Path, config: WorkflowConfig) -> tuple[list[Result], dict[str, str]]:
    """Every result at the configured scale; of a variant those that `set` goes with, and their sources.

    Returns with it the targets that have no such variant, and why. Raises UserError if a protocol is wrong, or if
    `set` goes with none.
    """

    def place_of(name: ResultName) -> Place:
        return Place(Path(config.out), config.scale, name, config.variant or None)

    protocols: dict[ResultName, Protocol] = {}
    refused: dict[ResultName, NoVariant] = {}
    for name in all_names(root):
        try:
            protocols[name] = open_protocol(root, place_of(name), config.changes)
        except NoVariant as error:
            refused[name] = error
    if refused and not protocols:
        raise most_telling(list(refused.values()))
    sources = {source.name: source for protocol in protocols.values() for source in protocol.sources}
    opened = sorted((sources | protocols).items())
    evaluated = [protocol for name, protocol in opened if place_of(name).file("claims.json").exists()]
    judged = {name for protocol in evaluated for name in (protocol.name, *(s.name for s in protocol.sources))}
    results = [Result(root, place_of(name), protocol, config, judged=name in judged) for name, protocol in opened]
    return results, {name.target: str(why) for name, why in refused.items() if name not in sources}


def no_such_target(name: str, targets: list[str]) -> str:
    """What Snakemake is to answer to a name that is none of its targets."""
    near = get_close_matches(name.replace("/", "_"), targets, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return f"there is no target {name}; {meant}`dropnorm list` names them all"


def _digest(what: Identity) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:16]


def published_files(root: Path) -> list[str]:
    """The files that the published book is made of: all but the runs."""
    published = root / PUBLISHED
    files = [p for p in published.rglob("*") if p.is_file() and not p.name.startswith(".")]
    return sorted(str(p) for p in files if "runs" not in p.relative_to(published).parts)


def book_sources(root: Path) -> list[str]:
    """What pages are made of besides results: text by hand, and the claims, settings and benchmarks that they show."""
    by_hand = [p for p in (root / "book").rglob("*") if p.is_file() and "_build" not in p.parts]
    shown = [p for pattern in SHOWN for p in root.glob(pattern)]
    return sorted(str(p) for p in [*by_hand, *shown] if not p.name.startswith("."))  # an editor's own
