"""Runs are safe to stop: killed anywhere, out of time, damaged, half there, without a GPU."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
from rich.console import Console

from dropnorm import checkpoint
from dropnorm.files import replacing, sha256
from dropnorm.names import Place, ResultName
from dropnorm.protocol import load
from dropnorm.runner import Limits, _stacks, make_loader, run_pending

NAME = ResultName("ioffe2015", "figure1")
ARM = "batchnorm"


def command(out: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "dropnorm", "run", "ioffe2015/figure1", "--scale", "smoke", "--arm", ARM,
        "--out", str(out), "--checkpoint-every", "0.2s", *more,
    ]  # fmt: skip


def run(root, out, *more) -> subprocess.CompletedProcess:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "300"}
    return subprocess.run(command(out, *more), cwd=root, env=environment, capture_output=True, text=True, timeout=300)


def table(out: Path, arm: str = ARM) -> Path:
    return Place(out, "smoke", NAME).run(arm)


def checkpoint_file(out: Path) -> Path:
    return Place(out, "smoke", NAME).checkpoint(ARM)


def wait_for(path: Path, process: subprocess.Popen) -> None:
    while not path.exists() and process.poll() is None:
        time.sleep(0.02)


@pytest.fixture(scope="module")
def whole(root, tmp_path_factory) -> Path:
    """A run that was never stopped."""
    out = tmp_path_factory.mktemp("whole")
    assert run(root, out).returncode == 0
    return table(out)


@pytest.mark.slow
def test_killed_at_five_random_points_it_ends_with_the_same_bits(root, tmp_path, whole):
    rng, killed = random.Random(1), 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    while killed < 5 and not table(tmp_path).exists():
        begun = checkpoint_file(tmp_path).exists()
        process = subprocess.Popen(
            command(tmp_path), cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if begun:
            for line in process.stdout:  # it got as far as to resume
                if "resuming" in line:
                    break
        else:
            wait_for(checkpoint_file(tmp_path), process)
        time.sleep(rng.uniform(0.0, 0.6))
        process.kill()
        process.wait()
        killed += 1
    done = run(root, tmp_path)
    assert killed == 5, "the run ended before it could be killed five times"
    assert "resuming at step" in done.stdout
    assert sha256(table(tmp_path)) == sha256(whole)
    assert not checkpoint_file(tmp_path).exists()


def test_killed_after_its_last_step_it_measures_nothing_twice(root, tmp_path, whole, monkeypatch):
    protocol, place = load(root, NAME, "smoke"), Place(tmp_path, "smoke", NAME)
    arguments = {
        "arms": [ARM], "seeds": None, "device": torch.device("cpu"), "load_dataset": make_loader(tmp_path, None),
        "limits": Limits(checkpoint_every=0), "console": Console(quiet=True),
    }  # fmt: skip
    monkeypatch.setattr("dropnorm.runner._StackRun.finish", lambda run: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_pending(protocol, place, **arguments)
    assert checkpoint_file(tmp_path).exists() and not table(tmp_path).exists()
    monkeypatch.undo()
    run_pending(protocol, place, **arguments)
    assert sha256(table(tmp_path)) == sha256(whole)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_saves_and_goes_on_later(root, tmp_path, whole, how):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command(tmp_path), cwd=root, env=environment, stdout=subprocess.PIPE, text=True)
    wait_for(checkpoint_file(tmp_path), process)
    process.send_signal(how)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "the same command goes on from here" in out
    assert checkpoint_file(tmp_path).exists()
    assert "resuming" in run(root, tmp_path).stdout
    assert sha256(table(tmp_path)) == sha256(whole)


def test_on_a_gpu_arms_of_one_shape_share_a_stack_on_a_cpu_each_has_its_own(root):
    protocol = load(root, NAME, "paper")
    pending = [(arm, seed) for arm in protocol.arms for seed in (0, 1)]
    on_cpu = _stacks(protocol, pending, torch.device("cpu"))
    assert [len(stack) for stack in on_cpu] == [2] * len(protocol.arms)
    on_gpu = _stacks(protocol, pending, torch.device("cuda"))
    assert sorted(replica for stack in on_gpu for replica in stack) == sorted(pending)
    assert len(on_gpu) < len(protocol.arms) / 2
    for stack in on_gpu:
        assert len({protocol.arms[arm].shape for arm, _ in stack}) == 1


def test_out_of_time_it_stops_cleanly_and_says_what_is_pending(root, tmp_path):
    done = run(root, tmp_path, "--time-limit", "0s", "--arm", "baseline")
    assert done.returncode == 0
    assert "0 of 2 arms done" in done.stdout
    assert "still pending: batchnorm, baseline" in done.stdout
    assert not table(tmp_path).exists()


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
    assert table(tmp_path).with_name("batchnorm.parquet.damaged").exists()  # nothing is lost
    run(root, tmp_path, "--seeds", "0")
    assert sha256(table(tmp_path)) == good


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


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "a.safetensors"
    state = {"W": torch.randn(3, 4), "step": torch.tensor(7), "half": torch.zeros(2, dtype=torch.float16)}
    checkpoint.save(path, state, "key")
    return path, state


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
