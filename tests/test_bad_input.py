"""What bad input gets: one line that says what is wrong and what to do, exit status 2, and nothing is lost.

Damaged data is in tests/datasets, damaged checkpoints and results in test_runner.py, wrong protocols in
test_protocol.py, diverging runs in tests/experiments.
"""

import errno
import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
import yaml

from dropnorm.__main__ import main
from dropnorm.errors import UserError
from dropnorm.options import chosen_seeds
from dropnorm.workflow import WorkflowConfig, load_results

FIGURE1 = "ioffe2015/figure1"


def one_line(done) -> str:
    """The error that a command printed: exactly one line on stderr, exit status 2, no traceback."""
    assert done.returncode == 2, done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "ioffe2015/figure9"], ["figure9.yaml", "no such protocol", "dropnorm list"]),
        (["run", "ioffe2015/figur1"], ["figur1.yaml", "did you mean ioffe2015/figure1?"]),
        (["compare", "ioffe2015/figur1", "--variant", "a"], ["figur1.yaml", "did you mean ioffe2015/figure1?"]),
        (["run", "figure1"], ["is no result", "ioffe2015/figure1"]),
        (["run", "results/full/ioffe2015/figure1"], ["is no result", "ioffe2015/figure1"]),
        (["run", FIGURE1, "--scale", "huge"], ["scale 'huge'", "smoke, full, paper"]),
        (["run", FIGURE1, "--arm", "nobody"], ["--arm nobody", "allowed: baseline, batchnorm"]),
        (["run", FIGURE1, "--arm", "baselin"], ["--arm baselin", "did you mean baseline?"]),
        (["run", FIGURE1, "--seeds", "x"], ["--seeds x", "0-9"]),
        (["run", FIGURE1, "--seeds", ""], ["--seeds", "0-9"]),
        (["run", FIGURE1, "--seeds", "3-"], ["--seeds 3-", "0-9"]),
        (["run", FIGURE1, "--out", ""], ["--out", "is the checkout itself", "such as results"]),
        (["run", FIGURE1, "--variant", "a", "--set", "optimiser=&x {lr: *x}"], ["optimiser", "contains itself"]),
        (["run", FIGURE1, "--time-limit", ""], ["''", "9m"]),
        (["run", FIGURE1, "--seeds", "99999999999"], ["--seeds 99999999999", "below 2^31"]),
        (["run", "elsewhere/protocols/ioffe2015/figure1.yaml"], ["no protocol of this checkout", "--set KEY=VALUE"]),
        (["run", FIGURE1, "--variant", "a\n", "--set", "optimiser.lr=1"], ["variant 'a\\n'", "names a folder"]),
        (["run", FIGURE1, "--variant", "a", "--set", "optimiser.lr=.inf"], ["optimiser.lr", "finite number"]),
        (["run", FIGURE1, "--time-limit", "soon"], ["'soon'", "9m"]),
        (["run", FIGURE1, "--out", "published"], ["--out published", "dropnorm publish"]),
        (["figure", FIGURE1, "--out", "published"], ["--out published", "dropnorm publish"]),
        (["restore", FIGURE1, "--out", "published/again"], ["--out published/again", "dropnorm publish"]),
        (["compare", FIGURE1, "--scale", "smoke"], ["not published at scale smoke", "it is at scale full"]),
        (["book", "--out", "book/here"], ["book/here", "the book's own sources"]),
        (["run", FIGURE1, "--device", "tpu"], ["device 'tpu'", "auto, cpu, cuda"]),
        (["run", FIGURE1, "--set", "optimiser.lr=0.3"], ["a result of its own", "--variant NAME"]),
        (["run", FIGURE1, "--variant", "a", "--set", "optimiser.lr"], ["KEY=VALUE"]),
        (["run", FIGURE1, "--variant", "a", "--set", "optimiser.rl=1"], ["optimiser.rl", "unknown key", "allowed: lr"]),
        (["run", FIGURE1, "--variant", "a", "--set", "optimiser.lr=-1"], ["optimiser.lr", "-1", "greater than 0"]),
        (
            ["run", FIGURE1, "--variant", "a", "--set", "optimiser.lr=[0.1"],
            ["lr=[0.1", "not readable as YAML"],
        ),
        (
            ["run", FIGURE1, "--variant", "a", "--set", "optimiser.lr=1", "--set", "optimiser.lr=2"],
            ["optimiser.lr is set twice"],
        ),
        (["run", FIGURE1, "--variant", "a"], ["no variant a at scale full", "--set KEY=VALUE"]),
        (["figure", FIGURE1, "--source", "published", "--set", "a=1"], ["what is committed", "leave out"]),
        (["figure", FIGURE1, "--source", "published", "--variant", "a"], ["no variant a of", "is published at"]),
        (["restore", FIGURE1, "--variant", "a"], ["no variant a of", "is published at"]),
        (["figure", FIGURE1, "--scale", "paper", "--out", "nowhere"], ["no runs at scale paper", "dropnorm run"]),
        (["publish", FIGURE1, "--scale", "smoke"], ["no evidence"]),
        (["compare", FIGURE1, "--variant", "none", "--out", "nowhere"], ["no variant none at scale full"]),
        (["data", "imagenet"], ["imagenet", "mnist"]),
    ],
)
def test_the_command_line_says_what_is_wrong(root, arguments, words, monkeypatch, capsys):
    """In this process, which spares each of them the seconds that importing takes."""
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["dropnorm", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    message = one_line(SimpleNamespace(returncode=stopped.value.code, stderr=capsys.readouterr().err))
    assert all(word in message for word in words), message


def test_what_is_wrong_is_said_by_the_command_itself(dropnorm):
    message = one_line(dropnorm("run", "ioffe2015/figur1"))
    assert "figur1.yaml" in message and "did you mean ioffe2015/figure1?" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("training.batch_size=2000", ["training.batch_size = 2,000", "digits has 1,137 images to train on"]),
        ("data.validation=1437", ["data.validation = 1,437", "digits has 1,437 training images"]),
    ],
)
def test_more_images_than_there_are_is_one_line_and_the_name_stays_free(dropnorm, tmp_path, change, words):
    shape = ["srivastava2014/figure7", "--scale", "smoke", "--out", tmp_path, "--variant", "a"]
    message = one_line(dropnorm("run", *shape, "--set", change))
    assert all(word in message for word in words), message
    done = dropnorm("run", *shape, "--set", "training.batch_size=50", "--arm", "none", "--seeds", "0")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("result", "change"),
    [
        ("srivastava2014/section9", "penalty.pixels=2000"),  # a picture has 784
        ("srivastava2014/figure10", "training.stretch=1e308"),
        ("ioffe2015/section33", "network.hidden=[1]"),  # no layer but the last has a Jacobian of its own
    ],
)
def test_settings_that_only_an_experiment_finds_absurd_are_one_line(dropnorm, tmp_path, result, change):
    shape = ["--scale", "smoke", "--out", tmp_path, "--variant", "odd", "--seeds", "0"]
    message = one_line(dropnorm("run", result, *shape, "--set", change))
    assert "variant 'odd' failed, probably for its settings" in message, message


def test_a_setting_that_every_arm_sets_itself_is_not_changed_in_silence(dropnorm):
    message = one_line(dropnorm("run", "srivastava2014/table9", "--variant", "a", "--set", "optimiser.lr=0.2"))
    assert "--set optimiser.lr: every arm sets it itself" in message


def test_a_place_that_cannot_be_written_to_is_one_line(dropnorm):
    arguments = ["--scale", "smoke", "--arm", "baseline", "--seeds", "0", "--out", "/proc/nowhere"]
    assert "/proc/nowhere" in one_line(dropnorm("run", FIGURE1, *arguments))


def test_a_path_in_brackets_is_no_markup(dropnorm, tmp_path):
    for name in ("[red]x", "[/b]"):
        done = dropnorm("status", FIGURE1, "--scale", "smoke", "--out", tmp_path / name)
        assert done.returncode == 0 and name in done.stdout, done


def test_default_folders_belong_to_the_checkout_wherever_one_stands(dropnorm, root):
    outside = dropnorm("status", FIGURE1, "--scale", "smoke")
    inside = dropnorm("status", FIGURE1, "--scale", "smoke", cwd=root / "book")
    assert inside.returncode == 0, inside.stderr
    assert inside.stdout == outside.stdout


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_no_gpu_where_one_was_asked_for(dropnorm):
    message = one_line(dropnorm("run", FIGURE1, "--device", "cuda"))
    assert "no GPU" in message
    assert "--device cpu" in message


def test_help_teaches(dropnorm):
    text = dropnorm("run", "--help").stdout
    assert "Example" in text
    assert "--time-limit" in text
    commands = re.findall(r"^│ (\w+) ", dropnorm("--help").stdout, re.MULTILINE)
    assert set(commands) >= {
        "run", "list", "status", "figure", "publish", "restore", "compare", "data", "bench", "book"
    }  # fmt: skip


def test_ctrl_c_while_the_commands_are_still_being_imported_is_no_traceback(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "dropnorm.cli", SimpleNamespace(app=interrupted))
    with pytest.raises(SystemExit, match="130"):
        main()


def test_a_full_disk_leaves_nothing_half_written(root, tmp_path, dropnorm):
    """A limit on file size stands in for a full disk: the write fails in the middle."""
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000));"
        "from dropnorm.__main__ import main; import sys;"
        f"sys.argv = ['dropnorm', 'run', '{FIGURE1}', '--scale', 'smoke', '--arm', 'batchnorm', '--seeds', '0',"
        f" '--out', '{tmp_path}']; main()"
    )
    failed = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=120)
    assert failed.returncode != 0
    left = [p.name for p in tmp_path.rglob("*") if p.is_file()]
    assert left == [".batchnorm.lock"], left  # empty, and of no process any more
    assert not (root / ".git" / "index.lock").exists()
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    arguments = ["--arm", "batchnorm", "--seeds", "0", "--out", tmp_path]
    assert dropnorm("run", FIGURE1, "--scale", "smoke", *arguments).returncode == 0


def snakemake(root, *config, dry=True):
    command = [sys.executable, "-m", "snakemake", *["-n"] * dry, "--cores", "1", "--config", *config]
    return subprocess.run(
        command, cwd=root, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (["scale=huge"], ["scale = 'huge'", "'smoke', 'full' or 'paper'"]),
        (["source=full"], ["source = 'full'", "'' or 'published'"]),
        (["scael=full"], ["scael", "did you mean 'scale'", "allowed:"]),
        (["arms_per_job=-1"], ["arms_per_job", "-1"]),
        (["set=optimiser.lr=0.3"], ["variant=NAME"]),
        (["variant=a", "set=optimiser.lr='0.3"], ["set=optimiser.lr='0.3", "No closing quotation"]),
        (["variant=0.10", "set=optimiser.lr=0.3"], ["variant", "begin it with a letter"]),
        (["variant=a"], ["no variant a", "--set KEY=VALUE"]),
        (["variant=a", "set=optimiser.lr=-1"], ["optimiser.lr", "-1", "greater than 0"]),
        (["variant=a", "set=optimiser.rl=1"], ["optimiser.rl", "unknown key"]),
        (["mirror=ftp://a.b/c"], ["mirror=ftp://a.b/c", "a folder or a URL with http://"]),
        (["out=published"], ["out=published", "what is published is committed"]),
        (["out=/tmp/{x}"], ["out", "has a brace"]),
    ],
)
def test_wrong_configuration_is_refused(root, config, words):
    given = {key: yaml.safe_load(value) for key, _, value in (item.partition("=") for item in config)}
    tree = yaml.safe_load((root / "config/config.yaml").read_text()) | given
    with pytest.raises(UserError) as refused:
        load_results(root, WorkflowConfig.check(tree, "config/config.yaml or --config"))
    assert all(word in str(refused.value) for word in words), refused.value


@pytest.mark.parametrize(("config", "words"), [("scale=huge", "scale = 'huge'"), ("variant=a", "no variant a")])
def test_the_pipeline_refuses_it_before_any_job(root, config, words):
    done = snakemake(root, config)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and words in errors[0], done.stderr
    assert "Traceback" not in done.stderr
    assert "Job stats" not in done.stdout + done.stderr


def test_a_copy_that_fails_names_the_file_that_could_not_be_written(monkeypatch, capsys):
    def fails():
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), "whole.parquet", None, "copy.parquet")

    monkeypatch.setattr("dropnorm.cli.app", fails)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "copy.parquet" in (said := capsys.readouterr().err) and "whole.parquet" not in said


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_the_pipeline_refuses_a_gpu_that_is_not_there_before_its_first_job(root, tmp_path):
    done = snakemake(root, "scale=smoke", "device=cuda", f"out={tmp_path}", dry=False)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and "no GPU" in errors[0] and "device=cpu" in errors[0], done.stderr
    assert not list(tmp_path.rglob("*.parquet"))


def test_a_dry_run_on_a_machine_without_a_gpu_plans_for_one(root):
    """As does the machine that jobs are sent to a cluster from: only where a job runs must there be one."""
    done = snakemake(root, "scale=paper", "device=cuda")
    assert done.returncode == 0, done.stderr
    assert "ioffe2015_figure1_run_" in done.stdout + done.stderr


def test_a_result_that_has_no_such_variant_says_why(root):
    done = snakemake(root, "variant=a", "set=optimiser.lr=0.3", "--", "srivastava2014_figure11")
    assert done.returncode == 2
    assert "figure11.yaml: --set optimiser.lr: every arm sets it itself" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_book_of_a_variant_is_refused(root):
    """It would train the variant, and show the originals."""
    done = snakemake(root, "scale=smoke", "variant=a", "set=optimiser.lr=0.3", "--", "book")
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert errors == ["error: the book shows no variants; leave out variant= and set="]


@pytest.mark.parametrize(
    ("asked", "meant"), [("ioffe2015/figure1", "ioffe2015_figure1"), ("srivastava2014_tabel2", "srivastava2014_table2")]
)
def test_a_target_that_is_none_says_which_one_was_meant(root, asked, meant):
    done = snakemake(root, "scale=smoke", "--", asked)
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert errors == [f"error: there is no target {asked}; did you mean {meant}? `dropnorm list` names them all"]
    assert "Traceback" not in done.stderr


def test_the_default_configuration_is_valid(root):
    WorkflowConfig.check(yaml.safe_load((root / "config/config.yaml").read_text()), "config/config.yaml")


@pytest.mark.parametrize(
    ("text", "seeds", "said"), [("3", [3], "the one seed 3"), ("0", [0], ""), ("0-2", [0, 1, 2], "")]
)
def test_a_number_of_seeds_is_read_as_one_seed_and_that_is_said(text, seeds, said, capsys):
    assert chosen_seeds(text) == seeds
    out = capsys.readouterr().out
    assert said in out and bool(out) == bool(said)


@pytest.mark.parametrize("mirror", ["", "some where"])
def test_the_pipeline_fetches_data_with_and_without_a_mirror(root, tmp_path, mirror):
    """An option without its value would take the next word of the shell for it, or end the command."""
    target, config = f"{tmp_path}/.mnist.verified", [f"data_dir={tmp_path}", *([f"mirror={mirror}"] if mirror else [])]
    command = [sys.executable, "-m", "snakemake", "-n", "-p", "--cores", "1", target, "--config", *config]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    line = next(line for line in (told.stdout + told.stderr).splitlines() if "dropnorm data" in line)
    assert f"--mirror={mirror}" in shlex.split(line), line


def test_what_was_checked_is_noted_with_the_results_where_data_are_for_reading_only(root, tmp_path, monkeypatch):
    given = {"data_dir": str(tmp_path), "out": str(tmp_path / "results")}
    checked = yaml.safe_load((root / "config/config.yaml").read_text()) | given
    config = WorkflowConfig.check(checked, "here")
    assert config.data_mark.format(name="mnist") == f"{tmp_path}/.mnist.verified"
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(tmp_path))
    assert config.data_mark.format(name="mnist") == f"{tmp_path}/results/data/mnist.verified"


def test_a_full_disk_is_named_also_where_a_folder_is_copied(monkeypatch, capsys):
    def full(*_) -> None:
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])

    monkeypatch.setattr("dropnorm.cli.app", full)
    with pytest.raises(SystemExit) as stopped:
        main()
    told = capsys.readouterr().err
    assert stopped.value.code == 2 and told.count("\n") == 1
    assert "No space left on device" in told and "free some space" in told
