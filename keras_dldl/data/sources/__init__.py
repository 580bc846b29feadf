"""The data sets that `prepare` reads, by name."""

from keras_dldl.data.sources.aaf import AllAgeFaces
from keras_dldl.data.sources.base import Skipped, Source, SourceRows
from keras_dldl.data.sources.csv_file import CsvSource
from keras_dldl.data.sources.registry import SOURCES, find_source, sources_by_group
from keras_dldl.data.sources.synthetic import SyntheticSource
from keras_dldl.data.sources.utkface import UTKFace

__all__ = [
    "SOURCES",
    "AllAgeFaces",
    "CsvSource",
    "Skipped",
    "Source",
    "SourceRows",
    "SyntheticSource",
    "UTKFace",
    "find_source",
    "sources_by_group",
]
