"""What is published of a result, and that its runs come back as they were, over nothing that is better."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dropnorm import cli, publishing
from dropnorm import runs as runs_module
from dropnorm.errors import UserError
from dropnorm.evaluation import evaluate, evaluate_published, evaluation_digest, page_files, runs_to_judge
from dropnorm.figure_files import figure_files
from dropnorm.files import differing, seal, sha256, write_json
from dropnorm.names import Place, ResultName
from dropnorm.protocol import load
from dropnorm.publishing import publish, restore, restore_all
from dropnorm.runs import arm_state, write_arm
from dropnorm.stacks import reserved
from dropnorm.status import _evaluation, status
from dropnorm.variants import open_protocol, remember
from dropnorm.workflow import published_files
from tests.book.conftest import SESSION, fabricate, invented_runs

NAME = ResultName("ioffe2015", "figure1")
ARM = "batchnorm"


@pytest.fixture
def protocol(root):
    return load(root, NAME, "paper")


@pytest.fixture(scope="module")
def made(root, tmp_path_factory):
    """A folder with a result of invented runs, made once."""
    folder = tmp_path_factory.mktemp("made")
    fabricate(Place(folder, "paper", NAME), load(root, NAME, "paper"), root)
    return folder


@pytest.fixture
def place(made, tmp_path):
    shutil.copytree(made, tmp_path / "results")
    return Place(tmp_path / "results", "paper", NAME)


@pytest.fixture
def published(place, tmp_path, protocol):
    """Where the result is published, with its runs."""
    target = Place(tmp_path / "published", "paper", NAME)
    _, words = publish(place, target, protocol)
    assert "MB) are with it" in words
    return target


def edited(path: Path) -> bytes:
    """What a file holds, with one digit changed."""
    content = path.read_bytes()
    return content.replace(b"1", b"2", 1)


@pytest.fixture
def elsewhere(tmp_path):
    """A checkout's folder of results that is still empty."""
    return Place(tmp_path / "elsewhere", "paper", NAME)


# --- publish ---


def test_small_runs_are_published_and_their_digests_too(place, published, protocol):
    assert {p.name for p in published.runs.iterdir()} == {p.name for p in place.runs.iterdir()}
    assert f"runs/{ARM}.parquet" in json.loads(published.file("digests.json").read_text())
    assert differing(published.folder) == []
    published.run(ARM).write_bytes(b"other")
    assert differing(published.folder) == [f"runs/{ARM}.parquet"]


@pytest.mark.parametrize(
    ("limit", "why"),
    [
        ("MOST_BYTES", "more than is committed (0.0 MB)"),
        ("MOST_BYTES_OF_A_FILE", "a file of them is larger than is committed (0.0 MB)"),
    ],
)
def test_large_runs_are_left_out_also_where_smaller_ones_were_published(
    place, published, protocol, monkeypatch, limit, why
):
    monkeypatch.setattr(publishing, limit, 1000)
    copied, words = publish(place, published, protocol)
    assert f"are left out: {why}" in words
    assert not published.runs.exists()
    assert differing(published.folder) == []
    assert published.file("claims.json") in copied


def test_runs_that_are_not_all_here_are_left_out(place, published, protocol):
    place.run(ARM).unlink()
    assert "not all here" in publish(place, published, protocol)[1]


def test_runs_that_the_claims_were_not_judged_from_are_refused(place, published, protocol):
    write_arm(place, protocol, ARM, invented_runs(ARM, protocol.arms[ARM], np.random.default_rng(1)), SESSION)
    with pytest.raises(UserError, match="not what the claims were judged from; judge again: dropnorm figure ioffe2015"):
        publish(place, published, protocol)
    assert published.runs.exists()


def test_an_arm_that_was_run_after_the_claims_were_judged_is_refused(place, published, protocol):
    judged = json.loads(place.file("provenance.json").read_text())
    del judged["arms"][ARM]
    place.file("provenance.json").write_text(json.dumps(judged))
    seal(place.folder, page_files(place))
    with pytest.raises(UserError, match=f"{ARM} was run after the claims were judged; judge again: dropnorm figure"):
        publish(place, published, protocol)
    assert published.run(ARM).exists()


def test_a_figure_that_the_result_has_no_more_goes_from_what_is_published(place, published, protocol):
    published.file("former.svg").write_text("<svg/>")
    publish(place, published, protocol)
    assert not published.file("former.svg").exists()
    assert published.file("figure.svg").exists() and published.file("digests.json").exists()


@pytest.mark.parametrize("copied", [0, 1, 9])
def test_a_kill_while_it_is_published_loses_no_runs_and_is_noticed(
    place, published, protocol, elsewhere, monkeypatch, copied
):
    """What is there is the former state or the new one of each file, and the digests tell if both are among them."""

    def killed(source, target):
        if next(copies) == copied:
            raise KeyboardInterrupt
        shutil.copyfile(source, target)

    copies = iter(range(99))

    before = {path: path.read_bytes() for path in published.folder.rglob("*") if path.is_file()}
    place.file("claims.json").write_text("[]\n")
    seal(place.folder, page_files(place))
    monkeypatch.setattr(publishing, "_copy", killed)
    with pytest.raises(KeyboardInterrupt):
        publish(place, published, protocol)
    changed = [path for path, content in before.items() if path.read_bytes() != content]
    assert differing(published.folder) == [path.name for path in changed]
    assert (published.file("claims.json") in changed) == (copied > 0)
    monkeypatch.undo()
    assert restore(elsewhere, published, protocol).arms == list(protocol.arms)


def test_what_an_evaluation_has_not_made_is_not_published(place, published, protocol):
    place.file("notes.txt").write_text("mine")
    place.file("former.svg").write_text("<svg/>")
    publish(place, published, protocol)
    assert not published.file("notes.txt").exists()
    assert not published.file("former.svg").exists()
    assert differing(published.folder) == []


@pytest.mark.parametrize("name", ["curves.csv", "claims.json", "figure.png"])
@pytest.mark.parametrize(
    "damage",
    [lambda path: path.unlink(), lambda path: path.write_bytes(b""), lambda path: path.write_bytes(edited(path))],
)
def test_an_evaluation_that_is_not_whole_leaves_what_is_published_alone(place, published, protocol, name, damage):
    before = {path: sha256(path) for path in published.folder.rglob("*.*")}
    damage(place.file(name))
    with pytest.raises(UserError, match=name):
        publish(place, published, protocol)
    assert {path: sha256(path) for path in published.folder.rglob("*.*")} == before


def test_what_is_judged_anew_says_still_by_which_code_its_numbers_were_made(root, published, protocol):
    path = published.file("provenance.json")
    former = {"summary_digest": "of former code", "summarised": "long ago"}
    write_json(path, json.loads(path.read_text()) | former | {"evaluation_digest": "former", "evaluated": "long ago"})
    seal(published.folder, list(json.loads(published.file("digests.json").read_text())))
    evaluate_published(root, published, protocol)
    told = json.loads(path.read_text())
    assert {key: told[key] for key in former} == former
    assert told["evaluation_digest"] == evaluation_digest(root, NAME) and told["evaluated"] != "long ago"


def test_judging_again_by_the_same_code_changes_no_file(root, published, protocol):
    before = {path: path.read_bytes() for path in published.folder.rglob("*") if path.is_file()}
    evaluate_published(root, published, protocol)
    assert {path: path.read_bytes() for path in published.folder.rglob("*") if path.is_file()} == before


def test_a_picture_that_cannot_be_drawn_without_runs_is_missed(root, published, protocol):
    picture = published.file("image-none.png")
    shutil.copy(published.file("figure.png"), picture)
    runs = [name for name in json.loads(published.file("digests.json").read_text()) if "/" in name]
    seal(published.folder, [*page_files(published), *runs])
    picture.unlink()
    with pytest.raises(UserError, match="image-none.png is not what was published; take it from git again"):
        evaluate_published(root, published, protocol)


@pytest.mark.parametrize("step", ["write_claims", "_write_evaluated"])
def test_judging_again_that_is_broken_off_can_be_done_again(root, published, protocol, monkeypatch, step):
    former = json.loads(published.file("figures.json").read_text())
    write_json(published.file("figures.json"), former | {"other": former["figure"]})
    for file in figure_files("other"):  # no longer drawn, and gone when it is broken off
        published.file(file).write_bytes(published.file(file.replace("other", "figure")).read_bytes())
    published.file("claims.json").write_text("[]")
    runs = [name for name in json.loads(published.file("digests.json").read_text()) if "/" in name]
    seal(published.folder, [*page_files(published), *runs])
    monkeypatch.setattr(f"dropnorm.evaluation.{step}", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate_published(root, published, protocol)
    monkeypatch.undo()
    evaluate_published(root, published, protocol)
    assert differing(published.folder) == [] and json.loads(published.file("claims.json").read_text())
    assert set(json.loads(published.file("figures.json").read_text())) == set(former)


def test_what_is_published_at_another_scale_is_named(root, published):
    with pytest.raises(UserError, match="is not published at scale full; it is at scale paper: --scale paper"):
        evaluate_published(root, Place(published.root, "full", NAME), load(root, NAME, "full"))


def test_a_picture_that_the_analysis_makes_no_more_goes(root, place, protocol):
    place.file("image-former.png").write_bytes(b"damaged, too")
    evaluate(root, place, protocol)
    assert not place.file("image-former.png").exists()
    assert "image-former.png" not in page_files(place)


@pytest.mark.parametrize(
    "name", ["samples.csv", "curves.csv", "facts.json", "provenance.json", f"runs/{ARM}.parquet", f"runs/{ARM}.json"]
)
def test_what_is_published_is_not_judged_again_from_a_damaged_file(root, published, protocol, name):
    published.file(name).write_bytes(published.file(name).read_bytes()[:-20])
    with pytest.raises(UserError, match=f"{name} is not what was published; take it from git again"):
        evaluate_published(root, published, protocol)
    assert differing(published.folder) == [name]


@pytest.mark.parametrize("command", [cli.publish, cli.compare])
def test_what_is_published_is_no_folder_of_results(root, monkeypatch, command):
    """It would be deleted before it is copied onto itself."""
    monkeypatch.chdir(root)
    monkeypatch.setattr(publishing, "publish", lambda *_: pytest.fail("it would have been deleted"))
    monkeypatch.setattr("dropnorm.compare.with_published", lambda *_: pytest.fail("it would have been written into"))
    with pytest.raises(UserError, match="--out published: what is published is committed"):
        command(str(NAME), scale="paper", out=Path("published"), variant=None)


def test_a_training_that_ends_while_its_runs_are_read_is_noticed(root, place, protocol, monkeypatch):
    """Or the provenance would be that of other runs than the numbers."""

    def read(*arguments) -> pd.DataFrame:
        runs = runs_to_judge(*arguments)
        made = invented_runs(ARM, protocol.arms[ARM], np.random.default_rng(7)).assign(seed=77)
        write_arm(place, protocol, ARM, made, SESSION)
        return runs

    before = place.file("provenance.json").read_text()
    monkeypatch.setattr("dropnorm.evaluation.runs_to_judge", read)
    with pytest.raises(UserError, match="a training ended while its runs were read; run the same command again"):
        evaluate(root, place, protocol)
    assert place.file("provenance.json").read_text() == before


def test_what_was_run_with_other_values_is_neither_published_nor_drawn_again(root, place, published):
    """Its captions would tell of settings that were never run."""
    today = load(root, NAME, "paper", {"training.batch_size": 30})
    with pytest.raises(UserError, match="was run with other values than its protocol has; run it: dropnorm run"):
        evaluate_published(root, published, today)
    with pytest.raises(UserError, match="was run with other values"):
        publish(place, published, today)
    assert differing(published.folder) == []


def test_what_was_judged_by_former_criteria_is_not_published(place, published, protocol):
    path = place.file("provenance.json")
    write_json(path, json.loads(path.read_text()) | {"evaluation_digest": "former"})
    seal(place.folder, page_files(place))
    with pytest.raises(UserError, match="judged by former code or criteria; judge again: dropnorm figure"):
        publish(place, published, protocol)


@pytest.mark.parametrize("name", ["claims.json", "provenance.json", "digests.json"])
def test_status_looks_into_an_evaluation(root, place, protocol, name):
    place.file(name).write_bytes(place.file(name).read_bytes()[:-20])
    found = status(root, protocol, place)
    assert (found.state, found.command) == ("damaged", place.command("figure"))
    assert name in found.why
    evaluate(root, place, protocol)
    assert status(root, protocol, place).state == "incomplete"  # four of ten seeds


def test_an_evaluation_that_was_broken_off_is_not_taken_for_a_whole_one(root, place, protocol):
    place.file("digests.json").unlink()  # which is written last
    assert _evaluation(root, place, protocol) == ("stale", "its evaluation was broken off")
    place.file("claims.json").unlink()
    assert _evaluation(root, place, protocol) == ("stale", "not evaluated")


def test_an_index_of_figures_that_is_damaged_is_made_again(root, place, protocol):
    good = place.file("figures.json").read_text()
    place.file("figures.json").write_text(good[:30])
    evaluate(root, place, protocol)
    assert place.file("figures.json").read_text() == good


def test_the_book_is_made_of_what_is_published_but_runs_wherever_the_checkout_lies(published, tmp_path):
    checkout = tmp_path / "runs" / "checkout"
    shutil.copytree(published.root, checkout / "published")
    (checkout / "published/paper/ioffe2015/figure1@lr0.3").mkdir()
    names = {str(Path(file).relative_to(checkout)) for file in published_files(checkout)}
    assert "published/paper/ioffe2015/figure1/claims.json" in names
    assert not any("/runs/" in name or "@" in name for name in names)


def test_what_lies_among_runs_and_is_none_of_them_is_not_published(place, published, protocol):
    place.run("no-arm").write_bytes(b"of a former protocol")
    place.run(ARM).with_name(f"{ARM}.parquet.damaged").write_bytes(b"")
    publish(place, published, protocol)
    assert not published.run("no-arm").exists()
    assert not list(published.runs.glob("*.damaged"))


# --- restore ---


def test_a_published_table_that_is_gone_is_refused(published, protocol, elsewhere):
    published.run(ARM).unlink()
    with pytest.raises(UserError, match="is not what was published"):
        restore(elsewhere, published, protocol)


@pytest.mark.parametrize("record_is_written", [False, True])
def test_a_kill_between_table_and_record_loses_neither(elsewhere, published, protocol, monkeypatch, record_is_written):
    def killed(path, content):
        if record_is_written:
            write_json(path, content)
        raise KeyboardInterrupt

    restore(elsewhere, published, protocol)
    new = invented_runs(ARM, protocol.arms[ARM], np.random.default_rng(1))
    before = arm_state(elsewhere, protocol, ARM).seeds
    monkeypatch.setattr(runs_module, "write_json", killed)
    with pytest.raises(KeyboardInterrupt):
        write_arm(elsewhere, protocol, ARM, new[new.seed == 0].assign(seed=77), SESSION)
    found = arm_state(elsewhere, protocol, ARM)
    assert (found.state, found.seeds) == ("fresh", [*before, *([77] if record_is_written else [])])


def test_restored_runs_are_fresh_and_give_the_same_verdicts(root, published, protocol, elsewhere):
    done = restore(elsewhere, published, protocol)
    assert done.arms == list(protocol.arms)
    assert (done.stale, done.kept, done.absent) == ([], [], [])
    assert arm_state(elsewhere, protocol, ARM).state == "fresh"
    evaluate(root, elsewhere, protocol)
    for name in ("samples.csv", "claims.json"):
        assert elsewhere.file(name).read_bytes() == published.file(name).read_bytes()
    assert status(root, protocol, elsewhere).state == "incomplete"  # four of ten seeds
    assert elsewhere.file("provenance.json").exists()


def test_a_seed_can_be_added(published, protocol, elsewhere):
    restore(elsewhere, published, protocol)
    runs = invented_runs(ARM, protocol.arms[ARM], np.random.default_rng(1))
    write_arm(elsewhere, protocol, ARM, runs[runs.seed == 0].assign(seed=9), SESSION)
    assert arm_state(elsewhere, protocol, ARM).seeds == [0, 1, 2, 3, 9]
    both, before = pd.read_parquet(elsewhere.run(ARM)), pd.read_parquet(published.run(ARM))
    assert both[both.seed < 9].reset_index(drop=True).equals(before)


def test_fresh_seeds_that_are_here_stay(published, protocol, elsewhere):
    runs = invented_runs(ARM, protocol.arms[ARM], np.random.default_rng(1))
    write_arm(elsewhere, protocol, ARM, runs[runs.seed == 0], SESSION)
    before = elsewhere.run(ARM).read_bytes()
    done = restore(elsewhere, published, protocol)
    assert done.kept == [ARM]
    assert elsewhere.run(ARM).read_bytes() == before


def spoil(place: Place, **identity) -> None:
    """Make the record of an arm that of other code, settings or data."""
    path = place.run(ARM).with_suffix(".json")
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"identity": record["identity"] | identity}))


def test_stale_ones_give_way_to_fresh_ones_and_to_no_others(place, published, protocol, elsewhere):
    restore(elsewhere, published, protocol)
    spoil(elsewhere, code="of yesterday")
    assert restore(elsewhere, published, protocol).arms == [ARM]
    assert arm_state(elsewhere, protocol, ARM).state == "fresh"
    spoil(place, code="of last year")
    publish(place, published, protocol)
    spoil(elsewhere, code="of yesterday")
    assert ARM in restore(elsewhere, published, protocol).kept
    elsewhere.run(ARM).unlink()
    assert restore(elsewhere, published, protocol).stale == [ARM]  # they can still be judged


@pytest.mark.parametrize("ending", [".parquet", ".json"])
def test_a_damaged_one_is_refused_and_nothing_is_copied(published, protocol, elsewhere, ending):
    path = published.run(ARM).with_suffix(ending)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(UserError, match=rf"{ARM}{ending} is not what was published"):
        restore(elsewhere, published, protocol)
    assert not elsewhere.runs.exists()


def test_published_runs_that_are_all_gone_are_missed(root, published, elsewhere):
    shutil.rmtree(published.runs)
    with pytest.raises(UserError, match="is not what was published.*; take it from git again"):
        restore_all(root, [elsewhere], published.root).__next__()


def test_all_of_a_scale(root, published, elsewhere):
    others = [elsewhere, elsewhere.of(ResultName("srivastava2014", "section9"))]
    lines = list(restore_all(root, others, published.root))
    assert lines == [f"ioffe2015/figure1: {len(load(root, NAME, 'paper').arms)} arms restored"]
    with pytest.raises(UserError, match="no runs of srivastava2014/section9 are published at scale paper"):
        list(restore_all(root, others[1:], published.root))
    with pytest.raises(UserError, match="no runs of .* are published at scale full; some are at scale paper: --s"):
        list(restore_all(root, [Place(elsewhere.root, "full", NAME)], published.root))
    derived = ResultName("srivastava2014", "figure8")  # whose runs lie with figure7
    (published.root / "full/srivastava2014/figure7/runs").mkdir(parents=True)
    with pytest.raises(
        UserError, match="no runs of .*figure8 are published at scale smoke; some are at scale full: --s"
    ):
        list(restore_all(root, [Place(elsewhere.root, "smoke", derived)], published.root))


def test_nothing_is_restored_into_a_training(root, published, elsewhere, protocol):
    with reserved(elsewhere, protocol, [ARM]) as ours:
        assert ours
        with pytest.raises(UserError, match="another process is training here; restore when it has ended"):
            list(restore_all(root, [elsewhere], published.root))
    assert not elsewhere.run(ARM).exists()


@pytest.fixture
def published_variant(root, place, tmp_path) -> Place:
    """A variant with another learning rate, published."""
    changes = {"optimiser.lr": 0.5}
    variant, target = (Place(folder, "paper", NAME, "lr05") for folder in (place.root, tmp_path / "published"))
    remember(variant, changes)
    fabricate(variant, load(root, NAME, "paper", changes), root)
    publish(variant, target, load(root, NAME, "paper", changes))
    return target


def test_a_variant_can_be_judged_again_from_what_is_published(root, published_variant):
    target = published_variant
    judged = target.file("claims.json").read_text()
    write_json(target.file("claims.json"), [])
    evaluate_published(root, target, open_protocol(root, target, {}))
    assert target.file("claims.json").read_text() == judged
    assert differing(target.folder) == []


def test_a_variant_comes_back_with_what_it_changes(root, published_variant, tmp_path):
    changes, target = {"optimiser.lr": 0.5}, published_variant
    here = Place(tmp_path / "elsewhere", "paper", NAME, "lr05")
    without = here.of(ResultName("ioffe2015", "section3"))  # a result that has no such variant
    list(restore_all(root, [without, here], target.root))
    assert json.loads(here.file("variant.json").read_text()) == changes
    assert arm_state(here, load(root, NAME, "paper", changes), ARM).state == "fresh"
    other = Place(tmp_path / "other", "paper", NAME, "lr05")
    remember(other, {"optimiser.lr": 0.7})
    other.runs.mkdir()
    other.run(ARM).touch()
    with pytest.raises(UserError, match="was made with optimiser.lr = 0.7"):
        list(restore_all(root, [other], target.root))
