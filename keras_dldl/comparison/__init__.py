"""Comparing methods, backbones and settings, trained and measured on the same faces."""

from keras_dldl.comparison.plan import Plan
from keras_dldl.comparison.runner import Comparison, Forecast, compare, forecast

__all__ = ["Comparison", "Forecast", "Plan", "compare", "forecast"]
