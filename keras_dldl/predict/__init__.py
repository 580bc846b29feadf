"""From photos to predictions: `predict_age`, `predict_attractiveness`, and what they stand on."""

from keras_dldl.predict.functions import predict_age, predict_attractiveness
from keras_dldl.predict.prediction import Prediction
from keras_dldl.predict.predictor import PredictOptions, Predictor

__all__ = ["PredictOptions", "Prediction", "Predictor", "predict_age", "predict_attractiveness"]
