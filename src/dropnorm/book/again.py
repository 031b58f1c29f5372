"""What came out when published results were trained again on another machine."""

from pathlib import Path

from dropnorm.book import texts
from dropnorm.book.claims import badge, ours
from dropnorm.names import Place
from dropnorm.repetition import Agreement, agreement, repetitions, trained_on

HEADER = (
    "Result", "First trained on", "Again on", "Equal values", "Same verdicts", "Estimates in the first interval",
)  # fmt: skip


def trained_again(root: Path, pages: set[str]) -> str:
    """Every repetition, a row each, and below it every claim of them; pages: those that may be linked to."""
    found = [(published, again, agreement(published, again)) for published, again in repetitions(root)]
    if not found:
        return "Nothing has been trained again yet.\n"
    rows = [_row(*entry, pages) for entry in found]
    header = ("Claim", "First [95 % interval]", "Again [95 % interval]", "Verdict", "Verdict again")
    claims = texts.table(header, [row for _, _, both in found for row in _claims(both)])
    return f"{texts.table(HEADER, rows)}\n{_in_all(found)}\n\n````{{dropdown}} Every claim\n{claims}````\n"


def _row(published: Place, again: Place, both: Agreement, pages: set[str]) -> list[str]:
    page, name = f"{both.name}.md", f"{both.name}, {published.scale}"
    return [
        f"[{name}](/{page})" if page in pages else name,
        texts.escape(trained_on(published)),
        texts.escape(trained_on(again)),
        f"{both.same_values:,} of {both.values:,}",
        f"{both.same_verdicts} of {len(both.claims)}",
        f"{both.inside} of {both.with_interval}" if both.with_interval else "–",
    ]


def _in_all(found: list[tuple[Place, Place, Agreement]]) -> str:
    every = [both for _, _, both in found]
    same, claims = sum(both.same_verdicts for both in every), sum(len(both.claims) for both in every)
    inside, intervals = sum(both.inside for both in every), sum(both.with_interval for both in every)
    others = [f"{p.first['id']} ({p.first['verdict']}, then {p.second['verdict']})"
              for both in every for p in both.claims if not p.same_verdict]  # fmt: skip
    return (
        f"In all, {same} of {claims} verdicts came out again, and {inside} of {intervals} estimates lie in the first "
        f"interval. {'Otherwise ended: ' + ', '.join(others) if others else 'No verdict ended otherwise'}."
    )


def _claims(both: Agreement) -> list[list[str]]:
    return [
        [
            f"{pair.first['id']} {texts.statement(pair.first['title'])}",
            ours(pair.first),
            ours(pair.second),
            badge(pair.first),
            badge(pair.second),
        ]
        for pair in both.claims
    ]
