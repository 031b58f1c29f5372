"""The pages, and the fragments they include, put together in one folder for Jupyter Book.

_generated/<paper>/<result>/banner.md  figure-<name>.md  claims.md  numbers.md  provenance.md  downloads.md  rerun.md
_generated/verdicts.md  count.md  changelog.md  times.md  benchmarks.md  again.md  ranks.md
"""

import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from dropnorm.book import claims, figures, origin, tables, texts
from dropnorm.book.again import trained_again
from dropnorm.book.benchmarks import benchmarks
from dropnorm.book.facts import substitutions
from dropnorm.book.ranks import compared_by_ranks
from dropnorm.book.sources import Result, every_scale, find_results
from dropnorm.errors import UserError
from dropnorm.figure_files import figure_files

GENERATED = "_generated"
DATA_FILES = {
    "claims.json": "claims, criteria and verdicts",
    "facts.json": "the numbers of this page's prose",
    "table.csv": "every arm's numbers",
    "curves.csv": "what the figures show",
    "samples.csv": "one value a seed: what the verdicts are computed from",
    "provenance.json": "versions, machine, digests, seconds",
}
_INCLUDED_FIGURE = re.compile(rf"/{GENERATED}/(\w+/\w+)/figure-([\w-]+)\.md")


def stage(root: Path, source: str, results: Path, folder: Path) -> list[Result]:
    """Fill `folder` with a book that Jupyter Book can build; returns the results it shows.

    Raises UserError if a result is damaged, or a page asks for what is not there.
    """
    found = find_results(root, source, results)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "book", folder, ignore=shutil.ignore_patterns("_build", GENERATED, "__pycache__"))
    pages = {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in sorted(folder.rglob("*.md"))}
    injected = substitutions(pages, found)
    for result in found:
        _write_result(folder, result, _wanted_figures(pages, result))
    times = list(every_scale(root, source, results))
    _write_shared(root, folder, found, times, set(pages))
    _write_config(folder, injected)
    return found


def _write_result(folder: Path, result: Result, wanted: list[tuple[str, str]]) -> None:
    place = folder / GENERATED / str(result.name)
    place.mkdir(parents=True)
    if result.present:
        for name in [*figures.files_of(result), *DATA_FILES]:
            shutil.copyfile(result.folder / name, place / name)
    for name, text in fragments(result, wanted).items():
        (place / f"{name}.md").write_text(text, encoding="utf-8")


def fragments(result: Result, wanted: list[tuple[str, str]] = ()) -> dict[str, str]:
    """All fragments of a result, by name. wanted: (page, figure) for each figure that a page includes.

    Raises UserError if a page includes a figure that a complete result does not have.
    """
    place = f"/{GENERATED}/{result.name}"
    shown = {f"figure-{name}": figures.figure(result, name, place) for name in result.figures}
    for page, name in wanted:
        if f"figure-{name}" not in shown and result.complete:
            raise UserError(f"book/{page}: {result.name} has no figure '{name}' at scale {result.scale}")
    missing = {f"figure-{name}": figures.absent(result, name) for _, name in wanted}
    not_run = f"{texts.NOT_RUN} at scale {result.scale}\n"
    return {
        "banner": origin.banner(result),
        "claims": claims.claims_table(result),
        "numbers": tables.numbers(result) if result.present else not_run,
        "provenance": origin.provenance(result) if result.present else not_run,
        "downloads": _downloads(result, place),
        "rerun": origin.rerun(result),
        **(missing | shown),
    }


def _wanted_figures(pages: dict[str, str], result: Result) -> list[tuple[str, str]]:
    return [
        (page, name)
        for page, text in pages.items()
        for of, name in _INCLUDED_FIGURE.findall(text)
        if of == str(result.name)
    ]


def _downloads(result: Result, place: str) -> str:
    """The files of a result, and the source behind them."""
    rows = []
    if result.present:
        rows = [[texts.download(name, f"{place}/{name}"), about] for name, about in DATA_FILES.items()]
        for name in result.figures:
            links = [texts.download(file, f"{place}/{file}") for file in figure_files(name)]
            which = "the figure" if name == "figure" else f"figure `{name}`"
            rows.append([", ".join(links), f"{which}, light and dark"])
    about = ("how the numbers and figures are made", "what was trained and measured", "the claims and their criteria")
    rows += [list(row) for row in zip(figures.sources(result), about, strict=True)]
    return texts.table(("File", "What it holds"), rows)


def _write_shared(root: Path, folder: Path, found: list[Result], times: list[Result], pages: set[str]) -> None:
    criteria = list({r.name.paper: r.criteria for r in found}.values())
    shared = {
        "verdicts": claims.home_table(found, pages),
        "count": claims.count_sentence(found),
        "changelog": claims.changelog(criteria),
        "times": origin.times_table(times),
        "benchmarks": benchmarks(root),
        "again": trained_again(root, pages),
        "ranks": compared_by_ranks(found),
    }
    (folder / GENERATED).mkdir(exist_ok=True)
    for name, text in shared.items():
        (folder / GENERATED / f"{name}.md").write_text(text, encoding="utf-8")


def _write_config(folder: Path, injected: dict[str, Any]) -> None:
    """The hand-written configuration, with the numbers to inject and the repository's address if it is known."""
    path = folder / "_config.yml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["sphinx"]["config"]["myst_substitutions"] = injected
    if url := texts.repository_url():
        link = {"name": "Source code", "url": url, "icon": "fa-solid fa-code"}  # the theme's own button knows few hosts
        config["sphinx"]["config"]["html_theme_options"]["icon_links"] = [link]
    path.write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), encoding="utf-8")
