"""The Keras classes by the names in model files, known to Keras before they are loaded."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# Each class with `register_keras_serializable(package="keras_dldl")`, under its module.
CLASSES = {
    "data.augment.layer": ("FaceAugmentation",),
    "layers.expectation": ("Expectation",),
    "layers.heads": ("OutputBiases",),
    "layers.normalization": ("ImageNormalization",),
    "layers.pooling": ("GeneralizedMeanPooling",),
    "layers.variance": ("DistributionStd",),
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
        sys.meta_path.insert(0, _AfterKeras())


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


class _AfterKeras:
    """Finds Keras as the other finders do, and tells it of the classes once it is loaded."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_tell(module: ModuleType) -> None:
                load(module)
                _tell_keras()

            spec.loader.exec_module = load_and_tell
        return spec
