"""Between `results/`, which belongs to one checkout, and `published/`, which is committed: publish and restore.

published/<scale>/<paper>/<result>/         what its page shows, and digests.json over all of it
published/<scale>/<paper>/<result>/runs/    every arm's runs, where they are small: to add seeds, or to judge again
published/again/<scale>/<paper>/<result>/   what came out when it was trained again elsewhere
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from dropnorm.errors import UserError
from dropnorm.evaluation import evaluation_digest, judge_again, page_files, refuse_other_values, refuse_unfinished
from dropnorm.files import from_git_again, read_json, replacing, seal, sha256
from dropnorm.names import SCALES, Place
from dropnorm.protocol import Protocol
from dropnorm.protocol_file import path_of, read
from dropnorm.repetition import JUDGED, KEPT, repeated, repetition_of
from dropnorm.runs import arm_state, table
from dropnorm.stacks import reserved
from dropnorm.variants import UnknownVariant, open_protocol, remember_all

# Bytes of all run tables of a result. Every version that is ever committed stays in everyone's clone, so that some
# dozens of results at two scales must stay together in the order of a hundred megabytes.
MOST_BYTES = 8_000_000  # five seeds of the six autoencoders of Figure 7, the largest, are 7.6 megabytes
MOST_BYTES_OF_A_FILE = 2 * 1024**2  # as for every file of the repository


def publish(place: Place, published: Place, protocol: Protocol) -> tuple[list[Path], str]:
    """Copy the small part of a result to where it is committed; returns the copies, and what became of its runs.

    What came out when it was trained again is judged by the same criteria then.

    Raises UserError if it has not been evaluated, if it was not evaluated from the runs that are there now by today's
    criteria, if these were not run with today's values, if its repetition is damaged, or at smoke scale, which is no
    evidence.
    """
    shown = _to_be_published(place, protocol)
    again = repeated(published, but=JUDGED)
    runs, words = _small_runs(place, protocol)
    names = sorted([*shown, *(p.relative_to(place.folder).as_posix() for p in runs)])
    for name in names:
        _copy(place.file(name), published.file(name))
    _keep_only(published.folder, names)
    seal(published.folder, names)  # last: until then the former digests say that something was broken off
    if again:
        judge_again(protocol.root, again)
    return [published.file(name) for name in names], words


def _keep_only(folder: Path, names: list[str]) -> None:
    """Remove what a result has no more, such as a figure that has another name now, or runs that became too large."""
    for path in sorted(folder.rglob("*"), reverse=True):  # files before their folder
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and path.relative_to(folder).as_posix() not in (*names, "digests.json"):
            path.unlink()


def publish_again(place: Place, published: Place, protocol: Protocol) -> list[Path]:
    """Keep, beside a published result, what came out when it was trained again; returns the copies.

    Raises UserError as `publish` does, if the result is not published, or if it was not trained anew after that.
    """
    _to_be_published(place, protocol)
    if not published.file("provenance.json").exists():
        raise UserError(f"{published.name} is not published at scale {published.scale}: nothing was repeated")
    before, now = (read_json(p.file("provenance.json")) for p in (published, place))
    if now["started"] <= before["ended"]:
        raise UserError(
            f"{place.runs} holds runs of {now['started']}, and the published ones are of {before['ended']}: "
            "a repetition trains all of them anew, into an empty folder (--out)"
        )
    again = repetition_of(published)
    for name in KEPT:
        _copy(place.file(name), again.file(name))
    seal(again.folder, list(KEPT))
    return [again.file(name) for name in KEPT]


def _to_be_published(place: Place, protocol: Protocol) -> list[str]:
    """The files that an evaluation made. Raises UserError if it cannot be published, as `publish` says."""
    if place.scale == "smoke":
        raise UserError("smoke results are no evidence and are not published; run at --scale full or paper")
    refuse_unfinished(place, f"make it: {place.command('figure')}")
    _refuse_former(place, protocol)
    return page_files(place)


def _refuse_former(place: Place, protocol: Protocol) -> None:
    """Raises UserError if an evaluation is of former code or criteria, or its runs of other values than today's."""
    judged_by = read_json(place.file("provenance.json"))["evaluation_digest"]
    if judged_by != evaluation_digest(protocol.root, place.name):
        raise UserError(f"{place.name} was judged by former code or criteria; judge again: {place.command('figure')}")
    refuse_other_values(place, protocol)


def _small_runs(place: Place, protocol: Protocol) -> tuple[list[Path], str]:
    """The tables and records that the claims were judged from, if they are small enough to be committed."""
    arms = read_json(place.file("provenance.json"))["arms"]
    if gone := [arm for arm in arms if arm not in protocol.arms]:
        raise UserError(f"the protocol has no arm {gone[0]} any more; judge again: {place.command('figure')}")
    if new := [arm for arm in protocol.arms if arm not in arms and table(place, protocol, arm).exists()]:
        raise UserError(f"{new[0]} was run after the claims were judged; judge again: {place.command('figure')}")
    digests = {table(place, protocol, arm): record["runs_sha256"] for arm, record in arms.items()}
    if changed := [path for path, digest in digests.items() if path.exists() and sha256(path) != digest]:
        raise UserError(f"{changed[0]} is not what the claims were judged from; judge again: {place.command('figure')}")
    if protocol.derived:
        return [], f"its runs are those of {protocol.sources_in_words}, to be published with them"
    if not all(path.exists() for path in digests):
        return [], "its runs are not all here, so they are left out"
    files = [file for path in digests for file in _files(path)]
    sizes = [file.stat().st_size for file in files]
    words = f"{sum(sizes) / 1e6:.1f} MB"
    if sum(sizes) > MOST_BYTES:
        return [], f"its runs ({words}) are left out: more than is committed ({MOST_BYTES / 1e6:.1f} MB)"
    if max(sizes) > MOST_BYTES_OF_A_FILE:
        most = f"{MOST_BYTES_OF_A_FILE / 1e6:.1f} MB"
        return [], f"its runs ({words}) are left out: a file of them is larger than is committed ({most})"
    return files, f"its runs ({words}) are with it"


@dataclass(frozen=True)
class Restored:
    """What `restore` did with each arm of a result."""

    arms: list[str] = field(default_factory=list)  # put back
    stale: list[str] = field(default_factory=list)  # of these, made by earlier code or settings
    kept: list[str] = field(default_factory=list)  # left as they are here
    absent: list[str] = field(default_factory=list)  # not published


def restore_all(root: Path, places: list[Place], published: Path) -> Iterator[str]:
    """Put back the published runs of several places; yields a line for each that has some.

    Raises UserError as `restore` does, or if no runs of any of them are published.
    """
    restored = 0
    for place in places:
        source = replace(place, root=published)
        try:
            protocol = open_protocol(root, source, {})
        except UnknownVariant:
            if len(places) == 1:
                raise
            continue  # one of other results
        if protocol.derived and len(places) > 1:
            continue  # its sources are among them
        owners = ((source.of(protocol.owner(arm).name), arm) for arm in protocol.arms)
        if not any(_was_published(of, arm) for of, arm in owners):
            continue
        open_protocol(root, place, protocol.changes)  # refuses a variant that means something else here
        remember_all(place, protocol)
        with reserved(place, protocol, protocol.arms) as ours:
            if not ours:
                raise UserError(f"{place.folder}: another process is training here; restore when it has ended")
            done = restore(place, source, protocol)
        yield _in_words(place, done)
        restored += 1
    if not restored:
        raise _no_runs(root, places, published)


def _no_runs(root: Path, places: list[Place], published: Path) -> UserError:
    """That no runs of these are published at their scale: at which some are, if so."""
    scale, what = places[0].scale, places[0].name if len(places) == 1 else "any result"
    owners = [p.of(name) for p in places for name in (p.name, *read(path_of(root, p.name)).sources)]
    others = [s for s in SCALES if any(replace(p, root=published, scale=s).runs.is_dir() for p in owners)]
    advice = f"some are at scale {others[0]}: --scale {others[0]}" if others else "they are where they are small"
    return UserError(f"no runs of {what} are published at scale {scale}; {advice}")


def _in_words(place: Place, done: "Restored") -> str:
    counts = {
        "restored": done.arms,
        "kept as they are here": done.kept,
        "not published": done.absent,
    }
    words = [f"{len(arms)} arms {what}" for what, arms in counts.items() if arms]
    if done.stale:
        words.append(f"{len(done.stale)} of those restored were made by earlier code or settings (`dropnorm status`)")
    return f"{place.name}: {', '.join(words)}"


def restore(place: Place, published: Place, protocol: Protocol) -> Restored:
    """Put published runs back where runs belong, for arms that have none here, or only what today's code cannot use.

    An arm with fresh seeds here is left alone; so is a stale one whose published runs are no better.

    Raises UserError, before anything is copied, if a published table is not what was published.
    """
    done = Restored()
    wanted = []
    for arm in protocol.arms:
        owner = protocol.owner(arm).name
        source, target = published.of(owner), place.of(owner)
        if not _was_published(source, arm):
            done.absent.append(arm)
            continue
        _check(source, arm)
        here, there = (arm_state(p, protocol, arm).state for p in (place, published))
        if here == "fresh" or (here == "stale" and there != "fresh"):
            done.kept.append(arm)
            continue
        wanted += zip(_files(source.run(arm)), _files(target.run(arm)), strict=True)
        done.arms.append(arm)
        if there != "fresh":
            done.stale.append(arm)
    for source, target in wanted:
        _copy(source, target)
    return done


def _was_published(published: Place, arm: str) -> bool:
    """Whether the runs of an arm are here, or should be."""
    if published.run(arm).exists():
        return True
    digests = published.file("digests.json")
    return digests.exists() and published.run(arm).relative_to(published.folder).as_posix() in read_json(digests)


def _check(published: Place, arm: str) -> None:
    digests = read_json(published.file("digests.json"))
    for file in _files(published.run(arm)):
        if not file.exists() or digests.get(file.relative_to(published.folder).as_posix()) != sha256(file):
            raise UserError(f"{file} is not what was published (its digest differs); {from_git_again(file)}")


def _files(runs: Path) -> list[Path]:
    """A table of runs and its record; the record last, for it says that the table is whole."""
    return [runs, runs.with_suffix(".json")]


def _copy(source: Path, target: Path) -> None:
    with replacing(target) as part:
        shutil.copyfile(source, part)
