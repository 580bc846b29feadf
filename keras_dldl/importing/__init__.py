"""Models of other programs, read into models of this package."""

from keras_dldl.importing.torch7 import Imported, import_torch7

__all__ = ["Imported", "import_torch7"]
