"""Measuring a model: numbers, predictions and a report."""

from keras_dldl.evaluation.calibrate import CalibrationResult, calibrate
from keras_dldl.evaluation.decoding import decode
from keras_dldl.evaluation.evaluate import Evaluation, evaluate
from keras_dldl.evaluation.inputs import LabelledImages, PreparedFaces
from keras_dldl.evaluation.numbers import summary

__all__ = [
    "CalibrationResult",
    "Evaluation",
    "LabelledImages",
    "PreparedFaces",
    "calibrate",
    "decode",
    "evaluate",
    "summary",
]
