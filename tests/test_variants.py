"""Variants keep apart, and remember what they change."""

import pytest
import yaml

from dropnorm.errors import UserError
from dropnorm.names import Place, ResultName
from dropnorm.variants import remember, resolve
from dropnorm.workflow import WorkflowConfig, load_results

NAME = ResultName("ioffe2015", "figure1")


def test_a_variant_remembers_and_never_changes_its_meaning(tmp_path):
    place = Place(tmp_path, "full", NAME, "lr03")
    assert resolve(place, {"optimiser.lr": 0.3}) == {"optimiser.lr": 0.3}
    remember(place, {"optimiser.lr": 0.3})
    assert resolve(place, {}) == {"optimiser.lr": 0.3}
    assert resolve(place, {"optimiser.lr": 0.5}) == {
        "optimiser.lr": 0.5
    }  # nothing was trained yet: a name is not spent
    place.runs.mkdir()
    place.run("baseline").touch()
    with pytest.raises(UserError, match=r"was made with optimiser.lr = 0.3; choose another name"):
        resolve(place, {"optimiser.lr": 0.5})


def test_the_original_changes_nothing_and_writes_nothing(tmp_path):
    place = Place(tmp_path, "full", NAME)
    remember(place, {})
    assert list(tmp_path.iterdir()) == []
    assert resolve(place, {}) == {}
    with pytest.raises(UserError, match="name it: --variant NAME"):
        resolve(place, {"optimiser.lr": 0.3})


def test_by_hand_and_by_snakemake_a_variant_is_the_same(root, tmp_path, dropnorm):
    """What `status` tells one to type sets the same values as the variant was made with."""
    import shlex

    shape = ["--scale", "smoke", "--out", tmp_path, "--variant", "deep"]
    changes = ["--set", "network.hidden=[50, 50]", "--set", "training.steps=40"]
    made = dropnorm("run", "ioffe2015/figure1", *shape, *changes, "--arm", "baseline", "--seeds", "0")
    assert made.returncode == 0, made.stderr
    lines = dropnorm("status", "ioffe2015/figure1", *shape).stdout.splitlines()
    command = shlex.split(next(line for line in lines if "dropnorm run" in line).split("   (")[0])
    again = dropnorm(*command[1:], "--out", tmp_path, "--arm", "baseline", "--seeds", "0")
    assert again.returncode == 0, again.stderr
    assert "1 of 1 arms done" in again.stdout


def test_a_damaged_file_is_one_line_that_says_what_to_do(tmp_path):
    place = Place(tmp_path, "full", NAME, "lr03")
    remember(place, {"optimiser.lr": 0.3})
    place.file("variant.json").write_text('{"optimiser.lr": ')
    with pytest.raises(UserError, match=r"variant.json: not readable as JSON .*; delete it") as error:
        resolve(place, {})
    assert "\n" not in str(error.value)
    place.file("variant.json").write_text('["optimiser.lr"]')
    with pytest.raises(UserError, match=r"variant.json: not what belongs there; delete it"):
        resolve(place, {})


def test_status_shows_a_variant_where_it_is_and_refuses_one_that_is_nowhere(tmp_path, dropnorm):
    """It need not be one of every result, nor at every scale."""
    remember(Place(tmp_path, "full", NAME, "lr03"), {"optimiser.lr": 0.3})
    shown = dropnorm("status", "--out", tmp_path, "--variant", "lr03")
    assert shown.returncode == 0, shown.stderr
    assert [line.split()[0] for line in shown.stdout.splitlines()] == [str(NAME), "full", "dropnorm"]
    nowhere = dropnorm("status", "--out", tmp_path, "--variant", "lr04")
    assert nowhere.returncode != 0
    assert "no variant lr04" in nowhere.stderr


def opened(root, out, set_: str):
    """What Snakemake opens of all results of this checkout for a variant: (targets, refused targets)."""
    config = yaml.safe_load((root / "config/config.yaml").read_text())
    config |= {"scale": "smoke", "out": str(out), "variant": "changed", "set": set_}
    results, refused = load_results(root, WorkflowConfig.check(config, "config"))
    return {result.target for result in results}, refused


@pytest.mark.parametrize(
    ("set_", "has", "has_not", "why"),
    [
        ("optimiser.lr=0.3", "ioffe2015_figure1", "srivastava2014_figure11", "every arm sets it itself"),
        ("training.steps=20000", "ioffe2015_figure1", "santurkar2018_figure1", "training.steps"),
        ("network.normalisation=layer", "related_alternatives", "santurkar2018_figure10", "normalisation = 'layer'"),
        ("network.units=elu", "ioffe2015_figure3", "srivastava2014_section9", "network: unknown key"),
    ],
)
def test_a_variant_is_of_those_results_that_its_change_goes_with(root, tmp_path, set_, has, has_not, why):
    targets, refused = opened(root, tmp_path, set_)
    assert has in targets and has_not not in targets
    assert why in refused[has_not] and not targets & set(refused)


@pytest.mark.parametrize(
    ("set_", "why"),
    [("optimiser.lr=fast", "optimiser.lr = 'fast'"), ("optimiser.lrr=0.3", "did you mean 'lr'"),
     ("forms.samples=none", "no setting|unknown key")],
)  # fmt: skip
def test_a_change_that_goes_with_no_result_is_refused(root, tmp_path, set_, why):
    with pytest.raises(UserError, match=why):
        opened(root, tmp_path, set_)


def test_a_variant_that_changes_nothing_of_a_source_keeps_to_that(tmp_path):
    """As a source has it whose settings a derived result's variant leaves alone."""
    place = Place(tmp_path, "full", NAME, "lr03")
    remember(place, {})
    place.runs.mkdir()
    place.run("baseline").touch()
    with pytest.raises(UserError, match="was made with no change; choose another name"):
        resolve(place, {"optimiser.lr": 0.5})
