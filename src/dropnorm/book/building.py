"""From staged pages to HTML: Jupyter Book in a process of its own, every warning an error."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console

from dropnorm.book.sources import Result
from dropnorm.book.staging import stage
from dropnorm.errors import UserError
from dropnorm.names import RESULTS

JUPYTER_BOOK = (sys.executable, "-c", "from jupyter_book.cli.main import main; main()")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def build(root: Path, source: str, out: Path, console: Console, results: Path = RESULTS) -> Path:
    """Build the book; returns its `index.html` in out/html. Nothing is trained or drawn.

    Args:
        root: the checkout, with book/, protocols/ and claims/.
        source: 'smoke', 'full' or 'paper' (what lies under `results` at that scale), or 'published' (what is in git).
        out: folder to build in: `source/` (staged pages), `html/`, `build.log`.
        console: where to say what was built.
        results: folder of results, from `root`.

    Raises UserError if a page asks for what is not there, if Jupyter Book warns of anything, or if `out` holds folders
    of these names that are of no book.
    """
    if find_spec("jupyter_book") is None:
        raise UserError('Jupyter Book is not installed; pip install -c constraints.txt -e ".[book]"')
    _begin(root, out)
    shown = stage(root, source, results, out / "source")
    console.print(f"building the book in {out}: half a minute or more ...")
    _run(out)
    _replace(out / "_build" / "html", out / "html")
    shutil.rmtree(out / "_build")
    index = out / "html" / "index.html"
    console.print(f"the book {_summary(shown)}")
    return index


def _begin(root: Path, out: Path) -> None:
    """Mark a folder as one that books are built in. Raises UserError if what it holds may be somebody's."""
    if out.resolve().is_relative_to((root / "book").resolve()):
        raise UserError(f"{out} is among the book's own sources; choose another --out")
    mark = out / "build.log"
    ours = [out / name for name in ("source", "html", "_build")]
    if not mark.exists() and (taken := [folder for folder in ours if folder.exists() and any(folder.iterdir())]):
        raise UserError(f"{taken[0]} would be deleted, and no book was built in {out} before; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _run(out: Path) -> None:
    options = ("-W", "-n", "--keep-going", "--all", "--path-output", str(out))
    done = subprocess.run(
        [*JUPYTER_BOOK, "build", *options, str(out / "source")], capture_output=True, text=True, errors="replace"
    )
    log = _COLOURS.sub("", done.stdout + done.stderr)
    (out / "build.log").write_text(log, encoding="utf-8")
    if done.returncode != 0 or not (out / "_build" / "html" / "index.html").exists():
        raise UserError(f"the book was not built: {_first_complaint(log)} (all of it: {out / 'build.log'})")


def _first_complaint(log: str) -> str:
    """The first warning or error of Jupyter Book."""
    lines = [line.strip() for line in log.splitlines()]
    return next((line for line in lines if re.search(r"(WARNING|ERROR|Error):", line)), "no reason was given")


def _replace(new: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    new.rename(old)


def _summary(shown: list[Result]) -> str:
    there = [f"{r.name} ({r.scale})" for r in shown if r.present]
    absent = [str(r.name) for r in shown if not r.present]
    parts = [f"shows {', '.join(there)}" if there else "shows no result yet"]
    return "; ".join(parts + ([f"not run: {', '.join(absent)}"] if absent else []))
