"""How a learning rate falls. Times are shares of the whole training, so a shorter schedule has the same shape."""

from typing import Literal

Decay = Literal["constant", "linear", "inverse", "exponential"]


def decay(kind: Decay, done: float, half_time: float) -> float:
    """The factor on the first rate when `done` of the training (0 to 1) is over.

    linear: falls to 0 at the end. inverse: 1 / (1 + t / T) (Srivastava et al. 2014, appendix B.4). exponential:
    2^(-t / T).
    half_time: T of the last two, as a share of the training.
    """
    if kind == "linear":
        return 1 - done
    if kind == "inverse":
        return 1 / (1 + done / half_time)
    if kind == "exponential":
        return 2 ** (-done / half_time)
    return 1.0
