"""Filters as one picture: a mosaic of tiles in grey, which is data as much as a table is."""

import numpy as np

GAP = 1  # pixels between tiles
FRAME = 70  # their grey
CLIPPED = 0.5  # percent of weights beyond the greys, so that one large weight does not dim all others


def mosaic(filters: np.ndarray, columns: int) -> np.ndarray:
    """Tiles of filters `[filter, side, side]`, row by row, uint8: mid-grey is 0, white the largest positive weight.

    One scale for all tiles, so a dim tile is a filter of small weights. What is not a number is drawn as 0.
    """
    w = np.nan_to_num(np.asarray(filters, float), posinf=0, neginf=0)
    limit = np.percentile(np.abs(w), 100 - CLIPPED) or 1.0
    grey = np.round(127.5 + 127.5 * np.clip(w / limit, -1, 1)).astype(np.uint8)
    rows, step = -(-len(w) // columns), w.shape[1] + GAP
    picture = np.full((rows * step + GAP, columns * step + GAP), FRAME, np.uint8)
    for i, tile in enumerate(grey):
        top, left = (GAP + step * k for k in divmod(i, columns))
        picture[top : top + len(tile), left : left + len(tile)] = tile
    return picture
