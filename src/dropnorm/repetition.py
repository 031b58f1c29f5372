"""A published result that was trained again, elsewhere: which of its numbers and verdicts came out again.

published/again/<scale>/<paper>/<result>/    samples.csv claims.json provenance.json, and digests.json over them
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from dropnorm.errors import UserError
from dropnorm.files import differing, from_git_again, read_json
from dropnorm.names import PUBLISHED, SCALES, Place, ResultName
from dropnorm.protocol import all_names
from dropnorm.tables import read_table

AGAIN = "again"  # the folder of repetitions, in that of what is published
KEPT = ("samples.csv", "claims.json", "provenance.json")
JUDGED = ("claims.json",)  # of these, what is judged anew with the first training
PER_SEED = ["measure", "arm", "seed"]


def repetition_of(published: Place) -> Place:
    """Where the repetition of a published result is kept, whether there is one or not."""
    return replace(published, root=published.root / AGAIN)


def repeated(published: Place, but: Collection[str] = ()) -> Place | None:
    """The repetition of a published result; None if there is none.

    Raises UserError if a file of it is not what was published; but: names of files that may differ.
    """
    again = repetition_of(published)
    if not again.file("digests.json").exists():
        return None
    refuse_changed(again, but)
    return again


def repetitions(root: Path) -> Iterator[tuple[Place, Place]]:
    """Every published result that has a repetition, with it: (published, again), by name.

    Raises UserError if some of a repetition is not what was published.
    """
    for name in all_names(root):
        for scale in SCALES:
            published = Place(root / PUBLISHED, scale, name)
            if again := repeated(published):
                yield published, again


def refuse_changed(published: Place, but: Collection[str] = ()) -> None:
    """Raises UserError if a file is not what was published; but: names of files that may differ."""
    if changed := [name for name in differing(published.folder) if name not in but]:
        path = published.file(changed[0])
        raise UserError(f"{path} is not what was published; {from_git_again(path)}")


@dataclass(frozen=True)
class Pair:
    """A claim as judged from each of two trainings of the same result."""

    first: dict[str, Any]
    second: dict[str, Any]

    @property
    def same_verdict(self) -> bool:
        return self.first["verdict"] == self.second["verdict"]

    @property
    def has_interval(self) -> bool:
        """Whether the first's estimate has an interval, and the second is measured.

        The interval of an exact statement is the span of its seeds, and does not count.
        """
        return self.first["parts"][0]["p"] is not None and self.second["ours"] is not None

    @property
    def inside(self) -> bool:
        """Whether the second's estimate lies in the first's interval."""
        low, high = self.first["interval"]
        return self.has_interval and low <= self.second["ours"] <= high


@dataclass(frozen=True)
class Agreement:
    """What two trainings of a result have in common.

    values: of the same measure, arm and seed, with six significant digits. claims: those that both could judge.
    """

    name: ResultName
    values: int
    same_values: int
    claims: list[Pair]

    @property
    def same_verdicts(self) -> int:
        return sum(pair.same_verdict for pair in self.claims)

    @property
    def with_interval(self) -> int:
        return sum(pair.has_interval for pair in self.claims)

    @property
    def inside(self) -> int:
        return sum(pair.inside for pair in self.claims)


def agreement(first: Place, second: Place) -> Agreement:
    """Compare two evaluations of the same result, seed by seed and claim by claim."""
    samples = [read_table(place.file("samples.csv")).set_index(PER_SEED).value for place in (first, second)]
    both = pd.concat(samples, axis=1, join="inner", keys=["first", "second"])
    same = (both["first"] == both["second"]) | both.isna().all(axis=1)  # not measured in either: the same
    judged = [{c["id"]: c for c in read_json(place.file("claims.json"), list) if c["n"]} for place in (first, second)]
    pairs = [Pair(claim, judged[1][id_]) for id_, claim in judged[0].items() if id_ in judged[1]]
    return Agreement(first.name, len(both), int(same.sum()), pairs)


def trained_on(place: Place) -> str:
    """The processors, or GPUs, that trained a result, and how they multiply matrices: the bits hang on both."""
    machines = read_json(place.file("provenance.json"))["machines"]
    return " and ".join(dict.fromkeys(f"{m['gpu'] or m['cpu']}, {m['gemm']}" for m in machines))
