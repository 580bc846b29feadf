"""Age and attractiveness from face photos, by label distributions and their expectation.

The names below and the parts of the package (`keras_dldl.losses` ...) load on first use, so that
`import keras_dldl` does not wait for TensorFlow. Keras finds the package's classes all the same:
`keras.saving.load_model` reads models with them, whichever of the two was imported first.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from keras_dldl._utils import registration
from keras_dldl._version import __version__

if TYPE_CHECKING:  # for editors and type checkers, which cannot follow `__getattr__`
    from keras_dldl.data.augment.layer import FaceAugmentation
    from keras_dldl.errors import (
        ConfigError,
        DataError,
        DetectorError,
        KerasDLDLError,
        ModelFileError,
        NoFaceFound,
        ServerError,
        TrainingError,
        UnreadableImage,
    )
    from keras_dldl.labels import LabelGrid
    from keras_dldl.layers import Expectation
    from keras_dldl.losses import ExpectationLoss, LabelDistributionLoss, NearestLabelCrossEntropy
    from keras_dldl.metrics import (
        CumulativeScore,
        EpsilonError,
        ExpectationMAE,
        ExpectationPearson,
        ExpectationRMSE,
    )
    from keras_dldl.models import FaceModel, build_model, list_models, load_model
    from keras_dldl.predict import Prediction, predict_age, predict_attractiveness

_MODULE_OF = {
    "predict_age": "predict",
    "predict_attractiveness": "predict",
    "Prediction": "predict",
    "KerasDLDLError": "errors",
    "ConfigError": "errors",
    "DataError": "errors",
    "DetectorError": "errors",
    "ModelFileError": "errors",
    "NoFaceFound": "errors",
    "ServerError": "errors",
    "TrainingError": "errors",
    "UnreadableImage": "errors",
    "LabelGrid": "labels",
    "LabelDistributionLoss": "losses",
    "ExpectationLoss": "losses",
    "NearestLabelCrossEntropy": "losses",
    "ExpectationMAE": "metrics",
    "CumulativeScore": "metrics",
    "EpsilonError": "metrics",
    "ExpectationRMSE": "metrics",
    "ExpectationPearson": "metrics",
    "Expectation": "layers",
    "FaceAugmentation": "data.augment.layer",
    "FaceModel": "models",
    "build_model": "models",
    "list_models": "models",
    "load_model": "models",
}

# Those that the reference shows; the rest of the package is for itself.
_PARTS = {
    "benchmark", "calibration", "check", "comparison", "data", "errors", "evaluation", "explain",
    "export", "faces", "importing", "labels", "layers", "losses", "methods", "metrics", "models",
    "ops", "predict", "ranking", "runtime", "serving", "training",
}  # fmt: skip

__all__ = ["__version__", *_MODULE_OF]

# In a checkout `cli` and `saved_models` are beside this folder; once installed, they are in it.
if not os.path.isdir(os.path.join(__path__[0], "cli")):
    __path__.append(os.path.dirname(__path__[0]))


registration.register()


def __getattr__(name: str) -> Any:
    if name in _PARTS:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_PARTS})
