"""Talking to a model server, TensorFlow Serving or `keras-dldl serve`, without TensorFlow."""

from keras_dldl.serving.client.client import Client

__all__ = ["Client"]
