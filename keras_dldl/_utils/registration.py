"""The Keras classes by the names in model files, known to Keras before they are loaded."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from keras_dldl._utils.imports import around_import

# Each class with `register_keras_serializable(package="keras_dldl")`, under its module.
CLASSES = {
    "data.augment.layer": ("FaceAugmentation",),
    "layers.heads": ("OutputBiases",),
    "layers.moments": ("DistributionStd", "Expectation"),
    "layers.normalization": ("ImageNormalization",),
    "layers.pooling": ("GeneralizedMeanPooling",),
    "losses": (
        "ExpectationLoss",
        "LabelDistributionLoss",
        "MarginSoftmax",
        "MeanVarianceLoss",
        "NearestLabelCrossEntropy",
        "RankingLoss",
        "RegressionLoss",
        "SoftLabelLoss",
        "UnimodalConcentratedLoss",
    ),
    "methods.layer": ("MethodDistribution",),
    "methods.metric": ("MethodMAE",),
    "metrics": (
        "CumulativeScore",
        "EpsilonError",
        "ExpectationMAE",
        "ExpectationPearson",
        "ExpectationRMSE",
    ),
    "models.face_model": ("FaceModel",),
    "models.identity_model": ("IdentityModel",),
}


def register() -> None:
    """Tell Keras of the classes: now if it is loaded, else as soon as it is; do not load it."""
    if "keras" in sys.modules:
        _tell_keras()
    else:
        around_import("keras", _then_tell_keras)


@contextmanager
def _then_tell_keras() -> Iterator[None]:
    yield
    _tell_keras()


def _tell_keras() -> None:
    import keras

    known = keras.saving.get_custom_objects()
    for module, names in CLASSES.items():
        for name in names:
            # Loading its module puts the class itself in this place.
            known.setdefault(f"keras_dldl>{name}", _stand_in(f"keras_dldl.{module}", name))


def _stand_in(module: str, name: str) -> type:
    """Return a class whose only use is that Keras calls its `from_config`."""

    def from_config(cls: type, config: dict[str, Any]) -> Any:
        return getattr(import_module(module), name).from_config(config)

    return type(name, (), {"from_config": classmethod(from_config), "__module__": module})
