"""A variant remembers what it changes: `variant.json` in its folder, written when it is first run.

So later commands need its name alone, and the same name can never come to mean something else. A variant of a derived
result is made of the runs of the same variant of its sources.
"""

from collections.abc import Sequence
from pathlib import Path

from dropnorm.errors import UserError
from dropnorm.files import read_json, write_json
from dropnorm.names import PUBLISHED, Place
from dropnorm.protocol import Protocol, UnknownSetting, load
from dropnorm.protocol_file import Overrides, path_of, read


class NoVariant(UserError):
    """A result has no such variant, while others may have it: what it changes does not go with the protocol."""


class UnknownVariant(NoVariant):
    """A variant is named that was not made yet, and nothing is said of what it changes."""


def resolve(place: Place, changes: Overrides) -> Overrides:
    """The changes of a variant: those given, or else those it was made with ({} for the original).

    Raises UserError if changes are given without a name, or other ones than it was made with.
    """
    if not place.variant:
        if changes:
            raise UserError("a changed setting makes a result of its own; name it: --variant NAME (or variant=NAME)")
        return {}
    known = _known(place)
    if known is None:
        return changes
    return _same(place, known, changes) if changes else known


def open_protocol(root: Path, place: Place, changes: Overrides) -> Protocol:
    """The protocol of a place with the changes of its variant, which its sources may know where it does not.

    Raises UserError as `resolve` and `load` do, NoVariant if the changes do not go with the protocol, UnknownVariant.
    """
    changes = resolve(place, changes)
    if place.variant and not changes:
        names = [place.name, *read(path_of(root, place.name)).sources]
        known = [found for name in names if (found := _known(place.of(name))) is not None]
        if not known:
            raise UnknownVariant(_unknown(place))
        changes = {key: value for found in known for key, value in found.items()}
        for found in known:
            if any(changes[key] != value for key, value in found.items()):
                raise UserError(
                    f"variant {place.variant} was made with {in_words(found)} and with {in_words(changes)}; "
                    "say which is meant (--set KEY=VALUE), or choose another name"
                )
    protocol = _changed(root, place, changes)
    for source in protocol.sources:
        if place.variant and (known := _known(place.of(source.name))) is not None:
            _same(place.of(source.name), known, source.changes)
    return protocol


def _changed(root: Path, place: Place, changes: Overrides) -> Protocol:
    try:
        return load(root, place.name, place.scale, changes)
    except UserError as error:
        if changes:
            load(root, place.name, place.scale)  # raises if the protocol itself is wrong
            raise NoVariant(str(error)) from error
        raise


def _unknown(place: Place) -> str:
    made = place.folder.parent.glob(f"{place.name.result}@*/variant.json")
    names = ", ".join(sorted(path.parent.name.partition("@")[2] for path in made))
    there = f" (there is {names})" if names else ""
    if place.root.name == PUBLISHED.name:
        return f"no variant {place.variant} of {place.name} is published at scale {place.scale}{there}"
    return (
        f"{place.name} has no variant {place.variant} at scale {place.scale}{there}; "
        f"to make it: {place.command('run')} --set KEY=VALUE (with Snakemake: --config set=KEY=VALUE)"
    )


def _known(place: Place) -> Overrides | None:
    """What the variant was made with, if it was made."""
    path = place.file("variant.json")
    return read_json(path) if path.exists() else None


def _same(place: Place, known: Overrides, changes: Overrides) -> Overrides:
    if changes != known and _begun(place):
        raise UserError(
            f"variant {place.variant} was made with {in_words(known)}; choose another name for {in_words(changes)}"
        )
    return changes


def _begun(place: Place) -> bool:
    """Whether a variant has a run or a checkpoint; without, what it changes can still be mended."""
    return any(place.runs.glob("*.parquet")) or any(place.checkpoints.glob("*.safetensors"))


def most_telling(refused: Sequence[NoVariant]) -> NoVariant:
    """Of the refusals of several results: one that has the setting and refuses its value, if there is one."""
    return next((r for r in refused if r.__cause__ and not isinstance(r.__cause__, UnknownSetting)), refused[0])


def remember_all(place: Place, protocol: Protocol) -> None:
    """Remember what a variant changes, in its own place and in those of the results whose runs it is judged from."""
    for each in {*protocol.sources, protocol}:
        remember(place.of(each.name), each.changes)


def remember(place: Place, changes: Overrides) -> None:
    """Write down what a variant changes, before its first run."""
    if place.variant and _known(place) != changes:
        write_json(place.file("variant.json"), changes)


def in_words(changes: Overrides) -> str:
    """'optimiser.lr = 0.3, training.steps = 20000'."""
    return ", ".join(f"{key} = {value}" for key, value in changes.items()) or "no change"
