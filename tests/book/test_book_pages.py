"""The hand-written pages: one skeleton for every result, no number of ours typed, every picture described."""

import re
from pathlib import Path

import pytest
import yaml

from dropnorm.book.texts import without_code
from dropnorm.protocol import all_names

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
NAMES = all_names(ROOT)
PAGES = sorted(BOOK.rglob("*.md"))
SKELETON = [
    "The claim", "What the paper measured", "What we did", "The figure", "The numbers", "The verdicts", "What was hard",
    "Try it yourself", "Provenance", "Downloads", "Rerun it",
]  # fmt: skip
FRAGMENTS = {  # under which heading each generated fragment stands; the banner stands above all
    "banner": None, "figure-figure": "The figure", "numbers": "The numbers", "claims": "The verdicts",
    "provenance": "Provenance", "downloads": "Downloads", "rerun": "Rerun it",
}  # fmt: skip

# --- numbers and verdicts typed by hand ---

_NOT_PROSE = [
    r"\$\$.*?\$\$",  # formulas
    r"\$[^$\n]+\$",
    r"\{\{.*?\}\}",  # injected
    r"\{[a-z:]+\}`[^`]*`",  # roles
    r"\]\([^)]*\)",  # targets of links
    r"^\s*\d+\.\s",  # numbers of list items
    r"\b(?:Sections?|Figures?|Tables?|Algorithms?|Equations?|Theorems?|Lemmas?|Observations?|Appendix|Chapters?)\s+[A-Z]?\d+(?:\.\d+)*",
    r"\b[A-Z]\d+\.\d+[a-z]?\b",  # ids of claims
]
_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred"
)
_MEASURED = re.compile(
    rf"""\d[\d.,]*[.,]\d+                                     # 0.97  97.3  1,234
    | \d+\s?[-\s]?(?:%|‰|percent|per\s+cent|points?\b|times\b|fold\b|steps\b|seeds\b|seconds\b|minutes\b|hours\b)
    | \b(?:{_WORDS})\s?[-\s]?(?:percent|per\s+cent|points?\b|fold\b)
    | ±\s*\d""",
    re.VERBOSE | re.IGNORECASE,
)
_VERDICT = re.compile(
    r"\b(?:(?:not\s+)?replicated|direction\s+only|inconclusive|(?:dis)?confirm(?:ed|s)|refute[ds]|prove[ds]?)\b", re.I
)


def prose(markdown: str) -> str:
    """What is left of a page without code, formulas, injected numbers, and columns headed 'The paper'."""
    text = "\n".join(_without_paper_column(without_code(re.sub(r"\A---.*?^---$", "", markdown, flags=re.S | re.M))))
    for pattern in _NOT_PROSE:
        text = re.sub(pattern, " X ", text, flags=re.DOTALL | re.MULTILINE)
    return text


def _without_paper_column(text: str):
    column = None
    for line in text.splitlines():
        if not line.lstrip().startswith("|"):
            column = None
            yield line
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if "The paper" in cells:
            column = cells.index("The paper")
        yield " | ".join(cell for i, cell in enumerate(cells) if i != column)


def typed_numbers(markdown: str) -> list[str]:
    return [match[0] for match in _MEASURED.finditer(prose(markdown))]


def typed_verdicts(markdown: str) -> list[str]:
    return [match[0] for match in _VERDICT.finditer(prose(markdown))]


def page_of(name) -> str:
    return (BOOK / f"{name}.md").read_text()


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_no_number_that_looks_measured_is_typed(name):
    assert typed_numbers(page_of(name)) == []


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_no_verdict_is_typed(name):
    assert typed_verdicts(page_of(name)) == []


TYPED = [
    "Accuracy is 97.3 % in the end.", "It ends at 97%.", "It ends at 97 per cent.", "It leads by 12 points.",
    "It is 3-fold.", "It is 3 times as fast.", "It took 14,000 steps.", "It took 874 steps.", "The sd is 0.055.",
    "That is 98.2 ± 1.", "ninety percent", "| Optimiser | not stated | rate 0.3 | calibrated |",
    ":::{note}\nIt is 97.3 here.\n:::", "```{admonition} Hunch\nIt is 97.3 here.\n```",
]  # fmt: skip


@pytest.mark.parametrize("sentence", TYPED)
@pytest.mark.parametrize("heading", SKELETON)
def test_a_typed_number_is_caught_in_every_section(sentence, heading):
    """The rule can fail: inserted anywhere into a real page, each of these is found."""
    mark = f"## {heading}\n"
    page = page_of(NAMES[0])
    assert page.count(mark) == 1
    assert typed_numbers(page.replace(mark, f"{mark}\n{sentence}\n")) != []


@pytest.mark.parametrize(
    "sentence",
    [
        "See Section 4.1, Figure 1 and Algorithm 2.", "Claim I1.1 and the 15th percentile of three hidden layers.",
        "It ends at {{ a.final }} points.", "`--set optimiser.lr=0.3`", "$x = 0.3$ and\n\n$$\n0.3 \\%\n$$",
        "```bash\nrun --lr 0.3\n```", "| | The paper | Ours |\n|:--|:--|:--|\n| Steps | 50,000 | {{ a.b }} |",
        "1. First, {cite:t}`ioffe2015` in 2015.",
    ],
)  # fmt: skip
def test_numbers_that_are_no_measurement_of_ours_may_be_typed(sentence):
    assert typed_numbers(sentence) == []


@pytest.mark.parametrize("sentence", ["The claim is replicated.", "This was not\nreplicated.", "It proves the claim."])
def test_a_typed_verdict_is_caught(sentence):
    assert typed_verdicts(page_of(NAMES[0]) + "\n" + sentence) != []


# --- skeleton ---


def headings_and_includes(markdown: str) -> list[tuple[str | None, str]]:
    """(heading, fragment) for each generated fragment that a page includes, in order."""
    heading, found = None, []
    for line in markdown.splitlines():
        if line.startswith("## "):
            heading = line[3:].strip()
        elif match := re.match(r"```\{include\} (/_generated/\S+)\.md", line):
            found.append((heading, match[1]))
    return found


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_every_result_has_a_page_with_the_skeleton(name):
    headings = re.findall(r"^## (.+)$", without_code(page_of(name)), flags=re.MULTILINE)
    assert headings == SKELETON


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_every_page_includes_its_own_fragments_in_order(name):
    found = headings_and_includes(page_of(name))
    assert all(path.startswith(f"/_generated/{name}/") for _, path in found)
    mine = [(path.rsplit("/", 1)[1], heading) for heading, path in found]
    assert [entry for entry in mine if entry[0] in FRAGMENTS] == list(FRAGMENTS.items())


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_what_we_did_names_paper_ours_and_why(name):
    section = page_of(name).split("## What we did\n")[1].split("\n## ")[0]
    assert re.search(r"^\|[^|]*\| The paper \| Ours \| Why \|$", section, re.MULTILINE)


def test_every_page_is_in_the_table_of_contents_and_every_entry_is_a_page():
    def files(node):
        if isinstance(node, dict):
            yield from (v for k, v in node.items() if k in ("file", "root"))
            node = list(node.values())
        if isinstance(node, list):
            for entry in node:
                yield from files(entry)

    listed = sorted(files(yaml.safe_load((BOOK / "_toc.yml").read_text())))
    assert listed == sorted(p.relative_to(BOOK).with_suffix("").as_posix() for p in PAGES)


# --- pictures and requests ---


def images_without_alt(markdown: str) -> list[str]:
    directives = re.findall(r"^[`:]{3,}\{(?:image|figure)\} (\S+)\n((?::.*\n)*)", markdown, flags=re.MULTILINE)
    bare = [path for path, options in directives if not re.search(r"^:alt: \S", options, re.MULTILINE)]
    return bare + re.findall(r"!\[\s*\]\(([^)]*)\)", markdown) + re.findall(r"<img(?![^>]*\balt=\"[^\"]+\")", markdown)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(BOOK).as_posix())
def test_every_image_has_an_alt_text(page):
    assert images_without_alt(page.read_text()) == []


@pytest.mark.parametrize(
    "markdown", ["```{image} a.svg\n:class: x\n```", "```{image} a.svg\n:alt:\n```", "![](a.png)", '<img src="a.png">']
)
def test_an_image_without_alt_text_is_caught(markdown):
    assert images_without_alt(markdown + "\n") != []


def test_the_architecture_picture_differs_between_light_and_dark_in_its_colours_only():
    light, dark = ((BOOK / "_static" / f"architecture{d}.svg").read_text() for d in ("", "-dark"))
    assert light != dark
    style = re.compile(r"<style>.*?</style>", re.DOTALL)
    assert style.sub("", light) == style.sub("", dark)


def test_styles_and_drawings_ask_no_other_host():
    styles, drawings = [*BOOK.glob("_static/*.css")], [*BOOK.glob("_static/*.svg")]
    assert styles and drawings
    for path in [*styles, *drawings]:
        text = path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"(https?:)?//\w", text), path


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(BOOK)))
def test_no_line_is_taken_for_a_comment(page):
    """MyST drops a line that begins with %, and with it half a sentence."""
    assert not re.search(r"^\s*%", without_code(page.read_text()), re.MULTILINE)
