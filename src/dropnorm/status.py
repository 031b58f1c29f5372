"""What is there of each result, what is stale and why, and what to do about it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.text import Text

from dropnorm.errors import UserError
from dropnorm.evaluation import evaluation_digest
from dropnorm.files import differing, read_json
from dropnorm.names import PUBLISHED, Place
from dropnorm.protocol import Protocol
from dropnorm.runs import ArmState, arm_state, records, run_command
from dropnorm.timing import core_seconds, in_words, ms_per_replica_step

COLOURS = {"fresh": "green", "missing": "dim", "incomplete": "yellow", "stale": "yellow", "damaged": "red"}


@dataclass(frozen=True)
class Status:
    """One result at one scale."""

    place: Place
    state: str  # fresh, stale, damaged, incomplete or missing
    why: str
    command: str  # the next one on the way to fresh; '' if it is
    time: str
    trainings: dict[str, float | None] = field(default_factory=dict)  # by command: seconds of a core, if known


def status(root: Path, protocol: Protocol, place: Place) -> Status:
    """Compare a result on disk with what protocol and code would make today."""
    states = {arm: arm_state(place, protocol, arm) for arm in protocol.arms}
    runs_state, why = _runs_state(protocol, states)
    if runs_state in ("fresh", "incomplete"):
        judged, of_judged = _evaluation(root, place, protocol)
        if runs_state == "fresh" or judged == "damaged":
            command, time = (place.command("figure"), "seconds") if of_judged else ("", "")
            return Status(place, judged, of_judged, command, time)
    trainings = _trainings(root, protocol, place, states)
    return Status(place, runs_state, why, " && ".join(trainings), in_words(_total(trainings)), trainings)


def told(root: Path, opened: list[tuple[Protocol, Place]]) -> Iterator[Text]:
    """The state of several results and scales, line by line, for the terminal; of many, what all trainings take."""
    name, trainings = None, {}
    for protocol, place in opened:
        if place.name != name:
            yield Text(str(name := place.name), style="bold")
        found = status(root, protocol, place)
        why = f": {found.why}" if found.why else ""
        yield Text.assemble(f"  {place.scale:6} ", (found.state, COLOURS[found.state]), why)
        if found.command:
            yield Text(f"         {found.command}   ({found.time})")
        trainings |= found.trainings  # derived results share those of their sources
    if len(trainings) > 1:
        unknown = sum(seconds is None for seconds in trainings.values())
        more = f", and {unknown} of unknown time" if unknown else ""
        known = {command: seconds for command, seconds in trainings.items() if seconds is not None}
        yield Text(f"All {len(trainings)} trainings together: {in_words(_total(known))}{more}", style="bold")


def _trainings(root: Path, protocol: Protocol, place: Place, states: dict[str, ArmState]) -> dict[str, float | None]:
    """What must be trained: the command for each source that lacks seeds, and its seconds of one core."""
    found = {}
    for source in protocol.sources:
        missing = {arm: _missing_seeds(protocol, arm, states[arm]) for arm in source.arms}
        if any(missing.values()):
            own = place.of(source.name)
            known = ms_per_replica_step(own, source, root / PUBLISHED)
            found[run_command(own, source)] = core_seconds(source, missing, known)
    return found


def _total(trainings: dict[str, float | None]) -> float | None:
    """Seconds of all trainings; None if those of one are unknown."""
    return None if None in trainings.values() else sum(trainings.values())


def _missing_seeds(protocol: Protocol, arm: str, found: ArmState) -> int:
    return len(set(protocol.owner(arm).seeds) - set(found.seeds))


def _runs_state(protocol: Protocol, states) -> tuple[str, str]:
    count = Counter(found.state for found in states.values())
    if count["missing"] == len(states):
        return "missing", "not run"
    for state in ("damaged", "stale"):
        if arms := [arm for arm, found in states.items() if found.state == state]:
            return state, f"{len(arms)} of {len(states)} arms: {states[arms[0]].why} (such as {arms[0]})"
    partial = [arm for arm, found in states.items() if _missing_seeds(protocol, arm, found)]
    if partial:
        return "incomplete", f"{len(partial)} of {len(states)} arms lack seeds (such as {partial[0]})"
    return "fresh", ""


def _evaluation(root: Path, place: Place, protocol: Protocol) -> tuple[str, str]:
    """The state of what was judged and drawn, and why: fresh, stale or damaged."""
    try:
        why = _evaluation_stale(root, place, protocol)
    except UserError as error:
        return "damaged", str(error)
    return ("stale", why) if why else ("fresh", "")


def _evaluation_stale(root: Path, place: Place, protocol: Protocol) -> str:
    """Why claims and figures do not belong to the runs and the analysis of today; '' if they do."""
    if why := former(place, evaluation_digest(root, place.name)):
        return why
    provenance = read_json(place.file("provenance.json"))
    digests = {arm: record["runs_sha256"] for arm, record in provenance["arms"].items()}
    now = {arm: record["sha256"] for arm, record in records(place, protocol).items()}
    return "" if now == digests else "runs are newer than the figure"


def former(place: Place, today: str) -> str:
    """Why claims and figures are not what today's analysis makes of the runs that they were made of; '' if they are.

    today: the evaluation digest of today. Raises UserError if they are not as they were made.
    """
    if not place.file("digests.json").exists():  # it is written last
        return "not evaluated" if not place.file("claims.json").exists() else "its evaluation was broken off"
    if changed := differing(place.folder):
        raise UserError(f"{changed[0]} is not what was made of the runs")
    judged_by = read_json(place.file("provenance.json")).get("evaluation_digest")
    return "" if judged_by == today else "analysis code or criteria changed"
