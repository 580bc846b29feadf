"""The precision of the arithmetic, and whether this machine has it or only emulates it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

import keras

_LOGGER = logging.getLogger(__name__)
WORTH_A_WARNING = 2.0  # times as long as in float32
SHAPE, CHANNELS = (4, 24, 24, 64), 64
TIMES = 3


@contextmanager
def precision(name: str) -> Iterator[None]:
    """Set Keras's global arithmetic inside the block, and set it back."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def warn_of_emulation(precision: str) -> None:
    """Warn where a convolution in half precision takes longer here than in float32.

    Processors without bfloat16 or float16 arithmetic emulate it, at many times the cost. It is
    measured, in some tens of milliseconds, and not looked up: which back end uses what the hardware
    has differs.

    Args:
        precision: "float32", "mixed_bfloat16" or "mixed_float16".
    """
    if precision == "float32":
        return
    half = precision.removeprefix("mixed_")
    cost = seconds_of_convolution(half) / seconds_of_convolution("float32")
    if cost > WORTH_A_WARNING:
        _LOGGER.warning(
            "This machine emulates %s: a convolution takes %.3g times as long as in float32 "
            "(measured). Train with `precision: float32` (--precision float32).", half, cost,
        )  # fmt: skip


def seconds_of_convolution(dtype: str) -> float:
    """Return how long a convolution of 3 x 3 over 64 channels takes, at best of three."""
    images = keras.ops.ones(SHAPE, dtype)
    kernel = keras.ops.ones((3, 3, SHAPE[-1], CHANNELS), dtype)
    best = float("inf")
    for _ in range(TIMES + 1):  # the first one is slower, as it chooses how to do it
        begun = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.conv(images, kernel, padding="same")[:1, :1, :1, :1])
        best = min(best, time.perf_counter() - begun)
    return best
