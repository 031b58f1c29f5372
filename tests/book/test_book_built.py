"""The built book, read as files: nothing from another host, every picture described, every link and number there."""

import json
import re
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from rich.console import Console

from dropnorm.book import build, claims, texts
from dropnorm.book.facts import references

pytestmark = pytest.mark.slow
LOADED = [
    ("script", "src"), ("img", "src"), ("img", "srcset"), ("source", "src"), ("source", "srcset"), ("iframe", "src"),
    ("video", "src"), ("audio", "src"), ("object", "data"), ("embed", "src"), ("form", "action"),
]  # fmt: skip
NO_LOAD = {"canonical", "next", "prev", "index", "search", "author"}  # <link rel=...> that only says where things are


def parsed(folder) -> dict:
    return {
        p.relative_to(folder).as_posix(): BeautifulSoup(p.read_text(), "html.parser") for p in folder.rglob("*.html")
    }


@pytest.fixture
def soups(built) -> dict:
    return parsed(built)


@pytest.fixture
def page(soups) -> str:
    return words(soups["ioffe2015/figure1.html"].find("article"))


def words(tag) -> str:
    """The text of a tag with plain quotes and single spaces."""
    return plain(tag.get_text(" "))


def plain(text: str) -> str:
    return " ".join(text.translate(str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")).split())


def loaded(soup) -> list[str]:
    """Every address that a browser would fetch for a page."""
    found = [tag[attribute] for name, attribute in LOADED for tag in soup.find_all(name) if tag.get(attribute)]
    links = [tag["href"] for tag in soup.find_all("link") if not NO_LOAD & set(tag.get("rel", []))]
    inline = [
        body for tag in soup.find_all(["style", "script"]) for body in re.findall(r"https?://[^\s\"')]+", tag.text)
    ]
    return found + links + inline


def test_no_page_loads_from_another_host(soups):
    outside = {p: [a for a in loaded(soup) if re.match(r"(https?:)?//", a)] for p, soup in soups.items()}
    assert {p: found for p, found in outside.items() if found} == {}


def test_styles_load_from_no_other_host(built):
    styles = [*built.rglob("*.css")]
    assert any(path.name == "book.css" for path in styles)
    for path in styles:
        found = re.findall(r"(?:url\(|@import)\s*[\"']?((?:https?:)?//[^\s\"')]+)", path.read_text())
        assert not found, path


def test_every_image_is_described_and_there(soups, built):
    for name, soup in soups.items():
        for image in soup.find_all("img"):
            assert image.get("alt", "").strip(), f"{name}: {image}"
            assert (built / name).parent.joinpath(unquote(image["src"])).exists(), f"{name}: {image}"


def test_every_link_within_the_book_leads_somewhere(soups, built):
    for name, soup in soups.items():
        for anchor in soup.find_all("a", href=True):
            parts = urlsplit(anchor["href"])
            if not parts.scheme and parts.path:
                assert (built / name).parent.joinpath(unquote(parts.path)).exists(), f"{name}: {anchor}"


def test_numbers_and_verdicts_of_every_claim_are_on_its_page_and_on_the_front_page(page, soups, result_folder):
    front = words(soups["intro.html"].find("article"))
    for claim in json.loads((result_folder / "claims.json").read_text()):
        shown = plain(claims.ours(claim))
        for text in (page, front):
            assert shown in text
            assert claims.words(claim) in text
        assert plain(claim["criterion"]) in page
        for part in claim["parts"]:
            assert plain(texts.measured(part["ours"], part["interval"])) in page


def test_every_fact_that_the_page_asks_for_is_one_the_analysis_makes(root, page, result_folder):
    facts = json.loads((result_folder / "facts.json").read_text())
    text = (root / "book" / "ioffe2015" / "figure1.md").read_text()
    asked = {r.split(".")[1] for _, r in references({"": text}) if r.count(".") == 1} - {"seeds", "scale"}
    assert asked <= set(facts)
    assert asked
    for name in asked:
        assert facts[name] in page


def test_every_figure_of_the_result_is_on_its_page_light_and_dark_with_its_caption(soups, page, result_folder):
    shown = soups["ioffe2015/figure1.html"].find_all("img")
    for name, about in json.loads((result_folder / "figures.json").read_text()).items():
        same = [image for image in shown if plain(image["alt"]) == plain(about["alt"])]
        assert [c for image in same for c in image["class"] if c.startswith("only-")] == ["only-light", "only-dark"], (
            name
        )
        assert plain(about["caption"]) in page


def test_figures_and_data_can_be_downloaded(soups, built, result_folder):
    anchors = soups["ioffe2015/figure1.html"].find_all("a", class_="download")
    files = {a["href"].rsplit("/", 1)[1]: built / "ioffe2015" / a["href"] for a in anchors}
    for name in ("figure.svg", "figure.png", "figure-dark.svg", "curves.csv", "samples.csv", "claims.json"):
        assert files[name].resolve().read_bytes() == (result_folder / name).read_bytes()


def test_nothing_was_left_unfilled(soups):
    for name, soup in soups.items():
        for raw in [*soup.find_all(["pre", "code"]), *soup.select(".math")]:
            raw.extract()
        text = words(soup if (article := soup.find("article")) is None else article)
        assert "{{" not in text and "}}" not in text, name
        if name == "ioffe2015/figure1.html":  # the one result that the fixture has
            assert "not run" not in text.replace("was not run", ""), name


def test_a_book_without_any_result_builds_and_invents_no_number(root, tmp_path, monkeypatch):
    monkeypatch.setenv("DROPNORM_REPOSITORY_URL", "https://example.org/me/repo")
    index = build(root, "full", tmp_path / "out", Console(quiet=True), results=tmp_path / "no-results")
    soups = parsed(index.parent)
    article = soups["ioffe2015/figure1.html"].find("article")
    assert "Not run at scale full" in words(article)
    assert not article.find_all("img")
    assert not article.select(".verdict")
    assert "0 of 169 claims have a verdict so far" in words(soups["intro.html"])
    assert article.find("a", href="https://example.org/me/repo/blob/HEAD/protocols/ioffe2015/figure1.yaml")
    assert [a for soup in soups.values() for a in loaded(soup) if re.match(r"(https?:)?//", a)] == []
