"""What is there of each result, what is stale and why, and what to do about it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dropnorm.evaluation import evaluation_digest
from dropnorm.files import read_json
from dropnorm.names import Place
from dropnorm.protocol import Protocol
from dropnorm.runs import arm_state, run_command
from dropnorm.timing import core_seconds, in_words, ms_per_replica_step


@dataclass(frozen=True)
class Status:
    """One result at one scale."""

    place: Place
    state: str  # fresh, stale, damaged, incomplete or missing
    why: str
    command: str  # that makes it fresh; '' if it is
    time: str


def status(root: Path, protocol: Protocol, place: Place) -> Status:
    """Compare a result on disk with what protocol and code would make today."""
    states = {arm: arm_state(place, protocol, arm) for arm in protocol.arms}
    runs_state, why = _runs_state(protocol, states)
    if runs_state != "fresh":
        missing = {arm: len(set(protocol.seeds) - set(found.seeds)) for arm, found in states.items()}
        seconds = core_seconds(protocol, missing, ms_per_replica_step(place, root / "published"))
        return Status(place, runs_state, why, run_command(place, protocol), in_words(seconds))
    if why := _evaluation_stale(root, place):
        return Status(place, "stale", why, f"dropnorm figure {place.name} --scale {place.scale}", "seconds")
    return Status(place, "fresh", "", "", "")


def _runs_state(protocol: Protocol, states) -> tuple[str, str]:
    count = Counter(found.state for found in states.values())
    if count["missing"] == len(states):
        return "missing", "not run"
    for state in ("damaged", "stale"):
        if arms := [arm for arm, found in states.items() if found.state == state]:
            return state, f"{len(arms)} of {len(states)} arms: {states[arms[0]].why} (such as {arms[0]})"
    partial = [arm for arm, found in states.items() if set(protocol.seeds) - set(found.seeds)]
    if partial:
        return "incomplete", f"{len(partial)} of {len(states)} arms lack seeds (such as {partial[0]})"
    return "fresh", ""


def _evaluation_stale(root: Path, place: Place) -> str:
    """Why claims and figures do not belong to the runs and the analysis of today; '' if they do."""
    if not (place.file("claims.json").exists() and place.file("provenance.json").exists()):
        return "not evaluated"
    provenance = read_json(place.file("provenance.json"))
    if provenance.get("evaluation_digest") != evaluation_digest(root, place.name):
        return "analysis code or criteria changed"
    digests = {arm: record["runs_sha256"] for arm, record in provenance["arms"].items()}
    now = {arm: read_json(place.run(arm).with_suffix(".json"))["sha256"] for arm in digests}
    return "" if now == digests else "runs are newer than the figure"
