"""From the runs of a result to everything its page shows: samples, verdicts, table, curves, figures, provenance.

samples.csv  table.csv  curves.csv  claims.json  facts.json  figures.json  *.svg  *.png  image-*.png  provenance.json
digests.json over all of them: what is changed or damaged later is noticed
"""

import hashlib
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from dropnorm import provenance
from dropnorm.analyses import Summary, analysis
from dropnorm.claims import judge, read_claims
from dropnorm.drawing import IMAGE, draw, images_of, reference_file, write_images
from dropnorm.errors import UserError
from dropnorm.figure_files import ENDINGS, figure_files
from dropnorm.files import differing, read_json, seal, sha256, write_json
from dropnorm.fingerprint import fingerprint
from dropnorm.names import RESULTS, SCALES, Place, ResultName
from dropnorm.protocol import Protocol
from dropnorm.repetition import JUDGED, KEPT, refuse_changed, repeated
from dropnorm.runs import arm_state, read_runs, records, run_command
from dropnorm.tables import TABLES, read_table, write_table
from dropnorm.variants import remember

FACTS = ("claims.json", "facts.json", "figures.json", "provenance.json")


def evaluate(root: Path, place: Place, protocol: Protocol) -> list[dict[str, Any]]:
    """Judge and draw a result from its runs; returns its claims as written to `claims.json`.

    Raises UserError if there are no runs, if one is damaged, or if a training ended while they were read.
    """
    found, runs = records(place, protocol), runs_to_judge(place, protocol)
    if records(place, protocol) != found:
        raise UserError(f"{place.name}: a training ended while its runs were read; run the same command again")
    summary = _analysis(place.name).summarise(runs)
    _write_tables(place, summary)
    write_images(place, summary.images)
    write_json(place.file("facts.json"), summary.facts)
    claims = write_claims(root, place)
    write_provenance(root, place, protocol, found)
    draw(root, place, protocol)
    remember(place, protocol.changes)  # a derived result may have been trained by its sources alone
    seal(place.folder, sorted(page_files(place)))
    return claims


def evaluate_published(root: Path, published: Place, protocol: Protocol) -> list[dict[str, Any]]:
    """Judge and draw what is published by today's criteria and drawings, without its runs; returns its claims.

    All else stays as it was published, and `provenance.json` goes on saying by which code that was made.

    Raises UserError if it is not published, if some of that is not what was published, or if the protocol has other
    values now than the runs had: captions would tell of these.
    """
    if not published.file("digests.json").exists():
        raise not_published(published, "judge its runs: --source runs")
    refuse_changed(published, but=_made_anew(published))
    again = repeated(published, but=JUDGED)
    refuse_other_values(published, protocol)
    runs = [name for name in read_json(published.file("digests.json")) if "/" in name]
    draw(root, published, protocol)
    claims = write_claims(root, published)
    if again:
        judge_again(root, again)
    _write_evaluated(root, published)  # right before its digest: once it has changed, a kill would be taken for damage
    seal(published.folder, sorted([*page_files(published), *runs]))
    return claims


def judge_again(root: Path, again: Place) -> None:
    """Judge a repetition by today's criteria and words, which are those of the published result it lies beside."""
    write_claims(root, again)
    _write_evaluated(root, again)
    seal(again.folder, list(KEPT))


def _made_anew(place: Place) -> set[str]:
    """The files that are judged and drawn again without runs, of those that its digests name."""
    drawn = {file for file in read_json(place.file("digests.json")) if Path(file).suffix[1:] in ENDINGS}
    return {"claims.json", "figures.json", *(file for file in drawn if not fnmatch(file, IMAGE.format("*")))}


def not_published(published: Place, otherwise: str) -> UserError:
    """That a result is not published at this scale: at which other one it is, or else what to do."""
    others = [s for s in SCALES if replace(published, scale=s).file("digests.json").exists()]
    advice = f"it is at scale {others[0]}: --scale {others[0]}" if others else otherwise
    return UserError(f"{published.name} is not published at scale {published.scale}; {advice}")


def refuse_unfinished(place: Place, remedy: str) -> None:
    """Raises UserError if an evaluation is not there, was broken off, or is not what was made any more."""
    for name in (*FACTS, *(f"{table}.csv" for table in TABLES), "digests.json"):  # the last is written last
        if not place.file(name).exists():
            raise UserError(f"{place.folder} has no {name}; {remedy}")
    if changed := differing(place.folder):
        raise UserError(f"{place.file(changed[0])} is not what was made of the runs; {remedy}")


def refuse_other_values(place: Place, protocol: Protocol) -> None:
    """Raises UserError if the evaluated runs had other settings than the protocol has now."""
    ran = read_json(place.file("provenance.json"))["arms"]
    for arm in (a for a in ran if a in protocol.arms):
        if ran[arm]["protocol_hash"] != protocol.settings_digest(arm):
            again = run_command(replace(place, root=RESULTS), protocol)
            raise UserError(
                f"arm {arm} of {place.name} was run with other values than its protocol has; run it: {again}"
            )


def page_files(place: Place) -> list[str]:
    """The names of what an evaluation has made, all of which its page needs; a variant's settings are with it."""
    figures = [file for name in read_json(place.file("figures.json")) for file in figure_files(name)]
    images = [path.name for path in images_of(place).values()]
    settings = ["variant.json"] if place.variant else []
    return [*(f"{name}.csv" for name in TABLES), *FACTS, *figures, *images, *settings]


def write_claims(root: Path, place: Place) -> list[dict[str, Any]]:
    """Judge the samples that lie in the result's folder (from runs, or published) and write `claims.json`."""
    samples = read_table(place.file("samples.csv"))
    claims = judge(read_claims(root, place.name.paper), place.name, samples, place.scale)
    write_json(place.file("claims.json"), claims)
    return claims


def _write_tables(place: Place, summary: Summary) -> None:
    for name in TABLES:
        write_table(place.file(f"{name}.csv"), getattr(summary, name))


def runs_to_judge(place: Place, protocol: Protocol) -> pd.DataFrame:
    """The runs as an analysis asks for them: tidy, with the settings of the first arm in `attrs["settings"]`.

    Raises UserError as `read_runs` does.
    """
    runs = read_runs(place, protocol)
    runs.attrs["settings"] = protocol.first_settings
    return runs


def _write_evaluated(root: Path, place: Place) -> None:
    """Say in `provenance.json` that a result was judged anew, if it was by other code or criteria than before."""
    path = place.file("provenance.json")
    before, now = read_json(path), _evaluated(root, place.name)
    if before["evaluation_digest"] != now["evaluation_digest"]:
        write_json(path, before | now)


def _summarised(name: ResultName) -> dict[str, str]:
    """What provenance says of samples, tables, curves and facts: by which analysis code they were made, and when."""
    return {"summary_digest": fingerprint(_analysis(name).__name__), "summarised": provenance.now()}


def _evaluated(root: Path, name: ResultName) -> dict[str, str]:
    """What provenance says of verdicts and figures: by which code and criteria, and when."""
    return {"evaluation_digest": evaluation_digest(root, name), "evaluated": provenance.now()}


def evaluation_digest(root: Path, name: ResultName) -> str:
    """What claims and figures of a result depend on besides its runs: code, criteria, the paper's own curves."""
    file = read_claims(root, name.paper)
    criteria = [c.model_dump_json() for c in file.claims.values() if c.result == name.result]
    parts = [fingerprint(_analysis(name).__name__), fingerprint("dropnorm.claims"), str(file.alpha), *criteria]
    if (reference := reference_file(root, name)).exists():
        parts.append(sha256(reference))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _analysis(name: ResultName) -> ModuleType:
    """The analysis of a result. Raises UserError if there is none yet."""
    try:
        return analysis(name)
    except ModuleNotFoundError as error:
        if error.name not in (f"dropnorm.analyses.{name.paper}", f"dropnorm.analyses.{name.paper}.{name.result}"):
            raise
        path = f"src/dropnorm/analyses/{name}.py"
        raise UserError(f"{name} has a protocol and no analysis; write {path} (see `Adding a result`)") from None


def write_provenance(root: Path, place: Place, protocol: Protocol, found: dict[str, dict[str, Any]]) -> None:
    """`provenance.json`: what ran where, with what code, settings and data, and how long; found: a record an arm."""
    sessions = [s for record in found.values() for s in record["sessions"]]
    identities = [record["identity"] for record in found.values()]
    write_json(
        place.file("provenance.json"),
        {
            "result": str(place.name),
            "scale": place.scale,
            "variant": place.variant,
            "changes": protocol.changes,
            "runs_of": [str(source.name) for source in protocol.sources],
            "command": run_command(replace(place, root=RESULTS), protocol),  # no folder of this machine
            "code_fingerprint": _joined(i["code"] for i in identities),
            "data": _joined(protocol.arms[arm].dataset for arm in found),
            "data_digest": _joined(part for i in identities for part in i["data"].split("+")),
            **_summarised(place.name),
            **_evaluated(root, place.name),
            "seconds": round(sum(s["seconds"] for s in sessions), 1),
            "started": min(s["started"] for s in sessions),
            "ended": max(s["ended"] for s in sessions),
            "machines": _distinct(
                {k: m[k] for k in ("device", "gpu", "cpu", "threads", "gemm", "python", "packages", "commit")}
                for s in sessions
                for m in [*s.get("before", []), s]
            ),
            "arms": {arm: _arm_provenance(place, protocol, arm, record) for arm, record in found.items()},
            "missing_arms": [arm for arm in protocol.arms if arm not in found],
        },
    )


def _arm_provenance(place: Place, protocol: Protocol, arm: str, record: dict[str, Any]) -> dict[str, Any]:
    sessions = record["sessions"]
    return {
        "seeds": record["seeds"],
        "protocol_hash": record["identity"]["settings"],
        "code_fingerprint": record["identity"]["code"],
        "runs_sha256": record["sha256"],
        "seconds": round(sum(s["seconds"] for s in sessions), 1),
        # The fastest: sessions that shared their core with others say little of what a run takes.
        "ms_per_replica_step": min(1000 * s["seconds"] / s["replicas"] / s["steps"] for s in sessions),
        "state": arm_state(place, protocol, arm).state,
    }


def _joined(items) -> str:
    """Each once, joined by '+': one code and one data set mostly, but the sources of a derived result may differ."""
    return "+".join(dict.fromkeys(items))


def _distinct(items) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return kept
