"""A variant beside its original: both figures and tables on one page, and the verdicts in the terminal."""

import html
from pathlib import Path
from typing import Any

import pandas as pd

from dropnorm.errors import UserError
from dropnorm.files import read_json, write_text
from dropnorm.names import Place
from dropnorm.variants import in_words

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
 body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff; }}
 .sides {{ display: grid; grid-template-columns: 1fr 1fr; gap: 2rem; }} img {{ width: 100%; }}
 table {{ border-collapse: collapse; }} td, th {{ padding: .2rem .8rem .2rem 0; text-align: left; }}
 tbody tr:nth-child(odd) {{ background: #f4f4f4; }}
</style>
<h1>{title}</h1>
<p>{difference}</p>
<div class="sides">{sides}</div>
<h2>Verdicts</h2>{claims}
<h2>Numbers</h2>{numbers}
</html>
"""


def compare(original: Place, variant: Place) -> tuple[Path, list[str]]:
    """Write `compare.html` into the variant's folder; also return the verdicts of both as lines.

    Raises UserError if one of the two has not been evaluated.
    """
    for place in (original, variant):
        if not place.file("claims.json").exists():
            raise UserError(
                f"{place.folder} has no claims.json; make it: {place.command('run')}; then: {place.command('figure')}"
            )
    changes = read_json(variant.file("provenance.json"))["changes"]
    claims = _claims(original, variant)
    page = _PAGE.format(
        title=html.escape(f"{original.name}: original and variant {variant.variant}, scale {original.scale}"),
        difference=html.escape(f"The variant sets {in_words(changes)}."),
        sides=_side(original, "original", variant) + _side(variant, f"variant {variant.variant}", variant),
        claims=claims.to_html(index=False, border=0),
        numbers=_numbers(original, variant).to_html(index=False, border=0),
    )
    path = variant.file("compare.html")
    write_text(path, page)
    return path, _terminal(claims, variant.variant)


def _side(place: Place, words: str, page: Place) -> str:
    captions = read_json(place.file("figures.json"))
    relative = "" if place == page else f"../{place.folder.name}/"
    figures = "".join(
        f'<figure><img src="{relative}{name}.svg" alt="{html.escape(f["alt"])}">'
        f"<figcaption>{html.escape(f['caption'])}</figcaption></figure>"
        for name, f in captions.items()
    )
    return f"<section><h2>{html.escape(words)}</h2>{figures}</section>"


def _claims(original: Place, variant: Place) -> pd.DataFrame:
    ours, theirs = ({c["id"]: c for c in read_json(place.file("claims.json"))} for place in (original, variant))
    rows = [
        {
            "claim": f"{id_} {c['title']}",
            "unit": c["unit"],
            "original": estimate(c),
            "verdict": verdict(c),
            "variant": estimate(theirs[id_]),
            "verdict of variant": verdict(theirs[id_]),
        }
        for id_, c in ours.items()
        if id_ in theirs
    ]
    return pd.DataFrame(rows)


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
    if claim["ours"] is None:
        return "not measured"
    low, high = claim["interval"]
    interval = "" if low is None else f" [{low:.3g}, {high:.3g}]"
    return f"{claim['ours']:.3g}{interval}, n = {claim['n']}"


def _numbers(original: Place, variant: Place) -> pd.DataFrame:
    tables = [
        pd.read_csv(p.file("table.csv"))[["arm", "quantity", "n", "mean", "low", "high"]] for p in (original, variant)
    ]
    both = tables[0].merge(tables[1], on=["arm", "quantity"], how="outer", suffixes=("", " (variant)"))
    return both.round(3)


def _terminal(claims: pd.DataFrame, variant: str) -> list[str]:
    lines = []
    for row in claims.to_dict("records"):
        lines.append(f"{row['claim']} ({row['unit']})")
        lines.append(f"    {'original':12} {row['original']}: {row['verdict']}")
        lines.append(f"    {variant:12} {row['variant']}: {row['verdict of variant']}")
    return lines
