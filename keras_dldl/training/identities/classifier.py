"""A backbone against the class centres of all people, a sample of them at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_dldl.data.people.pairs import (
    PersonPairs,
    ranking_error,
    similarities,
    verification_error,
)

CENTRES = "class_centres"
# As spread as in the reference papers' code, so that a first softmax is nearly even.
INITIAL_STD = 0.01


@dataclass(frozen=True)
class Pages:
    """Variables of R rows, each with its table of N; Keras tracks a plain list's as the model's."""

    pairs: list[tuple[Any, Any]]


class IdentityClassifier(keras.Model):
    """What is fitted: features of images against the centres that a step looks at.

    All N centres and what the optimizer remembers of each lie in tables that take part in no
    arithmetic. A step copies R rows into the weight `rows` and the optimizer's variables of it,
    learns on those as on any weight, and copies them back: its time and memory are those of a
    softmax over R people, and with R = N it is the full softmax.

    Args:
        embedder: model from images to features (B, C).
        classes: number of people, N.
        rows: number of centres in a step, R.
        normalize: whether features and centres are brought to length 1, so that the outputs are
            cosines.
        pairs: pairs of validation images, which `evaluate` classifies; None without validation.

    Call arguments: a pair of images (B, S, S, 3) and the numbers of the R centres.
    Output shape: (B, R) logits or cosines, float32.
    """

    def __init__(
        self,
        embedder: Any,
        classes: int,
        rows: int,
        normalize: bool = False,
        pairs: PersonPairs | None = None,
    ):
        super().__init__(name="identity_classifier", dtype="float32")
        self.embedder = embedder
        self.normalize = normalize
        self.pairs = pairs
        width = int(embedder.outputs[0].shape[-1])
        self.rows = self.add_weight(shape=(rows, width), initializer="zeros", name=CENTRES)
        start = keras.initializers.RandomNormal(stddev=INITIAL_STD)
        self._pages = Pages([(self.rows, self._new_table(classes, start, "all_centres"))])
        self.built = True

    @property
    def centres(self) -> Any:
        """All class centres, a variable (N, C)."""
        return self._pages.pairs[0][1]

    @property
    def table_bytes(self) -> int:
        """What the tables of all people take, the optimizer's included."""
        return sum(4 * table.shape[0] * table.shape[1] for _, table in self._pages.pairs)

    def call(self, inputs: tuple[Any, Any], training: bool | None = None) -> Any:
        """Return logits or cosines against the centres that `rows` holds."""
        features = ops.cast(self.embedder(inputs[0], training=training), "float32")
        rows = ops.convert_to_tensor(self.rows)
        if self.normalize:
            features, rows = ops.normalize(features, axis=1), ops.normalize(rows, axis=1)
        return ops.matmul(features, ops.transpose(rows))

    def prepare(self) -> None:
        """Build the optimizer, and a table for each of its variables that goes with `rows`."""
        self.optimizer.build(self.trainable_variables)
        mark = self.rows.path.replace("/", "_")
        for variable in self.optimizer.variables:
            if mark in variable.path and tuple(variable.shape) == tuple(self.rows.shape):
                name = f"table_{len(self._pages.pairs)}"
                table = self._new_table(self.centres.shape[0], "zeros", name)
                self._pages.pairs.append((variable, table))

    def train_step(self, *arguments: Any) -> Any:
        """Copy the step's rows in, learn, and copy them back."""
        if keras.backend.backend() == "jax":
            return self._jax_step(*arguments)
        ids = arguments[-1][0][1]
        for small, table in self._pages.pairs:
            small.assign(_gather(table, ids))
        logs = super().train_step(*arguments)
        for small, table in self._pages.pairs:
            _scatter(table, ids, small)
        return logs

    def evaluate(self, x: Any = None, callbacks: Sequence[Any] = (), **kwargs: Any) -> Any:
        """Return how badly pairs of the validation images are classified.

        Args:
            x: batches of the images (B, S, S, 3), in the order that `pairs` numbers.
            callbacks: called at the end of each batch.
            **kwargs: as `fit` and others pass them on; not used.

        Returns:
            `loss`: how often two people are liker than one person's two images (1 - the area under
            the ROC curve); `error`: the share of misjudged pairs, see `verification_error`.
        """
        features = []
        for number, images in enumerate(x):
            features.append(ops.convert_to_numpy(self.embedder(images, training=False)))
            for callback in callbacks:
                callback.on_test_batch_end(number, None)
        import numpy as np

        scores = similarities(np.concatenate(features), self.pairs)
        if not np.isfinite(scores).all():
            return {"loss": float("nan"), "error": float("nan")}
        return {
            "loss": ranking_error(scores, self.pairs.same),
            "error": verification_error(scores, self.pairs.same),
        }

    def _new_table(self, classes: int, initializer: Any, name: str) -> Any:
        shape = (classes, self.rows.shape[1])
        return self.add_weight(shape=shape, initializer=initializer, trainable=False, name=name)

    def _jax_step(self, state: tuple, data: Any) -> tuple:
        """The same without side effects: (weights, others, optimizer's, metrics') in and out."""
        ids = data[0][1]
        state = [list(part) for part in state]
        lists = (self.trainable_variables, self.non_trainable_variables, self.optimizer.variables)
        place_of = {id(v): (k, i) for k, each in enumerate(lists) for i, v in enumerate(each)}
        places = [[place_of[id(each)] for each in pair] for pair in self._pages.pairs]
        for (a, i), (b, j) in places:
            state[a][i] = state[b][j][ids]
        logs, state = super().train_step(tuple(state), data)
        state = [list(part) for part in state]
        for (a, i), (b, j) in places:
            state[b][j] = state[b][j].at[ids].set(state[a][i])
        return logs, tuple(state)


def _gather(table: Any, ids: Any) -> Any:
    if keras.backend.backend() == "tensorflow":
        # Of the variable and not of its value: a read of all of it would make the write after it
        # copy the whole table.
        return table.value.sparse_read(ids)
    return ops.take(table, ids, axis=0)


def _scatter(table: Any, ids: Any, rows: Any) -> None:
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        table.value.scatter_update(tf.IndexedSlices(ops.convert_to_tensor(rows), ids))
    else:  # PyTorch: in place as well
        table.value.data[ids] = ops.convert_to_tensor(rows).detach()
