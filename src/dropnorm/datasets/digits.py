"""The 1,797 handwritten digits of 8x8 pixels that come with scikit-learn: the data of the smoke scale."""

from importlib.metadata import distribution

import numpy as np

# Read as the file it is: importing scikit-learn takes 2 s, in each of the demo's jobs that trains.
FILE = "sklearn/datasets/data/digits.csv.gz"
TRAIN_IMAGES = 1437  # of 1797, four fifths


def read() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Train images [1437, 8, 8], train labels [1437], test images [360, 8, 8], test labels [360].

    All uint8, pixels 0 (background) to 16. The split is one fixed permutation, so that the
    test images come from everywhere in the file and not from whoever wrote its end.
    """
    rows = np.loadtxt(str(distribution("scikit-learn").locate_file(FILE)), delimiter=",", dtype=np.uint8)
    images, labels = rows[:, :-1].reshape(-1, 8, 8), rows[:, -1]
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:TRAIN_IMAGES], order[TRAIN_IMAGES:]
    return images[train], labels[train], images[test], labels[test]
