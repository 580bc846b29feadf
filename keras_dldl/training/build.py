"""From the settings to a model, a method and an arithmetic."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from keras_dldl.methods import METHODS, Method, get_method
from keras_dldl.metrics import ExpectationMAE
from keras_dldl.models import FaceModel, build_model
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.optimizer import make_optimizer

# Options of the methods' losses, and the settings they come from.
_METHOD_OPTIONS = {
    "sigma": "sigma",
    "expectation_weight": "expectation_weight",
    "kl_reduction": "kl_reduction",
    "norm": "expectation_norm",
}


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Set Keras's global arithmetic inside the block, and set it back."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def make_method(config: TrainConfig) -> Method:
    """Return the method of `config`, given those of its settings that the method knows."""
    known = METHODS[config.method].options if config.method in METHODS else ()
    options = {
        name: getattr(config, field) for name, field in _METHOD_OPTIONS.items() if name in known
    }
    return get_method(config.method, **options)


def make_model(config: TrainConfig, data: Any) -> FaceModel:
    """Return an untrained model of `config` for the grid and the alignment of `data`."""
    return build_model(
        config.model,
        data.grid,
        method=make_method(config),
        input_size=config.input_size,
        alignment=data.alignment,
        dropout=config.dropout,
    )


def make_trained(config: TrainConfig, face_model: FaceModel) -> keras.Model:
    """Return the compiled model up to the logits that shares its weights with `face_model`."""
    grid = face_model.grid
    trained = face_model.logits_model()
    trained.compile(
        optimizer=make_optimizer(config, trained.trainable_variables),
        loss=face_model.method.loss(grid, from_logits=True),
        metrics=[ExpectationMAE(grid, from_logits=True, name="mae")],
        jit_compile=False,
    )
    # Now and not at the first step, so that a checkpoint finds its variables.
    trained.optimizer.build(trained.trainable_variables)
    return trained
