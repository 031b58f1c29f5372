"""Powers of ten as they are printed: superscripts read the same in a browser, in a README and in a terminal."""

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def superscript(exponent: int) -> str:
    """-7 -> '⁻⁷'."""
    return str(exponent).translate(_SUPERSCRIPT)


def scientific(value: float) -> str:
    """A number to two digits: '4.4 × 10⁻¹⁶'."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa} × 10{superscript(int(exponent))}"
