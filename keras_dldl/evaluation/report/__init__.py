"""`report.html`: an evaluation in one file, with nothing to fetch from elsewhere."""

from keras_dldl.evaluation.report.page import report_html

__all__ = ["report_html"]
