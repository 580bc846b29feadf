"""The methods of training: each a head, a target, a loss and a decoder, by name.

Importing this loads nothing heavy, so that the command line can list the methods.
"""

from keras_dldl.methods.base import Method
from keras_dldl.methods.registry import METHODS, find_method, get_method

__all__ = ["METHODS", "Method", "find_method", "get_method"]
