"""Protocols: scales, sweeps, variants, and what a wrong one is told."""

import shutil

import pytest
import yaml

from dropnorm.errors import UserError
from dropnorm.names import Place, ResultName, project_root
from dropnorm.protocol import all_names, load, parse_changes
from dropnorm.protocol_file import parse_seeds

NAME = ResultName("ioffe2015", "figure1")


@pytest.fixture
def edited(root, tmp_path):
    """Load a copy of the Figure 1 protocol in which one place was changed."""

    def protocol(scale="paper", **changes):
        tree = yaml.safe_load((root / "protocols/ioffe2015/figure1.yaml").read_text())
        for dotted, value in changes.items():
            *parents, last = dotted.split("__")
            place = tree
            for key in parents:
                place = place[key]
            place[last] = value
        path = tmp_path / "protocols/ioffe2015/figure1.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return load(tmp_path, NAME, scale)

    return protocol


def test_the_paper_s_protocol_is_the_paper_s(root):
    protocol = load(root, NAME, "paper")
    for arm in ("baseline", "batchnorm"):
        settings = protocol.arms[arm]
        assert settings.network.hidden == [100, 100, 100]
        assert (settings.training.steps, settings.training.batch_size) == (50_000, 60)
        assert settings.data.pixels == "binary"
    assert protocol.seeds == list(range(10))


def test_arms_differ_in_what_they_say_they_differ(root):
    arms = load(root, NAME, "paper").arms
    a, b = arms["baseline"].model_dump(), arms["batchnorm"].model_dump()
    assert (a["network"].pop("normalisation"), b["network"].pop("normalisation")) == ("none", "batch")
    assert a == b


def test_sweeps_make_every_combination(root):
    protocol = load(root, NAME, "paper")
    rates = [arms.optimiser.lr for name, arms in protocol.arms.items() if name.startswith("batchnorm.lr-")]
    assert rates == [0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
    assert all(s.data.train_on == "split" for n, s in protocol.arms.items() if ".lr-" in n)
    assert all(s.data.train_on == "all" for n, s in protocol.arms.items() if ".lr-" not in n)


def test_a_sweep_changes_what_its_arm_sets_and_leaves_the_rest_of_it(edited):
    over = {"network.normalisation": ["none"], "optimiser.lr": [0.5]}
    protocol = edited(sweeps__both={"arms": ["batchnorm"], "over": over, "set": {"data.train_on": "split"}})
    swept, own = (protocol.arms[arm] for arm in ("batchnorm.both-none-0.5", "batchnorm"))
    assert (swept.network.normalisation, swept.optimiser.lr, swept.data.train_on) == ("none", 0.5, "split")
    assert (own.network.normalisation, own.data.train_on) == ("batch", "all")


def test_scales_overlay_and_variants_change(root):
    assert load(root, NAME, "smoke").arms["baseline"].data.name == "digits"
    assert load(root, NAME, "full").arms["baseline"].data.name == "mnist"
    changed = load(root, NAME, "full", parse_changes(["optimiser.lr=0.3", "network.hidden=[50, 50]"]))
    assert changed.arms["batchnorm"].optimiser.lr == 0.3
    assert changed.arms["batchnorm"].network.hidden == [50, 50]
    assert changed.arms["batchnorm.lr-0.01"].optimiser.lr == 0.01  # an arm's own setting stays


def test_the_digest_follows_the_settings_of_the_arm_alone(root, edited):
    original, changed = edited(), edited(sweeps__init_std__set={"measure.accuracy_every": 5000})
    same = [arm for arm in original.arms if original.settings_digest(arm) == changed.settings_digest(arm)]
    assert set(original.arms) - set(same) == {a for a in original.arms if ".init_std-" in a}


def test_a_scale_may_leave_out_arms_of_sweeps_too(root, edited):
    left_out = ["baseline", "batchnorm.lr-0.01"]
    edited(scales__full__leave_out=left_out)
    assert set(load(root, NAME, "full").arms) - set(edited("full", scales__full__leave_out=left_out).arms) == set(
        left_out
    )
    assert set(edited("paper", scales__full__leave_out=left_out).arms) == set(load(root, NAME, "paper").arms)


def test_a_scale_may_change_single_arms(root, tmp_path, edited):
    one, own = "batchnorm.lr-0.01", {"training.steps": 7, "optimiser.lr": 5}
    before, after = edited("full"), edited("full", scales__full__arms={one: own})
    changed = [arm for arm in before.arms if before.settings_digest(arm) != after.settings_digest(arm)]
    assert changed == [one] and after.arms[one].training.steps == 7
    assert after.arms[one].optimiser.lr == 0.01  # what makes it this arm stays
    assert load(tmp_path, NAME, "paper").arms[one].training.steps != 7
    assert load(tmp_path, NAME, "full", {"training.steps": 9}).arms[one].training.steps == 9  # --set comes after it


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings__optimiser": {"lrr": 0.1}}, ["optimiser.lrr", "unknown key", "did you mean 'lr'", "allowed: lr"]),
        ({"settings__optimiser": {"lr": "fast"}}, ["optimiser.lr", "'fast'", "number"]),
        ({"settings__training": {"steps": 0, "batch_size": 60}}, ["training.steps", "0", "greater than 0"]),
        ({"settings__training": {"steps": 10, "batch_size": 1}}, ["training.batch_size", "1"]),
        ({"settings__network": {"hidden": [9], "init_std": 1}}, ["network.normalisation", "missing"]),
        ({"seeds": "many"}, ["seeds", "'many'", "0-9"]),
        ({"experiment": "magic"}, ["experiment", "'magic'", "allowed:", "classification"]),
        ({"settings__optimiser": {"lr": float("inf")}}, ["optimiser.lr", "finite number"]),
        ({"settings__optimiser": {"lr": True}}, ["optimiser.lr = True", "number, not yes or no"]),
        ({"seeds": "0-4294967296"}, ["seeds", "0-9"]),
        ({"arms": {"../out": {}}}, ["arms", "'../out'", "names a file"]),
        ({"colour": "red"}, ["colour", "unknown key", "allowed:", "settings"]),
        ({"scales__huge": {}}, ["scales", "smoke, full, paper"]),
        ({"scales__full": {"setings": {}}}, ["scales.full.setings", "did you mean 'settings'"]),
        (
            {"sweeps__lr__over": {"network.hidden": [[50, 50]]}},
            ["'baseline.lr-[50, 50]'", "name of a file"],
        ),
        ({"sweeps__lr__over": {"optimiser.lr": [0.1, 0.1]}}, ["sweeps.lr", "'baseline.lr-0.1' is there already"]),
        ({"sweeps__lr__arms": ["nobody"]}, ["sweeps.lr.arms", "'nobody'", "baseline, batchnorm"]),
        ({"scales__paper__leave_out": ["nobody"]}, ["scales.paper.leave_out", "'nobody'"]),
        ({"scales__paper__arms": {"nobody": {}}}, ["scales.paper.arms", "'nobody'"]),
        ({"scales__paper__arms": {"baseline": {"optimiser.lrr": 1}}}, ["optimiser.lrr", "did you mean 'lr'"]),
        ({"sweeps__lr__set": {"optimiser.lr.x": 1}}, ["optimiser.lr.x", "is a value"]),
        ({"result": "figure2"}, ["ioffe2015/figure2", "protocols/ioffe2015/figure2.yaml"]),
    ],
)
def test_a_wrong_protocol_gets_one_line_that_names_file_key_and_what_is_allowed(edited, changes, words):
    with pytest.raises(UserError) as error:
        edited(**changes)
    message = str(error.value)
    assert "\n" not in message
    assert "figure1.yaml" in message
    assert all(word in message for word in words), message


def test_files_of_an_editor_are_no_protocols_and_a_wrong_name_is_told(root, tmp_path):
    for name in (".kept/a-copy.yaml", "ioffe2015/.#figure1.yaml", "ioffe2015/._figure1.yaml", "ioffe2015/figure1.yaml"):
        path = tmp_path / "protocols" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert all_names(tmp_path) == [NAME]
    path.with_name("figure_1.yaml").touch()
    with pytest.raises(UserError, match=r"ioffe2015/figure_1.yaml: call it by small letters and digits"):
        all_names(tmp_path)


def test_yaml_that_is_none(root, tmp_path):
    path = tmp_path / "protocols/ioffe2015/figure1.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("a: [1, 2\nb: }")
    with pytest.raises(UserError, match=r"figure1.yaml: not readable as YAML.*line"):
        load(tmp_path, NAME, "full")
    path.write_bytes(b"a: 1\n\xff")
    with pytest.raises(UserError, match=r"figure1.yaml: not readable as YAML.*utf-8"):
        load(tmp_path, NAME, "full")


def test_a_key_that_stands_twice_is_refused(root, tmp_path):
    """YAML itself would take the last, and a criterion could be replaced without a word."""
    path = tmp_path / "protocols/ioffe2015/figure1.yaml"
    path.parent.mkdir(parents=True)
    path.write_text((root / "protocols/ioffe2015/figure1.yaml").read_text() + "\nseeds: 0-1\n")
    with pytest.raises(UserError, match=r"figure1.yaml: not readable as YAML: 'seeds' stands twice"):
        load(tmp_path, NAME, "full")


def test_a_comment_changes_nothing(root, tmp_path):
    target = tmp_path / "protocols/ioffe2015/figure1.yaml"
    target.parent.mkdir(parents=True)
    shutil.copy(root / "protocols/ioffe2015/figure1.yaml", target)
    before = load(tmp_path, NAME, "full")
    target.write_text("# another comment\n" + target.read_text())
    after = load(tmp_path, NAME, "full")
    assert [before.settings_digest(a) for a in before.arms] == [after.settings_digest(a) for a in after.arms]


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-3", [0, 1, 2, 3]), (7, [7]), ("5,0-1", [0, 1, 5]), ("0-9999,5", [*range(10_000)])]
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["x", "", "5-3", "0,5-3", "2147483648", "0-99999", "0-9999,10000-10001"])
def test_what_are_no_seeds(text):
    with pytest.raises(ValueError):
        parse_seeds(text)


def test_a_section_that_is_changed_as_a_whole_stays_each_arm_s_own(root):
    arms = load(root, NAME, "full", {"optimiser": {"lr": 0.3}}).arms
    rates = {float(arm.split("-")[-1]): settings.optimiser.lr for arm, settings in arms.items() if ".lr-" in arm}
    assert rates and all(value == rate for rate, value in rates.items())
    assert {s.optimiser.lr for arm, s in arms.items() if ".lr-" not in arm and "rate" not in arm} == {0.3}


@pytest.mark.parametrize("text", ["ioffe2015/figure1", "ioffe2015_figure1", "protocols/ioffe2015/figure1.yaml"])
def test_one_name_everywhere(text, root):
    name = ResultName.parse(text)
    assert (str(name), name.target) == ("ioffe2015/figure1", "ioffe2015_figure1")
    assert Place(root, "paper", name, "lr03").folder == root / "paper/ioffe2015/figure1@lr03"


@pytest.mark.parametrize("text", ["figure1", "../..", "ioffe2015/Figure 1", ""])
def test_no_name(text):
    with pytest.raises(UserError, match="is no result"):
        ResultName.parse(text)


def test_variants_name_folders(root):
    with pytest.raises(UserError, match="variant"):
        Place(root, "full", NAME, "../up")


def test_outside_a_checkout(tmp_path):
    with pytest.raises(UserError, match="no dropnorm checkout"):
        project_root(tmp_path)


def test_a_setting_is_not_taken_for_one_whose_name_begins_alike(root):
    protocol = load(root, NAME, "smoke", {"measure.probe_images": 10})
    protocol.__dict__["_overrides"] = {"an arm": {"measure.probe": 1}}
    assert protocol.may_change("measure.probe_images")
    protocol.__dict__["_overrides"] = {"an arm": {"measure": {}}}
    assert not protocol.may_change("measure.probe_images")
