"""What is generated for a result, on small invented ones: verdicts of every kind, missing results, links, times."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from dropnorm.book import claims, facts, figures, origin, staging, tables, texts
from dropnorm.book.catalogue import CLAIM_TOTALS
from dropnorm.book.sources import Result, find_results
from dropnorm.claims import ClaimsFile, read_claims
from dropnorm.errors import UserError
from dropnorm.names import ResultName
from dropnorm.protocol_file import ProtocolFile

NAME = ResultName("ioffe2015", "figure1")
PART = {"test": "difference", "measure": "m", "between": ["a", "b"], "above": 0}
REGISTERED = {
    "result": "figure1", "title": "Title | bar", "statement": "A *starred* statement.", "where": "Section 1",
    "paper": 0.9, "unit": "points", "paper_source": "a curve", "criterion": "above 0", "parts": [PART],
}  # fmt: skip
MEASURED = {
    "id": "ioffe2015.I1.1", "ours": 1.2345, "interval": [1.1234, 1.3456], "n": 10, "p": 0.00001, "p_holm": 0.00003,
    "verdict": "replicated", "scale": "paper", "evidence": True,
    "parts": [PART | {"ours": 1.2345, "interval": [1.1234, 1.3456], "n": 10, "p": 0.00001, "size_met": True,
                      "excluded": False}],
}  # fmt: skip
MACHINE = {
    "device": "cpu", "gpu": None, "cpu": "Some CPU", "threads": 1, "gemm": "MKL", "python": "3.11",
    "packages": {"torch": "2.0"}, "commit": "abc",
}  # fmt: skip


def arm(seconds: float) -> dict:
    return {
        "seeds": [0, 1], "protocol_hash": "p" * 64, "code_fingerprint": "c" * 64, "runs_sha256": "r" * 64,
        "seconds": seconds, "ms_per_replica_step": 0.5, "state": "fresh",
    }  # fmt: skip


def provenance_of(*seconds: float, **changes) -> dict:
    return {
        "arms": {f"arm{i}": arm(s) for i, s in enumerate(seconds)}, "missing_arms": [], "machines": [MACHINE],
        "seconds": sum(seconds), "code_fingerprint": "f" * 64, "evaluation_digest": "a" * 64,
        "summary_digest": "b" * 64, "summarised": "before", "data": "mnist",
        "data_digest": "d" * 64 + "+" + "e" * 64, "started": "then", "ended": "later", "evaluated": "now",
    } | changes  # fmt: skip


@pytest.fixture
def protocol(root) -> ProtocolFile:
    path = root / "protocols" / "ioffe2015" / "figure1.yaml"
    return ProtocolFile.model_validate(yaml.safe_load(path.read_text()))


@pytest.fixture
def missing(protocol) -> Result:
    criteria = ClaimsFile.model_validate(
        {"paper": "ioffe2015", "citation": "I & S", "version": 1, "changes": [], "alpha": 0.05,
         "claims": {"I1.1": REGISTERED}}
    )  # fmt: skip
    return Result(NAME, "paper", (protocol,), criteria)


@pytest.fixture
def result(missing, tmp_path) -> Result:
    (tmp_path / "table.csv").write_text(
        "arm,quantity,n,mean,sd,low,high\nbaseline,final_accuracy_percent,10,96.5432,0.1,96.4,96.7\n"
        "baseline,diverged,10,0.2,0,,\nbaseline.lr-0.1,steps_to_95,1,123,,,\n"
    )
    pictures = {"figure": {"caption": "A *caption*", "alt": "What one\nsees"}}
    return replace(
        missing, folder=tmp_path, claims=[MEASURED], facts={"x": "1"}, figures=pictures,
        provenance=provenance_of(100.0, 200.0, 300.0),
    )  # fmt: skip


def with_claim(result: Result, **changes) -> Result:
    return replace(result, claims=[MEASURED | changes])


@pytest.mark.parametrize(
    ("changes", "words", "css"),
    [
        ({}, "replicated", "replicated"),
        ({"verdict": "direction only"}, "direction only", "direction"),
        ({"verdict": "not replicated"}, "not replicated", "not"),
        ({"verdict": "inconclusive"}, "inconclusive", "inconclusive"),
        ({"verdict": "inconclusive", "n": 2}, "inconclusive (n = 2)", "inconclusive"),
        ({"evidence": False, "scale": "smoke"}, "not evidence (smoke)", "none"),
    ],
)
def test_badge_says_the_verdict(changes, words, css):
    assert claims.badge(MEASURED | changes) == f"[{words}]{{.verdict .verdict-{css}}}"


def part(**changes) -> dict:
    return {"test": "difference", "p": 0.01, "size_met": True, "excluded": False} | changes


@pytest.mark.parametrize(
    ("verdict", "parts", "words"),
    [
        ("replicated", [part(), part()], ""),
        ("not replicated", [part(excluded=True), part(excluded=True)], ""),
        ("not replicated", [part(), part(p=None, excluded=True)], ", by part 2 of 2"),
        ("direction only", [part(), part(), part(size_met=False)], ", by part 3 of 3"),
        ("inconclusive", [part(p=None), part(p=0.2)], ", by part 2 of 2"),
        ("inconclusive", [part(p=None), part(p=None)], ""),
        ("inconclusive", [part(test="bound", p=None), part(p=None)], ", by part 2 of 2"),
    ],
)
def test_a_verdict_that_another_part_than_the_first_decides_says_so(verdict, parts, words):
    largest = max((p["p"] for p in parts if p["p"] is not None), default=None)
    assert claims.by_part(MEASURED | {"verdict": verdict, "parts": parts, "p": largest}) == words


def test_a_smoke_verdict_is_shown_nowhere(result):
    smoke = replace(with_claim(result, evidence=False, scale="smoke"), scale="smoke")
    shown = claims.claims_table(smoke) + claims.home_table([smoke], set()) + claims.count_sentence([smoke])
    assert "not evidence (smoke)" in shown
    assert "replicated" not in shown
    assert "**0 of 169 claims have a verdict so far**" in shown


def test_a_result_without_claims_says_so_and_adds_no_row(result):
    bare = replace(result, criteria=result.criteria.model_copy(update={"claims": {}}), claims=[])
    assert claims.claims_table(bare) == claims.NONE
    assert claims.home_table([bare], set()) == "There is no result yet.\n"
    assert claims.count_sentence([bare]).startswith("**0 of ")
    assert staging.fragments(bare)["claims"] == claims.NONE


def test_seeds_shown_are_those_behind_the_estimate(result):
    """Another part has fewer: its own row says so, and the seeds beside the first part's interval are the first's."""
    parts = [*MEASURED["parts"], MEASURED["parts"][0] | {"n": 3}]
    fewer = replace(result, claims=[MEASURED | {"n": 3, "parts": parts}])
    for shown in (claims.claims_table(fewer), claims.home_table([fewer], set())):
        row = next(line for line in shown.splitlines() if "[1.12," in line)
        assert "| 10 |" in row and "| 3 |" not in row


def test_claims_table_has_the_papers_number_ours_and_every_part(result):
    shown = claims.claims_table(result).replace(texts.NBSP, " ")
    assert r"**I1.1 Title \| bar.** A \*starred\* statement." in shown
    for number in ("| 0.9 |", "1.23 [1.12, 1.35]", "| 10 |", "< 0.0001"):
        assert number in shown
    assert "`m`, difference: a − b; above 0" in shown


def test_a_missing_result_says_so_and_has_no_number_of_ours(missing):
    made = staging.fragments(missing, [("page.md", "figure")])
    assert "Not run at scale paper" in made["banner"]
    assert made["claims"].count("*not run*") == 2
    assert "No figure here" in made["figure-figure"]
    for name in ("numbers", "provenance"):
        assert made[name] == "*not run* at scale paper\n"
    assert "not known yet" in made["rerun"]


def test_banner_of_an_unfinished_result(result):
    unfinished = replace(result, provenance=provenance_of(1.0, 2.0, missing_arms=["x"]))
    assert "for the 2 of 3 arms that were run" in origin.rerun(unfinished)
    assert "1 of 3 arms is still to be run" in origin.banner(unfinished)
    assert not unfinished.complete


def test_what_a_scale_leaves_out_is_said_and_has_no_verdict(result):
    """A claim about an arm that is not run at this scale comes out of the samples as 'inconclusive'; it is none."""
    inconclusive = with_claim(result, verdict="inconclusive", n=0, ours=None, interval=[None, None])
    part = replace(inconclusive, left_out=frozenset({"b"}))
    shown = claims.claims_table(part) + claims.home_table([part], set())
    assert shown.count(texts.NOT_AT_SCALE) == 4
    assert "inconclusive" not in shown
    assert "**0 of 169 claims" in claims.count_sentence([part])
    assert facts.facts_of(part)["I1_1"]["verdict"] == texts.NOT_AT_SCALE
    pages = {"page.md": "{{ ioffe2015_figure1.error_of_b }} and {{ ioffe2015_figure1.x }}"}
    assert facts.substitutions(pages, [part])["ioffe2015_figure1"]["error_of_b"] == texts.NOT_AT_SCALE
    unfinished = replace(part, provenance=provenance_of(1.0, missing_arms=["c"]))
    pages["page.md"] += " and {{ ioffe2015_figure1.error_of_c }}"
    shown = facts.substitutions(pages, [unfinished])["ioffe2015_figure1"]
    assert (shown["error_of_b"], shown["error_of_c"]) == (texts.NOT_AT_SCALE, texts.NOT_MEASURED)
    assert "Not run at this scale: `b`." in origin.banner(part)
    assert "it was not run" in staging.fragments(part, [("page.md", "other")])["figure-other"]
    with pytest.raises(UserError, match="no fact of ioffe2015/figure1"):
        facts.substitutions(pages, [result])


def test_banner_of_stale_runs(result):
    arms = {"a": arm(1.0), "b": arm(1.0) | {"state": "stale"}}
    assert "1 arm was made by earlier code" in origin.banner(replace(result, provenance=provenance_of(1.0, arms=arms)))
    assert "earlier" not in origin.banner(result)


def test_numbers_table(result):
    shown = staging.fragments(result)["numbers"].replace(texts.NBSP, " ")
    assert "| `baseline` | final accuracy (%) | 96.54 [96.40, 96.70] | 0.1 | 10 |" in shown
    assert "| runs that diverged | 2 of 10 |" in shown
    assert "{dropdown} Sweep: lr, 1 row\n" in shown
    assert "| steps to 95 | 123 | – | 1 |" in shown


def test_an_arm_belongs_to_a_sweep_only_if_its_name_says_so():
    """The dot of a number makes no sweep."""
    groups = {"baseline": "main", "a.p-0.1": "p", "b-0.1": "main", "x.larger_init-0.1-2": "larger_init"}
    assert {arm: tables.group(arm) for arm in groups} == groups


def test_figure_is_there_light_and_dark_with_alt_text_and_caption(result):
    shown = figures.figure(result, "figure", "/x")
    assert "{image} /x/figure.svg\n:alt: What one sees\n:class: only-light" in shown
    assert "{image} /x/figure-dark.svg\n:alt: What one sees\n:class: only-dark" in shown
    assert r"A \*caption\*" in shown


def test_source_links_only_where_the_address_is_known(result, monkeypatch):
    monkeypatch.delenv("DROPNORM_REPOSITORY_URL", raising=False)
    assert "protocol: `protocols/ioffe2015/figure1.yaml`" in figures.sources(result)
    monkeypatch.setenv("DROPNORM_REPOSITORY_URL", "https://example.org/me/repo/")
    link = "[protocol](https://example.org/me/repo/blob/HEAD/protocols/ioffe2015/figure1.yaml)"
    assert link in figures.sources(result)


def test_expected_times_come_from_the_recorded_seconds(result):
    assert origin.seconds_on(result, 1) == 600
    assert origin.seconds_on(result, 2) == 300  # the longest on one core, 200 then 100 on the other
    assert origin.seconds_on(result, 8) == 300
    assert "about 10 minutes on one core" in origin.rerun(result)


def test_provenance_shows_what_can_be_checked(result):
    shown = origin.provenance(result)
    digests = ("`ffffffffffff`", "`dddddddddddd`; `eeeeeeeeeeee`")
    for item in ("`abc`", *digests, "torch 2.0", "Some CPU", "MKL", "10 minutes"):
        assert item in shown


def test_count_and_home_table(result, missing):
    assert "**1 of 169 claims have a verdict so far**: 1 replicated." in claims.count_sentence([result])
    assert "1 of 27" in claims.count_sentence([result])
    table = claims.home_table([result], {"ioffe2015/figure1.md"})
    assert "[ioffe2015 I1.1](/ioffe2015/figure1.md#the-verdicts)" in table
    assert claims.home_table([missing], set()).count("*not run*") == 2


def test_changelog(missing):
    assert "No criterion has been changed since version 1." in claims.changelog([missing.criteria])
    changed = with_change(missing.criteria, kind="wording", reason="typo")
    assert "| 2030-01-01 | I1.1 | wording | it says more | typo | none |" in claims.changelog([changed])


def with_change(criteria: ClaimsFile, **differences) -> ClaimsFile:
    change = {"date": "2030-01-01", "claims": ["I1.1"], "change": "it says more", "reason": "so", "verdicts": "none"}
    return ClaimsFile.model_validate(criteria.model_dump() | {"changes": [change | differences]})


@pytest.mark.parametrize(
    ("differences", "words"),
    [
        ({"kind": "criterion"}, "**Criterion, changed on 2030-01-01, after results existed: [why](/changelog.md).**"),
        ({"kind": "wording"}, "**Criterion, fixed before the runs.**"),
        ({"kind": "criterion", "claims": []}, "**Criterion, fixed before the runs.**"),
    ],
)
def test_a_criterion_that_was_changed_does_not_say_that_it_was_fixed(result, differences, words):
    first = claims.claims_table(replace(result, criteria=with_change(result.criteria, **differences))).split("````")[1]
    assert words in first


def test_a_change_names_claims_that_exist(missing):
    with pytest.raises(ValidationError, match="changes: there is no claim 'I9.9'"):
        with_change(missing.criteria, kind="wording", claims=["I9.9"])


@pytest.mark.parametrize(
    ("value", "interval", "expected"),
    [
        (0.9, (0.8912, 0.9088), "0.9000 [0.8912, 0.9088]"),
        (86.574, (84.8375, 88.3106), "86.6 [84.8, 88.3]"),
        (12.037, (-8.66, 32.742), "12.0 [−8.7, 32.7]"),
        (1444.44, (1205.4, 1683.4), "1,444 [1,205, 1,683]"),
        (1.0, (0.69, 1.0), "1.00 [0.69, 1.00]"),
        (1.0, (1.0, 1.0), "1.000 [1.000, 1.000]"),
        (0.0, (0.0, 0.0), "0.0 [0.0, 0.0]"),
        (1.5, (None, None), "1.5"),
        (6.23e-16, (4.6e-16, 6.23e-16), "6.2 × 10⁻¹⁶ [4.6 × 10⁻¹⁶, 6.2 × 10⁻¹⁶]"),
        (0.0, (0.0, 3e-13), "0 [0, 3 × 10⁻¹³]"),
        (1e-10, (None, None), "1 × 10⁻¹⁰"),
        (None, (None, None), texts.NOT_MEASURED),
    ],
)
def test_estimates_are_shown_to_the_digits_that_the_interval_supports(value, interval, expected):
    assert texts.measured(value, interval).replace(texts.NBSP, " ") == expected


@pytest.mark.parametrize(("seconds", "words"), [(75.1, "75 seconds"), (600, "10 minutes"), (8280, "2.3 hours")])
def test_durations(seconds, words):
    assert texts.duration(seconds) == words


def test_readme_table_of_nothing(tmp_path, root):
    for folder in ("protocols", "claims"):
        (tmp_path / folder).symlink_to(root / folder)
    assert claims.readme_table(Path(tmp_path)) == "No result has been published yet.\n"


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        ("-0.38", "−0.38"),
        ("2.96e+04", "2.96 × 10⁴"),
        ("6.7e-05 to -1.09", "6.7 × 10⁻⁵ to −1.09"),
        ("3 of 10", "3 of 10"),
        ("16-bit", "16-bit"),
    ],
)
def test_facts_are_written_as_prose(fact, words):
    assert texts.fact(fact).replace(texts.NBSP, " ") == words


def test_symbols_of_claims_are_shown_as_symbols():
    assert texts.statement("l_p, 1/sqrt(m) and sigma^2, effective beta") == "lₚ, 1/√m and σ^2, effective β"
    assert texts.statement("J J^T = I") == "J Jᵀ = I"
    assert texts.statement("multiple, betaine") == "multiple, betaine"


def test_no_measured_number_is_minus_nothing():
    assert texts.measured(-0.01, (-0.3, 0.2)) == f"−0.01 [−0.30,{texts.NBSP}0.20]"
    assert texts.measured(-0.0, (-0.0, 0.0)) == f"0.0 [0.0,{texts.NBSP}0.0]"


def test_claims_come_in_the_order_of_their_ids(root):
    results = {str(r.name): r for r in find_results(root, "published", root / "results")}
    ids = [id_ for id_, _, _ in claims.claims_of(results["santurkar2018/figure3"])]
    assert ids == ["S3.1", "S3.2", "S3.3", "S3.4", "S3.5"]


def test_what_was_run_but_reached_no_seed_is_not_called_not_run(result):
    claim = result.criteria.claims["I1.1"]
    without = replace(
        result, claims=[MEASURED | {"n": 0, "ours": None}], provenance=provenance_of(1.0, missing_arms=["a", "b"])
    )
    assert claims.not_run(without, claim) == texts.NOT_RUN
    trained = replace(without, provenance=provenance_of(arms={"a": arm(1), "b": arm(1)}))
    assert claims.not_run(trained, claim) == texts.NOT_MEASURED
    assert texts.NOT_MEASURED in claims.claims_table(trained)


@pytest.mark.parametrize(
    ("missing_arms", "left_out", "words"),
    [([], {"c"}, texts.NOT_AT_SCALE), (["c"], set(), texts.NOT_RUN), ([], set(), texts.NOT_MEASURED)],
)
def test_a_claim_on_many_arms_under_one_name_is_not_run_only_if_arms_are_still_to_come(
    result, missing_arms, left_out, words
):
    (part,) = result.criteria.claims["I1.1"].parts
    of_all = result.criteria.claims["I1.1"].model_copy(
        update={"parts": [part.model_copy(update={"between": ["all", "all"]})]}
    )
    some = replace(result, provenance=provenance_of(1.0, missing_arms=missing_arms), left_out=frozenset(left_out))
    assert claims.not_run(some, of_all) == words


def test_seeds_are_counted_against_what_each_arm_s_own_protocol_plans(root):
    """A result that is judged from runs of two others, of which one plans more seeds."""
    result = next(
        r for r in find_results(root, "published", root / "results") if str(r.name) == "santurkar2018/figure3"
    )
    vgg, linear = (len(source.seeds_at(result.scale)) for source in result.sources)
    assert vgg != linear
    run = {a: r | {"seeds": [*range(result.planned_seeds(a))]} for a, r in result.provenance["arms"].items()}
    assert {len(r["seeds"]) for r in run.values()} == {vgg, linear}
    assert "planned" not in origin.banner(replace(result, provenance=result.provenance | {"arms": run}))
    one = next(iter(run))
    lacking = run | {one: run[one] | {"seeds": [0]}}
    banner = origin.banner(replace(result, provenance=result.provenance | {"arms": lacking}))
    assert f"1 to {max(vgg, linear)}, of {min(vgg, linear)} to {max(vgg, linear)} planned: the verdicts" in banner
    silent = origin.banner(replace(result, claims=[], provenance=result.provenance | {"arms": lacking}))
    assert "planned" in silent and "preliminary" not in silent


def test_no_paper_has_more_criteria_than_claims(root):
    """Else the front page would say '28 of 27'."""
    for paper, of_registry in CLAIM_TOTALS.items():
        assert len(read_claims(root, paper).claims) <= of_registry


def test_pages_say_how_many_seeds_were_run_and_not_how_many_are_planned(result):
    assert facts.facts_of(result)["seeds"] == "2"
    assert facts.facts_of(replace(result, folder=None))["seeds"] == "10"
