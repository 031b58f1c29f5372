"""What is published can be trusted: files as they were made, verdicts as the samples and criteria give them."""

import json
from pathlib import Path

import pandas as pd
import pytest

from dropnorm.analyses import analysis
from dropnorm.claims import judge, read_claims
from dropnorm.drawing import drawings_of, words
from dropnorm.evaluation import runs_to_judge
from dropnorm.files import differing, sha256
from dropnorm.names import Place, ResultName
from dropnorm.protocol import load
from dropnorm.repetition import AGAIN
from dropnorm.runs import table
from dropnorm.tables import TABLES, read_table, write_table
from tests.conftest import ROOT

PUBLISHED = sorted(p.parent for p in (ROOT / "published").glob("*/*/*/claims.json"))
if not PUBLISHED:
    pytest.skip("nothing is published yet", allow_module_level=True)


REPEATED = sorted(p.parent for p in (ROOT / "published" / AGAIN).glob("*/*/*/claims.json"))


def place_of(folder: Path) -> Place:
    result, _, variant = folder.name.partition("@")
    return Place(folder.parents[2], folder.parts[-3], ResultName(folder.parts[-2], result), variant or None)


def name_of(folder: Path) -> str:
    return "-".join(folder.relative_to(ROOT / "published").parts)


@pytest.fixture(params=PUBLISHED, ids=name_of)
def place(request) -> Place:
    return place_of(request.param)


@pytest.fixture(params=[*PUBLISHED, *REPEATED], ids=name_of)
def judged(request) -> Place:
    """What is published, or what came out when it was trained again."""
    return place_of(request.param)


def test_files_are_as_they_were_published(judged):
    assert judged.file("digests.json").exists()
    assert differing(judged.folder) == []


def test_published_runs_are_those_that_were_judged(place, tmp_path):
    """Samples and the facts of the page's prose follow from them, or from those of a derived result's sources."""
    provenance = json.loads(place.file("provenance.json").read_text())
    covered = {n for n in json.loads(place.file("digests.json").read_text()) if n.startswith("runs/")}
    assert {f"runs/{p.name}" for p in place.runs.glob("*")} == covered
    protocol = load(ROOT, place.name, place.scale, provenance["changes"])
    tables = {arm: table(place, protocol, arm) for arm in provenance["arms"]}
    if not any(path.exists() for path in tables.values()):
        pytest.skip("its runs are larger than what is committed")
    for arm, path in tables.items():
        assert sha256(path) == provenance["arms"][arm]["runs_sha256"]
    runs = runs_to_judge(place, protocol)
    summary = analysis(place.name).summarise(runs)
    assert summary.facts == json.loads(place.file("facts.json").read_text())
    for name in TABLES:
        write_table(tmp_path / "now.csv", getattr(summary, name))
        now, as_published = read_table(tmp_path / "now.csv"), read_table(place.file(f"{name}.csv"))
        pd.testing.assert_frame_equal(now, as_published, check_dtype=False, rtol=1e-5)


def test_captions_are_those_of_today_s_drawings(place):
    provenance = json.loads(place.file("provenance.json").read_text())
    drawings = drawings_of(ROOT, place, load(ROOT, place.name, place.scale, provenance["changes"]))
    assert words(drawings) == json.loads(place.file("figures.json").read_text())


def test_verdicts_follow_from_the_published_samples_and_today_s_criteria(judged):
    samples = read_table(judged.file("samples.csv"))
    again = judge(read_claims(ROOT, judged.name.paper), judged.name, samples, judged.scale)
    assert json.loads(json.dumps(again)) == json.loads(judged.file("claims.json").read_text())


@pytest.mark.parametrize(
    "scale", sorted(p.parts[-4] for p in (ROOT / "published").glob("*/ioffe2015/figure1/table.csv"))
)
def test_the_table_of_figure_1_agrees_with_its_samples(scale):
    """Two ways from the runs to the same number."""
    place = Place(ROOT / "published", scale, ResultName("ioffe2015", "figure1"))
    samples, table = read_table(place.file("samples.csv")), read_table(place.file("table.csv"))
    for arm in ("baseline", "batchnorm"):
        mine = samples[(samples.measure == "final_accuracy") & (samples.arm == arm)]
        row = table[(table.arm == arm) & (table.quantity == "final_test_accuracy_percent")].iloc[0]
        assert row["mean"] == pytest.approx(mine.value.mean(), abs=1e-3)
        assert row["n"] == len(mine)


def test_provenance_is_complete(judged):
    provenance = json.loads(judged.file("provenance.json").read_text())
    protocol = load(ROOT, judged.name, judged.scale, provenance["changes"])
    # A result may be published as it comes, arm by arm and seed by seed; what is missing is said.
    assert provenance["arms"]
    assert [arm for arm in protocol.arms if arm not in provenance["arms"]] == provenance["missing_arms"]
    for arm, record in provenance["arms"].items():
        assert record["protocol_hash"] == protocol.settings_digest(arm), f"{arm} was run with another protocol"
        assert set(record["seeds"]) <= set(protocol.owner(arm).seeds)
    assert all(m["commit"] and not m["commit"].endswith("+changes") for m in provenance["machines"])
    assert provenance["seconds"] > 0


def test_every_claim_of_the_result_is_judged(judged):
    claims = json.loads(judged.file("claims.json").read_text())
    expected = [i for i, c in read_claims(ROOT, judged.name.paper).claims.items() if c.result == judged.name.result]
    assert [c["id"].split(".", 1)[1] for c in claims] == expected
    for claim in claims:
        assert claim["scale"] == judged.scale
        assert claim["verdict"] in ("replicated", "direction only", "not replicated", "inconclusive")
