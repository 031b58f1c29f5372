"""What a page may ask for, which files are shown, and that a damaged or missing one stops the build in one line."""

import json
import shutil

import pytest
import yaml
from rich.console import Console

from dropnorm.book import build, readme_table
from dropnorm.book.building import _begin
from dropnorm.book.facts import facts_of, references, substitutions
from dropnorm.book.sources import find_results
from dropnorm.book.staging import stage
from dropnorm.errors import UserError
from dropnorm.files import seal
from dropnorm.names import Place, ResultName

NAME = ResultName("ioffe2015", "figure1")


@pytest.fixture
def checkout(tmp_path, root, result_folder):
    """A copy of the checkout whose only result is published at scale full."""
    for name in ("protocols", "claims", "book", "reference"):
        shutil.copytree(root / name, tmp_path / name)
    folder = Place(tmp_path / "published", "full", NAME).folder
    shutil.copytree(result_folder, folder, ignore=shutil.ignore_patterns("runs"))
    return tmp_path


def page_of(checkout):
    return checkout / "book" / "ioffe2015" / "figure1.md"


def ask(checkout, text: str) -> dict:
    """What the builder injects for a page with this text."""
    return substitutions({"some/page.md": text}, find_results(checkout, "published", "results"))


def test_a_fact_that_a_complete_result_lacks_stops_the_build_and_names_page_and_fact(checkout):
    page = page_of(checkout)
    page.write_text(page.read_text() + "\n{{ ioffe2015_figure1.no_such_fact }}\n")
    with pytest.raises(UserError, match=r"book/ioffe2015/figure1\.md: .*ioffe2015_figure1\.no_such_fact.* is no fact"):
        build(checkout, "published", checkout / "out", Console(quiet=True))


@pytest.mark.parametrize(
    "reference",
    [
        "ioffe2015_figure9.final_accuracy",
        "ioffe2015_figure1.settings.optimiser.rate",
        "ioffe2015_figure1.settings",
        "ioffe2015_figure1.I1_99.ours",
        "ioffe2015_figure1",
    ],
)
@pytest.mark.parametrize("run", [True, False])
def test_what_exists_before_any_run_must_exist_always(checkout, reference, run):
    if not run:
        shutil.rmtree(checkout / "published")
    with pytest.raises(UserError, match="some/page.md"):
        ask(checkout, f"{{{{ {reference} }}}}")


def test_facts_of_a_missing_result_are_not_run(checkout):
    shutil.rmtree(checkout / "published")
    injected = ask(checkout, "{{ ioffe2015_figure1.final_accuracy_baseline }}")
    assert injected["ioffe2015_figure1"]["final_accuracy_baseline"] == "*not run*"
    assert injected["ioffe2015_figure1"]["I1_1"] == {"paper": "0.9"} | dict.fromkeys(
        ("ours", "n", "p", "verdict"), "*not run*"
    )


def test_facts_that_smoke_cannot_measure_are_not_measured(tmp_path, root, result_folder):
    folder = Place(tmp_path, "smoke", NAME).folder
    shutil.copytree(result_folder, folder)
    found = find_results(root, "smoke", tmp_path)
    injected = substitutions({"p.md": "{{ ioffe2015_figure1.late_gap }}"}, found)
    assert injected["ioffe2015_figure1"]["late_gap"] == "*not measured*"


def test_references_in_code_are_not_references():
    text = "{{ a.b }}\n```\n{{ c.d }}\n```\n`{{ e.f }}`\n```{note}\n{{ g.h }}\n```\n```{include} x\n```\n{{ i.j }}\n"
    assert [reference for _, reference in references({"p": text})] == ["a.b", "g.h", "i.j"]


def test_settings_are_those_of_the_scale_shown(root, tmp_path):
    facts = {s: facts_of(find_results(root, s, tmp_path)[0]) for s in ("smoke", "full", "paper")}
    assert facts["paper"]["settings"]["training"]["steps"] == "50,000"
    assert facts["smoke"]["settings"]["training"]["steps"] == "400"
    assert facts["smoke"]["protocol"]["training"]["steps"] == "50,000"
    assert facts["smoke"]["settings"]["data"]["name"] != facts["paper"]["settings"]["data"]["name"] == "MNIST"
    assert (facts["paper"]["seeds"], facts["full"]["seeds"]) == ("10", "5")
    assert facts["paper"]["settings"]["network"]["eps"] == "$10^{-5}$"


def test_paper_scale_is_shown_before_full(checkout):
    assert find_results(checkout, "published", "results")[0].scale == "full"
    shutil.copytree(
        Place(checkout / "published", "full", NAME).folder, Place(checkout / "published", "paper", NAME).folder
    )
    assert find_results(checkout, "published", "results")[0].scale == "paper"


def test_an_altered_published_file_stops_the_build(checkout):
    path = Place(checkout / "published", "full", NAME).file("facts.json")
    path.write_text(path.read_text().replace('"runs": "', '"runs": "1'))
    with pytest.raises(UserError, match=r"facts\.json is not what was made of the runs; .*git checkout -- "):
        stage(checkout, "published", "results", checkout / "out")


def test_provenance_of_another_version_is_refused_in_one_line(tmp_path, root, result_folder):
    folder = Place(tmp_path, "paper", NAME).folder
    shutil.copytree(result_folder, folder)
    (folder / "provenance.json").write_text("{}")
    seal(folder, list(json.loads((folder / "digests.json").read_text())))
    with pytest.raises(UserError, match=r"provenance\.json: arms is missing; make it: dropnorm figure"):
        find_results(root, "paper", tmp_path)


@pytest.mark.parametrize("name", ["facts.json", "table.csv", "figures.json", "digests.json"])
def test_a_missing_file_is_named_with_the_command_that_makes_it(tmp_path, root, result_folder, name):
    folder = Place(tmp_path, "paper", NAME).folder
    shutil.copytree(result_folder, folder)
    (folder / name).unlink()
    with pytest.raises(
        UserError,
        match=rf"has no {name}; make it: dropnorm figure ioffe2015/figure1 --scale paper --out {tmp_path}",
    ):
        find_results(root, "paper", tmp_path)


def test_an_unknown_source_is_refused(root):
    with pytest.raises(UserError, match="allowed: smoke, full, paper, published"):
        find_results(root, "best", "results")


def test_a_figure_that_a_complete_result_lacks_stops_the_build(checkout):
    page = page_of(checkout)
    include = "```{include} /_generated/ioffe2015/figure1/figure-nosuch.md\n```"
    page.write_text(f"{page.read_text()}\n{include}\n")
    with pytest.raises(UserError, match="has no figure 'nosuch'"):
        stage(checkout, "published", "results", checkout / "out")


def test_a_protocol_without_page_or_results_does_not_disturb(checkout):
    other = checkout / "protocols" / "ioffe2015" / "figure1.yaml"
    text = other.read_text().replace("result: figure1", "result: figure2")
    (other.parent / "figure2.yaml").write_text(text)
    stage(checkout, "published", "results", checkout / "out")
    banner = (checkout / "out" / "_generated" / "ioffe2015" / "figure2" / "banner.md").read_text()
    assert "Not run at scale paper" in banner


@pytest.mark.slow
def test_a_warning_of_jupyter_book_stops_the_build_and_is_told_in_one_line(checkout):
    page = page_of(checkout)
    page.write_text(page.read_text() + "\n[a broken link](nowhere.md)\n")
    with pytest.raises(UserError, match=r"the book was not built: .*figure1\.md.*WARNING.*nowhere\.md") as error:
        build(checkout, "published", checkout / "out", Console(quiet=True))
    assert "\n" not in str(error.value)
    assert not (checkout / "out" / "html").exists()


def test_the_link_to_the_source_code_needs_an_address(checkout, monkeypatch):
    def config():
        stage(checkout, "published", "results", checkout / "out")
        return yaml.safe_load((checkout / "out" / "_config.yml").read_text())

    monkeypatch.delenv("DROPNORM_REPOSITORY_URL", raising=False)
    assert "icon_links" not in config()["sphinx"]["config"]["html_theme_options"]
    monkeypatch.setenv("DROPNORM_REPOSITORY_URL", "https://example.org/me/repo")
    assert config()["sphinx"]["config"]["html_theme_options"]["icon_links"][0]["url"] == "https://example.org/me/repo"


def test_readme_table_has_every_published_claim(checkout):
    table = readme_table(checkout)
    claims = json.loads(Place(checkout / "published", "full", NAME).file("claims.json").read_text())
    assert sum(line.startswith("| ioffe2015/") for line in table.splitlines()) == len(claims)
    for claim in claims:
        assert f"ioffe2015/figure1 {claim['id'].removeprefix('ioffe2015.')}: " in table


@pytest.mark.parametrize("taken", ["source", "html", "_build"])
def test_a_folder_of_somebody_else_is_not_deleted(checkout, taken):
    mine = checkout / "docs" / taken / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(UserError, match=f"{taken} would be deleted, and no book was built in .*docs before"):
        build(checkout, "published", checkout / "docs", Console(quiet=True))
    assert mine.read_text() == "precious"
    mine.unlink()  # what is empty, as Snakemake makes it, is nobody's
    _begin(checkout, checkout / "docs")


def test_a_page_says_that_its_verdicts_are_of_former_criteria(checkout):
    banner = checkout / "out" / "_generated" / str(NAME) / "banner.md"
    stage(checkout, "published", checkout / "results", checkout / "out")
    assert "Out of date" not in banner.read_text()
    claims = checkout / "claims" / "ioffe2015.yaml"
    claims.write_text(claims.read_text().replace("above: 0, size: [0.5, 1.5]", "above: 0.1, size: [0.5, 1.5]"))
    stage(checkout, "published", checkout / "results", checkout / "out")
    assert "**Out of date.**" in banner.read_text() and "Unfinished" not in banner.read_text()
    provenance = Place(checkout / "published", "full", NAME).file("provenance.json")
    told = json.loads(provenance.read_text())
    provenance.write_text(json.dumps(told | {"missing_arms": ["a", "b"]}))
    seal(provenance.parent, list(json.loads((provenance.parent / "digests.json").read_text())))
    stage(checkout, "published", checkout / "results", checkout / "out")
    assert "**Out of date.**" in banner.read_text() and "**Unfinished.** 2 of " in banner.read_text()
