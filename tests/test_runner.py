"""Runs are safe to stop: killed anywhere, out of time, damaged, half there, without a GPU."""

import errno
import hashlib
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from rich.console import Console
from safetensors import SafetensorError

from dropnorm import checkpoint, datasets, provenance
from dropnorm.errors import UserError
from dropnorm.files import replacing, sha256
from dropnorm.names import Place, ResultName
from dropnorm.protocol import load
from dropnorm.provenance import machine
from dropnorm.runner import Limits, _failure_in_one_line, _refuse_too_large, _StackRun, make_loader, run_pending
from dropnorm.runs import arm_state, read_runs, records, unfinished, write_arm
from dropnorm.stacks import Stack, pending_stacks

NAME = ResultName("ioffe2015", "figure1")
ARM = "batchnorm"


def command(out: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "dropnorm", "run", "ioffe2015/figure1", "--scale", "smoke", "--arm", ARM,
        "--out", str(out), "--checkpoint-every", "0.1s", *more,
    ]  # fmt: skip


def run(root, out, *more) -> subprocess.CompletedProcess:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "300"}
    return subprocess.run(command(out, *more), cwd=root, env=environment, capture_output=True, text=True, timeout=300)


def table(out: Path, arm: str = ARM) -> Path:
    return Place(out, "smoke", NAME).run(arm)


def checkpoints(out: Path) -> list[Path]:
    return sorted(Place(out, "smoke", NAME).checkpoints.glob("*.safetensors"))


def wait_for_checkpoint(out: Path, process: subprocess.Popen) -> None:
    while not checkpoints(out) and process.poll() is None:
        time.sleep(0.02)


def train(root, out, seeds=None, limits=Limits(), arms=(ARM,)) -> str:  # noqa: B008
    """`run` in this process; returns what it says."""
    console = Console(file=io.StringIO(), width=200)
    run_pending(
        load(root, NAME, "smoke"), Place(out, "smoke", NAME), arms=list(arms), seeds=seeds,
        device=torch.device("cpu"), load_dataset=make_loader(out, None), limits=limits, console=console,
    )  # fmt: skip
    return console.file.getvalue()


@pytest.fixture(scope="module")
def whole(root, tmp_path_factory) -> Path:
    """The table of a run that was never stopped."""
    out = tmp_path_factory.mktemp("whole")
    assert run(root, out).returncode == 0
    return table(out)


# From within: the clock of another process does not tell how far this one has come.
KILLED_AFTER_A_CHECKPOINT = """
import os, signal, sys, threading
from dropnorm.__main__ import main
from dropnorm.runner import _StackRun

delay, save = float(sys.argv.pop(1)), _StackRun._save

def save_and_die(run):
    save(run)
    threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()

_StackRun._save = save_and_die
main()
"""


@pytest.mark.slow
def test_killed_at_five_random_points_it_ends_with_the_same_bits(root, tmp_path):
    seeds = ["--seeds", "0-19"]  # two seconds of a quick core, longer than five pieces can be
    rng, stopped, whole = random.Random(1), tmp_path / "stopped", tmp_path / "whole"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for _ in range(5):
        arguments = command(stopped, *seeds)[3:]  # less `python -m dropnorm`
        killed = subprocess.run(
            [sys.executable, "-c", KILLED_AFTER_A_CHECKPOINT, str(rng.uniform(0.0, 0.15)), *arguments],
            cwd=root, env=environment, capture_output=True, timeout=120,
        )  # fmt: skip
        assert killed.returncode == -signal.SIGKILL
        assert checkpoints(stopped) and not table(stopped).exists()
    done = run(root, stopped, *seeds)
    assert "resuming at step" in done.stdout
    assert run(root, whole, *seeds).returncode == 0
    assert sha256(table(stopped)) == sha256(table(whole))
    assert not checkpoints(stopped)


def test_killed_after_its_last_step_it_measures_nothing_twice(root, tmp_path, whole, monkeypatch):
    monkeypatch.setattr("dropnorm.runner._StackRun.finish", lambda run: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(root, tmp_path, limits=Limits(checkpoint_every=0))
    assert len(checkpoints(tmp_path)) == 1 and not table(tmp_path).exists()
    monkeypatch.undo()
    train(root, tmp_path)
    assert sha256(table(tmp_path)) == sha256(whole)


@pytest.mark.slow
@pytest.mark.parametrize(("how", "limit"), [(signal.SIGTERM, ["--time-limit", "1h"]), (signal.SIGINT, [])])
def test_asked_to_stop_it_saves_and_goes_on_later(root, tmp_path, whole, how, limit):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command(tmp_path), *limit], cwd=root, env=environment, stdout=subprocess.PIPE, text=True
    )
    wait_for_checkpoint(tmp_path, process)
    process.send_signal(how)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "the same command goes on from here" in out
    assert len(checkpoints(tmp_path)) == 1
    assert "resuming" in run(root, tmp_path).stdout
    assert sha256(table(tmp_path)) == sha256(whole)


def test_on_a_gpu_arms_of_one_shape_share_a_stack_on_a_cpu_each_has_its_own(root, tmp_path):
    protocol, place = load(root, NAME, "paper"), Place(tmp_path, "paper", NAME)
    wanted = {arm: [0, 1] for arm in protocol.arms}

    def stacks(device):
        found = pending_stacks(protocol, place, wanted, torch.device(device), Console(quiet=True))
        assert sorted(r for stack in found for r in stack.replicas) == sorted((a, s) for a in wanted for s in (0, 1))
        return found

    assert [stack.replicas for stack in stacks("cpu")] == [[(arm, 0), (arm, 1)] for arm in protocol.arms]
    on_gpu = stacks("cuda")
    assert len(on_gpu) < len(protocol.arms) / 2
    for stack in on_gpu:
        assert len({protocol.arms[arm].shape for arm in stack.arms}) == 1


def test_what_has_no_use_of_a_gpu_stays_on_the_cpu(root, tmp_path):
    name = ResultName("santurkar2018", "lemma45")
    protocol, place = load(root, name, "smoke"), Place(tmp_path, "smoke", name)
    wanted = {arm: protocol.seeds for arm in protocol.arms}
    stacks = pending_stacks(protocol, place, wanted, torch.device("cuda"), Console(quiet=True))
    assert {stack.device.type for stack in stacks} == {"cpu"}


def test_arms_that_share_a_stack_end_as_each_alone(root, tmp_path):
    """What a GPU does, done on the CPU: two arms in one stack, and each gets its own seeds and values."""
    protocol, arms = load(root, NAME, "smoke"), ["batchnorm.lr-0.01", "batchnorm.lr-1.0"]
    place = Place(tmp_path / "together", "smoke", NAME)
    stack = Stack(protocol, place, torch.device("cpu"), [(arm, seed) for arm in arms for seed in (3, 1)])
    stack_run = _StackRun(stack, make_loader(tmp_path, None), Limits(), Console(quiet=True))
    stack_run.go_on(lambda: False)
    sessions = [record["sessions"][0] for record in records(place, protocol).values()]
    assert sum(s["seconds"] for s in sessions) == pytest.approx(stack_run.seconds, abs=0.1)  # to a tenth each
    assert [s["replicas"] for s in sessions] == [2, 2]
    train(root, tmp_path / "alone", [1, 3], arms=arms)
    both, each = (read_runs(Place(tmp_path / folder, "smoke", NAME), protocol) for folder in ("together", "alone"))
    keys = ["arm", "seed", "quantity", "step", "unit"]
    pd.testing.assert_frame_equal(both[keys], each[keys])
    last = both.step == both.step.max()
    assert np.allclose(
        both.value[last], each.value[last], atol=0.01, equal_nan=True
    )  # sums are rounded in other orders
    final = each.value[last & (each.quantity == "validation_accuracy")].to_numpy()
    assert len(set(final)) == 4  # one taken for another would be noticed


def test_killed_between_two_tables_a_stack_goes_on_whole(root, tmp_path, monkeypatch):
    """The arm that is on disk stays as it is; the other one ends with the bits it would have had."""
    protocol, arms = load(root, NAME, "smoke"), ["batchnorm.lr-0.01", "batchnorm.lr-1.0"]

    def trained(folder: str, saves_every: float = 30.0) -> Place:
        place = Place(tmp_path / folder, "smoke", NAME)
        stack = Stack(protocol, place, torch.device("cpu"), [(arm, seed) for arm in arms for seed in (0, 1)])
        limits = Limits(checkpoint_every=saves_every)
        _StackRun(stack, make_loader(tmp_path, None), limits, Console(quiet=True)).go_on(lambda: False)
        return place

    def written_once(*args):
        if args[2] == arms[1]:
            raise KeyboardInterrupt
        write_arm(*args)

    whole, killed = trained("whole"), Place(tmp_path / "killed", "smoke", NAME)
    monkeypatch.setattr("dropnorm.runner.write_arm", written_once)
    with pytest.raises(KeyboardInterrupt):
        trained("killed", saves_every=0)
    monkeypatch.undo()
    first = records(killed, protocol)
    assert list(first) == arms[:1]
    wanted = {arm: [0, 1] for arm in arms}
    [stack] = pending_stacks(protocol, killed, wanted, torch.device("cuda"), Console(quiet=True))
    assert stack.replicas == [(arm, seed) for arm in arms for seed in (0, 1)]
    trained("killed")
    assert [sha256(killed.run(arm)) for arm in arms] == [sha256(whole.run(arm)) for arm in arms]
    assert records(killed, protocol)[arms[0]] == first[arms[0]]
    assert not list(killed.checkpoints.glob("*.safetensors"))


# --- two at a time, other seeds ---


def test_what_another_process_trains_is_left_to_it(root, tmp_path, whole):
    """The second process says so in one line, trains what else it was asked for, and spoils nothing."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command(tmp_path), cwd=root, env=environment, stdout=subprocess.PIPE, text=True)
    wait_for_checkpoint(tmp_path, process)
    process.send_signal(signal.SIGSTOP)
    try:
        second = run(root, tmp_path, "--arm", "baseline")
    finally:
        process.send_signal(signal.SIGCONT)
    assert second.returncode == 2
    assert "batchnorm: another process is training it" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1
    assert table(tmp_path, "baseline").exists()
    assert process.wait(timeout=120) == 0
    assert sha256(table(tmp_path)) == sha256(whole)


def stop_early(root, out, seeds) -> None:
    """A run that ends with a checkpoint, though a busy machine may not come to its first step so soon."""
    for time_limit in (0.05, 0.2, 1.0, 5.0):
        train(root, out, seeds, Limits(time_limit=time_limit))
        if checkpoints(out):
            break
    assert len(checkpoints(out)) == 1


def test_asking_for_more_seeds_goes_on_with_those_that_were_begun(root, tmp_path):
    stop_early(root, tmp_path, [0])
    said = train(root, tmp_path, [0, 1])
    assert "batchnorm: resuming at step" in said
    assert "discarded" not in said
    record = json.loads(table(tmp_path).with_suffix(".json").read_text())
    assert [session["seeds"] for session in record["sessions"]] == [[0], [1]]
    assert not checkpoints(tmp_path)


def test_asking_for_other_seeds_keeps_what_was_begun(root, tmp_path):
    stop_early(root, tmp_path, [0, 1])
    assert "resuming" not in train(root, tmp_path, [2])
    assert len(checkpoints(tmp_path)) == 1
    assert "batchnorm: resuming at step" in train(root, tmp_path, [0, 1])
    assert not checkpoints(tmp_path)


def test_a_stack_of_which_some_seeds_were_finished_elsewhere_goes_on_for_the_others(root, tmp_path, whole):
    stop_early(root, tmp_path, [0, 1, 2])
    train(root, tmp_path, [0])
    assert "batchnorm: resuming at step" in train(root, tmp_path)
    together, all_at_once = (pd.read_parquet(path).query("seed > 0") for path in (table(tmp_path), whole))
    pd.testing.assert_frame_equal(together, all_at_once)
    record = json.loads(table(tmp_path).with_suffix(".json").read_text())
    assert [session["seeds"] for session in record["sessions"]] == [[0], [1, 2]]
    assert not checkpoints(tmp_path)


def test_of_two_that_were_begun_the_one_goes_on_that_has_no_seed_in_vain(root, tmp_path):
    place, protocol = Place(tmp_path, "smoke", NAME), load(root, NAME, "smoke")
    for seeds in ([0, 1, 2], [1, 2]):
        stack = Stack(protocol, place, torch.device("cpu"), [(ARM, seed) for seed in seeds])
        _StackRun(stack, make_loader(tmp_path, None), Limits(), Console(quiet=True)).advance(lambda: True)
    assert len(checkpoints(tmp_path)) == 2

    train(root, tmp_path, [0])
    [stack] = pending_stacks(protocol, place, {ARM: [0, 1, 2]}, torch.device("cpu"), Console(quiet=True))
    assert stack.replicas == [(ARM, 1), (ARM, 2)]


def test_a_checkpoint_that_was_overtaken_goes(root, tmp_path):
    stop_early(root, tmp_path, [0, 1])
    train(root, tmp_path, [0])
    assert len(checkpoints(tmp_path)) == 1
    train(root, tmp_path, [1])
    assert not checkpoints(tmp_path)


def test_a_record_names_the_commit_at_its_start(root, tmp_path, monkeypatch):
    """What is committed while a network trains has not trained it."""
    commits = iter(["first", "second"])
    monkeypatch.setattr("dropnorm.provenance._commit", lambda: next(commits))
    train(root, tmp_path, [0])
    [session] = json.loads(table(tmp_path).with_suffix(".json").read_text())["sessions"]
    assert session["commit"] == "first" and next(commits) == "second"


def test_a_record_names_every_machine_that_trained(root, tmp_path, monkeypatch):
    stop_early(root, tmp_path, [0])
    here = machine(torch.device("cpu"))
    monkeypatch.setattr("dropnorm.provenance._cpu_model", lambda: "Another processor")
    train(root, tmp_path, [0])
    train(root, tmp_path, [1])
    first, second = json.loads(table(tmp_path).with_suffix(".json").read_text())["sessions"]
    assert first["cpu"] == second["cpu"] == "Another processor"
    assert (first["before"], second["before"]) == ([here], [])


# --- out of time, damaged, diverged ---


@pytest.mark.parametrize(("seconds", "steps"), [(60.0, 20), (0.0, 1)])
def test_slow_steps_do_not_put_off_a_stop(root, tmp_path, monkeypatch, seconds, steps):
    monkeypatch.setattr("dropnorm.runner.SECONDS_BETWEEN_LOOKS", seconds)
    [stack] = pending_stacks(
        load(root, NAME, "smoke"), Place(tmp_path, "smoke", NAME), {ARM: [0]}, torch.device("cpu"), Console(quiet=True)
    )
    run = _StackRun(stack, make_loader(tmp_path, None), Limits(), Console(quiet=True))
    assert run.advance(should_stop=lambda: True) is False
    assert run.experiment.step == steps


@pytest.mark.parametrize("error", [MemoryError, lambda: torch.empty(10**15), torch.OutOfMemoryError])
def test_too_little_memory_is_one_line(error):
    stack = SimpleNamespace(label="the stack")
    message = "the stack: not enough memory for 3 networks at once; run fewer --seeds"
    with pytest.raises(UserError, match=message), _failure_in_one_line(stack, 3):
        raise error()


def test_what_fails_for_a_variant_is_one_line_and_else_a_traceback():
    def stack(variant: str | None) -> SimpleNamespace:
        return SimpleNamespace(label="the stack", place=SimpleNamespace(variant=variant))

    with pytest.raises(RuntimeError, match="^no such size\nat all$"), _failure_in_one_line(stack(None), 3):
        raise RuntimeError("no such size\nat all")
    message = r"^the stack: variant 'odd' failed, .* \(RuntimeError: no such size; in test_runner.py, line \d+\); make"
    with pytest.raises(UserError, match=message), _failure_in_one_line(stack("odd"), 3):
        raise RuntimeError("no such size\nat all")
    with pytest.raises(RuntimeError, match="^CUDA"), _failure_in_one_line(stack("odd"), 3):
        raise RuntimeError("CUDA error: an illegal memory access")  # no setting asks for that


def test_out_of_time_it_stops_cleanly_and_says_what_is_pending(root, tmp_path):
    done = run(root, tmp_path, "--time-limit", "0s", "--arm", "baseline")
    assert done.returncode == 0
    assert "0 of 2 arms done" in done.stdout
    assert "still pending: batchnorm, baseline" in done.stdout
    assert not table(tmp_path).exists()


def test_a_gpu_is_told_to_compute_as_it_is_said_of_all_runs(root, tmp_path):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = True
    torch.backends.cudnn.deterministic = False
    assert "tf32" in provenance._gemm_path(torch.device("cuda"))
    run_pending(
        load(root, NAME, "smoke"), Place(tmp_path, "smoke", NAME), arms=[ARM], seeds=[0], device=torch.device("cpu"),
        load_dataset=make_loader(tmp_path, None), limits=Limits(time_limit=0), console=Console(quiet=True),
    )  # fmt: skip
    assert not torch.backends.cuda.matmul.allow_tf32 and not torch.backends.cudnn.allow_tf32
    assert "cuBLAS float32" in provenance._gemm_path(torch.device("cuda"))
    assert not torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction
    assert torch.backends.cudnn.deterministic


def test_what_is_fresh_is_not_run_again_and_seeds_are_added(root, tmp_path):
    assert run(root, tmp_path, "--seeds", "0").returncode == 0
    first = pd.read_parquet(table(tmp_path))
    stamp = table(tmp_path).stat().st_mtime_ns
    run(root, tmp_path, "--seeds", "0")
    assert table(tmp_path).stat().st_mtime_ns == stamp
    run(root, tmp_path, "--seeds", "0-1")
    both = pd.read_parquet(table(tmp_path))
    assert sorted(both.seed.unique()) == [0, 1]
    assert both[both.seed == 0].reset_index(drop=True).equals(first.astype(both.dtypes))
    record = json.loads(table(tmp_path).with_suffix(".json").read_text())
    assert [s["seeds"] for s in record["sessions"]] == [[0], [1]]
    assert {"cpu", "gemm", "threads", "packages", "seconds", "started", "ended", "commit"} <= set(record["sessions"][0])


def test_a_damaged_table_is_found_and_made_again(root, tmp_path, dropnorm):
    run(root, tmp_path, "--seeds", "0")
    good = sha256(table(tmp_path))
    damaged = bytearray(table(tmp_path).read_bytes())
    damaged[len(damaged) // 2] ^= 1
    table(tmp_path).write_bytes(damaged)
    assert "damaged" in dropnorm("status", "--scale", "smoke", "--out", tmp_path).stdout
    drawn = dropnorm("figure", "ioffe2015/figure1", "--scale", "smoke", "--out", tmp_path)
    assert drawn.returncode == 2
    assert "damaged" in drawn.stderr
    assert sha256(table(tmp_path)) == hashlib.sha256(damaged).hexdigest()  # who reads touches nothing
    run(root, tmp_path, "--seeds", "0")
    assert table(tmp_path).with_name("batchnorm.parquet.damaged").read_bytes() == damaged  # nothing is lost
    assert sha256(table(tmp_path)) == good


@pytest.mark.parametrize(
    "change",
    [
        {"identity": None},
        {"identity": {"of": "a later version"}},
        {"seeds": None},
        {"seeds": []},
        {"sessions": []},
        {"sessions": [{}]},
    ],
)
def test_a_record_that_is_wrong_inside_is_damaged(root, tmp_path, whole, change):
    protocol, place = load(root, NAME, "smoke"), Place(tmp_path, "smoke", NAME)
    shutil.copytree(whole.parent, place.runs)
    record = table(tmp_path).with_suffix(".json")
    record.write_text(json.dumps(json.loads(record.read_text()) | change))
    assert arm_state(place, protocol, ARM).state == "damaged" and unfinished(place, protocol, ARM, judged=False)


def test_a_table_that_was_deleted_is_missed_once_it_was_judged(root, tmp_path, whole):
    protocol, place = load(root, NAME, "smoke"), Place(tmp_path, "smoke", NAME)
    shutil.copytree(whole.parent, place.runs)
    table(tmp_path).unlink()
    assert unfinished(place, protocol, ARM, judged=False)  # its record speaks of it
    assert records(place, protocol) == {}  # and nothing is judged from it
    table(tmp_path).with_suffix(".json").unlink()
    assert not unfinished(place, protocol, ARM, judged=False)  # never run: that is for Snakemake to see
    assert unfinished(place, protocol, ARM, judged=True)


def test_a_record_that_is_not_readable_is_said_and_made_again(root, tmp_path):
    protocol, place = load(root, NAME, "smoke"), Place(tmp_path, "smoke", NAME)
    train(root, tmp_path, [0], arms=["baseline", ARM])
    good, record = sha256(table(tmp_path)), table(tmp_path).with_suffix(".json")
    record.write_text(record.read_text()[:100])
    assert arm_state(place, protocol, ARM).state == "damaged" and unfinished(place, protocol, ARM, judged=False)
    with pytest.raises(UserError, match=r"batchnorm\.json: not readable"):
        read_runs(place, protocol)  # instead of judging without it
    train(root, tmp_path, [0])
    assert sha256(table(tmp_path)) == good
    assert set(read_runs(place, protocol).arm) == {"baseline", ARM}


def test_time_is_recorded_by_the_steps_that_a_protocol_counts(root, tmp_path):
    """A check has as many looks at the clock as it has seeds, and its settings count one step."""
    name = ResultName("related", "ridge")
    protocol, place = load(root, name, "smoke"), Place(tmp_path, "smoke", name)
    arm = next(iter(protocol.arms))
    run_pending(
        protocol, place, arms=[arm], seeds=[0, 1], device=torch.device("cpu"), load_dataset=make_loader(tmp_path, None),
        limits=Limits(), console=Console(quiet=True),
    )  # fmt: skip
    (session,) = records(place, protocol)[arm]["sessions"]
    assert session["steps"] == protocol.arms[arm].steps == 1


def test_a_run_that_diverges_is_a_result_and_nothing_stops(root, tmp_path, dropnorm):
    shape = ["ioffe2015/figure1", "--scale", "smoke", "--out", tmp_path, "--variant", "huge"]
    changes = ["--set", "optimiser.lr=1e38", "--set", "training.steps=60"]
    done = dropnorm("run", *shape, *changes, "--arm", "baseline", "--arm", "batchnorm")
    assert done.returncode == 0, done.stderr
    drawn = dropnorm("figure", *shape)
    assert drawn.returncode == 0, drawn.stderr
    facts = json.loads((tmp_path / "smoke/ioffe2015/figure1@huge/facts.json").read_text())
    assert facts["runs_diverged"] == "6"  # two arms, three seeds


def test_one_arm_of_a_sweep_can_be_judged_and_drawn_alone(root, tmp_path, dropnorm):
    """Nothing is invented for what was not run, and nothing breaks."""
    run(root, tmp_path, "--seeds", "0", "--arm", "baseline.lr-0.1")
    table(tmp_path).unlink()
    drawn = dropnorm("figure", "ioffe2015/figure1", "--scale", "smoke", "--out", tmp_path)
    assert drawn.returncode == 0, drawn.stderr
    assert drawn.stdout.count("not measured") == drawn.stdout.count("no verdict") == 6
    assert "inconclusive" not in drawn.stdout
    assert "from what is there, which is incomplete: " in drawn.stdout


def test_a_reader_waits_while_a_table_and_its_record_are_written(root, tmp_path):
    train(root, tmp_path, [0])
    protocol, place = load(root, NAME, "smoke"), Place(tmp_path, "smoke", NAME)
    record = table(tmp_path).with_suffix(".json")
    right = record.read_text()
    record.write_text(json.dumps(json.loads(right) | {"sha256": "of the table before"}))
    timer = threading.Timer(0.3, record.write_text, [right])
    timer.start()
    assert len(read_runs(place, protocol)) > 0
    timer.join()


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "a.safetensors"
    state = {"W": torch.randn(3, 4), "step": torch.tensor(7), "half": torch.zeros(2, dtype=torch.float16)}
    checkpoint.save(path, state, checkpoint.Header("key", [("arm", 0), ("arm", 2)]))
    return path, state


def test_a_checkpoint_says_whose_it_is(saved, tmp_path):
    assert checkpoint.header(saved[0]) == checkpoint.Header("key", [("arm", 0), ("arm", 2)])
    saved[0].write_bytes(saved[0].read_bytes()[:7])
    assert checkpoint.header(saved[0]) is None


def test_a_checkpoint_comes_back_to_the_bit(saved):
    path, state = saved
    loaded = checkpoint.load(path, "key", Console())
    assert all(torch.equal(loaded[name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda b: b[: len(b) // 2], "not readable"),
        (lambda b: b[:-1] + bytes([b[-1] ^ 1]), "digest does not match"),
        (lambda b: b"", "not readable"),
    ],
)
def test_a_damaged_checkpoint_is_discarded_with_a_message(saved, capsys, damage, words):
    path, _ = saved
    path.write_bytes(damage(path.read_bytes()))
    assert checkpoint.load(path, "key", Console(width=200)) is None
    assert words in capsys.readouterr().out
    assert not path.exists()


def test_a_checkpoint_of_other_code_or_settings_is_not_used(saved, capsys):
    assert checkpoint.load(saved[0], "another key", Console(width=200)) is None
    assert "other code, settings or data" in capsys.readouterr().out


def test_files_appear_whole_or_not_at_all(tmp_path):
    target = tmp_path / "a" / "result.csv"
    with pytest.raises(OSError, match="No space"), replacing(target) as part:
        part.write_text("half of")
        raise OSError(28, "No space left on device")
    assert list(target.parent.iterdir()) == []
    with replacing(target) as part:
        part.write_text("whole")
        assert not target.exists()
    assert [p.name for p in target.parent.iterdir()] == ["result.csv"]


def test_a_disk_that_is_full_is_told_apart_when_a_checkpoint_is_saved(tmp_path, monkeypatch):
    def full(*_, **__):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(OSError) as error:
        checkpoint.save(tmp_path / "state", {"w": torch.zeros(1)}, checkpoint.Header("key", [("arm", 0)]))
    assert error.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("result", "change", "words"),
    [
        ("ioffe2015/figure1", {"measure.probe_images": 361}, "measure.probe_images = 361: digits has 360 test images"),
        ("ioffe2015/section31", {"measure.mates": 361}, "measure.mates = 361: digits has 360 test images"),
        ("related/modes", {"measure.test_sizes": [2, 361]}, "measure.test_sizes = 361: digits has 360 test images"),
        ("santurkar2018/theorem41", {"network.batch_size": 1438}, "digits has 1,437 images to train on"),
    ],
)
def test_more_images_than_there_are_are_refused_before_the_first_step(root, result, change, words):
    settings = [*load(root, ResultName.parse(result), "smoke", change).arms.values()][-1]
    with pytest.raises(UserError, match=words):
        _refuse_too_large(settings, datasets.load("digits", Path("nowhere"), None))
