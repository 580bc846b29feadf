"""Intervals that hold the share they claim, by conformal prediction; NumPy only."""

from keras_dldl.calibration.calibration import DEFAULT_LEVEL, Calibration, as_calibration
from keras_dldl.calibration.cross_fit import coverage_rows, cross_fit

__all__ = ["DEFAULT_LEVEL", "Calibration", "as_calibration", "coverage_rows", "cross_fit"]
