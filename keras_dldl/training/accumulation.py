"""A batch that goes through the network in parts, with one step of the optimizer at its end.

The feed, the schedule, the weight decay and the averaging see whole batches, so nothing about them
changes. The gradient is the whole batch's: each part counts by its share of the images. What does
change is batch normalisation, which sees a part at a time, and the draws of dropout.
"""

from collections.abc import Iterator
from typing import Any

import keras


class InParts(keras.Model):
    """A functional model whose training step takes a batch in parts.

    Args:
        inputs: symbolic tensor of the images.
        outputs: symbolic tensor that the loss takes.
        parts: number of parts, or one per image where a batch has fewer images; sizes differ by at
            most 1.
        **kwargs: `name` of the model.
    """

    def __init__(self, inputs: Any, outputs: Any, parts: int, **kwargs: Any) -> None:
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.parts = parts

    def train_step(self, *arguments: Any) -> Any:
        """Return what the back end's `train_step` returns; Keras calls it."""
        return _STEPS[keras.backend.backend()](self, *arguments)


def in_parts(model: keras.Model, parts: int) -> keras.Model:
    """Return a model on the same layers that trains in parts, or `model` itself for one part."""
    if parts == 1:
        return model
    return InParts(model.input, model.output, parts, name=model.name)


def _tensorflow_step(model: InParts, data: Any) -> dict[str, Any]:
    import tensorflow as tf

    images, targets = data
    count = tf.shape(images)[0]
    parts = tf.minimum(model.parts, count)
    variables = model.trainable_weights

    def add(k: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
        x, y = (t[k * count // parts : (k + 1) * count // parts] for t in (images, targets))
        with tf.GradientTape() as tape:
            raw = model(x, training=True)
            loss = model.compute_loss(x=x, y=y, y_pred=raw)
            share = tf.cast(tf.shape(x)[0], loss.dtype) / tf.cast(count, loss.dtype)
            scaled = model.optimizer.scale_loss(loss * share)
        gradients = tape.gradient(
            scaled, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO
        )
        # Keras divides the loss by the devices that share a batch.
        devices = tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, loss.dtype)
        _update_metrics(model, loss * devices, y, raw, tf.shape(x)[0])
        return k + 1, [a + tf.cast(b, a.dtype) for a, b in zip(sums, gradients, strict=True)]

    zeros = [tf.zeros(variable.shape, variable.dtype) for variable in variables]
    # A loop of the graph, one turn at a time: unrolled, all parts would be in memory together.
    _, sums = tf.while_loop(lambda k, _: k < parts, add, (0, zeros), parallel_iterations=1)
    model.optimizer.apply(sums, variables)
    return model.get_metrics_result()


def _jax_step(model: InParts, state: tuple, data: Any) -> tuple[dict[str, Any], tuple]:
    import jax

    def scaled_loss(trainable, others, slots, x, y, share):
        raw, others = model.stateless_call(trainable, others, x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=raw)
        mapping = list(zip(model.optimizer.variables, slots, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            scaled = model.optimizer.scale_loss(loss * share)
        return scaled, (loss, raw, others)

    images, targets = data
    trainable, others, slots, measured = state
    scaled_gradient = jax.grad(scaled_loss, has_aux=True)
    sums = None
    for part in _slices(len(images), model.parts):
        x, y = images[part], targets[part]
        share = len(x) / len(images)
        gradients, (loss, raw, others) = scaled_gradient(trainable, others, slots, x, y, share)
        mapping = list(zip(model.metrics_variables, measured, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            _update_metrics(model, loss, y, raw, len(x))
            logs = model.get_metrics_result()
        measured = [scope.get_current_value(variable) for variable in model.metrics_variables]
        sums = gradients if sums is None else [a + b for a, b in zip(sums, gradients, strict=True)]
        # The next part must wait, or the compiler may keep all of them in memory together.
        sums, others, measured = jax.lax.optimization_barrier((sums, others, measured))
    trainable, slots = model.optimizer.stateless_apply(slots, sums, trainable)
    return logs, (trainable, others, slots, measured)


def _torch_step(model: InParts, data: Any) -> dict[str, Any]:
    import torch

    images, targets = data
    model.zero_grad()
    for part in _slices(len(images), model.parts):
        x, y = images[part], targets[part]
        raw = model(x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=raw)
        # PyTorch adds up the gradients by itself.
        model.optimizer.scale_loss(loss * (len(x) / len(images))).backward()
        _update_metrics(model, loss.detach(), y, raw.detach(), len(x))
    variables = list(model.trainable_weights)
    with torch.no_grad():
        model.optimizer.apply([v.value.grad for v in variables], variables)
    return model.get_metrics_result()


_STEPS = {"tensorflow": _tensorflow_step, "jax": _jax_step, "torch": _torch_step}


def _slices(count: int, parts: int) -> Iterator[slice]:
    parts = min(parts, count)
    for k in range(parts):
        yield slice(k * count // parts, (k + 1) * count // parts)


def _update_metrics(model: InParts, loss: Any, y: Any, raw: Any, count: Any) -> None:
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(loss, sample_weight=count)
        else:
            metric.update_state(y, raw)
