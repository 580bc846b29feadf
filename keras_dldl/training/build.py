"""From the settings to a model, a method, and how often each image comes."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from keras_dldl._utils.backends import backend_name
from keras_dldl.data.sampling import Sampling, make_sampling
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid
from keras_dldl.methods import Method, find_method, get_method
from keras_dldl.methods.metric import MethodMAE
from keras_dldl.models import FaceModel, build_model
from keras_dldl.training.accumulation import in_parts
from keras_dldl.training.config import RunConfig, TrainConfig
from keras_dldl.training.freezing import innermost_layers
from keras_dldl.training.fused_normalization import fuse_batch_normalization
from keras_dldl.training.optimizer import make_optimizer

# Options of the methods that have a setting of their own, and its name.
_METHOD_OPTIONS = {
    "sigma": "sigma",
    "expectation_weight": "expectation_weight",
    "kl_reduction": "kl_reduction",
    "norm": "expectation_norm",
}


def make_repeatable(config: RunConfig) -> None:
    """Set the seeds of all random numbers; with `deterministic` refuse what varies between runs."""
    if config.deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(config.seed)


def make_method(config: TrainConfig) -> Method:
    """Return the method of `config`, given those of its settings that the method knows.

    Raises:
        ConfigError: there is no such method, or `method_options` has what it does not know.
    """
    defaults = find_method(config.method).option_defaults()
    options = {
        name: getattr(config, field) for name, field in _METHOD_OPTIONS.items() if name in defaults
    }
    for name, value in config.method_options.items():
        default = defaults.get(name)
        is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
        if is_number and isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = float(value)  # YAML reads 1e-3, which has no dot, as text
        options[name] = value
    return get_method(config.method, **options)


def check_method(method: Method, data: Any, splits: Sequence[str]) -> None:
    """Raise an error if `method` cannot be trained on `data`.

    Raises:
        ConfigError: an option of the method is out of range.
        DataError: the method needs what a row of one of `splits` lacks.
    """
    method.loss(data.grid)
    if not method.needs_sigma:
        return
    for split in splits:
        rows = data.rows(split)
        lacking = rows[~(rows["sigma"] >= 0)] if "sigma" in rows else rows
        if len(lacking):
            raise DataError(
                f"The method {method.name} needs a sigma for every image: a column `sigma` of the "
                f"manifest. Received: {len(lacking)} of {len(rows)} images of split {split!r} "
                f"without; the first: {lacking['path'].iloc[0]}"
            )


def make_grid(config: TrainConfig, data: Any) -> LabelGrid:
    """Return the grid of the model: that of `data`, with the step of `config` if it has one.

    Raises:
        ConfigError: the step does not divide the range of the grid.
    """
    return replace(data.grid, step=config.label_step or data.grid.step)


def make_model(config: TrainConfig, data: Any) -> FaceModel:
    """Return an untrained model of `config` for the labels and the alignment of `data`."""
    return build_model(
        config.model,
        make_grid(config, data),
        method=make_method(config),
        input_size=config.input_size,
        alignment=data.alignment,
        dropout=config.dropout,
        pooling=config.pooling,
    )


def sampling_of(config: TrainConfig, data: Any) -> Sampling | None:
    """Return how often each training image comes in an epoch of `config`; None: once."""
    labels, weights = data.rows("train")["label"].to_numpy(), None
    if config.image_weights is not None:
        from keras_dldl.data.image_weights import read_image_weights

        weights = read_image_weights(config.image_weights, data)
    origins = None if config.data_sampling == "natural" else data.origins("train")
    return make_sampling(
        config.sampling, labels, data.grid, config.sampling_beta, weights,
        origins=origins, by_origin=config.data_sampling,
    )  # fmt: skip


def make_trained(config: TrainConfig, face_model: FaceModel) -> keras.Model:
    """Return the compiled model up to the raw outputs that shares its weights with `face_model`."""
    grid = face_model.grid
    trained = in_parts(face_model.training_model(), config.accumulate)
    if backend_name() == "tensorflow":
        import tensorflow as tf

        for layer in innermost_layers(trained):
            if isinstance(layer, keras.layers.BatchNormalization) and tf.distribute.has_strategy():
                # Means over the whole batch; on JAX a batch is one whatever it is spread over. Not
                # saved: a model is built from its own arguments.
                layer.synchronized = True
        fuse_batch_normalization(trained)
    trained.compile(
        optimizer=make_optimizer(config, trained.trainable_variables, config.ema),
        loss=face_model.method.loss(grid),
        # Weighted, so that what fills a batch up to the number of devices counts nothing.
        weighted_metrics=[MethodMAE(face_model.method, grid)],
        jit_compile=backend_name() == "jax",
    )
    # Now and not at the first step, so that a checkpoint finds its variables.
    trained.optimizer.build(trained.trainable_variables)
    return trained
