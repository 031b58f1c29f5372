"""Static checks of the repository itself: nothing of one machine in it, documented, formatted, small."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
MODULES = [path for path in SOURCES if not path.stem.startswith("_") or path.stem in ("__init__", "__main__")]

# Absolute paths of a build machine, and hosts of package registries. Split, so that this file is not its own finding.
FORBIDDEN = re.compile(
    "|".join(
        (
            "/" + "work/",
            "/" + "farm/",
            "/" + "opt/(?:wheels|pypi)",
            "pypi" + r"\.org",
            "files" + r"\.pythonhosted",
            "registry" + r"\.npmjs",
            "deb" + r"\.debian",
        )
    ).encode()
)
LARGEST = 2 * 1024**2
LONGEST = 300


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files git tracks, less those deleted in the working tree."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def show(path: Path) -> str:
    """A path as it reads from the root of the repository; also the name of a parametrized case."""
    return path.relative_to(ROOT).as_posix()


def run(*command: str) -> None:
    """Run a checker from the root; its own output is the failure message."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_tracked_file_names_a_path_of_one_machine_or_a_registry_host(tracked):
    findings = [
        f"{show(path)}:{number}: {line.decode(errors='replace').strip()}"
        for path in tracked
        for number, line in enumerate(path.read_bytes().splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]
    assert not findings, "\n".join(findings)


def test_no_tracked_file_is_large(tracked):
    assert not [show(path) for path in tracked if path.stat().st_size > LARGEST]


@pytest.mark.parametrize("path", SOURCES, ids=show)
def test_source_file_is_short(path):
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", MODULES, ids=show)
def test_module_and_its_public_functions_and_classes_have_docstrings(path):
    module = ast.parse(path.read_text())
    public = [
        node
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    bare = [f"{show(path)}:{node.lineno}: {node.name}" for node in public if not ast.get_docstring(node)]
    if not ast.get_docstring(module):
        bare.insert(0, f"{show(path)}: the module itself")
    assert not bare, "without a docstring:\n" + "\n".join(bare)


def test_ruff_finds_nothing():
    run(sys.executable, "-m", "ruff", "check", "src", "tests")


def test_python_is_formatted():
    run(sys.executable, "-m", "ruff", "format", "--check", "src", "tests")


def test_workflow_is_formatted():
    if not (ROOT / "Snakefile").is_file():
        pytest.skip("there is no Snakefile yet")
    run(str(Path(sys.executable).with_name("snakefmt")), "--check", "Snakefile", "workflow")
