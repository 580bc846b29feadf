"""The check every export must pass: the same numbers as Keras, whatever runs them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_dldl.errors import KerasDLDLError
from keras_dldl.models import FaceModel

# In the labels' unit (years, points). Convolutions summed in another order differ by about 1e-5
# years; anything that matters (another resizing, a lost mirror image) by far more than this.
TOLERANCE = 1e-3
# Two sizes, since a batch size fixed by mistake is the commonest fault of an exported model.
BATCH_SIZES = (1, 5)


class ParityError(KerasDLDLError, RuntimeError):
    """An exported model does not give the numbers that Keras gives."""


@dataclass(frozen=True)
class Parity:
    """How far an exported model is from Keras, the largest differences over all images.

    Args:
        value: of the predicted value, in `unit`.
        std: of the standard deviation, in `unit`.
        distribution: of a single probability.
        unit: "years" or "points".
        images: number of images compared.
    """

    value: float
    std: float
    distribution: float
    unit: str
    images: int


def compare(
    run: Callable[[list[np.ndarray]], list[dict[str, np.ndarray]]],
    model: FaceModel,
    mirror: bool = True,
    tolerance: float = TOLERANCE,
) -> Parity:
    """Compare an exported model with Keras on generated images, in batches of 1 and of 5.

    Args:
        run: takes a list of (B, S, S, 3) uint8 batches, returns for each a dictionary of `value`
            (B,), `std` (B,) and `distribution` (B, K).
        model: the model that was exported.
        mirror: whether the export averages image and mirror image.
        tolerance: the largest difference allowed, in the labels' unit (for `distribution`, in
            probability).

    Raises:
        ParityError: a difference is larger, or an output has the wrong shape or is not finite.
    """
    batches = [generated_images(n, model.input_size, seed=n) for n in BATCH_SIZES]
    largest = {"value": 0.0, "std": 0.0, "distribution": 0.0}
    for images, outputs in zip(batches, run(batches), strict=True):
        for name, expected in keras_outputs(model, images, mirror).items():
            difference = _difference(name, outputs, expected)
            largest[name] = max(largest[name], difference)
    worst = max(largest, key=largest.__getitem__)
    if largest[worst] > tolerance:
        raise ParityError(
            f"An exported model must agree with Keras to {tolerance:g}; nothing was kept. "
            f"Received: a difference of {largest[worst]:.3g} in `{worst}`"
        )
    return Parity(**largest, unit=model.grid.unit, images=sum(BATCH_SIZES))


def keras_outputs(model: FaceModel, images: np.ndarray, mirror: bool) -> dict[str, np.ndarray]:
    """Return value, std and distribution by Keras, in float64 from the probabilities on.

    Args:
        model: the model.
        images: (B, S, S, 3) uint8.
        mirror: whether to average with the mirror image.
    """
    import keras
    import tensorflow as tf

    # On the processor: an accelerator may shorten the factors of convolutions to 10 bits, which
    # would be measured here as a difference of the export.
    with tf.device("CPU:0"):
        views = [images, images[:, :, ::-1]] if mirror else [images]
        p = [keras.ops.convert_to_numpy(model(view.astype("float32"))) for view in views]
    distribution = np.mean(np.asarray(p, np.float64), axis=0)
    mean = model.grid.decode(distribution)
    variance = (distribution * np.square(model.grid.labels64 - mean[:, None])).sum(axis=1)
    value = model.grid.decode(distribution, model.method.decoder)
    return {"value": value, "std": np.sqrt(variance), "distribution": distribution}


def generated_images(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Return (count, size, size, 3) uint8 images: smooth patches of colour, then plain noise.

    They are not symmetrical, so that a lost mirror image shows.
    """
    random = np.random.default_rng(seed)
    steps = np.linspace(0, 3, size)
    lower = np.minimum(steps.astype(int), 2)
    blend = np.zeros((size, 4))  # linear interpolation between 4 knots
    blend[np.arange(size), lower] = 1 - (steps - lower)
    blend[np.arange(size), lower + 1] += steps - lower
    images = []
    for k in range(count):
        if k % 2:
            images.append(random.integers(0, 256, (size, size, 3)))
        else:
            knots = random.uniform(0, 256, (4, 4, 3))
            images.append(np.einsum("yi,xj,ijc->yxc", blend, blend, knots))
    return np.clip(images, 0, 255).astype(np.uint8)


def _difference(name: str, outputs: dict[str, np.ndarray], expected: np.ndarray) -> float:
    if name not in outputs or np.shape(outputs[name]) != expected.shape:
        shapes = {key: np.shape(array) for key, array in outputs.items()}
        raise ParityError(f"`{name}` must have the shape {expected.shape}. Received: {shapes}")
    if not np.isfinite(outputs[name]).all():
        raise ParityError(f"`{name}` must be finite numbers. Received: NaN or infinity")
    return float(np.abs(np.asarray(outputs[name], np.float64) - expected).max())
