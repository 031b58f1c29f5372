"""Weight normalization, w = g v / ||v|| (Salimans & Kingma 2016, equations 2 and 3).

Shapes: v, w `[in, unit]`, a column a unit; g `[unit]`. Its length and its direction are parameters of their own:

    dL/dg = <dL/dw, v> / ||v||        dL/dv = g / ||v|| (dL/dw - dL/dg v / ||v||)

The second is at right angles to v, so that a step of plain gradient descent never makes v shorter.
"""

from torch import Tensor


def normalised_weights(v: Tensor, g: Tensor) -> Tensor:
    """w `[in, unit]` of length |g| in the direction of v."""
    return v * (g / v.norm(dim=0))
