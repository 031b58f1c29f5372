"""The files of a figure: light and dark, each as SVG and as PNG."""

STYLES = {"light": "", "dark": "-dark"}  # what stands behind the name of the figure
ENDINGS = ("svg", "png")


def figure_file(figure: str, style: str, ending: str) -> str:
    """('figure', 'dark', 'svg') -> 'figure-dark.svg'."""
    return f"{figure}{STYLES[style]}.{ending}"


def figure_files(figure: str) -> list[str]:
    """The names of all four."""
    return [figure_file(figure, style, ending) for style in STYLES for ending in ENDINGS]
