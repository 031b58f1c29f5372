"""Which module runs which kind of experiment.

Kept out of `dropnorm.experiments`, so that a new kind does not change the code fingerprint of the runs of the others.
"""

from importlib import import_module
from types import ModuleType

KINDS = {
    "autoencoder": "dropnorm.experiments.autoencoder",
    "classification": "dropnorm.experiments.classification",
    "constant_statistics": "dropnorm.experiments.constant_statistics",
    "convolutional": "dropnorm.experiments.convolutional",
    "deep_linear": "dropnorm.experiments.deep_linear",
    "dropout_classification": "dropnorm.experiments.dropout_classification",
    "dropout_forms": "dropnorm.experiments.dropout_forms",
    "dropout_ridge": "dropnorm.experiments.dropout_ridge",
    "inference": "dropnorm.experiments.inference",
    "jacobian": "dropnorm.experiments.jacobian",
    "layer_order": "dropnorm.experiments.layer_order",
    "marginal_dropout": "dropnorm.experiments.marginal_dropout",
    "modes": "dropnorm.experiments.modes",
    "normalised_classification": "dropnorm.experiments.normalised_classification",
    "pretraining": "dropnorm.experiments.pretraining",
    "rbm": "dropnorm.experiments.rbm",
    "svm": "dropnorm.experiments.svm",
    "theorem": "dropnorm.experiments.theorem",
    "variance_shift": "dropnorm.experiments.variance_shift",
    "vgg": "dropnorm.experiments.vgg",
    "weight_scale": "dropnorm.experiments.weight_scale",
}

# These have no steps in which a GPU would save time: they check statements in float64, or call a library that has none.
ON_CPU = {"dropout_ridge", "svm", "theorem", "weight_scale"}


def experiment_module(kind: str) -> ModuleType:
    """The module (with `Settings` and `Experiment`) of an experiment kind named in a protocol."""
    return import_module(KINDS[kind])
