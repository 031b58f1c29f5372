"""Verdicts as they are shown: badges, tables, the count, the changelog of criteria, the README's table."""

from collections import Counter
from pathlib import Path
from typing import Any

from dropnorm.book import texts
from dropnorm.book.catalogue import CLAIM_TOTALS, PAPERS, total
from dropnorm.book.sources import Result, find_results
from dropnorm.claims import (
    DIRECTION_ONLY,
    FEWEST_SEEDS,
    INCONCLUSIVE,
    NOT_REPLICATED,
    REPLICATED,
    Claim,
    ClaimsFile,
    seeds_behind,
)
from dropnorm.names import RESULTS, natural

CLASSES = {
    REPLICATED: "replicated",
    DIRECTION_ONLY: "direction",
    NOT_REPLICATED: "not",
    INCONCLUSIVE: "inconclusive",
}


BOUNDS = ("above", "below", "at_least", "at_most")
NONE = "No claim is judged here: this result is there for what others need of it.\n"
PARTS = (
    "Of a claim of several parts *ours* and *n* are those of the first; a verdict that depends on another part says on "
    "which."
)
FULL = (
    "At scale *full* a verdict is about our shorter training, or narrower network: *not replicated* there does not "
    "refute what the paper found with its own."
)
CORRECTED = (
    "Intervals are not corrected for the number of claims, *p (Holm)* is: an interval can leave out zero where the "
    "verdict is still *inconclusive*."
)
EXACT = "For an exact statement *ours* is the seed nearest to breaking it, with the lowest and the highest in brackets."


def words(claim: dict[str, Any]) -> str:
    """The verdict in words; smoke has none, and too few seeds are named."""
    if not claim["evidence"]:
        return f"not evidence ({claim['scale']})"
    few = claim["verdict"] == INCONCLUSIVE and claim["n"] < FEWEST_SEEDS
    return f"{claim['verdict']} (n = {claim['n']})" if few else claim["verdict"]


def badge(claim: dict[str, Any]) -> str:
    """The verdict as a badge."""
    kind = CLASSES[claim["verdict"]] if claim["evidence"] else "none"
    return f"[{words(claim)}]{{.verdict .verdict-{kind}}}"


def by_part(claim: dict[str, Any]) -> str:
    """', by part 3 of 4': the part that a verdict other than *replicated* hangs on, unless it is the first."""
    parts = claim["parts"]
    hangs_on = {
        NOT_REPLICATED: [part["excluded"] for part in parts],
        DIRECTION_ONLY: [not part["size_met"] for part in parts],
        INCONCLUSIVE: [part["p"] == claim["p"] and part["test"] != "bound" for part in parts],
    }.get(claim["verdict"], [True])
    first = hangs_on.index(True) if any(hangs_on) else 0
    return f", by part {first + 1} of {len(parts)}" if first else ""


def ours(claim: dict[str, Any]) -> str:
    """Our estimate with its interval."""
    return texts.measured(claim["ours"], claim["interval"])


def estimate(claim: dict[str, Any]) -> tuple[str, str]:
    """The two cells of a table that say what was measured: our estimate with its interval, and the seeds behind it."""
    return ours(claim), str(seeds_behind(claim))


def claims_of(result: Result) -> list[tuple[str, Claim, dict[str, Any] | None]]:
    """(short id, claim as registered, claim as measured or None) of a result, by id.

    A claim that needs an arm which this scale does not run, or which has no seed yet, is not measured.
    """
    found = {c["id"].removeprefix(f"{result.name.paper}."): c for c in result.claims if c["n"] > 0}
    mine = {id_: c for id_, c in result.criteria.claims.items() if c.result == result.name.result}
    return [
        (id_, mine[id_], None if _left_out(result, mine[id_]) else found.get(id_)) for id_ in sorted(mine, key=natural)
    ]


def not_run(result: Result, claim: Claim) -> str:
    """What stands in place of the numbers of a claim that was not measured."""
    if _left_out(result, claim):
        return texts.NOT_AT_SCALE
    if not result.present:
        return texts.NOT_RUN
    run, missing = set(result.provenance["arms"]), set(result.provenance["missing_arms"])
    if named := _arms(claim) - run:
        if named <= missing:
            return texts.NOT_RUN
        if result.left_out:  # a name that stands for many arms, such as all sizes
            return texts.NOT_AT_SCALE
        if missing:
            return texts.NOT_RUN
    return texts.NOT_MEASURED  # such as what comes after the end of a short schedule


def _left_out(result: Result, claim: Claim) -> bool:
    """Whether this scale leaves out an arm that the claim is about."""
    return bool(_arms(claim) & result.left_out)


def _arms(claim: Claim) -> set[str]:
    """The arms that a claim is about."""
    return {arm for part in claim.parts for arm in (getattr(part, "between", None) or [getattr(part, "of", None)])}


# --- on the page of a result ---


def claims_table(result: Result) -> str:
    """All claims of a result with their verdicts, and below each criterion in full."""
    if not claims_of(result):
        return NONE
    header = ("Claim", "Paper", "Ours [95 % interval]", "n", "p (Holm)", "Verdict")
    rows = [_row(result, *entry) for entry in claims_of(result)]
    details = [_details(result, id_, claim, found) for id_, claim, found in claims_of(result)]
    several = any(len(claim.parts) > 1 for _, claim, _ in claims_of(result))
    exact = any(claim.parts[0].test == "bound" for _, claim, _ in claims_of(result))
    tested = any(found and found["p_holm"] is not None for _, _, found in claims_of(result))
    notes = [PARTS] * several + [EXACT] * exact + [CORRECTED] * tested
    return texts.table(header, rows, right=(3, 4)) + "\n" + " ".join(notes) + "\n\n" + "\n".join(details)


def _row(result: Result, id_: str, claim: Claim, found: dict[str, Any] | None) -> list[str]:
    about = (
        f"**{id_} {texts.statement(claim.title)}.** {texts.statement(claim.statement)} *{texts.statement(claim.unit)}*"
    )
    if found is None:
        absent = not_run(result, claim)
        return [about, texts.number(claim.paper), absent, "–", "–", absent]
    p = texts.p_value(found["p_holm"])
    return [about, texts.number(claim.paper), *estimate(found), p, badge(found) + by_part(found)]


def _details(result: Result, id_: str, claim: Claim, found: dict[str, Any] | None) -> str:
    changed = result.criteria.criterion_changed(id_)
    when = f"changed on {changed}, after results existed: [why](/changelog.md)" if changed else "fixed before the runs"
    lines = [
        f"````{{dropdown}} {id_} {texts.statement(claim.title)}: the criterion in full",
        f"**Where in the paper.** {texts.statement(claim.where)}\n",
        f"**The paper's number.** {texts.number(claim.paper)} ({texts.statement(claim.unit)}). Source: "
        f"{texts.statement(claim.paper_source)}.\n",
        f"**Criterion, {when}.** {texts.statement(claim.criterion)}\n",
    ]
    if found is not None:
        header = ("Part", "Ours [95 % interval]", "n", "p", "size as asked", "excluded by the interval")
        lines.append(texts.table(header, [_part_row(part) for part in found["parts"]], right=(2, 3)))
    return "\n".join([*lines, "````\n"])


def _part_row(part: dict[str, Any]) -> list[str]:
    yes = {True: "yes", False: "no"}
    broken = part["test"] == "bound" and part["size_met"] is False
    bound = next((part[key] for key in ("at_most", "at_least") if key in part), None) if broken else None
    return [
        _part_words(part),
        texts.measured(part["ours"], part["interval"], apart_from=bound),
        str(part["n"]),
        texts.p_value(part["p"]),
        yes[part["size_met"]],
        yes[part["excluded"]],
    ]


def _part_words(part: dict[str, Any]) -> str:
    """One part of a criterion in words, from its own keys."""
    arms = part.get("between") or [part.get("of", "")]
    joints = {"difference": " − ", "ratio": " / ", "share": " > ", "equivalence": " / " if part.get("log") else " − "}
    joint = joints.get(part["test"], " ")
    bounds = [f"{key.replace('_', ' ')} {texts.number(part[key], 6)}" for key in BOUNDS if key in part]
    if "size" in part:
        bounds.append(f"interval meets {part['size'][0]:g} to {part['size'][1]:g}")
    if "within" in part:
        bounds.append(f"within {part['within'][0]:g} to {part['within'][1]:g}")
    if part.get("unpaired"):
        bounds.append("Welch's test")
    scale = " (log scale)" if part.get("log") or part["test"] == "ratio" else ""
    return f"`{part['measure']}`, {part['test']}: {texts.escape(joint.join(arms))}; {', '.join(bounds)}{scale}"


# --- over all results ---


def home_table(results: list[Result], pages: set[str]) -> str:
    """Every claim that has a criterion, linked to its page: the paper's number, ours, the verdict, its scale."""
    header = ("Claim", "Paper", "Ours [95 % interval]", "n", "Verdict", "Scale")
    in_order = sorted(results, key=lambda r: list(PAPERS).index(r.name.paper))
    rows = [_home_row(r, pages, *entry) for r in in_order for entry in claims_of(r)]
    return f"{_notes(results)}\n{texts.table(header, rows, right=(3,))}" if rows else "There is no result yet.\n"


def _notes(results: list[Result]) -> str:
    """What a reader of a table of many results must know."""
    full = any(result.present and result.scale == "full" for result in results)
    return " ".join([PARTS, EXACT] + [FULL] * full) + "\n"


def _home_row(result: Result, pages: set[str], id_: str, claim: Claim, found: dict[str, Any] | None) -> list[str]:
    link = texts.page_link(f"{result.name.paper} {id_}", f"{result.name}.md#the-verdicts", pages)
    about = f"{link}: {texts.statement(claim.title)}. *{texts.statement(claim.unit)}*"
    if found is None:
        absent = not_run(result, claim)
        return [about, texts.number(claim.paper), absent, "–", absent, result.scale]
    return [about, texts.number(claim.paper), *estimate(found), badge(found) + by_part(found), result.scale]


def count_sentence(results: list[Result]) -> str:
    """How many of all claims have a verdict, of which kind, and per paper."""
    judged = [(r.name.paper, c) for r in results if r.evidence for _, _, c in claims_of(r) if c]
    kinds = Counter(c["verdict"] for _, c in judged)
    split = ", ".join(f"{kinds[kind]} {kind}" for kind in CLASSES if kinds[kind])
    papers = Counter(paper for paper, _ in judged)
    each = "; ".join(f"{PAPERS[p]} {papers[p]} of {n}" for p, n in CLAIM_TOTALS.items())
    shown = sum(c is not None for r in results if not r.evidence for _, _, c in claims_of(r))
    smoke = f" {shown} more were computed at smoke scale, which is no evidence." if shown else ""
    return (
        f"**{len(judged)} of {total()} claims have a verdict so far**{': ' + split if split else ''}. {each}.{smoke}\n"
    )


def changelog(files: list[ClaimsFile]) -> str:
    """What has changed in the criteria since their first version."""
    return "\n".join(f"## {file.citation}\n\nCriteria, version {file.version}. {_changes(file)}" for file in files)


def _changes(file: ClaimsFile) -> str:
    if not file.changes:
        return f"No criterion has been changed since version {file.version}.\n"
    rows = [
        [c.date, c.claims if c.claims == "all" else ", ".join(c.claims), c.kind, c.change, c.reason, c.verdicts]
        for c in file.changes
    ]
    header = ("Date", "Claims", "What", "Change", "Reason", "Verdicts changed")
    return f"\n\n{texts.table(header, [[texts.escape(cell) for cell in row] for row in rows])}"


def readme_table(root: Path) -> str:
    """The verdicts of all published results in plain Markdown: their number, and a table to unfold for each paper."""
    results = [r for r in find_results(root, "published", RESULTS) if r.present]
    if not results:
        return "No result has been published yet.\n"
    papers = {paper: [r for r in results if r.name.paper == paper] for paper in PAPERS}
    return "\n".join(
        [count_sentence(results), _notes(results), *(_readme_paper(p, of) for p, of in papers.items() if of)]
    )


def _readme_paper(paper: str, results: list[Result]) -> str:
    header = ("Claim", "Paper", "Ours [95 % interval]", "n", "Verdict", "Scale")
    judged = [(r, id_, claim, found) for r in results for id_, claim, found in claims_of(r) if found]
    rows = [
        [
            f"{r.name} {id_}: {texts.statement(claim.title)} ({texts.statement(claim.unit)})",
            texts.number(claim.paper),
            *estimate(found),
            words(found) + by_part(found),
            r.scale,
        ]
        for r, id_, claim, found in judged
    ]
    summary = f"{PAPERS[paper]}: {len(judged)} of {CLAIM_TOTALS[paper]} claims"
    return f"<details><summary>{summary}</summary>\n\n{texts.table(header, rows)}\n</details>\n"
