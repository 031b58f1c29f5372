"""A result that was trained again elsewhere: what counts as that, what is kept of it, and what is said of both."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dropnorm.book.again import trained_again
from dropnorm.compare import estimate, with_original, with_published
from dropnorm.errors import UserError
from dropnorm.evaluation import evaluate, evaluate_published, page_files
from dropnorm.files import differing, read_json, seal, sha256, write_json
from dropnorm.names import Place, ResultName
from dropnorm.protocol import load
from dropnorm.publishing import publish, publish_again, restore
from dropnorm.repetition import KEPT, agreement, repetition_of, repetitions
from dropnorm.runs import write_arm
from tests.book.conftest import SESSION, fabricate, invented_runs

NAME = ResultName("ioffe2015", "figure1")
LATER = {"cpu": "Another processor", "started": "2030-02-01T00:00:00+00:00", "ended": "2030-02-01T01:00:00+00:00"}


@pytest.fixture(scope="module")
def protocol(root):
    return load(root, NAME, "paper")


@pytest.fixture(scope="module")
def made(root, protocol, tmp_path_factory):
    """A checkout with a published result, and one that was trained later on another machine."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "protocols").symlink_to(root / "protocols")
    first, second = (Place(folder / name, "paper", NAME) for name in ("first", "results"))
    fabricate(first, protocol, root)
    publish(first, Place(folder / "published", "paper", NAME), protocol)
    fabricate(second, protocol, root, seed=1, **LATER)
    return folder


@pytest.fixture
def checkout(made, tmp_path):
    shutil.copytree(made, tmp_path / "checkout", symlinks=True)
    return tmp_path / "checkout"


@pytest.fixture
def first(checkout):
    return Place(checkout / "first", "paper", NAME)


@pytest.fixture
def published(checkout):
    return Place(checkout / "published", "paper", NAME)


@pytest.fixture
def second(checkout):
    return Place(checkout / "results", "paper", NAME)


def test_the_published_runs_themselves_are_no_repetition(first, published, protocol):
    with pytest.raises(UserError, match="a repetition trains all of them anew, into an empty folder"):
        publish_again(first, published, protocol)
    assert not repetition_of(published).folder.exists()


def test_what_was_not_published_is_not_repeated(second, protocol, tmp_path):
    with pytest.raises(UserError, match="is not published at scale paper: nothing was repeated"):
        publish_again(second, Place(tmp_path, "paper", NAME), protocol)


def test_a_damaged_one_is_not_judged_again(root, first, published, second, protocol):
    """Its digests would then be those of the damage."""
    publish_again(second, published, protocol)
    samples = repetition_of(published).file("samples.csv")
    samples.write_bytes(samples.read_bytes().replace(b"1", b"2", 1))
    before = published.file("provenance.json").read_text()
    with pytest.raises(UserError, match="samples.csv is not what was published; take it from git again"):
        evaluate_published(root, published, protocol)
    with pytest.raises(UserError, match="samples.csv is not what was published; take it from git again"):
        publish(first, published, protocol)
    assert differing(repetition_of(published).folder) == ["samples.csv"]
    assert published.file("provenance.json").read_text() == before


def test_it_lies_beside_what_was_published_and_changes_none_of_it(checkout, published, second, protocol):
    before = {path: sha256(path) for path in published.folder.rglob("*.*")}
    copied = publish_again(second, published, protocol)
    assert [path.name for path in copied] == list(KEPT)
    assert {path: sha256(path) for path in published.folder.rglob("*.*")} == before
    again = repetition_of(published)
    assert differing(again.folder) == []
    assert list(repetitions(checkout)) == [(published, again)]
    table = trained_again(checkout, set())
    assert "Another processor" in table and "Invented processor" in table
    assert table.count("ioffe2015.I1.") >= len(agreement(published, again).claims)
    again.file("samples.csv").write_text("measure,arm,seed,value\n")
    with pytest.raises(UserError, match="samples.csv is not what was published"):
        list(repetitions(checkout))


@pytest.mark.parametrize("how", ["without runs", "published anew"])
def test_it_is_judged_anew_with_what_was_published(root, first, published, second, protocol, how):
    publish_again(second, published, protocol)
    again = repetition_of(published)
    judged = json.loads(again.file("claims.json").read_text())
    write_json(again.file("claims.json"), [c | {"verdict": "of former criteria"} for c in judged])
    seal(again.folder, list(KEPT))
    if how == "without runs":
        evaluate_published(root, published, protocol)
    else:
        publish(first, published, protocol)
    assert json.loads(again.file("claims.json").read_text()) == judged
    assert differing(again.folder) == []


def write(place: Place, values: dict[tuple[str, int], float], claims: list[dict]) -> Place:
    """An evaluation of one measure: values by (arm, seed), and claims as (estimate, low, high, p, verdict)."""
    rows = [("accuracy", arm, seed, value) for (arm, seed), value in values.items()]
    place.folder.mkdir(parents=True)
    pd.DataFrame(rows, columns=["measure", "arm", "seed", "value"]).to_csv(place.file("samples.csv"), index=False)
    write_json(place.file("claims.json"), claims)
    return place


def claim(id_: str, ours, interval, p, verdict, n=3, p_first: float | None = 0.01) -> dict:
    """p: of all its parts together; p_first: of the one that the estimate is of, None if that is an exact statement."""
    parts = [{"p": p_first}]
    return {"id": id_, "ours": ours, "interval": interval, "p": p, "verdict": verdict, "n": n, "parts": parts}


def test_agreement_counts_what_both_have(tmp_path):
    nan = float("nan")
    first = write(
        Place(tmp_path / "first", "full", NAME),
        {("a", 0): 1.0, ("a", 1): 2.0, ("b", 0): 3.0, ("b", 1): nan, ("a", 2): 1.0},
        [
            claim("X", 1.0, [0.5, 1.5], 0.01, "replicated"),
            claim("Y", 1.0, [0.5, 1.5], 0.01, "replicated"),
            claim("Z", 0.0, [0.0, 0.0], 0.01, "replicated", p_first=None),  # no interval of a mean
            claim("not in the second", 1.0, [0.5, 1.5], 0.01, "replicated"),
            claim("no seed", None, [None, None], None, "inconclusive", n=0),
        ],
    )
    second = write(
        Place(tmp_path / "second", "full", NAME),
        {("a", 0): 1.0, ("a", 1): 2.5, ("b", 0): 3.0, ("b", 1): nan, ("c", 0): 1.0},
        [
            claim("X", 1.5, [1.0, 2.0], 0.01, "replicated"),
            claim("Y", 1.6, [1.0, 2.2], 0.2, "inconclusive"),
            claim("Z", 0.1, [0.0, 0.1], 0.01, "replicated", p_first=None),
            claim("no seed", None, [None, None], None, "inconclusive", n=0),
        ],
    )
    both = agreement(first, second)
    assert (both.values, both.same_values) == (4, 3)
    assert [pair.first["id"] for pair in both.claims] == ["X", "Y", "Z"]
    assert (both.same_verdicts, both.with_interval, both.inside) == (2, 2, 1)


def test_ours_beside_the_published(second, published, protocol):
    page, lines = with_published(second, protocol, published.root)
    text = page.read_text()
    assert page == second.file("compare.html")
    assert (page.parent / "../../../../published/paper/ioffe2015/figure1/figure.svg").exists()
    assert 'src="../../../../published/paper/ioffe2015/figure1/figure.svg"' in text and 'src="./figure.svg"' in text
    both = agreement(published, second)
    assert both.same_values < both.values
    assert "trained on Invented processor, invented, AVX9. Here: on Another processor, invented, AVX9." in lines[-1]
    assert f"for {both.same_verdicts} of {len(both.claims)} verdicts, and {both.inside} of" in lines[-1]
    assert sum(line.startswith("    published") for line in lines) == len(both.claims)
    assert "put back" not in lines[-1]


def test_runs_that_were_only_put_back_are_not_taken_for_a_repetition(root, published, protocol, tmp_path):
    here = Place(tmp_path / "restored", "paper", NAME)
    restore(here, published, protocol)
    evaluate(root, here, protocol)
    _, lines = with_published(here, protocol, published.root)
    assert lines[-1].endswith(
        "All arms here are published runs, put back: that these agree says nothing of another training."
    )
    arm, n = "batchnorm", len(protocol.arms)
    anew = invented_runs(arm, protocol.arms[arm], np.random.default_rng(1))
    here.run(arm).unlink()
    here.run(arm).with_suffix(".json").unlink()
    write_arm(here, protocol, arm, anew, SESSION | LATER)
    evaluate(root, here, protocol)
    _, lines = with_published(here, protocol, published.root)
    assert f" {n - 1} of {n} arms here hold published runs, put back" in lines[-1]


def test_arms_that_were_put_back_and_got_more_seeds_are_not_all_of_the_published(root, published, protocol, tmp_path):
    here = Place(tmp_path / "restored", "paper", NAME)
    restore(here, published, protocol)
    for arm, settings in protocol.arms.items():
        more = invented_runs(arm, settings, np.random.default_rng(1))
        write_arm(here, protocol, arm, more.assign(seed=more.seed + 100), SESSION | LATER)
    evaluate(root, here, protocol)
    _, lines = with_published(here, protocol, published.root)
    n = len(protocol.arms)
    assert f" {n} of {n} arms here hold published runs, put back" in lines[-1]


def test_numbers_side_by_side_are_neither_rounded_away_nor_sorted(second, published, protocol):
    table = pd.read_csv(second.file("table.csv"))
    table.loc[0, "mean"] = 3.21e-9
    rounding = pd.DataFrame([{"arm": "zeta", "quantity": "rounding", "n": 3, "mean": 4.56e-13}])
    pd.concat([table, rounding]).to_csv(second.file("table.csv"), index=False)
    seal(second.folder, page_files(second))
    page, _ = with_published(second, protocol, published.root)
    numbers = page.read_text().split("<h2>Numbers</h2>")[1]
    assert "<td>3.21e-09</td>" in numbers and "<td>4.56e-13</td>" in numbers
    arms = re.findall(r"<tr>\s*<td>([^<]+)</td>", numbers)
    assert arms == [*table.arm, "zeta"] and arms != sorted(arms)


def test_what_is_changed_or_absent_is_not_compared(second, published, tmp_path, protocol):
    published.file("table.csv").write_text("")
    with pytest.raises(UserError, match=r"table.csv is not what was made of the runs; take it from git again"):
        with_published(second, protocol, published.root)
    with pytest.raises(UserError, match="is not published at scale full; it is at scale paper: --scale paper"):
        with_published(Place(second.root, "full", NAME), protocol, published.root)
    published.file("claims.json").unlink()
    with pytest.raises(UserError, match="has no claims.json; take it from git again"):
        with_published(second, protocol, published.root)
    with pytest.raises(UserError, match="is not published at scale paper; name a variant"):
        with_published(second, protocol, tmp_path / "nothing")
    with pytest.raises(UserError, match=r"has no claims.json; make it: dropnorm run .* --variant lr05"):
        with_original(Place(second.root, "paper", NAME, "lr05"))


def test_an_evaluation_that_was_broken_off_is_not_compared(second, published, protocol):
    second.file("digests.json").unlink()  # which is written last
    with pytest.raises(UserError, match="has no digests.json; make it: dropnorm run"):
        with_published(second, protocol, published.root)


def test_what_was_judged_by_other_criteria_is_not_compared(second, published, protocol):
    """A verdict would differ, and the runs would be taken for the reason."""
    judged = read_json(second.file("provenance.json"))
    write_json(second.file("provenance.json"), judged | {"evaluation_digest": "of yesterday"})
    seal(second.folder, page_files(second))
    both = r"judged by different code or criteria; .*dropnorm figure .*--source published"
    with pytest.raises(UserError, match=both):
        with_published(second, protocol, published.root)
    variant = replace(second, variant="lr05")
    shutil.copytree(second.folder, variant.folder)
    write_json(variant.file("provenance.json"), judged)
    seal(variant.folder, page_files(second))
    both = r"judged by different code or criteria; .*dropnorm figure .*; dropnorm figure .* --variant lr05"
    with pytest.raises(UserError, match=both):
        with_original(variant)


def test_where_no_runs_are_nothing_is_said_of_them(second, published, protocol):
    shutil.rmtree(second.runs)
    assert "put back" not in with_published(second, protocol, published.root)[1][-1]


def test_an_estimate_is_the_first_part_s_with_its_seeds_if_no_part_is_missing():
    parts = [{"n": 5}, {"n": 3}]
    assert estimate({"ours": 0.5, "interval": [0.4, 0.6], "n": 0, "parts": parts}) == "not measured"
    assert estimate({"ours": 0.5, "interval": [0.4, 0.6], "n": 3, "parts": parts}) == "0.5 [0.4, 0.6], n = 5"
