"""Age and attractiveness from face photos, by label distributions and their expectation.

The names below are loaded on first use, so that `import keras_dldl` does not wait for TensorFlow.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for editors and type checkers, which cannot follow `__getattr__`
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
    from keras_dldl.predict import predict_age, predict_attractiveness
    from keras_dldl.prediction import Prediction

__version__ = "0.1.0"

_MODULE_OF = {
    "predict_age": "predict",
    "predict_attractiveness": "predict",
    "Prediction": "prediction",
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
    "FaceModel": "models",
    "build_model": "models",
    "list_models": "models",
    "load_model": "models",
}

__all__ = ["__version__", *_MODULE_OF]

# In a checkout `cli` and `saved_models` lie beside this folder; once installed, they are in it.
if not os.path.isdir(os.path.join(__path__[0], "cli")):
    __path__.append(os.path.dirname(__path__[0]))


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
