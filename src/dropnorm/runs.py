"""The runs of a result on disk: one tidy table an arm, with a record beside it of what made it.

runs/<arm>.parquet    seed, step, quantity, unit, value
runs/<arm>.json       identity (code, settings, data; if made on a GPU, the code of it too), the table's digest, seeds,
                      provenance of each session
"""

import contextlib
import shlex
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from dropnorm.datasets.registry import DIGESTS
from dropnorm.errors import UserError
from dropnorm.files import read_json, replacing, sha256, write_json
from dropnorm.fingerprint import fingerprint
from dropnorm.names import Place
from dropnorm.protocol import Protocol

# Bytes of equal weight side by side compress better: four tenths are saved, and more runs are small enough to commit.
SMALL = {
    "compression": "zstd",
    "compression_level": 15,
    "use_dictionary": ["seed", "step", "quantity", "unit"],
    "use_byte_stream_split": ["value"],
}


@dataclass(frozen=True)
class Identity:
    """What makes a run this run and no other. Device, threads and paths are not part of it."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    code: str
    settings: str
    data: str

    def difference(self, other: "Identity") -> str:
        """In words, what changed from `other` to this."""
        names = {"code": "training code", "settings": "protocol values", "data": "data set"}
        changed = [names[k] for k in names if getattr(self, k) != getattr(other, k)]
        return ", ".join(changed) + " changed"


class Session(BaseModel):
    """What a record says at least of each training that made some of the table."""

    started: str
    ended: str
    seconds: float
    replicas: PositiveInt
    steps: PositiveInt


class Record(BaseModel):
    """What a record beside a table has at least."""

    identity: Identity
    sha256: str
    seeds: list[int] = Field(min_length=1)
    sessions: list[Session] = Field(min_length=1)


def table(place: Place, protocol: Protocol, arm: str) -> Path:
    """Where the runs of an arm are: with the result that trains it; the record lies beside (`.json`)."""
    return place.of(protocol.owner(arm).name).run(arm)


def identity(protocol: Protocol, arm: str) -> Identity:
    """The identity that a run of this arm has today."""
    return Identity(
        code=fingerprint(protocol.owner(arm).module.__name__),
        settings=protocol.settings_digest(arm),
        data="+".join(DIGESTS[protocol.arms[arm].dataset]),
    )


def gpu_code(protocol: Protocol, arm: str) -> str:
    """The code of an arm with what only a GPU runs of it: a part of a run's identity if it was made on one."""
    return fingerprint(protocol.owner(arm).module.__name__, gpu=True)


def _difference(record: dict[str, Any], protocol: Protocol, arm: str) -> str:
    """In words, what has changed since a recorded run; '' if it would be the same today."""
    now, then = identity(protocol, arm), Identity(**record["identity"])
    if now != then:
        return now.difference(then)
    of_gpu = record.get("gpu_code")  # None, or not there, if none of it was made on a GPU
    return "training code for a GPU changed" if of_gpu and of_gpu != gpu_code(protocol, arm) else ""


@dataclass(frozen=True)
class ArmState:
    """One arm as found on disk: fresh, stale, damaged or missing, and why; `seeds` are those that can be used."""

    state: str
    why: str
    seeds: list[int]


def arm_state(place: Place, protocol: Protocol, arm: str) -> ArmState:
    """Compare what is on disk with what the protocol and the code would make today."""
    path = table(place, protocol, arm)
    try:
        record = _record(path)
        _settle(path)
    except UserError:
        return ArmState("damaged", "its record is not readable", [])
    if record is None or not path.exists():
        return ArmState("missing", "not run", [])
    if not _intact(path):
        return ArmState("damaged", "its table does not match its digest", [])
    if changed := _difference(record, protocol, arm):
        return ArmState("stale", changed, [])
    return ArmState("fresh", "", record["seeds"])


def unfinished(place: Place, protocol: Protocol, arm: str, *, judged: bool) -> bool:
    """Whether an arm was run or judged, but is not as it would be today. Asks its record alone, which is quick.

    judged: whether claims were judged from the arms of this result, or of one that draws on it.
    """
    path = table(place, protocol, arm)
    try:
        record = _record(path)
    except UserError:
        return True  # training makes it anew
    if record is None or not path.exists():
        return record is not None or judged
    lacking = set(protocol.owner(arm).seeds) - set(record["seeds"])
    return bool(lacking) or bool(_difference(record, protocol, arm))


def write_arm(place: Place, protocol: Protocol, arm: str, runs: pd.DataFrame, session: dict[str, Any]) -> None:
    """Put the runs of an arm in place, joined to the seeds already there if these are fresh.

    A damaged table that lies there is set aside (renamed to NAME.damaged).
    """
    path, known = table(place, protocol, arm), arm_state(place, protocol, arm)
    sessions = [session]
    if known.state == "damaged" and path.exists():
        path.rename(path.with_name(path.name + ".damaged"))
    if known.seeds:
        kept = pd.read_parquet(path)
        runs = pd.concat([kept[~kept.seed.isin(runs.seed.unique())], runs], ignore_index=True)
        sessions = _record(path)["sessions"] + sessions
    runs = runs.sort_values(["seed", "quantity", "step", "unit"], ignore_index=True)
    runs = runs.astype({"seed": "int32", "step": "int32", "quantity": "category", "unit": "Int16", "value": "float32"})
    with replacing(_next(path)) as part:
        runs.to_parquet(part, index=False, **SMALL)
    write_json(
        path.with_suffix(".json"),
        {
            "arm": arm,
            "identity": asdict(identity(protocol, arm)),
            "gpu_code": gpu_code(protocol, arm) if _on_gpu(sessions) else None,
            "sha256": sha256(_next(path)),
            "seeds": sorted(int(s) for s in runs.seed.unique()),
            "settings": protocol.arms[arm].model_dump(),
            "sessions": sessions,
        },
    )
    _settle(path)


def _on_gpu(sessions: list[dict[str, Any]]) -> bool:
    """Whether a GPU had a part in any session, also as the machine where it was begun."""
    machines = (machine for session in sessions for machine in (*session.get("before", []), session))
    return any(machine.get("device") == "cuda" for machine in machines)


def read_runs(place: Place, protocol: Protocol) -> pd.DataFrame:
    """The tidy runs of all arms that are there, with a column `arm` (a categorical that knows the missing ones too).

    Raises:
        UserError: if a table is damaged, or if there is none at all.
    """
    frames = []
    for arm in records(place, protocol):
        path = table(place, protocol, arm)
        if not _intact(path):
            again = run_command(place.of(protocol.owner(arm).name), protocol.owner(arm))
            raise UserError(f"{path}: damaged (its SHA-256 is not the recorded one); make it anew: {again}")
        frames.append(pd.read_parquet(path).assign(arm=arm))
    if not frames:
        raise UserError(f"{place.name} has no runs at scale {place.scale}; make them: {run_command(place, protocol)}")
    arms = pd.CategoricalDtype(list(protocol.arms))
    return pd.concat(frames, ignore_index=True).astype({"arm": arms, "quantity": "category"})


def records(place: Place, protocol: Protocol) -> dict[str, dict[str, Any]]:
    """The record beside each arm's table, for those that are there: a record whose table is gone speaks of nothing."""
    tables = {arm: table(place, protocol, arm) for arm in protocol.arms}
    for path in tables.values():
        _settle(path)
    found = {arm: _record(path) for arm, path in tables.items() if path.exists()}
    return {arm: record for arm, record in found.items() if record is not None}


def run_command(place: Place, protocol: Protocol) -> str:
    """The command that makes the runs of this place."""
    return shlex.join(["dropnorm", "run", f"protocols/{place.name}.yaml", *arguments(place, protocol)])


def arguments(place: Place, protocol: Protocol) -> list[str]:
    """The command line's words that name this place and, of a variant, what it changes."""
    values = {
        key: yaml.safe_dump(v, default_flow_style=True, width=float("inf")).split("\n")[0]
        for key, v in protocol.changes.items()
    }
    return [*place.arguments, *(word for key, v in values.items() for word in ("--set", f"{key}={v}"))]


def _next(path: Path) -> Path:
    """Where a new table waits until its record is written, so that a kill between the two loses neither table."""
    return path.with_name(path.name + ".next")


def _settle(path: Path) -> None:
    """Put the table that a record speaks of in its place, if it still waits beside it."""
    new = _next(path)
    if not new.exists():
        return
    record = _record(path)
    with contextlib.suppress(FileNotFoundError):  # another process was faster
        if record and sha256(new) == record["sha256"]:
            new.replace(path)


def _record(path: Path) -> dict[str, Any] | None:
    """The record beside a table; None if there is none. Raises UserError if it is damaged."""
    try:
        record = read_json(path.with_suffix(".json"))
    except FileNotFoundError:
        return None
    try:
        Record.model_validate(record)
    except ValidationError:
        raise UserError(f"{path.with_suffix('.json')}: no record of runs; delete it, and have it made again") from None
    return record


def _intact(path: Path) -> bool:
    """Whether a table is what its record says. For a moment, while both are being written, it seems not to be."""
    for wait in (0.2, 0.2, 0.2, 0.0):
        if sha256(path) == _record(path)["sha256"]:
            return True
        time.sleep(wait)
    return False
