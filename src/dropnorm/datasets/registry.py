"""What is known beforehand about each data set: its files, their digests and the public addresses."""

from dataclasses import dataclass

TITLES = {
    "mnist": "MNIST",
    "cifar10": "CIFAR-10",
    "digits": "the bundled 8x8 digits of scikit-learn (not MNIST)",
    "gaussian": "drawn Gaussian inputs (no data set)",
}
DRAWN = ("gaussian",)  # what an experiment draws itself, from its seeds: there is nothing to fetch, read or verify


@dataclass(frozen=True)
class Source:
    """A data set that is fetched.

    `files` maps a file name to the SHA-256 of its content after gunzip: the container may differ.
    `addresses` are public folders, tried in order, that hold the files or, if there is one, the `archive`.
    """

    folder: str
    files: dict[str, str]
    addresses: tuple[str, ...]
    archive: str | None = None


SOURCES = {
    "mnist": Source(
        folder="MNIST/raw",
        files={
            "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        addresses=(
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
        ),
    ),
    "cifar10": Source(
        folder="cifar-10-batches-bin",
        files={
            "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
        },
        # The archive's published md5 is c32a1d4ab5d03f1284b67883e8d87530. It is not asked for: the SHA-256 of
        # every file inside says more, and holds for an archive that someone packed again, too.
        addresses=("https://www.cs.toronto.edu/~kriz",),
        archive="cifar-10-binary.tar.gz",
    ),
}

# SHA-256 of (train, test): all images as uint8 in file order, then all labels, one byte each.
DIGESTS = {
    "mnist": (
        "edc0d1098aa497be14ace79ddd5171e5a3dcf9c4d196c015389203eb3ba1f59b",
        "c3f9adf9c66efb572b1f9326c3a511b45910c7173b97be66ceceeeeaef6b802b",
    ),
    "cifar10": (
        "1e91790dbaf241617ca1f29a9aba08eb9a62df84cc90676b47edd05ad2ab3c94",
        "9a4c74f5c8b6f2c4e13d3a1dfb43a5a8cda8a9da515e99fd620d2013a1a6287a",
    ),
    "digits": (
        "b014670407a3db3fe03f0f4ad64592757d54ef018dc074cf6d87f3c80a5e03a6",
        "17ad20280450622306df3924457a4b4c5d9ee8b93cc7066a1a13bcbd5b4a523c",
    ),
    **{name: ("from-seed",) for name in DRAWN},
}
