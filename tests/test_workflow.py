"""The DAG itself, on a copy of the project with few and short arms: what reruns when, variants, names, publishing."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml

from dropnorm.files import differing, sha256

pytestmark = pytest.mark.slow
TARGET = "ioffe2015_figure1"
ARMS = {"baseline", "batchnorm", "baseline.lr-0.1", "baseline.lr-0.3", "batchnorm.lr-0.1", "batchnorm.lr-0.3"}


class Checkout:
    """A copy of the project with two results, whose smoke scale takes seconds."""

    def __init__(self, root: Path, folder: Path):
        self.folder = folder
        for name in ("src", "workflow", "config", "profiles", "claims", "reference", "protocols"):
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("Snakefile", "pyproject.toml", "README.md"):
            shutil.copy(root / name, folder / name)
        for path in (folder / "protocols").glob("*/*.yaml"):
            if f"{path.parent.name}_{path.stem}" not in (TARGET, "srivastava2014_section9"):
                path.unlink()
        (folder / "book").mkdir()
        self.protocol = folder / "protocols/ioffe2015/figure1.yaml"
        self._shorten()

    def _shorten(self) -> None:
        tree = yaml.safe_load(self.protocol.read_text())
        tree["sweeps"] = {"lr": tree["sweeps"]["lr"] | {"over": {"optimiser.lr": [0.1, 0.3]}}}
        tree["scales"]["smoke"]["settings"] |= {"training.steps": 450, "measure.accuracy_every": 150}
        tree["scales"]["smoke"]["seeds"] = "0-2"
        self.protocol.write_text(yaml.safe_dump(tree, sort_keys=False))

    def call(self, *command: str) -> subprocess.CompletedProcess:
        """A command in the copy, with the copy's own code."""
        options = {"capture_output": True, "text": True, "timeout": 1200}
        return subprocess.run(command, cwd=self.folder, env=self.environment(), **options)

    def environment(self) -> dict[str, str]:
        """That of somebody who has not activated the environment, and calls its Snakemake by path."""
        folders = os.environ["PATH"].split(os.pathsep)
        if sys.prefix != sys.base_prefix:
            folders = [folder for folder in folders if Path(folder) != Path(sys.executable).parent]
        path = os.pathsep.join(folders)
        return {**os.environ, "PYTHONPATH": str(self.folder / "src"), "PATH": path, "OMP_NUM_THREADS": "1"}

    def snakemake(self, *arguments: str, config: tuple[str, ...] = ()) -> str:
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--config", "scale=smoke", *config]
        done = self.call(*command, "--", *[a for a in arguments if not a.startswith("-")])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def would_run(self, *config: str, target: str = TARGET) -> set[str]:
        """The arms that would be trained and the other jobs that would run, were the result asked for now."""
        command = [sys.executable, "-m", "snakemake", "-n", "--cores", "2", "--config", "scale=smoke", "arms_per_job=1"]
        done = self.call(*command, *config, "--", target)
        assert done.returncode == 0, done.stdout + done.stderr
        jobs = re.findall(r"^(\S+) +\d+$", done.stdout + done.stderr, flags=re.M)
        names = {j.removeprefix(f"{TARGET}_run_").removeprefix(f"{TARGET}_") for j in jobs}
        return names - {"total", "job", target}

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text()
        assert old in text, f"{old!r} is not in {file}"
        path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def built(root, tmp_path_factory):
    """A copy in which the result was made once."""
    checkout = Checkout(root, tmp_path_factory.mktemp("checkout"))
    out = checkout.snakemake(TARGET, config=("arms_per_job=1",))
    assert "100%" in out
    return checkout


@pytest.fixture
def checkout(built, tmp_path):
    """A fresh copy of it, times of files included, to be changed by one test."""
    copy = tmp_path / "copy"
    shutil.copytree(built.folder, copy, copy_function=shutil.copy2)
    twin = object.__new__(Checkout)
    twin.folder, twin.protocol = copy, copy / "protocols/ioffe2015/figure1.yaml"
    return twin


def test_a_job_that_is_killed_keeps_the_arms_that_it_has_finished(checkout):
    """All arms are one job; its process is stopped as a cluster stops one that has used up its time."""
    shutil.rmtree(checkout.folder / "results")
    runs = checkout.folder / "results/smoke/ioffe2015/figure1/runs"
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--config", "scale=smoke", "arms_per_job=6", "--"]
    snakemake = subprocess.Popen(
        [*command, TARGET], cwd=checkout.folder, env=checkout.environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while snakemake.poll() is None and not list(runs.glob("*.json")):
        time.sleep(0.05)
    for child in psutil.Process(snakemake.pid).children(recursive=True):
        if "run" in child.cmdline():  # `dropnorm run ...`; above it are shells
            child.terminate()
    assert snakemake.wait(timeout=600) != 0
    finished = {path: sha256(path) for path in runs.glob("*.parquet")}
    assert 0 < len(finished) < len(ARMS)
    checkout.snakemake(TARGET, config=("arms_per_job=6",))
    assert {path: sha256(path) for path in finished} == finished
    assert {path.stem for path in runs.glob("*.parquet")} == ARMS


def test_nothing_to_do_is_said(checkout):
    done = checkout.call(
        sys.executable,
        "-m",
        "snakemake",
        "-n",
        "--cores",
        "1",
        "--config",
        "scale=smoke",
        "arms_per_job=1",
        "--",
        TARGET,
    )
    assert "Nothing to be done" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("files", "jobs"),
    [
        (["figure.svg"], {"evaluate"}),
        (["runs/baseline.parquet"], {"baseline", "evaluate"}),
        (["runs/baseline.parquet", "runs/baseline.json"], {"baseline", "evaluate"}),
    ],
)
def test_what_was_deleted_is_missed(checkout, files, jobs):
    for file in files:
        (checkout.folder / "results/smoke/ioffe2015/figure1" / file).unlink()
    assert checkout.would_run() == jobs


# --- the staleness table ---


def test_a_comment_a_docstring_or_formatting_reruns_nothing(checkout):
    checkout.edit("src/dropnorm/layers/batch_norm.py", "import torch\n", "import torch  # a comment\n\n")
    checkout.edit("src/dropnorm/training/sgd.py", "W <- W - lr * g in place", "another docstring")
    checkout.edit("src/dropnorm/plotting.py", "import matplotlib as mpl", "import matplotlib as mpl  # a comment")
    checkout.edit("protocols/ioffe2015/figure1.yaml", "paper: ioffe2015", "# a comment\npaper:    ioffe2015")
    assert checkout.would_run() == set()


def test_a_plot_reruns_the_figure_and_no_training(checkout):
    checkout.edit("src/dropnorm/plotting.py", "#D55E00", "#D55E01")
    assert checkout.would_run() == {"evaluate"}


def test_an_analysis_or_a_criterion_reruns_the_verdicts_and_no_training(checkout):
    checkout.edit("claims/ioffe2015.yaml", "at_least: 2}", "at_least: 3}")
    assert checkout.would_run() == {"evaluate"}


def test_a_protocol_value_of_one_arm_reruns_that_arm(checkout):
    file = "protocols/ioffe2015/figure1.yaml"
    checkout.edit(file, "baseline: {}", "baseline: {measure.probe_images: 200}")
    checkout.edit(file, "measure.percentiles_every: 0", "measure.percentiles_every: 0\n      measure.probe_images: 300")
    assert checkout.would_run() == {"baseline", "evaluate"}
    checkout.edit(file, "baseline: {measure.probe_images: 200}", "baseline: {}")
    assert checkout.would_run() == set()  # as it was


def test_training_code_reruns_the_runs_that_import_it(checkout):
    checkout.edit("src/dropnorm/layers/batch_norm.py", "(m / (m - 1))", "(m / (m - 1.0))")
    assert checkout.would_run() == ARMS | {"evaluate"}
    status = checkout.call(sys.executable, "-m", "dropnorm", "status", "--scale", "smoke").stdout
    assert "stale" in status
    assert "training code changed" in status


def test_device_threads_and_paths_rerun_nothing(checkout, tmp_path):
    checkout.edit("config/config.yaml", 'mirror: ""', f'mirror: "{tmp_path}"')
    checkout.edit("config/config.yaml", "data_dir: data ", "data_dir: elsewhere ")
    assert checkout.would_run() == set()
    (checkout.folder / "results").rename(checkout.folder / "kept")
    checkout.edit("config/config.yaml", "out: results ", "out: kept ")
    assert checkout.would_run() == set()


def test_a_fresh_arm_is_kept_when_its_job_runs_again(checkout):
    """Jobs of several arms: only what is stale is trained, the rest keeps its table."""
    runs = checkout.folder / "results/smoke/ioffe2015/figure1/runs"
    before = {p.name: p.read_text() for p in runs.glob("*.json")}  # with the times of each training session
    (runs / "baseline.parquet").unlink()
    checkout.snakemake(TARGET, config=("arms_per_job=6",))
    after = {p.name: p.read_text() for p in runs.glob("*.json")}
    assert {name for name in before if before[name] != after[name]} == {"baseline.json"}


# --- a result from the runs of others ---


@pytest.fixture
def derived(checkout):
    """A copy with one more result, which is judged and drawn from the runs of Figure 1."""
    text = "paper: ioffe2015\nresult: again\ntitle: Once more\nruns_of: [ioffe2015/figure1]\n"
    (checkout.folder / "protocols/ioffe2015/again.yaml").write_text(text)
    module = "from dropnorm.analyses.ioffe2015.figure1 import figures, summarise\n"
    (checkout.folder / "src/dropnorm/analyses/ioffe2015/again.py").write_text(module)
    return checkout


def test_a_derived_result_trains_nothing_of_its_own_and_follows_its_sources(derived):
    target, evaluate = "ioffe2015_again", "ioffe2015_again_evaluate"
    assert derived.would_run(target=target) == {evaluate}
    derived.snakemake(target, config=("arms_per_job=1",))
    folder = derived.folder / "results/smoke/ioffe2015/again"
    assert (folder / "figure.svg").exists()
    assert not (folder / "runs").exists()
    assert derived.would_run(target=target) == set()
    derived.edit("src/dropnorm/plotting.py", "#D55E00", "#D55E01")
    assert derived.would_run(target=target) == {evaluate}
    derived.edit("protocols/ioffe2015/figure1.yaml", "baseline: {}", "baseline: {measure.probe_images: 200}")
    derived.edit("src/dropnorm/plotting.py", "#D55E01", "#D55E00")
    trained = derived.would_run(target=target) - {evaluate}
    assert trained == derived.would_run() - {"evaluate"}  # what Figure 1 trains, once
    assert "baseline" in trained


def test_a_derived_result_alone_trains_what_it_needs_and_a_variant_of_it_too(derived):
    shutil.rmtree(derived.folder / "results")
    assert derived.would_run(target="ioffe2015_again") == ARMS | {"ioffe2015_again_evaluate"}
    config = ("variant=short", "set=training.steps=300", "arms_per_job=6")
    derived.snakemake("ioffe2015_again", config=config)
    of_paper = derived.folder / "results/smoke/ioffe2015"
    assert sorted(p.name for p in of_paper.iterdir()) == ["again@short", "figure1@short"]
    assert "training.steps = 300" in (of_paper / "again@short/figures.json").read_text()
    dropnorm = (sys.executable, "-m", "dropnorm")
    drawn = derived.call(*dropnorm, "figure", "ioffe2015/again", "--scale", "smoke", "--variant", "short")
    assert drawn.returncode == 0, drawn.stderr
    states = derived.call(*dropnorm, "status", "ioffe2015/again", "--scale", "smoke", "--variant", "short").stdout
    assert "fresh" in states
    again = derived.call(*dropnorm, "run", "ioffe2015/again", "--scale", "smoke", "--variant", "short")
    assert "no runs of its own: training what is pending of ioffe2015/figure1" in again.stdout
    assert "6 of 6 arms done" in again.stdout


# --- folders ---


def test_folders_may_have_blanks_and_lie_at_home(checkout, monkeypatch):
    monkeypatch.setenv("HOME", str(checkout.folder / "my home"))
    target = "ioffe2015_figure1_run_batchnorm"
    checkout.snakemake(target, config=("out=~/our results", "data_dir=~/our data", "arms_per_job=1"))
    assert (checkout.folder / "my home/our results/smoke/ioffe2015/figure1/runs/batchnorm.parquet").exists()
    assert not [p.name for p in checkout.folder.iterdir() if p.name.startswith(("~", "our", "home"))]


# --- variants, publishing ---


def test_a_variant_stands_beside_the_original(checkout):
    original = checkout.folder / "results/smoke/ioffe2015/figure1"
    before = {p.name: p.read_bytes() for p in original.glob("*.*")}
    config = ("variant=lr05", "set=optimiser.lr=0.5", "arms_per_job=6")
    checkout.snakemake(TARGET, config=config)
    variant = original.with_name("figure1@lr05")
    assert {p.name: p.read_bytes() for p in original.glob("*.*")} == before
    assert "optimiser.lr = 0.5" in (variant / "figures.json").read_text()
    assert yaml.safe_load((variant / "provenance.json").read_text())["changes"] == {"optimiser.lr": 0.5}
    done = checkout.call(
        sys.executable, "-m", "dropnorm", "compare", "ioffe2015/figure1", "--variant", "lr05", "--scale", "smoke"
    )
    assert done.returncode == 0, done.stderr
    page = (variant / "compare.html").read_text()
    assert page.count("<figure>") >= 2
    assert "../figure1/figure.svg" in page
    assert "The variant sets optimiser.lr = 0.5" in page
    assert "I1.1" in done.stdout


def test_what_is_published_can_be_judged_and_drawn_without_runs(checkout):
    """Publish (a paper-scale twin of the smoke result stands in for one), then draw and judge from it alone."""
    tree = yaml.safe_load(checkout.protocol.read_text())
    tree["scales"]["paper"] = tree["scales"]["smoke"]
    checkout.protocol.write_text(yaml.safe_dump(tree, sort_keys=False))
    smoke = checkout.folder / "results/smoke/ioffe2015/figure1"
    shutil.copytree(smoke, checkout.folder / "results/paper/ioffe2015/figure1")
    dropnorm = (sys.executable, "-m", "dropnorm")
    done = checkout.call(*dropnorm, "publish", "ioffe2015/figure1", "--scale", "paper")
    assert done.returncode == 0, done.stderr
    shutil.rmtree(checkout.folder / "results")
    published = checkout.folder / "published/paper/ioffe2015/figure1"
    assert {p.stem for p in (published / "runs").iterdir()} == ARMS
    (published / "figure.svg").unlink()
    done = checkout.call(*dropnorm, "figure", "ioffe2015/figure1", "--scale", "paper", "--source", "published")
    assert done.returncode == 0, done.stderr
    assert (published / "figure.svg").stat().st_size > 10_000
    assert differing(published) == []  # what was judged and drawn again is published as such
    assert "inconclusive" in done.stdout or "replicated" in done.stdout


def test_restored_runs_are_judged_again_and_snakemake_trains_only_what_they_lack(checkout):
    """On a machine that knows nothing of how they were made. (Nothing of smoke is published: a copy stands in.)"""
    dropnorm, shape = (sys.executable, "-m", "dropnorm"), ("ioffe2015/figure1", "--scale", "smoke")
    runs = checkout.folder / "results/smoke/ioffe2015/figure1/runs"
    (runs / "baseline.parquet").unlink()
    assert checkout.call(*dropnorm, "run", *shape, "--arm", "baseline", "--seeds", "0-1").returncode == 0
    published = checkout.folder / "published/smoke/ioffe2015/figure1/runs"
    shutil.copytree(runs, published)
    digests = {f"runs/{p.name}": sha256(p) for p in published.iterdir()}
    (published.parent / "digests.json").write_text(json.dumps(digests))
    for folder in ("results", ".snakemake"):
        shutil.rmtree(checkout.folder / folder)
    done = checkout.call(*dropnorm, "restore", *shape)
    assert "6 arms restored" in done.stdout, done.stderr
    assert checkout.call(*dropnorm, "figure", *shape).returncode == 0
    assert checkout.would_run() == {"baseline", "evaluate"}
    before = {p.name: p.read_bytes() for p in runs.iterdir()}
    checkout.snakemake(TARGET, config=("arms_per_job=1",))
    after = {p.name: p.read_bytes() for p in runs.iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"baseline.parquet", "baseline.json"}
    sessions = json.loads((runs / "baseline.json").read_text())["sessions"]
    assert [s["seeds"] for s in sessions] == [[0, 1], [2]]
    assert checkout.would_run() == set()
    checkout.edit("claims/ioffe2015.yaml", "alpha: 0.05", "alpha: 0.04")
    shutil.rmtree(checkout.folder / ".snakemake")
    assert checkout.would_run() == {"evaluate"}  # by its provenance alone
    checkout.snakemake(TARGET, config=("arms_per_job=1",))
    assert checkout.would_run() == set()
    checkout.edit("protocols/ioffe2015/figure1.yaml", "baseline: {}", "baseline: {measure.probe_images: 200}")
    shutil.rmtree(checkout.folder / ".snakemake")
    assert "baseline" in checkout.would_run()  # by its record alone
