"""The three places that name versions agree: pyproject.toml (ranges), constraints.txt (pins), environment.yml (conda).

No conda channel is asked: that the pins can be solved is for conda to say, that they are the right ones is said here.
"""

import tomllib
from pathlib import Path

import pytest
import rattler
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

# Where conda calls a package otherwise than PyPI does.
CONDA_TO_PYPI = {"pytorch": "torch", "matplotlib-base": "matplotlib", "snakemake-minimal": "snakemake"}


def exact_version(specifier: str, what: str) -> str:
    """The version of an `==` pin; anything looser fails the test."""
    assert specifier.startswith("==") and "*" not in specifier and "," not in specifier, f"{what} is not pinned exactly"
    return specifier.removeprefix("==")


def read_constraints() -> dict[str, str]:
    """Name to version, as constraints.txt pins them."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    names = [canonicalize_name(requirement.name) for requirement in requirements]
    assert len(names) == len(set(names)), "constraints.txt names a package twice"
    return {
        name: exact_version(str(requirement.specifier), f"constraints.txt: {name}")
        for name, requirement in zip(names, requirements, strict=True)
    }


def read_direct_dependencies() -> list[Requirement]:
    """What pyproject.toml asks for, extras included; `all` only refers to the other extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    requirements = [Requirement(text) for group in groups for text in group]
    return [requirement for requirement in requirements if requirement.name != project["name"]]


def read_environment() -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Of environment.yml: conda's packages (PyPI name to version spec), pip's pins, and pip's options."""
    conda, pip, options = {}, {}, []
    for entry in yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]:
        if isinstance(entry, str):
            spec = rattler.MatchSpec(entry)
            conda[CONDA_TO_PYPI.get(spec.name.normalized, spec.name.normalized)] = str(spec.version or "")
            continue
        for line in entry["pip"]:
            if line.startswith("-"):
                options.append(line)
            else:
                requirement = Requirement(line)
                pip[canonicalize_name(requirement.name)] = str(requirement.specifier)
    return conda, pip, options


CONSTRAINTS = read_constraints()
CONDA, PIP, PIP_OPTIONS = read_environment()
ENVIRONMENT_PINS = {name: spec for name, spec in (CONDA | PIP).items() if name not in ("python", "pip")}


@pytest.mark.parametrize("requirement", read_direct_dependencies(), ids=lambda requirement: requirement.name)
def test_direct_dependency_is_pinned_within_its_range_and_in_the_conda_environment(requirement):
    name = canonicalize_name(requirement.name)
    assert name in CONSTRAINTS, f"{name} is in pyproject.toml and not in constraints.txt"
    assert requirement.specifier.contains(CONSTRAINTS[name]), f"constraints.txt: {name} is outside {requirement}"
    assert name in ENVIRONMENT_PINS, f"{name} is in pyproject.toml and not in environment.yml"


@pytest.mark.parametrize("name", ENVIRONMENT_PINS)
def test_conda_environment_pins_what_the_constraints_pin(name):
    assert exact_version(ENVIRONMENT_PINS[name], f"environment.yml: {name}") == CONSTRAINTS.get(name)


def test_no_package_comes_from_both_conda_and_pip():
    assert not CONDA.keys() & PIP.keys()


def test_conda_environment_installs_dropnorm_itself_under_the_constraints():
    assert PIP_OPTIONS == ["-c constraints.txt", "-e .[all]"]


def test_python_of_the_conda_environment_is_one_the_package_allows():
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert CONDA["python"] == "3.11.*"
    assert SpecifierSet(requires).contains("3.11")


def test_torch_is_the_version_the_results_were_made_with():
    assert CONSTRAINTS["torch"] == "2.13.0"
