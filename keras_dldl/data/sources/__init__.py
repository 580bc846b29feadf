"""The data sets that `prepare` reads, by name."""

from keras_dldl.data.sources.aaf import AllAgeFaces
from keras_dldl.data.sources.base import Skipped, Source, SourceRows
from keras_dldl.data.sources.benchmark import Benchmark
from keras_dldl.data.sources.cfd import CFD
from keras_dldl.data.sources.chalearn import ChaLearn15, ChaLearn16
from keras_dldl.data.sources.csv_file import CsvSource
from keras_dldl.data.sources.fgnet import FGNet
from keras_dldl.data.sources.registry import SOURCES, find_source, sources_by_group
from keras_dldl.data.sources.scut_fbp import ScutFBP
from keras_dldl.data.sources.scut_fbp5500 import ScutFBP5500
from keras_dldl.data.sources.synthetic import SyntheticSource
from keras_dldl.data.sources.utkface import UTKFace

__all__ = [
    "CFD",
    "SOURCES",
    "AllAgeFaces",
    "Benchmark",
    "ChaLearn15",
    "ChaLearn16",
    "CsvSource",
    "FGNet",
    "ScutFBP",
    "ScutFBP5500",
    "Skipped",
    "Source",
    "SourceRows",
    "SyntheticSource",
    "UTKFace",
    "find_source",
    "sources_by_group",
]
