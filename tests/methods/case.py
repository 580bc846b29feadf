"""What the tests of methods share: the names of all of them."""

from keras_dldl.methods import METHODS

NAMES = tuple(METHODS)
