"""Which results there are, and what lies on disk of each."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dropnorm.claims import ClaimsFile, read_claims
from dropnorm.errors import UserError
from dropnorm.evaluation import evaluation_digest, refuse_unfinished
from dropnorm.files import from_git_again, read_json
from dropnorm.names import PUBLISHED, SCALES, Place, ResultName
from dropnorm.protocol import all_names
from dropnorm.protocol_file import DerivedFile, ProtocolFile, path_of, read, source_files

SOURCES = (*SCALES, "published")
PROVENANCE = {
    "arms", "missing_arms", "machines", "seconds", "started", "ended", "evaluated", "code_fingerprint",
    "evaluation_digest", "summary_digest", "summarised", "data", "data_digest",
}  # fmt: skip
BEST_FIRST = ("paper", "full")  # what is published, the best evidence first


@dataclass(frozen=True)
class Result:
    """One result as the book sees it. `folder` is None where it was not run at the scale asked for.

    A derived result names the results whose runs it uses in `runs_of`; their protocols are its `sources`, the first of
    them its `protocol`.
    """

    name: ResultName
    scale: str
    sources: tuple[ProtocolFile, ...]
    criteria: ClaimsFile
    folder: Path | None = None
    claims: list[dict[str, Any]] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    figures: dict[str, dict[str, str]] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    runs_of: tuple[ResultName, ...] = ()
    left_out: frozenset[str] = frozenset()  # arms that this scale does not run
    former: bool = False  # judged and drawn by former code or criteria

    @property
    def protocol(self) -> ProtocolFile:
        return self.sources[0]

    def planned_seeds(self, arm: str) -> int:
        """How many seeds the protocol of an arm plans for it. An arm of a sweep is called BASE.SWEEP-VALUE."""
        owners = (s for s in self.sources if any(arm == base or arm.startswith(f"{base}.") for base in s.arms))
        owner = next(owners, self.protocol)
        return len(owner.seeds_at(self.scale))

    @property
    def present(self) -> bool:
        return self.folder is not None

    @property
    def evidence(self) -> bool:
        return self.present and self.scale != "smoke"

    @property
    def complete(self) -> bool:
        """Everything that a page may speak of was measured. Smoke, or a scale that leaves out arms, lacks some."""
        return self.evidence and not self.provenance["missing_arms"] and not self.left_out

    def table(self) -> list[dict[str, str]]:
        """The rows of `table.csv`."""
        with open(self.folder / "table.csv", newline="") as file:
            return list(csv.DictReader(file))


def find_results(root: Path, source: str, results: Path) -> list[Result]:
    """Every result that has a protocol, with its files at `source` if it has any.

    Raises UserError if `source` is unknown, or a protocol, claims file or result is damaged.
    """
    if source not in SOURCES:
        raise UserError(f"--source {source}: unknown; allowed: {', '.join(SOURCES)}")
    criteria = {paper: read_claims(root, paper) for paper in sorted({name.paper for name in all_names(root)})}
    return [
        _read(root, place, criteria[place.name.paper])
        for place in (_place(root, source, results, name) for name in all_names(root))
    ]


def every_scale(root: Path, source: str, results: Path) -> Iterator[Result]:
    """Every result at every scale that lies in the folder the book is built from (for the table of times)."""
    folder = _root_of(root, source, results)
    for name in all_names(root):
        for scale in SCALES:
            place = Place(folder, scale, name)
            if _there(place):
                yield _read(root, place, read_claims(root, name.paper))


def _root_of(root: Path, source: str, results: Path) -> Path:
    return root / PUBLISHED if source == "published" else root / results


def _place(root: Path, source: str, results: Path, name: ResultName) -> Place:
    """Where the result lies; of the published scales the best that is there."""
    folder = _root_of(root, source, results)
    if source != "published":
        return Place(folder, source, name)
    places = [Place(folder, scale, name) for scale in BEST_FIRST]
    return next((place for place in places if _there(place)), places[0])


def _there(place: Place) -> bool:
    """Whether there is a result here, or should be: a published one that has lost its claims is no result not run."""
    return place.file("claims.json").exists() or place.file("digests.json").exists()


def _read(root: Path, place: Place, criteria: ClaimsFile) -> Result:
    result = _not_run(root, place, criteria)
    if not _there(place):
        return result
    refuse_unfinished(place, _remedy(place))
    parsed = {n: read_json(place.file(f"{n}.json")) for n in ("facts", "figures", "provenance")}
    parsed["claims"] = read_json(place.file("claims.json"), list)
    if lacking := sorted(PROVENANCE - set(parsed["provenance"])):
        raise UserError(f"{place.file('provenance.json')}: {lacking[0]} is missing; {_remedy(place)}")
    former = parsed["provenance"]["evaluation_digest"] != evaluation_digest(root, place.name)
    return replace(result, folder=place.folder, former=former, **parsed)


def _remedy(place: Place) -> str:
    """What to do about a file: what is committed comes from git, the rest from runs."""
    committed = place.root.name == PUBLISHED.name
    return from_git_again(place.folder) if committed else f"make it: {place.command('figure')}"


def _not_run(root: Path, place: Place, criteria: ClaimsFile) -> Result:
    """What is known before any run. Settings are not checked here, which is quick."""
    file = read(path_of(root, place.name))
    sources = source_files(root, file)
    runs_of = tuple(sources) if isinstance(file, DerivedFile) else ()
    left_out = frozenset(arm for source in sources.values() for arm in source.scales[place.scale].leave_out)
    return Result(place.name, place.scale, tuple(sources.values()), criteria, runs_of=runs_of, left_out=left_out)
