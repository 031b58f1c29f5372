"""Claims, read from `claims/<paper>.yaml`, and the verdict that measured numbers give them.

The criterion of a claim is fixed there before any run. A verdict needs nothing but it and the samples: a tidy frame
(measure, arm, seed, value) that an analysis drew from the runs.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, ValidationError, model_validator

from dropnorm.criteria import Finding, Part
from dropnorm.errors import UserError
from dropnorm.files import read_yaml
from dropnorm.names import ResultName
from dropnorm.settings import Strict
from dropnorm.statistics import holm
from dropnorm.validation import describe

REPLICATED, DIRECTION_ONLY = "replicated", "direction only"
NOT_REPLICATED, INCONCLUSIVE = "not replicated", "inconclusive"
NOT_EVIDENCE = "not evidence"  # at smoke scale, whatever the numbers
FEWEST_SEEDS = 3  # below this no verdict but 'inconclusive'


class Claim(Strict):
    """One claim of a paper, its number there, and its criterion."""

    result: str
    title: str
    statement: str
    where: str
    paper: float | None
    unit: str
    paper_source: str
    criterion: str
    parts: list[Part] = Field(min_length=1)


class Change(Strict):
    """What was changed of claims after results existed: a criterion, a rule for all verdicts, or wording alone."""

    date: str
    claims: list[str] | Literal["all"]
    kind: Literal["criterion", "rule", "wording"]
    change: str
    reason: str
    verdicts: str  # that it changed


class ClaimsFile(Strict):
    """`claims/<paper>.yaml`."""

    paper: str
    citation: str
    version: int
    changes: list[Change]
    alpha: float = Field(gt=0, lt=1)
    claims: dict[str, Claim]

    @model_validator(mode="after")
    def _changes_name_claims(self) -> "ClaimsFile":
        named = [id_ for change in self.changes for id_ in change.claims if change.claims != "all"]
        if unknown := [id_ for id_ in named if id_ not in self.claims]:
            raise ValueError(f"changes: there is no claim '{unknown[0]}'")
        return self

    def criterion_changed(self, id_: str) -> str | None:
        """The date of the last change of a claim's criterion after results existed, if there was one."""
        dates = [c.date for c in self.changes if c.kind == "criterion" and (c.claims == "all" or id_ in c.claims)]
        return max(dates, default=None)


def read_claims(root: Path, paper: str) -> ClaimsFile:
    """The claims of one paper. Raises UserError naming file and key if the file is missing or wrong."""
    path = root / "claims" / f"{paper}.yaml"
    try:
        file = ClaimsFile.model_validate(read_yaml(path))
    except FileNotFoundError:
        raise UserError(f"{path}: there is no such file; every paper needs its claims") from None
    except ValidationError as error:
        raise UserError(f"{path}: {describe(error, ClaimsFile)}") from None
    if file.paper != paper:
        raise UserError(f"{path}: paper = {file.paper}: must be {paper}, as the file is called")
    return file


def judge(file: ClaimsFile, name: ResultName, samples: pd.DataFrame, scale: str) -> list[dict[str, Any]]:
    """Verdicts for all claims of a result: the content of its `claims.json`.

    samples: (measure, arm, seed, value). A claim of several parts holds only if all do, so its p is the largest. Holm's
    family is all claims of the result that have a test, whether or not their arms were run yet.
    """
    claims = {id_: c for id_, c in file.claims.items() if c.result == name.result}
    findings = {id_: [part.finding(samples) for part in c.parts] for id_, c in claims.items()}
    p = {id_: _largest_p(found) for id_, found in findings.items() if not all(f.exact for f in found)}
    p_holm = dict(zip(p, holm(list(p.values())), strict=True))
    return [
        _entry(file, id_, found, p.get(id_, np.nan), p_holm.get(id_, np.nan), scale) for id_, found in findings.items()
    ]


def verdict(findings: list[Finding], p_holm: float, alpha: float) -> str:
    """One of the four verdicts, from the findings of all parts and the claim's adjusted p."""
    if min(f.estimate.n for f in findings) < FEWEST_SEEDS:
        return INCONCLUSIVE
    if all(f.exact for f in findings):
        return REPLICATED if all(f.size_met for f in findings) else NOT_REPLICATED
    if p_holm < alpha and all(f.size_met for f in findings if f.exact):
        return REPLICATED if all(f.size_met for f in findings) else DIRECTION_ONLY
    return NOT_REPLICATED if any(f.excluded for f in findings) else INCONCLUSIVE


def _largest_p(findings: list[Finding]) -> float:
    """The p of a claim: that of its parts which is largest; NaN if one has none for want of seeds."""
    return float(np.max([f.estimate.p for f in findings if not f.exact]))


def _entry(file: ClaimsFile, id_: str, findings: list[Finding], p: float, p_holm: float, scale: str) -> dict[str, Any]:
    claim, first = file.claims[id_], findings[0].estimate
    return {
        "id": f"{file.paper}.{id_}",
        "title": claim.title,
        "statement": claim.statement,
        "where": claim.where,
        "criterion": claim.criterion,
        "paper": claim.paper,
        "paper_source": claim.paper_source,
        "unit": claim.unit,
        "ours": _number(first.value),
        "interval": [_number(first.low), _number(first.high)],
        "n": min(f.estimate.n for f in findings),
        "p": _number(p),
        "p_holm": _number(p_holm),
        "verdict": NOT_EVIDENCE if scale == "smoke" else verdict(findings, p_holm, file.alpha),
        "scale": scale,
        "evidence": scale != "smoke",
        "parts": [_part_entry(part, f) for part, f in zip(claim.parts, findings, strict=True)],
    }


def seeds_behind(entry: dict[str, Any]) -> int:
    """How many seeds are behind `ours` of a judged claim, which is its first part's; `n` is the fewest of all parts."""
    return entry["parts"][0]["n"]


def _part_entry(part: Part, finding: Finding) -> dict[str, Any]:
    e = finding.estimate
    return part.model_dump(exclude_none=True) | {
        "ours": _number(e.value),
        "interval": [_number(e.low), _number(e.high)],
        "n": e.n,
        "p": _number(e.p),
        "size_met": bool(finding.size_met),
        "excluded": bool(finding.excluded),
    }


def _number(value: float) -> float | None:
    """A number for JSON, to 6 significant digits; None where there is none."""
    return None if not np.isfinite(value) else float(f"{value:.6g}")
