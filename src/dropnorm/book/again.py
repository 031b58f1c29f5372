"""What came out when published results were trained again on another machine."""

from collections import defaultdict
from pathlib import Path

from dropnorm.book import texts
from dropnorm.book.claims import EXACT, badge, ours
from dropnorm.repetition import Agreement, agreement, repetitions, trained_on


def trained_again(root: Path, pages: set[str]) -> str:
    """Every repetition, in a table for each pair of machines, and below them every claim.

    pages: those that may be linked to.
    """
    groups: dict[tuple[str, str], list[tuple[str, Agreement]]] = defaultdict(list)
    for published, again in repetitions(root):
        both = agreement(published, again)
        groups[trained_on(published), trained_on(again)].append((published.scale, both))
    if not groups:
        return "Nothing has been trained again yet.\n"
    tables = [_of_machines(*machines, found, pages) for machines, found in groups.items()]
    every = [both for found in groups.values() for _, both in found]
    return "\n".join([*tables, _in_all(every), _claims(every)])


def _of_machines(first: str, second: str, found: list[tuple[str, Agreement]], pages: set[str]) -> str:
    header = ("Result", "Scale", "Equal values", "Same verdicts", "Estimates in the first interval")
    rows = [_row(scale, both, pages) for scale, both in found]
    machines = f"First on *{texts.escape(first)}*, again on *{texts.escape(second)}*:"
    return f"{machines}\n\n{texts.table(header, rows)}"


def _row(scale: str, both: Agreement, pages: set[str]) -> list[str]:
    return [
        texts.page_link(str(both.name), f"{both.name}.md", pages),
        scale,
        f"{both.same_values:,} of {both.values:,}",
        f"{both.same_verdicts} of {len(both.claims)}",
        f"{both.inside} of {both.with_interval}" if both.with_interval else "–",
    ]


def _in_all(every: list[Agreement]) -> str:
    same, claims = sum(both.same_verdicts for both in every), sum(len(both.claims) for both in every)
    inside, intervals = sum(both.inside for both in every), sum(both.with_interval for both in every)
    pairs = [pair for both in every for pair in both.claims]
    equal = sum(pair.has_interval and pair.first["ours"] == pair.second["ours"] for pair in pairs)
    others = [
        f"{pair.first['id']} ({pair.first['verdict']}, then {pair.second['verdict']})"
        for pair in pairs
        if not pair.same_verdict
    ]
    ended = f"These ended otherwise: {', '.join(others)}" if others else "None ended otherwise"
    return (
        f"In all, {same} of {claims} verdicts came out again. {ended}. "
        f"{inside} of {intervals} estimates lie in the first interval; {equal} are the same number again, which shows "
        "nothing of how estimates scatter.\n"
    )


def _claims(every: list[Agreement]) -> str:
    header = ("Claim", "First [95 % interval]", "Again [95 % interval]", "Verdict", "Verdict again")
    rows = [
        [
            f"{pair.first['id']} {texts.statement(pair.first['title'])}",
            ours(pair.first),
            ours(pair.second),
            badge(pair.first),
            badge(pair.second),
        ]
        for both in every
        for pair in both.claims
    ]
    return f"````{{dropdown}} Every claim\n{EXACT}\n\n{texts.table(header, rows)}````\n"
