"""Backbones, and models that know their label grid, method, input size and alignment."""

from keras_dldl.models.combining import average_models, join_models
from keras_dldl.models.face_model import FaceModel, build_model
from keras_dldl.models.folding import fast_network
from keras_dldl.models.identity_model import IdentityModel
from keras_dldl.models.loading import list_models, load_model, load_start

__all__ = [
    "FaceModel",
    "IdentityModel",
    "average_models",
    "build_model",
    "fast_network",
    "join_models",
    "list_models",
    "load_model",
    "load_start",
]
