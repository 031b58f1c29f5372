"""How long something will take, from how long it took: milliseconds a replica and step, as recorded with each run.

Of several sessions the fastest counts: it shared its core with the least (`evaluation.write_provenance`).
"""

import re
from datetime import timedelta
from pathlib import Path
from statistics import median

from dropnorm.errors import UserError
from dropnorm.files import read_json
from dropnorm.names import SCALES, Place
from dropnorm.protocol import Protocol


def ms_per_replica_step(place: Place, protocol: Protocol, published: Path) -> dict[str, float]:
    """By arm, as measured here or, if nothing was, where the published result was computed; {} if nowhere."""
    of_sources = [_ms_of_one(place.of(source.name), published) for source in protocol.sources]
    return {arm: ms for known in of_sources for arm, ms in known.items()}


def _ms_of_one(place: Place, published: Path) -> dict[str, float]:
    # A smoke run says little of the others: its nets and data are tiny.
    scales = [place.scale, *(scale for scale in SCALES[::-1] if scale != place.scale)]
    for candidate in [place, *(Place(root, scale, place.name) for scale in scales for root in (place.root, published))]:
        path = candidate.file("provenance.json")
        try:
            if path.exists():
                return {arm: record["ms_per_replica_step"] for arm, record in read_json(path)["arms"].items()}
        except (UserError, KeyError, TypeError, AttributeError):
            continue  # damaged: an estimate is not worth an error
    return {}


def core_seconds(protocol: Protocol, seeds: dict[str, int], known: dict[str, float]) -> float | None:
    """Seconds of one core for so many seeds of each arm, at the known ms a replica and step; None if none is known."""
    if not known:
        return None
    typical = median(known.values())
    return sum(known.get(arm, typical) / 1000 * protocol.arms[arm].steps * count for arm, count in seeds.items())


def in_words(seconds: float | None) -> str:
    """'about 0:14:20 on one core', or 'time unknown'."""
    return "time unknown" if seconds is None else f"about {timedelta(seconds=round(seconds))} on one core"


def parse_duration(text: str) -> float:
    """'90s', '9m', '2h' or a number of seconds. Raises UserError if it is none of these."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match:
        raise UserError(f"'{text}' is no duration; write 90s, 9m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
