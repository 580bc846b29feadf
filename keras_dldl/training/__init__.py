"""Training: settings, the engine, and the run folder it writes."""

from keras_dldl.training.config import TrainConfig
from keras_dldl.training.trainer import RunResult, train

__all__ = ["RunResult", "TrainConfig", "train"]
