"""Networks that answer for faces, whatever runs them: Keras, LiteRT, ONNX Runtime, TensorFlow."""

from keras_dldl.runtime.card import ModelCard
from keras_dldl.runtime.network import Network
from keras_dldl.runtime.opening import open_network

__all__ = ["ModelCard", "Network", "open_network"]
