"""A leak check of prepared data: what is in two parts, what contradicts itself."""

from keras_dldl.check.check import Check, CheckOptions, check

__all__ = ["Check", "CheckOptions", "check"]
