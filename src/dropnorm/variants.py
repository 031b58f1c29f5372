"""A variant remembers what it changes: `variant.json` in its folder, written when it is first run.

So later commands need its name alone, and the same name can never come to mean something else.
"""

from dropnorm.errors import UserError
from dropnorm.files import read_json, write_json
from dropnorm.names import Place
from dropnorm.protocol import Overrides


def resolve(place: Place, changes: Overrides) -> Overrides:
    """The changes of a variant: those given, or else those it was made with ({} for the original).

    Raises UserError if changes are given without a name, or other ones than it was made with.
    """
    if not place.variant:
        if changes:
            raise UserError("a changed setting makes a result of its own; name it: --variant NAME (or variant=NAME)")
        return {}
    path = place.file("variant.json")
    if not path.exists():
        return changes
    known = read_json(path)
    if changes and changes != known:
        raise UserError(
            f"variant {place.variant} was made with {in_words(known)}; choose another name for {in_words(changes)}"
        )
    return known


def remember(place: Place, changes: Overrides) -> None:
    """Write down what a variant changes, before its first run."""
    if place.variant and not place.file("variant.json").exists():
        write_json(place.file("variant.json"), changes)


def in_words(changes: Overrides) -> str:
    """'optimiser.lr = 0.3, training.steps = 20000'."""
    return ", ".join(f"{key} = {value}" for key, value in changes.items()) or "no change"
