"""Models that run without TensorFlow: a LiteRT or ONNX file that describes itself."""

from keras_dldl.light.card import ModelCard
from keras_dldl.light.model import LightModel, open_light_model

__all__ = ["LightModel", "ModelCard", "open_light_model"]
