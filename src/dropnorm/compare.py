"""Two evaluations of a result side by side: figures and numbers on a page, the verdicts in the terminal too.

A variant beside its original, or what was trained here beside what is published.
"""

import html
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from dropnorm.claims import seeds_behind
from dropnorm.errors import UserError
from dropnorm.evaluation import not_published, refuse_unfinished
from dropnorm.files import from_git_again, read_json, write_text
from dropnorm.names import Place
from dropnorm.protocol import Protocol
from dropnorm.repetition import Agreement, agreement, trained_on
from dropnorm.runs import records
from dropnorm.tables import read_table
from dropnorm.variants import in_words

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
 :root {{ color-scheme: light dark; }}
 body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }}
 .sides {{ display: grid; grid-template-columns: 1fr 1fr; gap: 2rem; }} img {{ width: 100%; background: #fff; }}
 table {{ border-collapse: collapse; }} td, th {{ padding: .2rem .8rem .2rem 0; text-align: left; }}
 tbody tr:nth-child(odd) {{ background: #8882; }}
</style>
<h1>{title}</h1>
<p>{difference}</p>
<div class="sides">{sides}</div>
<h2>Verdicts</h2>{claims}
<h2>Numbers</h2>{numbers}
</html>
"""


@dataclass(frozen=True)
class Side:
    """One of the two evaluations, and what it is called."""

    place: Place
    words: str


def with_original(variant: Place) -> tuple[Path, list[str]]:
    """Set a variant beside its original. Returns the page, and the verdicts of both as lines.

    Raises UserError if one of the two has not been evaluated, or was changed since.
    """
    original = replace(variant, variant=None)
    for place in (original, variant):
        refuse_unfinished(place, f"make it: {place.command('run')}; then: {place.command('figure')}")
    _refuse_other_criteria(original, variant, f"{original.command('figure')}; {variant.command('figure')}")
    changes = read_json(variant.file("provenance.json"))["changes"]
    sides = Side(original, "original"), Side(variant, f"variant {variant.variant}")
    both = agreement(original, variant)
    return _write_page(both, *sides, f"The variant sets {in_words(changes)}."), _lines(both, *sides)


def with_published(here: Place, protocol: Protocol, published_root: Path) -> tuple[Path, list[str]]:
    """Set what was trained here beside what is published; else as `with_original`."""
    published = replace(here, root=published_root)
    if not published.file("digests.json").exists():
        raise not_published(published, "name a variant to compare: --variant NAME")
    refuse_unfinished(published, from_git_again(published.folder))
    refuse_unfinished(here, f"make it: {here.command('run')}; then: {here.command('figure')}")
    of_published = f"dropnorm figure {here.name} --scale {here.scale} --source published"
    _refuse_other_criteria(published, here, f"{here.command('figure')}; {of_published}")
    sides, both = (Side(published, "published"), Side(here, "here")), agreement(published, here)
    inside = f", and {both.inside} of {both.with_interval} estimates lie in the published interval"
    difference = (
        f"Published: trained on {trained_on(published)}. Here: on {trained_on(here)}. The same came out for "
        f"{both.same_values:,} of {both.values:,} values of a measure, arm and seed, and for {both.same_verdicts} of "
        f"{len(both.claims)} verdicts{inside if both.with_interval else ''}."
        f"{_restored(published, here, protocol)}"
    )
    return _write_page(both, *sides, difference), [*_lines(both, *sides), difference]


def _restored(published: Place, here: Place, protocol: Protocol) -> str:
    """What must be said where runs were not trained here, but put back from those that are published."""
    before, now = records(published, protocol), records(here, protocol)
    put_back = [[s in before.get(arm, {"sessions": []})["sessions"] for s in now[arm]["sessions"]] for arm in now]
    if put_back and all(map(all, put_back)):
        which = "All arms here are"
    elif some := sum(map(any, put_back)):
        which = f"{some} of {len(now)} arms here hold"
    else:
        return ""
    return f" {which} published runs, put back: that these agree says nothing of another training."


def _refuse_other_criteria(first: Place, second: Place, remedy: str) -> None:
    """Raises UserError if two results were not judged alike: a verdict could differ where no number does."""
    by = {read_json(place.file("provenance.json"))["evaluation_digest"] for place in (first, second)}
    if len(by) > 1:
        raise UserError(
            f"the two {first.name} were judged by different code or criteria; judge both by today's: {remedy}"
        )


def _write_page(both: Agreement, first: Side, second: Side, difference: str) -> Path:
    path = second.place.file("compare.html")
    page = _PAGE.format(
        title=html.escape(f"{first.place.name}: {first.words} and {second.words}, scale {first.place.scale}"),
        difference=html.escape(difference),
        sides=_figures(first, path.parent) + _figures(second, path.parent),
        claims=_claims(both, first, second).to_html(index=False, border=0),
        numbers=_numbers(first, second).to_html(index=False, border=0, float_format="{:.4g}".format),
    )
    write_text(path, page)
    return path


def _figures(side: Side, page_folder: Path) -> str:
    folder = Path(os.path.relpath(side.place.folder, page_folder)).as_posix()
    figures = "".join(
        f'<figure><img src="{folder}/{name}.svg" alt="{html.escape(f["alt"])}">'
        f"<figcaption>{html.escape(f['caption'])}</figcaption></figure>"
        for name, f in read_json(side.place.file("figures.json")).items()
    )
    return f"<section><h2>{html.escape(side.words)}</h2>{figures}</section>"


def _claims(both: Agreement, first: Side, second: Side) -> pd.DataFrame:
    rows = [
        {
            "claim": f"{pair.first['id']} {pair.first['title']}",
            "unit": pair.first["unit"],
            first.words: estimate(pair.first),
            f"verdict, {first.words}": verdict(pair.first),
            second.words: estimate(pair.second),
            f"verdict, {second.words}": verdict(pair.second),
        }
        for pair in both.claims
    ]
    return pd.DataFrame(rows)


def _lines(both: Agreement, first: Side, second: Side) -> list[str]:
    lines = []
    for pair in both.claims:
        lines.append(f"{pair.first['id']} {pair.first['title']} ({pair.first['unit']})")
        for side, claim in ((first, pair.first), (second, pair.second)):
            lines.append(f"    {side.words:12} {estimate(claim)}: {verdict(claim)}")
    return lines


def verdict_lines(claims: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Every claim with its verdict, and our estimate beside the paper's: lines, and what stands out at their end."""
    lines = []
    for claim in claims:
        paper = "" if claim["paper"] is None else f"; paper {claim['paper']:g}"
        lines.append((f"{claim['id']} {claim['title']}: ", verdict(claim)))
        lines.append((f"    {estimate(claim)} ({claim['unit']}{paper})", ""))
    return lines


def verdict(claim: dict[str, Any]) -> str:
    """The verdict; without a single seed there is none."""
    return claim["verdict"] if claim["n"] else "no verdict"


def estimate(claim: dict[str, Any]) -> str:
    """'1.05 [0.92, 1.18], n = 10', or what is missing."""
    if not claim["n"] or claim["ours"] is None:
        return "not measured"
    low, high = claim["interval"]
    interval = "" if low is None else f" [{low:.3g}, {high:.3g}]"
    return f"{claim['ours']:.3g}{interval}, n = {seeds_behind(claim)}"


def _numbers(first: Side, second: Side) -> pd.DataFrame:
    tables = [
        read_table(side.place.file("table.csv"))[["arm", "quantity", "n", "mean", "low", "high"]]
        for side in (first, second)
    ]
    in_order = pd.concat(tables)[["arm", "quantity"]].drop_duplicates()  # a merge of its own would sort them
    first_too = in_order.merge(tables[0], how="left")
    return first_too.merge(tables[1], on=["arm", "quantity"], how="left", suffixes=("", f" ({second.words})"))
