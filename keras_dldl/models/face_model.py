"""A model that carries all that is needed to use it."""

import hashlib
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras

from keras_dldl import saved_models
from keras_dldl.calibration import Calibration, as_calibration
from keras_dldl.errors import ConfigError
from keras_dldl.faces.alignment import Alignment, as_alignment
from keras_dldl.labels import LabelGrid, as_grid
from keras_dldl.layers.heads import linear_kernel
from keras_dldl.losses import GridLoss
from keras_dldl.methods import Method, get_method
from keras_dldl.methods.layer import MethodDistribution
from keras_dldl.methods.metric import MethodMAE
from keras_dldl.models.backbones import check_arguments, features_of
from keras_dldl.models.compiling import (
    check_labels,
    check_metrics,
    takes_raw_outputs,
    with_checked_labels,
)
from keras_dldl.models.loading import load_model

# The model that is in a step of training or evaluation, in which it gives its loss raw outputs. Of
# this thread: replicas of a model are traced in a thread each.
_IN_STEP: ContextVar[Any] = ContextVar("in_step", default=None)


class _Presets:
    """The shipped models: a property of the class, not of its instances."""

    def __get__(self, instance: Any, owner: type) -> dict[str, dict[str, Any]]:
        folders = {name: saved_models.folder(name) for name in saved_models.names()}
        return {name: saved_models.read_metrics(folder) for name, folder in folders.items()}


@keras.saving.register_keras_serializable(package="keras_dldl")
class FaceModel(keras.Model):
    """A functional model from faces to a label distribution; its file is all that predicting needs.

    Normalisation is inside: images enter as uint8-range RGB, 0 ... 255, channels last.
    `keras.models.clone_model` gives another `FaceModel`, with new weights; before Keras 3.15, a
    plain functional model.

    Args:
        backbone: a name, see `build_model`.
        grid: the label grid, or its config; it sets the number of outputs.
        method: the method it is trained by, which sets head and decoder: a name in
            `keras_dldl.methods.METHODS`, `module:Class`, a `Method` or its config.
        input_size: side of the input in pixels, from 32 up; some networks need more.
        alignment: how faces are cut out for it, an `Alignment` or its config; default
            `Alignment()`.
        dropout: rate before the head, in [0, 1). The paper has none.
        card: anything else to keep in the file, as plain JSON values.
        pooling: from the last feature map to the features: "hybrid" (the maximum over 2 x 2, then
            the average: the paper's), "average", "gem" (the generalised mean with a learnt power),
            or None: hybrid for the paper's networks, the average for those of keras.applications.
        calibration: makes the intervals of its predictions, a `Calibration` or its config; None
            before `keras-dldl calibrate`. It fits these weights only.

    Attributes:
        presets: the shipped models by name, each with what `metrics.json` says of it.

    Input shape: (B, input_size, input_size, 3), 0 ... 255.
    Output shape: (B, K) probabilities, float32, whatever the method.

    >>> model = FaceModel.from_preset("nano-age")
    >>> model.task, model.input_size, FaceModel.presets["nano-age"]["parameters"]
    ('age', 64, 96493)
    """

    presets = _Presets()
    _raw_call = None  # from images to raw outputs, where the compiled loss takes those

    def __init__(
        self,
        backbone: str,
        grid: LabelGrid | dict,
        method: str | Method | dict = "dldl-v2",
        input_size: int = 224,
        alignment: Alignment | dict | None = None,
        dropout: float = 0.0,
        card: dict[str, Any] | None = None,
        pooling: str | None = None,
        calibration: Calibration | dict[str, Any] | None = None,
        *arguments,
        **kwargs,
    ):
        # Keras's `clone_model` gives a class whose constructor takes any arguments the tensors of
        # the inputs and outputs that it made of its layers.
        if isinstance(backbone, keras.KerasTensor):
            super().__init__(inputs=backbone, outputs=grid, **kwargs)
            self._take_over()
            return
        if arguments:
            raise TypeError(
                f"FaceModel takes 9 arguments by place. Received: {arguments!r} besides"
            )
        check_arguments(backbone, input_size, dropout)
        grid, method, input_size = as_grid(grid), get_method(method), int(input_size)
        images = keras.Input((input_size, input_size, 3), name="images")
        vector, feature_map = features_of(backbone, images, pooling)
        features = keras.layers.Dropout(dropout, name="dropout")(vector) if dropout else vector
        raw = method.head(features, grid)
        last = MethodDistribution(method, grid, name="probabilities")
        probabilities = last(raw)
        if (shape := tuple(probabilities.shape)) != (None, grid.size):
            raise ConfigError(
                f"The method {method.name} must give distributions over the grid, "
                f"(B, {grid.size}). Received: shape={shape}"
            )
        super().__init__(inputs=images, outputs=probabilities, **kwargs)

        self._carry(
            backbone, grid, method, input_size, alignment, dropout, card, pooling, calibration
        )
        self._raw, self._vector, self._feature_map = raw, vector, feature_map
        last.describe = self._description

    def _description(self) -> dict[str, Any]:
        """Return what a clone needs: the config, and where in the graph the features are."""
        made = {"features": self._vector, "feature_map": self._feature_map}
        names = {
            key: None if tensor is None else tensor._keras_history.operation.name
            for key, tensor in made.items()
        }
        return {"config": self.get_config(), "layers": self._layers_digest(), **names}

    def _layers_digest(self) -> str:
        hidden = (keras.layers.InputLayer, MethodDistribution)
        configs = [layer.get_config() for layer in self.layers if not isinstance(layer, hidden)]
        text = json.dumps([self.input.shape, configs], default=keras.saving.serialize_keras_object)
        return hashlib.sha256(text.encode()).hexdigest()

    def _take_over(self) -> None:
        """Take over what the model had of which this one is a clone."""
        last = self.output._keras_history.operation
        given = last.describe() if isinstance(last, MethodDistribution) else None
        if given is None or given["layers"] != self._layers_digest():
            raise ConfigError(
                "A FaceModel can be cloned with the layers that it has. To change them, clone "
                "keras.Model(model.input, model.output). Received: other layers"
            )
        config = dict(given["config"])
        del config["name"]
        self._carry(**config)
        made_by = {name: None for name in (given["features"], given["feature_map"])}
        made_by |= {one.name: one.output for one in self.operations if one.name in made_by}
        self._raw = last.input
        self._vector, self._feature_map = made_by[given["features"]], made_by[given["feature_map"]]
        last.describe = self._description

    def _carry(
        self, backbone, grid, method, input_size, alignment, dropout, card, pooling, calibration
    ) -> None:
        # === Config ===
        self.backbone_name = backbone
        self.grid = as_grid(grid)
        self.method = get_method(method)
        self.input_size = input_size
        self.alignment = as_alignment(alignment)
        self.dropout = float(dropout)
        self.card = dict(card or {})
        self.pooling = pooling
        self.calibration = as_calibration(calibration, self.grid)

    @property
    def task(self) -> str:
        """The task of the label grid: "age" or "attractiveness"."""
        return self.grid.task

    @property
    def feature_map(self) -> Any:
        """The last feature map, a symbolic tensor (B, h, w, C), or None where there is none.

        It is what the last layer before the features averages (or takes the generalised mean of)
        over all places; `keras.Model(model.input, [model.feature_map, model.output])` gives both.
        """
        return self._feature_map

    @property
    def features(self) -> Any:
        """The features, a symbolic tensor (B, C): the backbone's output."""
        return self._vector

    @property
    def head_kernel(self) -> Any:
        """The weights (C, R) from the features to the raw outputs, or None.

        None where the head is not one linear layer; activations and biases of each output alone may
        follow it, and CORAL's one weight vector for all outputs is (C, 1). With average or hybrid
        pooling, column k over the feature map is the class activation map of output k (Gao et al.
        2020, section 5.6).
        """
        return linear_kernel(self._vector, self._raw)

    def training_model(self) -> keras.Model:
        """Return a model with the same weights that ends in the method's raw outputs, (B, R).

        Those are what the method's loss takes: for most methods the logits before the softmax.
        """
        return keras.Model(self.input, self._raw, name=f"{self.name}_training")

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        **kwargs: Any,
    ) -> None:
        """Compile the model; without arguments for training by its method, as `train` does.

        Args:
            optimizer: Keras's, or its name.
            loss: None: the method's own, which gets the raw outputs. One of the same class, with
                other numbers, gets raw outputs where its `from_logits` is that of the method's own,
                else probabilities. A loss of your own gets the labels as they are, and
                probabilities.
            loss_weights: as in Keras.
            metrics: get probabilities. If `weighted_metrics` is None too: the mean absolute error
                of the decoded value, "mae".
            weighted_metrics: those that take account of `sample_weight`.
            **kwargs: the other arguments of `keras.Model.compile`.

        Raises:
            ConfigError: the loss or a metric does not fit the method or the grid.

        >>> model = FaceModel("nano-age-net", LabelGrid.age(), "coral", input_size=32)
        >>> model.compile()
        >>> type(model.loss).__name__
        'RankingLoss'
        """
        own = self.method.loss(self.grid)
        loss = own if loss is None else loss
        is_raw = takes_raw_outputs(loss, own, self.grid, self._raw.shape[-1])
        check_metrics([metrics, weighted_metrics], self.grid)
        if metrics is None and weighted_metrics is None:
            weighted_metrics = [MethodMAE(self.method, self.grid, from_logits=False)]
        # A bound method, as Keras would save a model that is an attribute along with this one.
        self._raw_call = self.training_model().call if is_raw else None
        super().compile(optimizer, loss, loss_weights, metrics, weighted_metrics, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as `get_compile_config()` says; a loss that does not fit is warned of."""
        try:
            self.compile(**keras.saving.deserialize_keras_object(config))
        except ConfigError as error:
            warnings.warn(f"The model is loaded, but not compiled: {error}", stacklevel=2)
            return
        self.optimizer.build(self.trainable_variables)

    def fit(self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Train as `keras.Model.fit` does, once the labels are checked.

        All labels of arrays are checked, else those of the first batch, which is made once more.

        Raises:
            DataError: a label is off the grid; with a loss of the package.
        """
        if isinstance(getattr(self, "loss", None), GridLoss):
            x = with_checked_labels(x, y, self.grid)
        return super().fit(x, y, *args, **kwargs)

    def train_on_batch(self, x: Any, y: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Train as `keras.Model.train_on_batch` does, once the labels are checked, see `fit`."""
        if y is not None and isinstance(getattr(self, "loss", None), GridLoss):
            check_labels(y, self.grid)
        return super().train_on_batch(x, y, *args, **kwargs)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Return probabilities; in a step of training or evaluation, what the loss takes."""
        call = self._raw_call if self._gives_raw_outputs else super().call
        return call(inputs, training=training, mask=mask)

    def train_step(self, *args: Any) -> Any:
        """Make a step of training."""
        with self._in_step():
            return super().train_step(*args)

    def test_step(self, *args: Any) -> Any:
        """Make a step of evaluation."""
        with self._in_step():
            return super().test_step(*args)

    def _symbolic_build(self, *args: Any, **kwargs: Any) -> None:
        # Keras tries what a step does, on shapes alone.
        with self._in_step():
            super()._symbolic_build(*args, **kwargs)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Update the metrics by probabilities, and return their values."""
        if self._gives_raw_outputs:
            y_pred = self.get_layer("probabilities")(y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)

    @contextmanager
    def _in_step(self) -> Iterator[None]:
        before = _IN_STEP.set(self)
        try:
            yield
        finally:
            _IN_STEP.reset(before)

    @property
    def _gives_raw_outputs(self) -> bool:
        return _IN_STEP.get() is self and self._raw_call is not None

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {
            "name": self.name,
            "backbone": self.backbone_name,
            "grid": self.grid.get_config(),
            "method": self.method.get_config(),
            "input_size": self.input_size,
            "alignment": self.alignment.get_config(),
            "dropout": self.dropout,
            "card": self.card,
            "pooling": self.pooling,
            "calibration": self.calibration and self.calibration.get_config(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects=None) -> "FaceModel":
        """Make a model from `get_config()`."""
        return cls(**config)

    @classmethod
    def from_preset(cls, name: str) -> "FaceModel":
        """Load a shipped model, or a file; the same as `load_model`."""
        return load_model(name)


def build_model(
    name: str,
    grid: LabelGrid,
    method: str | Method = "dldl-v2",
    input_size: int = 224,
    alignment: Alignment | None = None,
    dropout: float = 0.0,
    pooling: str | None = None,
) -> FaceModel:
    """Build an untrained model.

    Args:
        name: "tiny-age-net" (0.94 M parameters with 101 labels), "thin-age-net" (3.71 M),
            "nano-age-net" (0.10 M, for 64 x 64), "vgg16" (134.7 M, the paper's baseline with its
            fully connected layers, at 224 x 224), or "keras:NAME" with a network of
            keras.applications.
        grid, method, input_size, alignment, dropout, pooling: as in `FaceModel`.

    Returns:
        A functional `FaceModel`: (B, S, S, 3) images, 0 ... 255 -> (B, K) probabilities.

    Raises:
        ConfigError: an unknown name, or a number out of range.

    >>> build_model("tiny-age-net", LabelGrid.age(), input_size=64).count_params()
    936981
    """
    layer_name = str(name).replace("-", "_").replace(":", "_")
    return FaceModel(
        name, grid, method, input_size, alignment, dropout, pooling=pooling, name=layer_name
    )
