"""How much memory a step needs, and what to do where there is not so much."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import keras

from keras_dldl._utils.arguments import message_of
from keras_dldl.errors import TrainingError
from keras_dldl.training.freezing import innermost_layers

# While a gradient goes back through a layer: its own, the next one's, and a convolution's buffer.
_PASSING = 3
_BATCHES_AT_ONCE = 5  # those that wait, the one in work, and the one in the making
_SHARE_TO_FILL = 0.9
_OUT_OF_MEMORY = {"ResourceExhaustedError", "OutOfMemoryError"}
_KIB = 1024


@dataclass(frozen=True)
class Memory:
    """An estimate, in bytes, of one device.

    Attributes:
        weights: all variables of the model.
        gradients: of those that learn; twice with parts, for their sum.
        optimizer: its variables.
        activations: what the way back needs of the way there, for the images of one part.
        images: how many images that is.
        batches: images on their way to the model.
        faces: decoded or encoded faces that are kept for all epochs, where that is known.
        devices: how many share a batch.
    """

    weights: int
    gradients: int
    optimizer: int
    activations: int
    images: int
    batches: int
    faces: int = 0
    devices: int = 1

    @property
    def total(self) -> int:
        """The sum, without Python and the libraries themselves."""
        values = asdict(self)
        return sum(value for name, value in values.items() if name not in ("images", "devices"))

    def with_images(self, images: int) -> "Memory":
        """Return the estimate for another number of images at a time in the network."""
        activations = self.activations * images // self.images
        return replace(self, activations=activations, images=images)


def estimate(trained: keras.Model, batch_size: int, parts: int, devices: int = 1) -> Memory:
    """Estimate what training takes.

    Args:
        trained: the compiled model with its optimizer built.
        batch_size: images in a batch.
        parts: parts in which it goes through the network.
        devices: how many share it.
    """
    at_once = math.ceil(batch_size / (parts * devices))
    learning = _bytes(trained.trainable_variables)
    image = math.prod(trained.input.shape[1:]) * 4
    return Memory(
        weights=_bytes(trained.variables),
        gradients=learning * (2 if parts > 1 else 1),
        optimizer=_bytes(trained.optimizer.variables),
        activations=at_once * _activations_of_an_image(trained),
        images=at_once,
        batches=_BATCHES_AT_ONCE * batch_size * image,
        devices=devices,
    )


def _bytes(variables: Any) -> int:
    return sum(math.prod(v.shape) * _bytes_of(v.dtype) for v in variables)


def _bytes_of(dtype: str) -> int:
    return int("".join(c for c in str(dtype) if c.isdigit()) or 8) // 8


def _activations_of_an_image(model: keras.Model) -> int:
    kept, largest, learns = 0, 0, False
    for layer in innermost_layers(model):
        if isinstance(layer, keras.layers.InputLayer):
            continue
        size = _bytes_of(layer.compute_dtype) * sum(
            math.prod(tensor.shape[1:]) for tensor in keras.tree.flatten(layer.output)
        )
        largest = max(largest, size)
        learns = learns or bool(layer.trainable_weights)
        # Before the first layer that learns nothing is kept. Of batch normalisation it is the
        # input, and the layer after it keeps its own output.
        if learns and not isinstance(layer, keras.layers.BatchNormalization):
            kept += size
    return kept + _PASSING * largest


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of Python or of any back end means that memory ran out."""
    name = type(error).__name__
    if isinstance(error, MemoryError) or name in _OUT_OF_MEMORY:
        return True
    return "RuntimeError" in name and "RESOURCE_EXHAUSTED" in str(error)


@contextmanager
def memory_named(need: Callable[[], Memory | None], batch_size: int) -> Iterator[None]:
    """Turn an error of lacking memory into one that says what would fit.

    Args:
        need: returns what a step needs, or None; called only after the error.
        batch_size: images in a batch.

    Raises:
        TrainingError: memory ran out.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(_advice(need(), batch_size, error)) from error


def _advice(need: Memory | None, batch_size: int, error: Exception) -> str:
    reason = message_of(error, 200)
    if need is None:
        return (
            f"Memory ran out with batches of {batch_size}. Try batch_size={batch_size // 2 or 1}, "
            f"or a smaller input_size or model. Received: {reason}"
        )
    where = "the network" if need.devices == 1 else f"each of {need.devices} devices"
    text = (
        f"Memory ran out with {need.images} images at a time in {where} "
        f"(about {in_words(need.total)} by estimate). "
    )
    if need.images == 1:
        return f"{text}Try a smaller input_size or model. Received: {reason}"
    fits = images_that_fit(need, memory_limit())
    if need.devices > 1:
        return f"{text}Try batch_size={fits * need.devices}. Received: {reason}"
    parts = math.ceil(batch_size / fits)
    return (
        f"{text}About {fits} should fit: batch_size={fits}, or accumulate={parts}, which keeps the "
        f"batch of {batch_size} and takes it in parts. Received: {reason}"
    )


def images_that_fit(need: Memory, limit: int | None) -> int:
    """Return a power of two of images at a time: what fits `limit` bytes, at most half of `need`'s.

    >>> need = Memory(0, 0, 0, activations=800, images=64, batches=0)
    >>> images_that_fit(need, 1000), images_that_fit(need, 250), images_that_fit(need, None)
    (32, 16, 32)
    """
    images = 2 ** int(math.log2(max(1, need.images // 2)))
    while limit and images > 1 and need.with_images(images).total > limit * _SHARE_TO_FILL:
        images //= 2
    return images


def memory_limit() -> int | None:
    """Return the bytes that training may take on the device it runs on, or None if unknown."""
    try:
        # Without one: what is free and what this process has, on Linux.
        free = _of_proc("meminfo", "MemAvailable")
        return _of_accelerator() or free + (resident_bytes() or 0)
    except (ImportError, RuntimeError, ValueError, OSError, KeyError):
        return None


def _of_accelerator() -> int | None:
    if keras.backend.backend() == "jax":
        import jax

        return (jax.devices()[0].memory_stats() or {}).get("bytes_limit")
    if keras.backend.backend() == "torch":
        import torch

        return torch.cuda.mem_get_info()[1] if torch.cuda.is_available() else None
    import tensorflow as tf

    if not tf.config.list_logical_devices("GPU"):
        return None
    # It does not tell the limit, only how far it came.
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]


def resident_bytes() -> int | None:
    """Return the memory that this process has now, on Linux; None elsewhere."""
    try:
        return _of_proc("self/status", "VmRSS")
    except OSError:
        return None


def _of_proc(file: str, name: str) -> int:
    with open(f"/proc/{file}", encoding="ascii") as stream:
        facts = dict(line.split(":", 1) for line in stream)
    return int(facts[name].split()[0]) * _KIB


def in_words(count: int) -> str:
    """Return a number of bytes as text.

    >>> in_words(3 * 2**30), in_words(5_500_000)
    ('3.0 GiB', '5.2 MiB')
    """
    if count >= 2**30:
        return f"{count / 2**30:.1f} GiB"
    return f"{count / 2**20:.1f} MiB"
