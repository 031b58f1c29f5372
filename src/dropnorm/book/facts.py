"""What a page may inject, and the check of what it does inject.

{{ ioffe2015_figure1.final_accuracy_baseline }}     a fact of the result
{{ ioffe2015_figure1.settings.optimiser.lr }}       a setting of its protocol, at the scale that is shown
{{ ioffe2015_figure1.sweeps.lr }}                   the values of a sweep
{{ ioffe2015_figure1.I1_1.ours }}                   of a claim: paper, ours, n, p, verdict
{{ totals.ioffe2015 }}                              how many claims a paper has

Settings and sweeps of a derived result are those of the first result whose runs it uses.
"""

import re
from collections.abc import Iterator
from typing import Any

from dropnorm.analyses.tidy import fact_name
from dropnorm.book import claims, texts
from dropnorm.book.catalogue import CLAIM_TOTALS, total
from dropnorm.book.origin import seeds_run
from dropnorm.book.sources import Result
from dropnorm.claims import Claim, seeds_behind
from dropnorm.datasets.registry import TITLES
from dropnorm.errors import UserError
from dropnorm.protocol_file import ProtocolFile

REFERENCE = re.compile(r"\{\{\s*([A-Za-z_][\w.]*)\s*\}\}")


def substitutions(pages: dict[str, str], results: list[Result]) -> dict[str, Any]:
    """Everything that can be injected, and a placeholder for what a page asks of a result that has not been run.

    pages: name -> Markdown. Raises UserError naming page and reference if what a page asks for does not exist.
    """
    tree: dict[str, Any] = {r.name.target: facts_of(r) for r in results} | {"totals": _totals()}
    known = {r.name.target: r for r in results}
    for page, reference in references(pages):
        if _lookup(tree, reference) is None:
            _put(tree, reference, _placeholder(page, reference, known))
    return tree


def references(pages: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(page, reference) for each {{ reference }} outside code."""
    for page, text in pages.items():
        for reference in REFERENCE.findall(texts.without_code(text)):
            yield page, reference


def facts_of(result: Result) -> dict[str, Any]:
    """All that pages may inject of one result."""
    facts: dict[str, Any] = {name: texts.fact(value) for name, value in result.facts.items()}
    facts |= _of_protocol(result.protocol, result.scale)
    facts["scale"] = result.scale
    if result.present:
        facts["seeds"] = seeds_run(result)  # which may be fewer than planned, so far
    for id_, claim, found in claims.claims_of(result):
        facts[id_.replace(".", "_")] = {"paper": texts.number(claim.paper)} | _of_claim(result, claim, found)
    return facts


def _of_claim(result: Result, claim: Claim, found: dict[str, Any] | None) -> dict[str, str]:
    if found is None:
        return dict.fromkeys(("ours", "n", "p", "verdict"), claims.not_run(result, claim))
    return {
        "ours": claims.ours(found),
        "n": str(seeds_behind(found)),
        "p": texts.p_value(found["p_holm"]),
        "verdict": claims.badge(found),
    }


def _of_protocol(protocol: ProtocolFile, scale: str) -> dict[str, Any]:
    """Settings that all arms start from at a scale, what an arm sets otherwise, seeds, values of the sweeps."""
    base, tree = _written(protocol.settings), _written(protocol.settings)
    for key, value in protocol.scales[scale].settings.items():
        _put(tree, key, texts.setting(TITLES.get(value, value) if key == "data.name" else value))
    values = {name: " and ".join(texts.setting(v) for v in s.over.values()) for name, s in protocol.sweeps.items()}
    arms: dict[str, Any] = {}
    for arm, changes in protocol.arms.items():
        for key, value in changes.items():
            _put(arms.setdefault(fact_name(arm), {}), key, texts.setting(value))
    return {
        "settings": tree,
        "arms": arms,
        "protocol": base,
        "sweeps": values,
        "seeds": str(len(protocol.seeds_at(scale))),
    }


def _written(tree: dict[str, Any]) -> dict[str, Any]:
    words = {k: _written(v) if isinstance(v, dict) else texts.setting(v) for k, v in tree.items()}
    if isinstance(name := tree.get("name"), str):
        words["name"] = TITLES.get(name, words["name"])
    return words


def _totals() -> dict[str, str]:
    return {paper: str(n) for paper, n in CLAIM_TOTALS.items()} | {"claims": str(total())}


def _placeholder(page: str, reference: str, known: dict[str, Result]) -> str:
    """What stands for a missing fact, if it may be missing."""
    target, _, fact = reference.partition(".")
    if target not in known:
        raise UserError(f"book/{page}: {{{{ {reference} }}}} names no result (a name is as in ioffe2015_figure1)")
    result = known[target]
    measured = (
        fact and "." not in fact and fact not in ("settings", "arms", "protocol", "sweeps")
    )  # the rest is there before any run
    if measured and not result.present:
        return texts.NOT_RUN
    if measured and not result.complete:
        return texts.NOT_AT_SCALE if _is_left_out(result, fact) else texts.NOT_MEASURED
    raise UserError(f"book/{page}: {{{{ {reference} }}}} is no fact of {result.name} at scale {result.scale}")


def _is_left_out(result: Result, fact: str) -> bool:
    """Whether a missing fact is of an arm that this scale leaves out: it is named so, or no other arm is missing."""
    if not result.provenance["missing_arms"]:
        return bool(result.left_out)
    return any(fact.endswith(fact_name(arm)) for arm in result.left_out)


def _lookup(tree: dict[str, Any], reference: str) -> str | None:
    for word in reference.split("."):
        tree = tree.get(word) if isinstance(tree, dict) else None
    return tree if isinstance(tree, str) else None


def _put(tree: dict[str, Any], dotted: str, value: str) -> None:
    *parents, last = dotted.split(".")
    for key in parents:
        tree = tree.setdefault(key, {})
    tree[last] = value
