"""What records, digests and checkpoints say is what happened: each of these would go wrong in silence."""

import contextlib
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from rich.console import Console

from dropnorm import checkpoint, provenance, runner, runs
from dropnorm.datasets import load as load_dataset
from dropnorm.errors import UserError
from dropnorm.evaluation import _arm_provenance, evaluation_digest, write_provenance
from dropnorm.files import replacing, seal, write_json
from dropnorm.names import Place, ResultName
from dropnorm.protocol import Protocol, load
from dropnorm.publishing import _small_runs, publish, publish_again
from dropnorm.repetition import Pair
from dropnorm.runner import Limits, _refuse_too_large, _StackRun, make_loader, run_pending
from dropnorm.runs import ArmState, arm_state, identity, records, unfinished, write_arm
from dropnorm.stacks import Stack, drop_finished, pending_stacks
from dropnorm.status import _evaluation, _missing_seeds
from dropnorm.variants import remember, resolve
from dropnorm.workflow import Result, WorkflowConfig
from tests.book.conftest import SESSION, fabricate, invented_runs

NAME = ResultName("ioffe2015", "figure1")
ARM = "baseline"
CPU, QUIET = torch.device("cpu"), Console(quiet=True)


@pytest.fixture(scope="module")
def protocol(root):
    return load(root, NAME, "smoke")


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, "smoke", NAME)


def made_up(protocol, seed: int = 0) -> pd.DataFrame:
    return invented_runs(ARM, protocol.arms[ARM], np.random.default_rng(seed))


# --- runs ---


def test_other_data_are_another_identity(protocol, monkeypatch):
    before = identity(protocol, ARM)
    monkeypatch.setitem(runs.DIGESTS, "digits", ("other", "data"))
    assert identity(protocol, ARM).difference(before) == "data set changed"


def test_seeds_that_are_written_again_do_not_stand_twice(protocol, place):
    write_arm(place, protocol, ARM, made_up(protocol), SESSION)
    again = made_up(protocol, 1)
    write_arm(place, protocol, ARM, again[again.seed == 0], SESSION)
    table = pd.read_parquet(place.run(ARM))
    assert not table.duplicated(["seed", "step", "quantity", "unit"]).any()
    assert sorted(table.seed.unique()) == [0, 1, 2, 3]


def test_runs_with_all_seeds_but_of_other_code_are_unfinished(protocol, place):
    write_arm(place, protocol, ARM, made_up(protocol), SESSION)
    path = place.run(ARM).with_suffix(".json")
    record = json.loads(path.read_text()) | {"seeds": [*protocol.seeds, 1000]}
    write_json(path, record)
    assert not unfinished(place, protocol, ARM, judged=False)
    write_json(path, record | {"identity": record["identity"] | {"code": "of yesterday"}})
    assert unfinished(place, protocol, ARM, judged=False)
    write_json(path, record | {"seeds": [*protocol.seeds[1:], 1000]})
    assert unfinished(place, protocol, ARM, judged=False)


@pytest.mark.parametrize(("device", "state"), [("cpu", "fresh"), ("cuda", "stale")])
def test_code_that_only_a_gpu_runs_makes_only_its_runs_stale(protocol, place, monkeypatch, device, state):
    write_arm(place, protocol, ARM, made_up(protocol), SESSION | {"device": device})
    assert arm_state(place, protocol, ARM).state == "fresh"
    monkeypatch.setattr(runs, "gpu_code", lambda protocol, arm: "of tomorrow")
    found = arm_state(place, protocol, ARM)
    assert (found.state, unfinished(place, protocol, ARM, judged=False)) == (state, state == "stale")
    assert found.why == ("training code for a GPU changed" if state == "stale" else "")


@pytest.mark.parametrize(
    ("begun_on", "code", "goes_on"),
    [
        ("cpu", "today", True),
        ("cpu", "tomorrow", True),
        ("cuda", "today", True),
        ("cuda", "tomorrow", False),
    ],
)
def test_a_checkpoint_goes_on_elsewhere_but_not_with_other_code_for_a_gpu(
    protocol, place, monkeypatch, begun_on, code, goes_on
):
    stack = Stack(protocol, place, CPU, [(ARM, 0)])

    def begin(code):
        monkeypatch.setattr(runner, "gpu_code", lambda protocol, arm: code)
        return _StackRun(stack, make_loader(place.root, None), Limits(), QUIET)

    begun = begin("today")
    begun.machines = [provenance.machine(CPU) | {"device": begun_on}]
    begun.experiment.advance()
    begun._save()
    assert begin(code).experiment.step == goes_on * begun.experiment.step


def test_a_gpu_where_a_run_was_begun_has_a_part_in_it(protocol, place):
    session = SESSION | {"device": "cpu", "before": [{"device": "cuda"}]}
    write_arm(place, protocol, ARM, made_up(protocol), session)
    assert json.loads(place.run(ARM).with_suffix(".json").read_text())["gpu_code"] == runs.gpu_code(protocol, ARM)


def test_what_a_kill_left_of_a_checkpoint_goes_when_its_arm_is_finished(protocol, place):
    stack = Stack(protocol, place, CPU, [(ARM, 0)])
    mine, other = (place.checkpoints / f".77.part.{arm}.0123456789ab.safetensors" for arm in (ARM, f"{ARM}.lr-0.3"))
    place.checkpoints.mkdir(parents=True)
    for part in (mine, other):
        part.write_bytes(b"half of")
    drop_finished(stack)
    assert (mine.exists(), other.exists()) == (False, True)


def test_what_another_process_has_finished_meanwhile_is_no_error(root, protocol, place, monkeypatch):
    @contextlib.contextmanager
    def taken(place, protocol, arms):
        write_arm(place, protocol, ARM, made_up(protocol), SESSION)
        yield False

    monkeypatch.setattr(runner, "reserved", taken)
    outcome = run_pending(
        protocol, place, arms=[ARM], seeds=[0], device=CPU, load_dataset=make_loader(place.root, None), limits=Limits(),
        console=QUIET,
    )  # fmt: skip
    assert (outcome.done, outcome.pending) == ([ARM], [])


def test_a_record_of_no_replicas_is_damaged(protocol, place):
    write_arm(place, protocol, ARM, made_up(protocol), SESSION)
    path = place.run(ARM).with_suffix(".json")
    write_json(path, json.loads(path.read_text()) | {"sessions": [SESSION | {"replicas": 0}]})
    assert arm_state(place, protocol, ARM).state == "damaged"


def test_other_seeds_than_those_planned_do_not_stand_for_them(protocol):
    others = [seed + 1000 for seed in protocol.seeds]
    assert _missing_seeds(protocol, ARM, ArmState("fresh", "", others)) == len(protocol.seeds)


# --- training ---


def test_what_another_process_has_finished_by_now_is_not_trained_again(protocol, place, monkeypatch):
    def and_then_the_other_ends(*arguments):
        found = pending_stacks(*arguments)
        write_arm(place, protocol, ARM, made_up(protocol), SESSION)
        return found

    monkeypatch.setattr(runner, "pending_stacks", and_then_the_other_ends)
    outcome = run_pending(
        protocol, place, arms=[ARM], seeds=[0, 1], device=CPU, load_dataset=pytest.fail, limits=Limits(), console=QUIET
    )
    assert (outcome.done, outcome.pending) == ([ARM], [])
    assert len(records(place, protocol)[ARM]["sessions"]) == 1


def test_what_is_resumed_keeps_its_beginning_and_the_seconds_before(protocol, place, tmp_path, monkeypatch):
    def taken_up() -> _StackRun:
        [stack] = pending_stacks(protocol, place, {ARM: [0]}, CPU, QUIET)
        return _StackRun(stack, make_loader(tmp_path, None), Limits(), QUIET)

    first = taken_up()
    assert first.advance(should_stop=lambda: True) is False
    monkeypatch.setattr(provenance, "now", lambda: "later")
    second = taken_up()
    assert second.experiment.step == first.experiment.step
    assert second.started == first.started != "later"
    assert second.seconds == pytest.approx(first.seconds) and second.seconds > 0
    second.finish()
    assert records(place, protocol)[ARM]["sessions"][0]["ended"] == "later"


def test_a_checkpoint_is_of_settings_and_seeds(root, protocol, place):
    changed = load(root, NAME, "smoke", {"training.batch_size": 30})
    keys = {Stack(of, place, CPU, [(ARM, seed)]).key for of in (protocol, changed) for seed in (0, 1)}
    assert len(keys) == 4


def test_a_checkpoint_of_an_arm_that_is_no_more_stays_and_stops_nothing(protocol, place):
    former = place.checkpoints / "former.0.safetensors"
    checkpoint.save(former, {"step": torch.tensor(1)}, checkpoint.Header("key", [("former", 0)]))
    drop_finished(Stack(protocol, place, CPU, [(ARM, 0)]))
    assert former.exists()


@pytest.mark.parametrize("other", [{"a": torch.zeros(3, 2)}, {"b": torch.zeros(2, 3)}, {"a": torch.zeros(2, 3).int()}])
def test_the_digest_of_a_checkpoint_covers_names_shapes_and_types(other):
    assert checkpoint._digest(other) != checkpoint._digest({"a": torch.zeros(2, 3)})


def test_as_many_images_as_there_are_may_be_tested_but_one_must_be_left_to_train_on(root, tmp_path):
    digits = load_dataset("digits", tmp_path)

    def check(key: str, value: int) -> None:
        _refuse_too_large(load(root, NAME, "smoke", {key: value}).arms["baseline.lr-0.1"], digits)

    check("measure.probe_images", len(digits.test_labels))
    with pytest.raises(UserError, match="none would be left"):
        check("data.validation", len(digits.train_labels))


# --- files ---


def test_a_file_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, real=real, name=name: (done.append(name), real(*a)))
    with replacing(tmp_path / "a") as part:
        part.write_text("whole")
    assert done == ["fsync", "replace"]


def test_what_is_no_number_is_not_written_as_json(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"value": float("nan")})
    assert list(tmp_path.iterdir()) == []


# --- judged and published ---


def test_verdicts_hang_on_alpha_criteria_code_and_the_paper_s_curves(root, tmp_path, monkeypatch):
    for folder in ("claims", "reference"):
        shutil.copytree(root / folder, tmp_path / folder)
    digests = [evaluation_digest(tmp_path, NAME)]
    assert digests == [evaluation_digest(root, NAME)]
    reference = tmp_path / "reference/ioffe2015/figure1.csv"
    reference.write_text(reference.read_text() + "\n")
    digests.append(evaluation_digest(tmp_path, NAME))
    claims = tmp_path / "claims/ioffe2015.yaml"
    text = claims.read_text()
    assert "\nalpha: 0.05" in text
    claims.write_text(text.replace("\nalpha: 0.05", "\nalpha: 0.04", 1))
    digests.append(evaluation_digest(tmp_path, NAME))
    monkeypatch.setattr("dropnorm.evaluation.fingerprint", lambda module: "new" if module == "dropnorm.claims" else "")
    digests.append(evaluation_digest(tmp_path, NAME))
    monkeypatch.setattr("dropnorm.evaluation.fingerprint", lambda module: "")
    digests.append(evaluation_digest(tmp_path, NAME))
    assert len(set(digests)) == 5


def test_provenance_spans_all_sessions(root, protocol, place):
    first, last = "2030-01-01T00:00:00+00:00", "2030-03-01T00:00:00+00:00"
    made = made_up(protocol)
    for seed, session in ((0, {"ended": last}), (1, {"started": first})):
        write_arm(place, protocol, ARM, made[made.seed == seed], SESSION | session)
    write_provenance(root, place, protocol, records(place, protocol))
    told = json.loads(place.file("provenance.json").read_text())
    assert (told["started"], told["ended"], told["seconds"]) == (first, last, 2 * SESSION["seconds"])
    assert told["arms"][ARM]["seeds"] == [0, 1]
    assert len(told["machines"]) == 1
    elsewhere = {k: SESSION[k] for k in told["machines"][0]} | {"cpu": "Where it was begun"}
    write_arm(place, protocol, ARM, made[made.seed == 2], SESSION | {"before": [elsewhere]})
    write_provenance(root, place, protocol, records(place, protocol))
    told = json.loads(place.file("provenance.json").read_text())
    assert elsewhere in told["machines"] and len(told["machines"]) == 2
    assert told["missing_arms"] == [arm for arm in protocol.arms if arm != ARM]


def test_time_is_told_by_replica_and_step_of_the_fastest_session(protocol, place):
    sessions = [{"seconds": s, "replicas": r, "steps": 5} for s, r in ((10.0, 1), (30.0, 4), (8.0, 1))]
    record = {"seeds": [0], "identity": {"settings": "", "code": ""}, "sha256": "", "sessions": sessions}
    assert _arm_provenance(place, protocol, ARM, record)["ms_per_replica_step"] == 1500


def test_what_was_judged_by_former_criteria_is_stale(root, protocol, place):
    def judged_with(digest: str) -> tuple[str, str]:
        write_json(place.file("provenance.json"), {"evaluation_digest": digest, "arms": {}})
        seal(place.folder, ["provenance.json"])
        return _evaluation(root, place, protocol)

    assert judged_with(evaluation_digest(root, NAME)) == ("fresh", "")
    assert judged_with("former") == ("stale", "analysis code or criteria changed")


def test_smoke_results_are_not_published(protocol, place, tmp_path):
    with pytest.raises(UserError, match="smoke results are no evidence"):
        publish(place, Place(tmp_path / "published", "smoke", NAME), protocol)


def test_an_arm_that_the_protocol_has_no_more_is_refused(protocol, place):
    write_json(place.file("provenance.json"), {"arms": {"former": {"runs_sha256": ""}}})
    with pytest.raises(UserError, match="the protocol has no arm former any more; judge again"):
        _small_runs(place, protocol)


def test_runs_of_before_with_some_of_now_are_no_repetition(protocol, tmp_path, monkeypatch):
    published, here = (Place(tmp_path / folder, "paper", NAME) for folder in ("published", "here"))
    write_json(published.file("provenance.json"), {"started": "2030-01-01", "ended": "2030-01-02"})
    write_json(here.file("provenance.json"), {"started": "2030-01-02", "ended": "2030-02-01"})
    monkeypatch.setattr("dropnorm.publishing._to_be_published", lambda *_: [])
    with pytest.raises(UserError, match="a repetition trains all of them anew"):
        publish_again(here, published, protocol)


def test_the_ends_of_an_interval_lie_in_it():
    first = {"parts": [{"p": 0.01}], "interval": [1.0, 2.0]}
    inside = [Pair(first, {"ours": ours}).inside for ours in (0.99, 1.0, 2.0, 2.01)]
    assert inside == [False, True, True, False]


def test_a_variant_with_a_checkpoint_keeps_its_meaning(tmp_path):
    place = Place(tmp_path, "full", NAME, "lr03")
    remember(place, {"optimiser.lr": 0.3})
    place.checkpoints.mkdir()
    (place.checkpoints / "baseline.0.safetensors").touch()
    with pytest.raises(UserError, match="choose another name"):
        resolve(place, {"optimiser.lr": 0.5})


# --- the pipeline, and where a number comes from ---


def result(root, place, protocol) -> Result:
    config = yaml.safe_load((root / "config/config.yaml").read_text()) | {"scale": "smoke", "out": str(place.root)}
    return Result(
        root, place, protocol, WorkflowConfig.check(config, "config"), judged=place.file("claims.json").exists()
    )


def job(root, place, protocol):
    return result(root, place, protocol).jobs[0]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda place: place.file("figure.svg").write_text("<svg/>"),
        lambda place: place.file("claims.json").unlink(),
        lambda place: place.file("digests.json").unlink(),
        lambda place: place.file("provenance.json").write_text("{}"),
    ],
)
def test_snakemake_makes_anew_what_is_not_as_it_was_made(root, protocol, place, spoil):
    fabricate(place, protocol, root)
    assert result(root, place, protocol).former == []
    spoil(place)
    assert result(root, place, protocol).former


def test_a_job_runs_again_for_other_seeds_or_another_arm_s_settings(root, protocol, place, monkeypatch):
    before = job(root, place, protocol)
    assert len(before.arms) > 1 and len(before.identity) == len(before.arms) + 1
    arm = before.arms[-1]
    settings = protocol.arms[arm]
    faster = settings.model_copy(update={"optimiser": settings.optimiser.model_copy(update={"lr": 9.0})})
    with monkeypatch.context() as changed:
        changed.setitem(protocol.arms, arm, faster)
        after = job(root, place, protocol)
    assert after.identity[:-2] == before.identity[:-2] and after.identity[-2] != before.identity[-2]
    monkeypatch.setattr(Protocol, "seeds", [77])
    assert job(root, place, protocol).identity != before.identity


def test_a_cluster_is_asked_for_more_time_than_was_measured(root, protocol, place):
    arms = job(root, place, protocol).arms
    assert job(root, place, protocol).minutes == 30
    hour = 3_600_000 / sum(protocol.arms[arm].steps * len(protocol.seeds) for arm in arms)
    write_json(place.file("provenance.json"), {"arms": {arm: {"ms_per_replica_step": hour} for arm in arms}})
    assert job(root, place, protocol).minutes == 8 * 60


@pytest.mark.parametrize(("state", "commit"), [("", "abc"), (" M runs.py", "abc+changes")])
def test_a_commit_says_whether_the_source_differs_from_it(monkeypatch, state, commit):
    monkeypatch.setattr(provenance, "_git", lambda _, command, *__: "abc" if command == "rev-parse" else state)
    assert provenance._commit.__wrapped__() == commit
