"""Figures in the book: light and dark, caption, alt text, and what can be downloaded or read of each."""

from dropnorm.book import texts
from dropnorm.book.sources import Result
from dropnorm.figure_files import ENDINGS, STYLES, figure_file, figure_files


def files_of(result: Result) -> list[str]:
    """The image files of a result."""
    return [file for name in result.figures for file in figure_files(name)]


def figure(result: Result, name: str, place: str) -> str:
    """One figure. `place` is the folder of the result's generated files, from the root of the book.

    Captions and alt texts come with the result; a figure without one is refused by the book's tests.
    """
    words = result.figures[name]
    images = [_image(f"{place}/{figure_file(name, style, 'svg')}", words["alt"], f"only-{style}") for style in STYLES]
    shown = "\n".join(images)
    return (
        f"::::{{div}} figure-scroll\n{shown}::::\n\n"
        f":::{{div}} figure-caption\n{texts.escape(words['caption'])}\n:::\n\n"
        f":::{{div}} figure-links\n{_links(result, name, place)}\n:::\n"
    )


def absent(result: Result, name: str) -> str:
    """What stands where a figure cannot be shown."""
    why = "it was not run" if not result.present or result.left_out else "what it shows was not measured"
    return f":::{{admonition}} No figure here\n:class: note\nFigure `{name}`: at scale {result.scale} {why}.\n:::\n"


def _image(path: str, alt: str, css: str) -> str:
    return f"```{{image}} {path}\n:alt: {' '.join(alt.split())}\n:class: {css}\n```\n"


def _links(result: Result, name: str, place: str) -> str:
    files = [
        texts.download(f"{ending.upper()}, {style}", f"{place}/{figure_file(name, style, ending)}")
        for ending in ENDINGS
        for style in STYLES
    ]
    data = texts.download("data (CSV)", f"{place}/curves.csv")
    return " · ".join([*files, data, *sources(result)])


def sources(result: Result) -> list[str]:
    """The code, settings and criteria behind a result."""
    return [
        texts.source_file(f"src/dropnorm/analyses/{result.name}.py", "code"),
        texts.source_file(f"protocols/{result.name}.yaml", "protocol"),
        texts.source_file(f"claims/{result.name.paper}.yaml", "criteria"),
    ]
