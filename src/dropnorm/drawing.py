"""From a result's curves to its figures: light and dark, SVG and PNG, with captions and alt texts.

Pictures that are data, such as a mosaic of filters, are kept as `image-*.png` until they are drawn.
"""

import warnings
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from dropnorm.analyses import Context, Drawing, analysis
from dropnorm.datasets.registry import TITLES
from dropnorm.errors import UserError
from dropnorm.figure_files import figure_file, figure_files
from dropnorm.files import from_git_again, read_json, replacing, write_json
from dropnorm.names import Place, ResultName
from dropnorm.plotting import THEMES, theme
from dropnorm.protocol import Protocol
from dropnorm.tables import read_table
from dropnorm.variants import in_words

FIGURE_METADATA = {"svg": {"Date": None}, "png": {"Software": None}}  # by format: without what differs from run to run
IMAGE = "image-{}.png"  # a picture that is data: no figure, which has axes and a theme


def draw(root: Path, place: Place, protocol: Protocol) -> None:
    """Draw every figure of a result from its curves, light and dark, SVG and PNG, and write captions and alt texts."""
    drawings = drawings_of(root, place, protocol)
    mpl.use("Agg")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "constrained_layout not applied")  # a part may have next to nothing to show
        for name, drawing in drawings.items():
            for style in THEMES:
                with theme(style):
                    _save(drawing.draw(), place, name, style)
    for name in set(drawn_before(place)) - set(drawings):  # no longer drawn
        for file in figure_files(name):
            place.file(file).unlink(missing_ok=True)
    write_json(place.file("figures.json"), words(drawings))


def drawings_of(root: Path, place: Place, protocol: Protocol) -> dict[str, Drawing]:
    """Every figure of a result by name, from its curves and the paper's. Raises UserError if there are no curves."""
    path = place.file("curves.csv")
    if not path.exists():
        raise UserError(f"{path} is missing; {from_git_again(path)}")
    of_paper = reference_file(root, place.name)
    reference = pd.read_csv(of_paper) if of_paper.exists() else None
    return analysis(place.name).figures(read_table(path), reference, _context(place, protocol))


def words(drawings: dict[str, Drawing]) -> dict[str, dict[str, str]]:
    """What `figures.json` says of each figure: its caption and its alt text."""
    return {name: {"caption": drawing.caption, "alt": drawing.alt} for name, drawing in drawings.items()}


def _save(figure: plt.Figure, place: Place, name: str, style: str) -> None:
    for ax in figure.axes:
        _no_log_of_nothing(ax)
    for ending, metadata in FIGURE_METADATA.items():
        with replacing(place.file(figure_file(name, style, ending))) as part:
            figure.savefig(part, metadata=metadata)
        figure.set_layout_engine("none")  # found once: finding it takes as long as drawing
    plt.close(figure)


def _no_log_of_nothing(ax: plt.Axes) -> None:
    """Make the logarithmic axes of a panel that has nothing to show plain: Matplotlib cannot draw them."""
    for axis, set_scale in ((ax.xaxis, ax.set_xscale), (ax.yaxis, ax.set_yscale)):
        if axis.get_scale() == "log" and min(axis.get_view_interval()) <= 0:  # no number above zero has set it
            set_scale("linear")


def reference_file(root: Path, name: ResultName) -> Path:
    """Where the paper's own curves are, if it has any: a theorem has none."""
    return root / "reference" / name.paper / f"{name.result}.csv"


def _context(place: Place, protocol: Protocol) -> Context:
    title = TITLES[next(iter(protocol.arms.values())).dataset]
    variant = f"{place.variant} ({in_words(protocol.changes)})" if place.variant else ""
    return Context(place.scale, title, variant, protocol.first_settings, _read_images(place))


def drawn_before(place: Place) -> list[str]:
    """The figures of the last evaluation; none if its index is gone or damaged, as a new one is written."""
    try:
        return [*read_json(place.file("figures.json"))]
    except (FileNotFoundError, UserError):
        return []


def write_images(place: Place, made: dict[str, np.ndarray]) -> None:
    """Keep a summary's pictures beside its tables, and none that are no longer made."""
    for name in set(images_of(place)) - set(made):  # no longer made
        place.file(IMAGE.format(name)).unlink()
    for name, pixels in made.items():
        with replacing(place.file(IMAGE.format(name))) as part:
            Image.fromarray(pixels).save(part, format="png")


def images_of(place: Place) -> dict[str, Path]:
    """The pictures that are there, by name."""
    prefix, suffix = IMAGE.split("{}")
    paths = sorted(place.folder.glob(IMAGE.format("*")))
    return {p.name.removeprefix(prefix).removesuffix(suffix): p for p in paths}


def _read_images(place: Place) -> dict[str, np.ndarray]:
    return {name: np.asarray(Image.open(path)) for name, path in images_of(place).items()}
