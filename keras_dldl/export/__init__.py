"""Models for servers and devices, each checked against Keras before it is handed over."""

from keras_dldl.export.exporter import FORMATS, ExportResult, export_model, keep_light_copy
from keras_dldl.export.parity import Parity, ParityError

__all__ = ["FORMATS", "ExportResult", "Parity", "ParityError", "export_model", "keep_light_copy"]
