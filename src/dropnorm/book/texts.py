"""How numbers, times and links are written in the book's Markdown."""

import os
import re
from collections.abc import Iterable, Iterator
from math import floor, log10
from typing import Any

from dropnorm.powers import superscript

NBSP, MINUS = "\u00a0", "\u2212"
SMALL = 1e-4  # below this a measured number is written as a power of ten
MOST_PLACES = 6  # behind the point
NOT_RUN = "*not run*"
NOT_AT_SCALE = "*not run at this scale*"
NOT_MEASURED = "*not measured*"
# Claims are written in ASCII, to be read in any terminal.
_SYMBOLS = {
    "l_inf": "l∞", "l_p": "lₚ", "yhat": "ŷ", "sqrt(m)": "√m", "gamma": "γ", "sigma": "σ", "beta": "β", "mu": "μ",
    "J J^T": "J Jᵀ",
}  # fmt: skip
_NAMES = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _SYMBOLS))})(?!\w)")
_SIGN = re.compile(r"(?<![\w.])-(?=\d)")
_EXPONENT = re.compile(r"(?<=\d)e([+-]\d+)\b")
_IN_PROSE = {
    "None": "none", "relu": "ReLU", "cross_entropy": "cross-entropy", "he": "He's",
    "glorot_uniform": "Glorot's, uniform",
}  # fmt: skip
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|$])")
_COMMENTS = re.compile(r"<!--.*?-->", re.DOTALL)
_FENCE = re.compile(r"^\s*(`{3,})(.*)$")
_INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)


def page_link(text: str, page: str, pages: set[str]) -> str:
    """A link to a page `paper/result.md#place` of the book; the text alone if the book has no such page."""
    return f"[{text}](/{page})" if page.partition("#")[0] in pages else text


def escape(text: str) -> str:
    """Plain text as Markdown that shows exactly it, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(str(text).split()))


def statement(text: str) -> str:
    """Words of a claim as Markdown, with the symbols that it spells out."""
    return escape(_NAMES.sub(lambda name: _SYMBOLS[name[0]], text))


def fact(text: str) -> str:
    """A fact as it stands in prose: '-0.4' -> '−0.4', '3e+04' -> '3 × 10⁴'."""
    text = _EXPONENT.sub(lambda e: times_power_of_ten(e[1]), str(text))
    return escape(_SIGN.sub(MINUS, text))


def without_code(markdown: str) -> str:
    """A page less its comments, code blocks and inline code; the text of directives (```{name}) stays."""
    return _INLINE_CODE.sub("", "\n".join(_outside_fences(_COMMENTS.sub("", markdown).splitlines())))


def _outside_fences(lines: list[str]) -> Iterator[str]:
    fences: list[tuple[str, bool]] = []  # those open: their backticks, and whether it is code
    for line in lines:
        fence = _FENCE.match(line)
        if fence and fences and len(fence[1]) >= len(fences[-1][0]) and not fence[2].strip():
            fences.pop()
        elif fence and not any(code for _, code in fences):
            fences.append((fence[1], not fence[2].startswith("{")))
        elif not any(code for _, code in fences):
            yield line


def table(header: Iterable[str], rows: Iterable[Iterable[str]], right: Iterable[int] = ()) -> str:
    """A pipe table; the columns of `right` are set flush right. Cells are Markdown."""
    header, right = list(header), set(right)
    rule = ["--:" if i in right else ":--" for i in range(len(header))]
    lines = [header, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def measured(value: float | None, interval: Iterable[float | None], apart_from: float | None = None) -> str:
    """An estimate with its 95 % interval, to the digits that the interval supports.

    apart_from: a bound that the estimate does not lie on; with more digits, if it would look as if it did.
    """
    low, high = interval
    if value is None:
        return NOT_MEASURED
    if low is None or high is None:
        return number(value)
    if 0 < max(abs(value), abs(low), abs(high)) < SMALL:
        value, low, high = (number(v, 2) for v in (value, low, high))
        return f"{value} [{low},{NBSP}{high}]"
    places = _places(value, low, high)
    while apart_from is not None and places < MOST_PLACES and _fixed(value, places) == _fixed(apart_from, places):
        places += 1
    return f"{_fixed(value, places)} [{_fixed(low, places)},{NBSP}{_fixed(high, places)}]"


def _places(value: float, low: float, high: float) -> int:
    """Decimals that show two digits of the interval's shorter side (or, if it has no width, four of the value)."""
    sides = [side for side in (value - low, high - value) if side > 0]
    digits, size = (2, min(sides)) if sides else (4, abs(value))
    fewest = 0 if abs(value) >= 100 else 1
    return min(max(digits - 1 - floor(log10(size)), fewest), MOST_PLACES) if size else fewest


def _fixed(value: float, places: int) -> str:
    return f"{round(value, places) + 0.0:,.{places}f}".replace("-", MINUS)  # -0.0 + 0.0 is 0.0


def number(value: float | str | None, digits: int = 4) -> str:
    """A single number to so many significant digits, plain where that is readable, else as a power of ten."""
    if value in (None, ""):
        return "–"
    value = float(value)
    if abs(value) >= 100 or value == int(value):
        return _fixed(value, 0)
    mantissa, _, exponent = f"{value:.{digits}g}".replace("-", MINUS).partition("e")
    return mantissa + times_power_of_ten(exponent) if exponent else mantissa


def times_power_of_ten(exponent: str) -> str:
    """' × 10⁻⁷', to stand behind a mantissa."""
    return f"{NBSP}×{NBSP}10{exponent_of_ten(exponent)}"


def exponent_of_ten(digits: str) -> str:
    """'−07' -> '⁻⁷'."""
    return superscript(int(digits.replace(MINUS, "-")))


def p_value(p: float | None) -> str:
    """A p-value to two digits, or '< 0.0001'."""
    if p is None:
        return "–"
    return f"<{NBSP}0.0001" if p < 1e-4 else f"{p:.2g}"


def setting(value: Any) -> str:
    """A protocol value as prose: 50,000; 0.055; 100, 100, 100."""
    if isinstance(value, list | tuple):
        return ", ".join(setting(v) for v in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _IN_PROSE.get(str(value)) or escape(value)
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    mantissa, _, exponent = f"{value:g}".partition("e")
    factor = "" if mantissa == "1" else rf"{mantissa} \times "
    return f"${factor}10^{{{int(exponent)}}}$" if exponent else mantissa


def counted(n: int, thing: str) -> str:
    """'1 row', '2 rows'."""
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def duration(seconds: float) -> str:
    """Seconds as a reader would say them."""
    if seconds < 90:
        return counted(max(round(seconds), 1), "second")
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


def repository_url() -> str | None:
    """Where the source can be read online, if the environment says so."""
    return os.environ.get("DROPNORM_REPOSITORY_URL", "").rstrip("/") or None


def source_file(path: str, label: str | None = None) -> str:
    """A file of the repository: a link where its address is known, else its path."""
    url = repository_url()
    return f"[{label or f'`{path}`'}]({url}/blob/HEAD/{path})" if url else f"{label + ': ' if label else ''}`{path}`"


def download(label: str, path: str) -> str:
    """A file that the book carries with it."""
    return f"{{download}}`{label} <{path}>`"
