"""Results that share runs: a protocol that names other results, judged and drawn from what these have trained."""

import json
import shutil
import sys

import numpy as np
import pytest
import yaml

from dropnorm.analyses.ioffe2015 import figure1
from dropnorm.book import origin, staging
from dropnorm.book.facts import facts_of
from dropnorm.book.sources import every_scale, find_results
from dropnorm.errors import UserError
from dropnorm.evaluation import evaluate, evaluation_digest
from dropnorm.names import Place, ResultName
from dropnorm.protocol import load
from dropnorm.publishing import publish, restore_all
from dropnorm.runs import arm_state, read_runs, write_arm
from dropnorm.status import status, told
from dropnorm.timing import in_words
from dropnorm.variants import UnknownVariant, open_protocol, remember
from dropnorm.workflow import WorkflowConfig, load_results
from tests.book.conftest import SESSION, invented_runs

PLAIN, NORMALISED, BOTH = (ResultName("ioffe2015", result) for result in ("plain", "normalised", "both"))
FILE = {"paper": "ioffe2015", "result": "both", "title": "Both", "runs_of": [str(PLAIN), str(NORMALISED)]}


def write_protocol(folder, result: str, tree: dict) -> None:
    path = folder / "protocols/ioffe2015" / f"{result}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(tree, sort_keys=False))


@pytest.fixture
def checkout(root, tmp_path, monkeypatch):
    """Figure 1 in two halves, one with each network, and a result that is judged from both."""
    tree = yaml.safe_load((root / "protocols/ioffe2015/figure1.yaml").read_text())
    for result, arm in (("plain", "baseline"), ("normalised", "batchnorm")):
        sweeps = {"lr": tree["sweeps"]["lr"] | {"arms": [arm], "over": {"optimiser.lr": [0.1, 0.3]}}}
        scales = {scale: changes | {"seeds": "0-3"} for scale, changes in tree["scales"].items()}
        own = {"result": result, "arms": {arm: tree["arms"][arm]}, "sweeps": sweeps, "scales": scales}
        write_protocol(tmp_path, result, tree | own)
    write_protocol(tmp_path, "both", FILE)
    (tmp_path / "claims").mkdir()
    criteria = (root / "claims/ioffe2015.yaml").read_text().replace("result: figure1", "result: both")
    (tmp_path / "claims/ioffe2015.yaml").write_text(criteria)
    for name in ("plain", "normalised", "both"):
        monkeypatch.setitem(sys.modules, f"dropnorm.analyses.ioffe2015.{name}", figure1)
    return tmp_path


@pytest.fixture
def place(checkout):
    """The derived result at scale paper, evaluated from invented runs of its sources."""
    place, protocol = Place(checkout / "results", "paper", BOTH), load(checkout, BOTH, "paper")
    rng = np.random.default_rng(0)
    for arm, settings in protocol.arms.items():
        write_arm(place, protocol, arm, invented_runs(arm, settings, rng), SESSION)
    evaluate(checkout, place, protocol)
    return place


# --- the protocol ---


def test_its_arms_are_those_of_its_sources(checkout):
    both, plain = load(checkout, BOTH, "paper"), load(checkout, PLAIN, "paper")
    assert list(both.arms) == [a + s for a in ("baseline", "batchnorm") for s in ("", ".lr-0.1", ".lr-0.3")]
    assert both.derived
    assert not plain.derived
    assert both.owner("batchnorm.lr-0.1").name == NORMALISED
    assert both.settings_digest("baseline") == plain.settings_digest("baseline")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": "0-9", "arms": {"a": {}}}, ["runs_of", "without runs of its own has no seeds, arms"]),
        ({"runs_of": []}, ["runs_of", "at least 1"]),
        ({"runs_of": ["nothing"]}, ["runs_of", "'nothing' is no result"]),
        ({"runs_of": [str(PLAIN)] * 2}, ["runs_of", "twice"]),
        ({"runs_of": ["ioffe2015/figure9"]}, ["runs_of", "there is no ioffe2015/figure9"]),
        ({"runs_of": [str(BOTH)]}, ["runs_of", "ioffe2015/both has no runs of its own either"]),
        ({"runs_of": [str(PLAIN), "ioffe2015/twin"]}, ["arm 'baseline' is in both ioffe2015/plain and ioffe2015/twin"]),
        ({"colour": "red"}, ["colour", "unknown key", "allowed: paper, result, runs_of, title"]),
    ],
)
def test_a_wrong_one_gets_one_line_that_names_the_file(checkout, changes, words):
    twin = yaml.safe_load((checkout / "protocols/ioffe2015/plain.yaml").read_text()) | {"result": "twin"}
    write_protocol(checkout, "twin", twin)
    write_protocol(checkout, "both", FILE | changes)
    with pytest.raises(UserError) as error:
        load(checkout, BOTH, "full")
    message = str(error.value)
    assert "\n" not in message
    assert all(word in message for word in ["both.yaml", *words]), message


# --- variants ---


def test_a_change_goes_to_the_sources_that_have_the_setting(checkout, root):
    (checkout / "protocols/srivastava2014").mkdir()
    shutil.copy(root / "protocols/srivastava2014/section9.yaml", checkout / "protocols/srivastava2014")
    write_protocol(checkout, "both", FILE | {"runs_of": [str(PLAIN), "srivastava2014/section9"]})
    both = load(checkout, BOTH, "paper", {"optimiser.lr": 0.5, "sgd.lr": 0.1})
    assert [source.changes for source in both.sources] == [{"optimiser.lr": 0.5}, {"sgd.lr": 0.1}]
    assert both.arms["baseline"].optimiser.lr == 0.5
    with pytest.raises(UserError, match=r"both.yaml: --set optimiser.rate: no setting of ioffe2015/plain"):
        load(checkout, BOTH, "paper", {"optimiser.rate": 0.5})
    with pytest.raises(UserError, match="greater than 0"):
        load(checkout, BOTH, "paper", {"optimiser.lr": -1})


def test_it_knows_the_variants_of_its_sources_and_contradicts_none(checkout):
    place = Place(checkout / "results", "full", BOTH, "fast")
    remember(place.of(PLAIN), {"optimiser.lr": 0.5})
    assert open_protocol(checkout, place, {}).changes == {"optimiser.lr": 0.5}
    place.of(PLAIN).runs.mkdir()
    place.of(PLAIN).run("baseline").touch()
    with pytest.raises(UserError, match="variant fast was made with optimiser.lr = 0.5; choose another name"):
        open_protocol(checkout, place, {"optimiser.lr": 0.7})
    remember(place.of(NORMALISED), {"optimiser.lr": 0.7})
    with pytest.raises(UserError, match=r"made with optimiser.lr = 0.5 and with optimiser.lr = 0.7; say which"):
        open_protocol(checkout, place, {})


def test_a_variant_that_neither_it_nor_a_source_has_is_refused(checkout):
    remember(Place(checkout / "results", "full", BOTH, "fast"), {"optimiser.lr": 0.5})
    with pytest.raises(UnknownVariant, match=r"no variant fats at scale full \(there is fast\); to make it: dropnorm"):
        open_protocol(checkout, Place(checkout / "results", "full", BOTH, "fats"), {})


# --- runs and status ---


def test_it_is_judged_from_the_runs_of_its_sources(place, checkout):
    assert not place.runs.exists()
    assert set(read_runs(place, load(checkout, BOTH, "paper")).arm.unique()) == set(load(checkout, BOTH, "paper").arms)
    verdicts = {c["id"]: c["verdict"] for c in json.loads(place.file("claims.json").read_text())}
    assert verdicts["ioffe2015.I1.1"] == "replicated"
    provenance = json.loads(place.file("provenance.json").read_text())
    assert provenance["runs_of"] == [str(PLAIN), str(NORMALISED)]
    assert set(provenance["arms"]) == set(load(checkout, BOTH, "paper").arms)
    assert provenance["missing_arms"] == []


def test_it_is_as_fresh_as_the_runs_of_its_sources(place, checkout):
    def now():
        return status(checkout, load(checkout, BOTH, "paper"), place)

    assert now().state == "fresh"
    table = place.of(NORMALISED).run("batchnorm")
    record = json.loads(table.with_suffix(".json").read_text())
    record["identity"]["code"] = "of yesterday"
    table.with_suffix(".json").write_text(json.dumps(record))
    assert (now().state, now().why) == ("stale", "1 of 6 arms: training code changed (such as batchnorm)")
    assert now().command == f"dropnorm run protocols/ioffe2015/normalised.yaml --scale paper --out {place.root}"
    shutil.rmtree(place.of(PLAIN).folder)
    assert now().command.count("dropnorm run") == 2
    shutil.rmtree(place.of(NORMALISED).folder)
    assert now().state == "missing"


def test_snakemake_trains_an_arm_that_it_lacks_where_its_source_was_never_judged(place, checkout, root):
    def marks():
        results, _ = load_results(checkout, WorkflowConfig.check(config, "here"))
        return {mark for result in results for job in result.jobs for mark in job.unfinished}

    tree = yaml.safe_load((root / "config/config.yaml").read_text())
    config = tree | {"scale": "paper", "out": str(place.root), "arms_per_job": 1}
    assert marks() == set()
    table = place.of(NORMALISED).run("batchnorm")
    table.unlink()
    table.with_suffix(".json").unlink()
    assert marks() == {str(place.of(NORMALISED).file(".batchnorm.unfinished"))}
    place.file("claims.json").unlink()
    assert marks() == set()  # nothing was judged: what is missing is known to Snakemake
    place.of(NORMALISED).file("claims.json").write_text("[]")
    assert marks() == {str(place.of(NORMALISED).file(".batchnorm.unfinished"))}


def test_a_protocol_without_an_analysis_is_one_line(checkout):
    write_protocol(checkout, "unwritten", FILE | {"result": "unwritten"})
    protocol = load(checkout, name := ResultName("ioffe2015", "unwritten"), "paper")
    with pytest.raises(UserError, match=r"has a protocol and no analysis; write src/dropnorm/.*/unwritten.py"):
        evaluation_digest(checkout, protocol.name)
    assert status(checkout, protocol, Place(checkout / "results", "paper", name)).state == "missing"


def test_newer_runs_of_a_source_make_its_figure_stale(place, checkout):
    protocol = load(checkout, BOTH, "paper")
    runs = invented_runs("baseline", protocol.arms["baseline"], np.random.default_rng(1))
    write_arm(place, protocol, "baseline", runs, SESSION)
    found = status(checkout, protocol, place)
    assert (found.state, found.why) == ("stale", "runs are newer than the figure")
    assert found.command == f"dropnorm figure ioffe2015/both --scale paper --out {place.root}"


# --- what is published and shown ---


def test_it_is_not_published_where_a_source_has_other_runs_by_now(place, checkout):
    protocol = load(checkout, BOTH, "paper")
    runs = invented_runs("baseline", protocol.arms["baseline"], np.random.default_rng(1))
    write_arm(place, protocol, "baseline", runs, SESSION)
    with pytest.raises(UserError, match="plain/runs/baseline.parquet is not what the claims were judged from"):
        publish(place, Place(checkout / "published", "paper", BOTH), protocol)


@pytest.fixture
def shown(place, checkout):
    """The derived result as the book shows it, once published."""
    publish(place, Place(checkout / "published", "paper", BOTH), load(checkout, BOTH, "paper"))
    return next(r for r in find_results(checkout, "published", checkout / "nowhere") if r.name == BOTH)


def test_the_book_shows_it_and_says_whose_runs_they_are(shown):
    fragments = staging.fragments(shown)
    assert f"no runs of its own: it is judged and drawn from those of {PLAIN} and {NORMALISED}" in (fragments["rerun"])
    assert f"dropnorm run protocols/{BOTH}.yaml --scale paper" in fragments["rerun"]
    assert f"3.0 hours in all, in the runs of {PLAIN} and {NORMALISED}" in fragments["provenance"]
    assert facts_of(shown)["settings"]["optimiser"]["lr"] == "0.1"
    assert facts_of(shown)["seeds"] == "4"
    assert f"protocols/{BOTH}.yaml" in fragments["downloads"]


def test_its_runs_are_published_with_its_sources_and_come_back_from_there(place, checkout):
    published, elsewhere = (Place(checkout / folder, "paper", BOTH) for folder in ("published", "elsewhere"))
    protocol = load(checkout, BOTH, "paper")
    words = publish(place, published, protocol)[1]
    assert words == f"its runs are those of {PLAIN} and {NORMALISED}, to be published with them"
    for name in (PLAIN, NORMALISED):
        evaluate(checkout, place.of(name), load(checkout, name, "paper"))
        publish(place.of(name), published.of(name), load(checkout, name, "paper"))
    assert list(restore_all(checkout, [elsewhere], checkout / "published")) == [f"{BOTH}: 6 arms restored"]
    assert arm_state(elsewhere, load(checkout, BOTH, "paper"), "batchnorm").state == "fresh"
    assert elsewhere.of(NORMALISED).run("batchnorm").exists()


def test_its_seconds_are_not_counted_again(shown, checkout):
    table = origin.times_table(list(every_scale(checkout, "published", checkout / "nowhere")))
    cells = table.splitlines()[2].split(" | ")
    assert cells[4:7] == ["–", "–", "–"]
    assert f"from the runs of {PLAIN} and {NORMALISED}" in cells[7]


def timed(checkout, scale: str, name: ResultName, ms: float) -> float:
    """Publish so many milliseconds a step of every arm of a result; returns the seconds of all its steps and seeds."""
    protocol = load(checkout, name, scale)
    path = Place(checkout / "published", scale, name).file("provenance.json")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"arms": {arm: {"ms_per_replica_step": ms} for arm in protocol.arms}}))
    return sum(ms / 1000 * settings.steps * len(protocol.seeds) for settings in protocol.arms.values())


def test_what_is_to_be_trained_is_added_up_and_counted_once(checkout):
    opened = [(load(checkout, n, "full"), Place(checkout / "nowhere", "full", n)) for n in (PLAIN, NORMALISED, BOTH)]
    one = timed(checkout, "full", PLAIN, 2.0)
    last = [line.plain for line in told(checkout, opened)][-1]
    assert last == f"All 2 trainings together: {in_words(one)}, and 1 of unknown time"
    assert origin.planned_time(checkout) == ""
    other = timed(checkout, "full", NORMALISED, 3.0)
    assert other > one
    last = [line.plain for line in told(checkout, opened)][-1]
    assert last == f"All 2 trainings together: {in_words(one + other)}"
    assert origin.texts.duration(one + other) in origin.planned_time(checkout)
    assert [line.plain for line in told(checkout, opened[:1])][-1].lstrip().startswith("dropnorm run")  # of one: no sum


def test_the_book_refuses_what_the_protocol_refuses(checkout):
    write_protocol(checkout, "both", FILE | {"runs_of": ["ioffe2015/figure9"]})
    with pytest.raises(UserError, match=r"both.yaml: runs_of: there is no ioffe2015/figure9"):
        find_results(checkout, "published", checkout / "nowhere")
