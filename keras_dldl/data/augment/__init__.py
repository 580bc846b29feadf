"""Augmentation of faces: strengths, draws, and their application, each apart from the others."""

from keras_dldl.data.augment.strengths import Augmentation

__all__ = ["Augmentation"]
