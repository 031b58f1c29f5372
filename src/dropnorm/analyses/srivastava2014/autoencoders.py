"""What the analyses of Figures 7 and 8 share: the nets, the settings they are trained with, and their names."""

NETS = ("none", "dropout")
LABELS = {"none": "without dropout", "dropout": "with dropout"}
SERIES = {"none": 1, "dropout": 0}  # which of the book's series styles
# The pair that is judged, and what is measured beside it: the ending of an arm's name, words.
SETTINGS = {
    "": ("", "as released"),
    "_no_l2": (".l2-0.0", "without L2"),
    "_cross_entropy": (".loss-cross_entropy", "cross-entropy"),
}
ARMS = {net: [net + ending for ending, _ in SETTINGS.values()] for net in NETS}
NAMES = {net + ending: net + setting for setting, (ending, _) in SETTINGS.items() for net in NETS}  # arm -> in facts


def arms() -> list[str]:
    """Every arm: each net in each setting."""
    return list(NAMES)
