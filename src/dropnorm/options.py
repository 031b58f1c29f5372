"""What the commands of the command line share: their arguments and options, and what these name."""

import itertools
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dropnorm.errors import UserError
from dropnorm.names import PUBLISHED, RESULTS, Place, ResultName, project_root
from dropnorm.protocol import Protocol, parse_changes
from dropnorm.protocol_file import parse_seeds, path_of
from dropnorm.variants import NoVariant, UnknownVariant, most_telling, open_protocol

DATA, BENCH = Path("data"), RESULTS / "bench"
console = Console(highlight=False, soft_wrap=True, markup=False)  # a path in brackets is no markup

ResultArg = Annotated[str, typer.Argument(help="A result (ioffe2015/figure1) or its protocol file.")]
ScaleOpt = Annotated[str, typer.Option(help="smoke (bundled digits, minutes), full, or paper (the paper's own scale).")]
OutOpt = Annotated[Path, typer.Option(help="Folder of results.")]
VariantOpt = Annotated[
    str | None, typer.Option(help="Name of a variant: kept beside the original, never in its place.")
]
SetOpt = Annotated[
    list[str] | None, typer.Option("--set", help="KEY=VALUE to change in the protocol, when a variant is made.")
]


def in_checkout(path: Path) -> Path:
    """A default folder, such as `results`, belongs to the checkout, from wherever in it one calls."""
    return project_root() / path if path in (RESULTS, DATA, BENCH) and Path.cwd() != project_root() else path


def not_committed(out: Path, option: str = "--out ") -> Path:
    """A folder to train and judge in. Raises UserError if it is that of what is published, which `publish` writes."""
    out = in_checkout(out)
    if out.resolve() == project_root():
        raise UserError(f"{option}{out}: is the checkout itself; name a folder for results, such as {RESULTS}")
    if out.resolve().is_relative_to(project_root() / PUBLISHED):
        raise UserError(f"{option}{out}: what is published is committed; train elsewhere, then: dropnorm publish")
    return out


def open_result(
    result: str, scale: str, out: Path, variant: str | None, set_: list[str] | None
) -> tuple[Protocol, Place]:
    """The protocol and place that a command's arguments name. Raises UserError if one of them is wrong."""
    name = ResultName.parse(result)
    root = project_root()
    meant = [Path(result).resolve(), (root / result).resolve()]
    if result.endswith(".yaml") and path_of(root, name).resolve() not in meant:
        raise UserError(f"{result} is no protocol of this checkout; a changed setting is a variant: --set KEY=VALUE")
    place = Place(in_checkout(out), scale, name, variant)
    return open_protocol(root, place, parse_changes(set_ or [])), place


def open_results(
    names: Sequence[ResultName], scales: Sequence[str], out: Path, variant: str | None, set_: list[str] | None
) -> list[tuple[Protocol, Place]]:
    """As `open_result`, of several results and scales; a variant need not be one of each, but of one at least."""
    opened, refused = [], []
    for name, scale in itertools.product(names, scales):
        try:
            opened.append(open_result(str(name), scale, out, variant, set_))
        except NoVariant as error:
            refused.append(error)
    if refused and not opened:
        if len(names) > 1 and all(isinstance(error, UnknownVariant) for error in refused):
            raise UserError(f"there is no variant {variant} of any result; to make one: dropnorm run --help")
        raise most_telling(refused)
    return opened


def known_arms(protocol: Protocol, names: list[str] | None) -> list[str]:
    """`--arm` as given, or all arms. Raises UserError if there is no such arm."""
    for name in names or []:
        if name not in protocol.arms:
            near = get_close_matches(name, protocol.arms, n=1)
            meant = f" (did you mean {near[0]}?)" if near else ""
            raise UserError(f"--arm {name}: unknown{meant}; allowed: {', '.join(protocol.arms)}")
    return names or list(protocol.arms)


def chosen_seeds(text: str) -> list[int]:
    """`--seeds` as numbers. Raises UserError if it is no list of them.

    A number alone is that seed and no count, as one might think: this is said before hours are spent on it.
    """
    try:
        seeds = parse_seeds(text)
    except ValueError:
        raise UserError(
            f"--seeds {text}: write a range such as 0-9 or a list such as 0,2,5, of numbers below 2^31"
        ) from None
    if len(seeds) == 1 and seeds[0] > 0:
        console.print(f"--seeds {text} is the one seed {seeds[0]}; for a number of seeds write a range such as 0-9")
    return seeds
