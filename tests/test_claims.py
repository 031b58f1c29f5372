"""The verdict engine on synthetic seeds where the right verdict is known."""

import numpy as np
import pandas as pd
import pytest

from dropnorm.claims import ClaimsFile, judge, read_claims, verdict
from dropnorm.criteria import Finding
from dropnorm.errors import UserError
from dropnorm.names import ResultName
from dropnorm.protocol import all_names
from dropnorm.statistics import Estimate

NAME = ResultName("ioffe2015", "figure1")
DIFFERENCE = {"test": "difference", "measure": "m", "between": ["a", "b"], "above": 0, "size": [0.5, 1.5]}
RATIO = {"test": "ratio", "measure": "m", "between": ["a", "b"], "above": 1, "at_least": 2}
SHARE = {"test": "share", "measure": "m", "between": ["a", "b"], "at_least": 0.9}
ABOVE = {"test": "level", "measure": "m", "of": "a", "above": 10, "log": True}
BELOW = {"test": "level", "measure": "m", "of": "b", "below": 3, "log": True}


def file_of(*claims: list[dict]) -> ClaimsFile:
    entry = {
        "result": "figure1", "title": "t", "statement": "s", "where": "w", "paper": 1.0, "unit": "u",
        "paper_source": "p", "criterion": "c",
    }  # fmt: skip
    named = {f"X{i}": entry | {"parts": parts} for i, parts in enumerate(claims)}
    return ClaimsFile.model_validate(
        {"paper": "ioffe2015", "citation": "c", "version": 1, "changes": [], "alpha": 0.05, "claims": named}
    )


def samples_of(**arms) -> pd.DataFrame:
    rows = [("m", arm, seed, float(v)) for arm, values in arms.items() for seed, v in enumerate(values)]
    return pd.DataFrame(rows, columns=["measure", "arm", "seed", "value"])


def verdict_of(part, **arms) -> str:
    return judge(file_of([part]), NAME, samples_of(**arms), "paper")[0]["verdict"]


def noise(n=10, sd=0.1, seed=0):
    return np.random.default_rng(seed).normal(0, sd, n)


@pytest.mark.parametrize(
    ("shift", "sd", "expected"),
    [
        (1.0, 0.1, "replicated"),
        (0.2, 0.05, "direction only"),  # clearly above 0, clearly below the size
        (5.0, 0.1, "direction only"),  # far more than claimed is not the size claimed
        (-0.5, 0.1, "not replicated"),
        (0.02, 1.0, "inconclusive"),
    ],
)
def test_difference(shift, sd, expected):
    assert verdict_of(DIFFERENCE, a=98 + shift + noise(sd=sd), b=98 * np.ones(10)) == expected


@pytest.mark.parametrize(
    ("part", "a", "b"), [(DIFFERENCE, 2, 2), (RATIO, 2, 2), (ABOVE | {"log": False}, 10, 3)], ids=str
)
def test_seeds_that_all_lie_on_the_bound_tell_nothing(part, a, b):
    """A floor, or runs that never get to a level and count with all their steps."""
    assert verdict_of(part, a=a * np.ones(5), b=b * np.ones(5)) == "inconclusive"


def test_pairing_removes_what_the_arms_of_a_seed_share():
    shared = noise(sd=5)
    assert verdict_of(DIFFERENCE, a=shared + 1 + noise(sd=0.1, seed=1), b=shared) == "replicated"


@pytest.mark.parametrize(
    ("factor", "sd", "expected"),
    [(3, 0.1, "replicated"), (1.5, 0.05, "direction only"), (0.5, 0.1, "not replicated"), (1.0, 0.5, "inconclusive")],
)
def test_ratio(factor, sd, expected):
    assert verdict_of(RATIO, a=factor * np.exp(noise(sd=sd)), b=np.ones(10)) == expected


@pytest.mark.parametrize(
    ("wins", "n", "expected"),
    [(10, 10, "replicated"), (9, 10, "replicated"), (17, 20, "direction only"), (3, 10, "not replicated"),
     (7, 10, "inconclusive")],
)  # fmt: skip
def test_share(wins, n, expected):
    a = np.where(np.arange(n) < wins, 1.0, -1.0)
    assert verdict_of(SHARE, a=a, b=np.zeros(n)) == expected


WELCH = {**DIFFERENCE, "unpaired": True}
SAME = {"test": "equivalence", "measure": "m", "between": ["a", "b"], "within": [-0.1, 0.1]}
SAME_RATIO = {"test": "equivalence", "measure": "m", "between": ["a", "b"], "within": [0.8, 1.25], "log": True}
IN_RANGE = {"test": "equivalence", "measure": "m", "of": "a", "within": [0.4, 0.75]}


@pytest.mark.parametrize(
    ("shift", "sd", "expected"),
    [(1.0, 0.1, "replicated"), (-0.5, 0.1, "not replicated"), (0.02, 1.0, "inconclusive")],
)
def test_difference_of_two_groups(shift, sd, expected):
    assert verdict_of(WELCH, a=98 + shift + noise(sd=sd), b=98 + noise(7, sd=sd, seed=1)) == expected


@pytest.mark.parametrize("part", [SAME, {**SAME, "unpaired": True}])
@pytest.mark.parametrize(
    ("shift", "sd", "expected"),
    [(0.0, 0.02, "replicated"), (0.3, 0.02, "not replicated"), (0.0, 1.0, "inconclusive")],
)
def test_equivalence_of_two_arms(part, shift, sd, expected):
    assert verdict_of(part, a=2 + shift + noise(sd=sd), b=2 + noise(sd=sd, seed=1)) == expected


@pytest.mark.parametrize(
    ("factor", "expected"), [(1.0, "replicated"), (1.6, "not replicated"), (0.5, "not replicated")]
)
def test_equivalence_of_a_ratio(factor, expected):
    assert verdict_of(SAME_RATIO, a=factor * np.exp(noise(sd=0.05)), b=np.ones(10)) == expected


@pytest.mark.parametrize(
    ("level", "sd", "expected"),
    [(0.6, 0.05, "replicated"), (0.9, 0.05, "not replicated"), (0.75, 0.05, "inconclusive")],
)
def test_equivalence_with_a_range(level, sd, expected):
    assert verdict_of(IN_RANGE, a=level + noise(sd=sd)) == expected


def test_a_claim_of_two_parts_needs_both():
    a, b = 46 * np.exp(noise()), 1.6 * np.exp(noise(seed=1))
    both = file_of([ABOVE, BELOW])
    assert judge(both, NAME, samples_of(a=a, b=b), "paper")[0]["verdict"] == "replicated"
    assert judge(both, NAME, samples_of(a=a, b=5 * b), "paper")[0]["verdict"] == "not replicated"
    wide = 2.9 * np.exp(noise(sd=0.5, seed=2))
    assert judge(both, NAME, samples_of(a=a, b=wide), "paper")[0]["verdict"] == "inconclusive"


EXACT = {"test": "bound", "measure": "m", "of": "a", "at_most": 1e-10}
ALWAYS = {"test": "bound", "measure": "m", "of": "a", "at_least": 1}


@pytest.mark.parametrize(
    ("part", "values", "expected"),
    [
        (EXACT, [1e-12, 3e-11, 1e-13], "replicated"),
        (EXACT, [1e-12, 3e-9, 1e-13], "not replicated"),  # one counter-example is enough
        (EXACT, [1e-12, float("nan"), 1e-13], "not replicated"),
        (ALWAYS, [1, 1, 1], "replicated"),
        (ALWAYS, [1, 0.999, 1], "not replicated"),
        (ALWAYS, [1, 1], "inconclusive"),
    ],
)
def test_an_exact_statement_must_hold_in_every_seed(part, values, expected):
    claim = judge(file_of([part]), NAME, samples_of(a=values), "paper")[0]
    assert claim["verdict"] == expected
    assert claim["p"] is None


def test_a_share_leaves_out_seeds_without_a_value():
    a = np.r_[np.full(9, 2.0), np.nan]
    claim = judge(file_of([SHARE]), NAME, samples_of(a=a, b=np.ones(10)), "paper")[0]
    assert (claim["verdict"], claim["ours"], claim["n"]) == ("replicated", 1, 9)


def test_exact_and_statistical_parts_must_both_hold():
    both = file_of([ABOVE, {"test": "bound", "measure": "m", "of": "b", "at_most": 1}])
    a = 46 * np.exp(noise())
    assert judge(both, NAME, samples_of(a=a, b=np.zeros(10)), "paper")[0]["verdict"] == "replicated"
    assert judge(both, NAME, samples_of(a=a, b=np.full(10, 2)), "paper")[0]["verdict"] == "not replicated"


def found(*, n=10, size_met=True, excluded=False, exact=False) -> Finding:
    return Finding(Estimate(1.0, 0.5, 1.5, 0.01, n), size_met, excluded, exact)


@pytest.mark.parametrize(
    ("findings", "p_holm", "expected"),
    [
        ([found(), found(size_met=False)], 0.01, "direction only"),  # every size must be as claimed
        ([found(n=10), found(n=2)], 0.01, "inconclusive"),  # the part with the fewest seeds counts
        ([found(), found(exact=True)], 0.2, "inconclusive"),  # an identity that holds proves no difference
        ([found(exact=True), found(exact=True, size_met=False, excluded=True)], np.nan, "not replicated"),
        ([found()], 0.05, "inconclusive"),  # below alpha, not at it
        ([found()], np.nan, "inconclusive"),
    ],
)
def test_a_verdict_takes_every_part(findings, p_holm, expected):
    assert verdict(findings, p_holm, alpha=0.05) == expected


def test_a_part_that_is_still_to_be_tested_leaves_its_claim_without_a_p():
    to_come = DIFFERENCE | {"between": ["a", "c"]}
    values = samples_of(a=1 + noise(), b=np.zeros(10), c=[0.0])
    claim = judge(file_of([DIFFERENCE, to_come]), NAME, values, "paper")[0]
    assert (claim["p"], claim["n"], claim["verdict"]) == (None, 1, "inconclusive")


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_seeds_are_inconclusive(n):
    claim = judge(file_of([DIFFERENCE]), NAME, samples_of(a=1 + noise(n), b=np.zeros(n)), "paper")[0]
    assert (claim["verdict"], claim["n"]) == ("inconclusive", n)


def test_seeds_that_only_one_arm_has_do_not_count():
    claim = judge(file_of([DIFFERENCE]), NAME, samples_of(a=1 + noise(10), b=np.zeros(4)), "paper")[0]
    assert claim["n"] == 4


def test_holm_runs_over_the_claims_of_a_result():
    weak = 0.7 + 1.5 * np.linspace(-1, 1, 10)  # p a little below 0.05 alone
    alone = judge(file_of([DIFFERENCE]), NAME, samples_of(a=weak, b=np.zeros(10)), "paper")[0]
    assert 0.01 < alone["p"] < 0.05
    many = judge(file_of(*[[DIFFERENCE]] * 6), NAME, samples_of(a=weak, b=np.zeros(10)), "paper")
    assert alone["verdict"] == "replicated"
    assert many[0]["p_holm"] == pytest.approx(6 * alone["p"], rel=1e-4)
    assert {c["verdict"] for c in many} == {"inconclusive"}


def test_a_claim_that_is_still_to_be_tested_counts_in_holm_s_family():
    values, absent = samples_of(a=0.7 + np.linspace(-1, 1, 10), b=np.zeros(10)), DIFFERENCE | {"measure": "not run yet"}
    bound = {"test": "bound", "measure": "not run either", "of": "a", "at_most": 1}
    first, *others = judge(file_of([DIFFERENCE], [absent], [absent], [bound]), NAME, values, "paper")
    assert first["p_holm"] == pytest.approx(3 * first["p"], rel=1e-4)  # a bound has no p
    assert [c["p_holm"] for c in others] == [None] * 3


def test_false_positives_stay_below_five_percent_under_no_effect(monkeypatch):
    """Six true nulls a result, many results: a result with any false verdict is rarer than alpha."""
    monkeypatch.setattr("gc.collect", lambda: 0)  # statsmodels asks for it at every correction: most of the time
    rng, wrong, results = np.random.default_rng(0), 0, 100
    file = file_of(*[[DIFFERENCE | {"measure": f"m{i}", "size": None}] for i in range(6)])
    for _ in range(results):
        null = rng.normal(0, 1, (6, 2, 10))
        frame = pd.DataFrame(
            [(f"m{i}", arm, s, null[i, j, s]) for i in range(6) for j, arm in enumerate("ab") for s in range(10)],
            columns=["measure", "arm", "seed", "value"],
        )
        wrong += any(c["verdict"] in ("replicated", "direction only") for c in judge(file, NAME, frame, "paper"))
    assert wrong / results < 0.05 + 2 * np.sqrt(0.05 * 0.95 / results)
    assert wrong > 0  # and the test is not blind


def test_entries_have_what_the_book_needs_and_are_json(root):
    import json

    claims = judge(read_claims(root, "ioffe2015"), NAME, samples_of(a=[1], b=[2]), "smoke")
    assert [c["id"] for c in claims] == [f"ioffe2015.I1.{i}" for i in range(1, 7)]
    for claim in claims:
        assert {"statement", "criterion", "paper", "ours", "interval", "n", "p", "verdict", "scale"} <= set(claim)
        assert claim["ours"] is None  # nothing measured is nothing written
        assert (claim["evidence"], claim["verdict"]) == (False, "not evidence")
    json.dumps(claims, allow_nan=False)


def test_of_several_changes_the_last_is_told():
    dates = ["2030-01-02", "2031-05-01", "2030-12-31"]
    file = file_of([DIFFERENCE]).model_dump()
    change = {"claims": ["X0"], "kind": "criterion", "change": "c", "reason": "r", "verdicts": "v"}
    file["changes"] = [change | {"date": date} for date in dates]
    assert ClaimsFile.model_validate(file).criterion_changed("X0") == "2031-05-01"


@pytest.mark.parametrize(
    ("claims", "kind", "told"),
    [
        (["X0"], "criterion", [True, False]),
        (["X0", "X1"], "criterion", [True, True]),
        ("all", "criterion", [True, True]),
        (["X0"], "wording", [False, False]),
        ("all", "rule", [False, False]),
    ],
)
def test_only_a_changed_criterion_of_its_own_is_told_of_a_claim(claims, kind, told):
    file = file_of([DIFFERENCE], [RATIO]).model_dump()
    change = {"date": "2030-01-02", "claims": claims, "kind": kind, "change": "c", "reason": "r", "verdicts": "v"}
    read = ClaimsFile.model_validate(file | {"changes": [change]})
    assert [read.criterion_changed(id_) is not None for id_ in ("X0", "X1")] == told


def test_a_change_of_no_claim_is_refused():
    file = file_of([DIFFERENCE]).model_dump()
    file["changes"] = [
        {"date": "2030-01-01", "claims": ["X9"], "kind": "rule", "change": "c", "reason": "r", "verdicts": "v"}
    ]
    with pytest.raises(ValueError, match="changes: there is no claim 'X9'"):
        ClaimsFile.model_validate(file)


def test_a_wrong_claims_file_is_named(tmp_path, root):
    path = tmp_path / "claims/ioffe2015.yaml"
    path.parent.mkdir()
    path.write_text((root / "claims/ioffe2015.yaml").read_text().replace("at_least: 2", "at_leest: 2"))
    with pytest.raises(UserError, match=r"ioffe2015.yaml: .*at_leest"):
        read_claims(tmp_path, "ioffe2015")


def test_claims_that_are_no_yaml_are_one_line_that_names_the_file(tmp_path):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "ioffe2015.yaml").write_text("claims: [")
    with pytest.raises(UserError, match="ioffe2015.yaml: not readable as YAML") as error:
        read_claims(tmp_path, "ioffe2015")
    assert "\n" not in str(error.value)


def test_a_claims_file_is_of_the_paper_that_it_is_named_after(root, tmp_path):
    (tmp_path / "claims").mkdir()
    text = (root / "claims/related.yaml").read_text()
    (tmp_path / "claims/related.yaml").write_text(text.replace("paper: related", "paper: others"))
    with pytest.raises(UserError, match=r"related.yaml: paper = others: must be related"):
        read_claims(tmp_path, "related")


def test_every_claim_is_of_a_result_that_there_is(root):
    names = set(all_names(root))
    for path in (root / "claims").glob("*.yaml"):
        claims = read_claims(root, path.stem).claims.values()
        assert {ResultName(path.stem, claim.result) for claim in claims} <= names
