"""The check every export must pass: the same numbers as Keras, whatever runs them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_dldl.errors import KerasDLDLError
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel
from keras_dldl.runtime.network import mean_of_views
from keras_dldl.runtime.networks import KerasNetwork

# In the labels' unit (years, points). Convolutions summed in another order differ by about 1e-5
# years; anything that matters (another resizing, a lost mirror image) by far more than this.
TOLERANCE = 1e-3
# Two sizes, since a batch size fixed by mistake is the commonest fault of an exported model.
BATCH_SIZES = (1, 5)
# Years over a grid of 100; grids of points are narrower, and so are their limits.
YEARS = 100.0


class ParityError(KerasDLDLError, RuntimeError):
    """An exported model does not give the numbers that Keras gives."""


@dataclass(frozen=True)
class Limits:
    """How far an export may be from Keras, in the labels' unit.

    Args:
        largest: difference of any value or spread (for a probability, in probability).
        mean: difference of the values, over all images.
    """

    largest: float = math.inf
    mean: float = math.inf


def limits_of(precision: str, grid: LabelGrid) -> Limits:
    """Return the limits: 0.01 years in float32, 0.01 in the mean in float16, 0.5 in 8 bits.

    On another grid than 0 ... 100 they are in proportion to its range.

    >>> limits_of("int8", LabelGrid.scut_fbp())
    Limits(largest=inf, mean=0.02)
    """
    scale = (grid.stop - grid.start) / YEARS
    if precision == "float32":
        return Limits(largest=0.01 * scale)
    # Weights of 11 bits differ by that much from themselves: 0.02 years in the worst of 100 faces.
    return Limits(mean=(0.01 if precision == "float16" else 0.5) * scale)


@dataclass(frozen=True)
class Parity:
    """How far an exported model is from Keras, the largest differences over all images.

    Args:
        value: of the predicted value, in `unit`.
        std: of the standard deviation, in `unit`.
        distribution: of a single probability.
        unit: "years" or "points".
        images: number of images compared.
        mean: of the predicted value, in the mean over all images.
    """

    value: float
    std: float
    distribution: float
    unit: str
    images: int
    mean: float = 0.0


def compare(
    run: Callable[[list[np.ndarray]], list[dict[str, np.ndarray]]],
    model: FaceModel,
    mirror: bool = True,
    tolerance: float | Limits = TOLERANCE,
    batches: list[np.ndarray] | None = None,
) -> Parity:
    """Compare an exported model with Keras, by default on generated images, 1 and 5 at a time.

    Args:
        run: takes a list of (B, S, S, 3) uint8 batches, returns for each a dictionary of `value`
            (B,), `std` (B,) and `distribution` (B, K).
        model: the model that was exported.
        mirror: whether the export averages image and mirror image.
        tolerance: the largest difference allowed, in the labels' unit (for `distribution`, in
            probability), or `Limits`.
        batches: the images to compare on, (B, S, S, 3) uint8 each.

    Raises:
        ParityError: a difference is larger, or an output has the wrong shape or is not finite.
    """
    limits = tolerance if isinstance(tolerance, Limits) else Limits(tolerance)
    if batches is None:
        batches = [generated_images(n, model.input_size, seed=n) for n in BATCH_SIZES]
    differences: dict[str, list[np.ndarray]] = {"value": [], "std": [], "distribution": []}
    for images, outputs in zip(batches, run(batches), strict=True):
        for name, expected in keras_outputs(model, images, mirror).items():
            differences[name].append(_differences(name, outputs, expected).ravel())
    joined = {name: np.concatenate(parts) for name, parts in differences.items()}
    largest = {name: float(part.max()) for name, part in joined.items()}
    mean = float(joined["value"].mean())
    _check_limits(largest, mean, limits)
    images = sum(len(batch) for batch in batches)
    return Parity(**largest, unit=model.grid.unit, images=images, mean=mean)


def in_batches(images: np.ndarray) -> list[np.ndarray]:
    """Return the images in a batch of 1 and in batches of 16, the last one smaller."""
    return [images[:1], *(images[k : k + 16] for k in range(1, len(images), 16))]


def _check_limits(largest: dict[str, float], mean: float, limits: Limits) -> None:
    worst = max(largest, key=largest.__getitem__)
    if largest[worst] > limits.largest:
        raise ParityError(
            f"An exported model must agree with Keras to {limits.largest:g}; nothing was kept. "
            f"Received: a difference of {largest[worst]:.3g} in `{worst}`"
        )
    if mean > limits.mean:
        raise ParityError(
            f"An exported model must agree with Keras to {limits.mean:g} in the mean; nothing was "
            f"kept. Received: a mean difference of {mean:.3g} in `value`"
        )


def keras_outputs(model: FaceModel, images: np.ndarray, mirror: bool) -> dict[str, np.ndarray]:
    """Return value, std and distribution of (B, S, S, 3) uint8 images by Keras.

    In float64 from the probabilities on, which are averaged over both views if `mirror` is set.
    """
    import tensorflow as tf

    # On the processor: an accelerator may shorten the factors of convolutions to 10 bits, which
    # would be measured here as a difference of the export.
    with tf.device("CPU:0"):
        image, mirrored = KerasNetwork(model).views(images)
    distribution = mean_of_views(image, mirrored if mirror else image)
    value = model.grid.decode(distribution, model.method.decoder)
    return {"value": value, "std": model.grid.std(distribution), "distribution": distribution}


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


def _differences(name: str, outputs: dict[str, np.ndarray], expected: np.ndarray) -> np.ndarray:
    if name not in outputs or np.shape(outputs[name]) != expected.shape:
        shapes = {key: np.shape(array) for key, array in outputs.items()}
        raise ParityError(f"`{name}` must have the shape {expected.shape}. Received: {shapes}")
    if not np.isfinite(outputs[name]).all():
        raise ParityError(f"`{name}` must be finite numbers. Received: NaN or infinity")
    return np.abs(np.asarray(outputs[name], np.float64) - expected)
