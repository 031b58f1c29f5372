"""From the runs of a result to everything its page shows: samples, verdicts, table, curves, figures, provenance.

samples.csv  table.csv  curves.csv  claims.json  facts.json  figures.json  *.svg  *.png  image-*.png  provenance.json
digests.json over all of them: what is changed or damaged later is noticed
"""

import hashlib
import warnings
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from dropnorm import provenance
from dropnorm.analyses import Context, Drawing, Summary, analysis
from dropnorm.claims import judge, read_claims
from dropnorm.datasets.registry import TITLES
from dropnorm.errors import UserError
from dropnorm.figure_files import figure_file, figure_files
from dropnorm.files import differing, from_git_again, read_json, replacing, seal, sha256, write_json
from dropnorm.fingerprint import fingerprint
from dropnorm.names import RESULTS, Place, ResultName
from dropnorm.plotting import THEMES, theme
from dropnorm.protocol import Protocol
from dropnorm.repetition import KEPT, repetition_of
from dropnorm.runs import arm_state, read_runs, records, run_command
from dropnorm.variants import in_words, remember

TABLES = ("samples", "table", "curves")
FACTS = ("claims.json", "facts.json", "figures.json", "provenance.json")
FIGURE_METADATA = {"svg": {"Date": None}, "png": {"Software": None}}  # by format: without what differs from run to run
IMAGE = "image-{}.png"  # a picture that is data: no figure, which has axes and a theme


def evaluate(root: Path, place: Place, protocol: Protocol) -> list[dict[str, Any]]:
    """Judge and draw a result from its runs; returns its claims as written to `claims.json`.

    Raises UserError if there are no runs, or if one is damaged.
    """
    summary = analysis(place.name).summarise(runs_to_judge(place, protocol))
    _write_tables(place, summary)
    _write_images(place, summary)
    write_json(place.file("facts.json"), summary.facts)
    claims = write_claims(root, place)
    write_provenance(root, place, protocol)
    draw(root, place, protocol)
    remember(place, protocol.changes)  # a derived result may have been trained by its sources alone
    seal(place.folder, sorted(page_files(place)))
    return claims


def evaluate_published(root: Path, published: Place, protocol: Protocol) -> list[dict[str, Any]]:
    """Judge and draw what is published by today's criteria and drawings, without its runs; returns its claims.

    All else stays as it was published, and `provenance.json` goes on saying by which code that was made.

    Raises UserError if it is not published, if some of that is not what was published, or if the protocol has other
    values now than the runs had: captions would tell of these.
    """
    if not published.file("digests.json").exists():
        raise UserError(f"{published.name} is not published at scale {published.scale}; judge its runs: --source runs")
    if changed := [name for name in differing(published.folder) if name not in _made_anew(published)]:
        path = published.file(changed[0])
        raise UserError(f"{path} is not what was published; {from_git_again(path)}")
    refuse_other_values(published, protocol)
    draw(root, published, protocol)
    claims = write_claims(root, published)
    _write_evaluated(root, published)
    if (again := repetition_of(published)).file("digests.json").exists():
        write_claims(root, again)
        _write_evaluated(root, again)
        seal(again.folder, list(KEPT))
    runs = [name for name in read_json(published.file("digests.json")) if "/" in name]
    seal(published.folder, sorted([*page_files(published), *runs]))
    return claims


def _made_anew(place: Place) -> set[str]:
    """The files that are judged and drawn again without runs."""
    return {"claims.json", "figures.json", *(file for name in _drawn_before(place) for file in figure_files(name))}


def _drawn_before(place: Place) -> list[str]:
    """The figures of the last evaluation; none if its index is gone or damaged, as a new one is written."""
    try:
        return [*read_json(place.file("figures.json"))]
    except (FileNotFoundError, TypeError, UserError):
        return []


def refuse_other_values(place: Place, protocol: Protocol) -> None:
    """Raises UserError if the evaluated runs had other settings than the protocol has now."""
    ran = read_json(place.file("provenance.json"))["arms"]
    for arm in (a for a in ran if a in protocol.arms):
        if ran[arm]["protocol_hash"] != protocol.settings_digest(arm):
            again = run_command(replace(place, root=RESULTS), protocol)
            raise UserError(
                f"arm {arm} of {place.name} was run with other values than its protocol has; run it: {again}"
            )


def page_files(place: Place) -> list[str]:
    """The names of what an evaluation has made, all of which its page needs; a variant's settings are with it."""
    figures = [file for name in read_json(place.file("figures.json")) for file in figure_files(name)]
    images = [path.name for path in _images(place).values()]
    settings = ["variant.json"] if place.variant else []
    return [*(f"{name}.csv" for name in TABLES), *FACTS, *figures, *images, *settings]


def write_claims(root: Path, place: Place) -> list[dict[str, Any]]:
    """Judge the samples that lie in the result's folder (from runs, or published) and write `claims.json`."""
    samples = pd.read_csv(place.file("samples.csv"))
    claims = judge(read_claims(root, place.name.paper), place.name, samples, place.scale)
    write_json(place.file("claims.json"), claims)
    return claims


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
    for name in set(_drawn_before(place)) - set(drawings):  # no longer drawn
        for file in figure_files(name):
            place.file(file).unlink(missing_ok=True)
    write_json(place.file("figures.json"), words(drawings))


def drawings_of(root: Path, place: Place, protocol: Protocol) -> dict[str, Drawing]:
    """Every figure of a result by name, from its curves and the paper's. Raises UserError if there are no curves."""
    path = place.file("curves.csv")
    if not path.exists():
        raise UserError(f"{path} is missing; {from_git_again(path)}")
    of_paper = _reference(root, place.name)
    reference = pd.read_csv(of_paper) if of_paper.exists() else None
    return analysis(place.name).figures(pd.read_csv(path), reference, _context(place, protocol))


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


def _write_tables(place: Place, summary: Summary) -> None:
    for name in TABLES:
        with replacing(place.file(f"{name}.csv")) as part:
            getattr(summary, name).to_csv(part, index=False, float_format="%.6g")


def _write_images(place: Place, summary: Summary) -> None:
    for name in set(_images(place)) - set(summary.images):  # no longer made
        place.file(IMAGE.format(name)).unlink()
    for name, pixels in summary.images.items():
        with replacing(place.file(IMAGE.format(name))) as part:
            Image.fromarray(pixels).save(part, format="png")


def _images(place: Place) -> dict[str, Path]:
    """The pictures that are there, by name."""
    prefix, suffix = IMAGE.split("{}")
    paths = sorted(place.folder.glob(IMAGE.format("*")))
    return {p.name.removeprefix(prefix).removesuffix(suffix): p for p in paths}


def _read_images(place: Place) -> dict[str, np.ndarray]:
    return {name: np.asarray(Image.open(path)) for name, path in _images(place).items()}


def _context(place: Place, protocol: Protocol) -> Context:
    title = TITLES[next(iter(protocol.arms.values())).dataset]
    variant = f"{place.variant} ({in_words(protocol.changes)})" if place.variant else ""
    return Context(place.scale, title, variant, _first_settings(protocol), _read_images(place))


def _first_settings(protocol: Protocol) -> dict[str, Any]:
    return next(iter(protocol.arms.values())).model_dump()


def runs_to_judge(place: Place, protocol: Protocol) -> pd.DataFrame:
    """The runs as an analysis asks for them: tidy, with the settings of the first arm in `attrs["settings"]`.

    Raises UserError as `read_runs` does.
    """
    runs = read_runs(place, protocol)
    runs.attrs["settings"] = _first_settings(protocol)
    return runs


def _write_evaluated(root: Path, place: Place) -> None:
    """Say in `provenance.json` that a result was judged anew."""
    path = place.file("provenance.json")
    write_json(path, read_json(path) | _evaluated(root, place.name))


def _summarised(name: ResultName) -> dict[str, str]:
    """What provenance says of samples, tables, curves and facts: by which analysis code they were made, and when."""
    return {"summary_digest": fingerprint(analysis(name).__name__), "summarised": provenance.now()}


def _evaluated(root: Path, name: ResultName) -> dict[str, str]:
    """What provenance says of verdicts and figures: by which code and criteria, and when."""
    return {"evaluation_digest": evaluation_digest(root, name), "evaluated": provenance.now()}


def evaluation_digest(root: Path, name: ResultName) -> str:
    """What claims and figures of a result depend on besides its runs: code, criteria, the paper's own curves."""
    file = read_claims(root, name.paper)
    criteria = [c.model_dump_json() for c in file.claims.values() if c.result == name.result]
    parts = [fingerprint(analysis(name).__name__), fingerprint("dropnorm.claims"), str(file.alpha), *criteria]
    if (reference := _reference(root, name)).exists():
        parts.append(sha256(reference))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _reference(root: Path, name: ResultName) -> Path:
    """Where the paper's own curves are, if it has any: a theorem has none."""
    return root / "reference" / name.paper / f"{name.result}.csv"


def write_provenance(root: Path, place: Place, protocol: Protocol) -> None:
    """`provenance.json`: what ran where, with what code, settings and data, and how long it took."""
    found = records(place, protocol)
    sessions = [s for record in found.values() for s in record["sessions"]]
    identities = [record["identity"] for record in found.values()]
    write_json(
        place.file("provenance.json"),
        {
            "result": str(place.name),
            "scale": place.scale,
            "variant": place.variant,
            "changes": protocol.changes,
            "runs_of": [str(source.name) for source in protocol.sources],
            "command": run_command(replace(place, root=RESULTS), protocol),  # no folder of this machine
            "code_fingerprint": _joined(i["code"] for i in identities),
            "data": _joined(protocol.arms[arm].dataset for arm in found),
            "data_digest": _joined(part for i in identities for part in i["data"].split("+")),
            **_summarised(place.name),
            **_evaluated(root, place.name),
            "seconds": round(sum(s["seconds"] for s in sessions), 1),
            "started": min(s["started"] for s in sessions),
            "ended": max(s["ended"] for s in sessions),
            "machines": _distinct(
                {k: s[k] for k in ("device", "gpu", "cpu", "threads", "gemm", "python", "packages", "commit")}
                for s in sessions
            ),
            "arms": {arm: _arm_provenance(place, protocol, arm, record) for arm, record in found.items()},
            "missing_arms": [arm for arm in protocol.arms if arm not in found],
        },
    )


def _arm_provenance(place: Place, protocol: Protocol, arm: str, record: dict[str, Any]) -> dict[str, Any]:
    sessions = record["sessions"]
    return {
        "seeds": record["seeds"],
        "protocol_hash": record["identity"]["settings"],
        "code_fingerprint": record["identity"]["code"],
        "runs_sha256": record["sha256"],
        "seconds": round(sum(s["seconds"] for s in sessions), 1),
        "ms_per_replica_step": median(1000 * s["seconds"] / s["replicas"] / s["steps"] for s in sessions),
        "state": arm_state(place, protocol, arm).state,
    }


def _joined(items) -> str:
    """Each once, joined by '+': one code and one data set mostly, but the sources of a derived result may differ."""
    return "+".join(dict.fromkeys(items))


def _distinct(items) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for item in items:
        if item not in kept:
            kept.append(item)
    return kept
