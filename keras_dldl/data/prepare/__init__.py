"""From a data set in its published layout to aligned faces: manifest, records, crops."""

from keras_dldl.data.prepare.options import PrepareOptions
from keras_dldl.data.prepare.run import PrepareResult, prepare

__all__ = ["PrepareOptions", "PrepareResult", "prepare"]
