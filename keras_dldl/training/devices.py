"""What a run computes on, and how precisely: devices and processes that share each batch."""

import functools
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import keras

from keras_dldl._utils.backends import backend_name
from keras_dldl.errors import ConfigError
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.team import Team

_LOGGER = logging.getLogger(__name__)
WORTH_A_WARNING = 2.0  # times as long as in float32
SHAPE, CHANNELS = (4, 24, 24, 64), 64
TIMES = 3


@dataclass(frozen=True)
class Places:
    """The devices and processes that share each batch, the devices spread evenly over processes.

    Args:
        devices: of all processes together, at least 1.
        processes: at least 1.
        process: the number of this one, from 0.

    >>> places = Places(devices=4, processes=2, process=1)
    >>> places.trimmed(103), places.filled(103), places.share(100)
    (100, 104, slice(50, 100, None))
    """

    devices: int = 1
    processes: int = 1
    process: int = 0

    def trimmed(self, count: int) -> int:
        """Return the largest number of faces, up to `count`, that the devices can share evenly."""
        return count - count % self.devices

    def filled(self, count: int) -> int:
        """Return the smallest number of faces, from `count` on, that they can share evenly."""
        return count + -count % self.devices

    def share(self, count: int) -> slice:
        """Return which of `count` faces of a batch are this process's."""
        part = count // self.processes
        return slice(self.process * part, (self.process + 1) * part)


ONE_DEVICE = Places()


@contextmanager
def spread(config: TrainConfig, team: Team) -> Iterator[Places]:
    """Have all that is built and trained inside the block use the devices of `config`.

    Raises:
        ConfigError: there are fewer devices, they cannot share a batch evenly, or the back
            end or another setting does not go with them.
    """
    places = places_of(config, team)
    several = places.devices > 1
    with _distribution(places.devices // team.processes, team) if several else nullcontext():
        yield places


def places_of(config: TrainConfig, team: Team) -> Places:
    """Return which devices would share each batch of `config`; nothing is set up.

    Raises:
        ConfigError: as `spread`.
    """
    count = _count(config.devices, _own_devices())
    places = Places(count * team.processes, team.processes, team.process)
    check_shared(config, places)
    return places


def check_shared(config: TrainConfig, places: Places) -> None:
    """Raise `ConfigError` if the devices and processes of `places` cannot share each batch."""
    if config.batch_size % places.devices:
        raise ConfigError(
            f"`batch_size` is shared by {places.devices} devices and must be a multiple of that. "
            f"Received: batch_size={config.batch_size}."
        )
    if config.accumulate > 1 and places.devices > 1:
        raise ConfigError(
            "A batch is taken in parts on one device; several devices have a part each already. "
            "Allowed: accumulate=1, or one process with devices=1. "
            f"Received: accumulate={config.accumulate}, {places.devices} devices."
        )
    if config.ema is not None and places.processes > 1:
        raise ConfigError(
            "An average of the weights is kept by one process, which measures the statistics of "
            "batch normalisation for it. Allowed: ema=null, or one process. "
            f"Received: ema={config.ema:g}, {places.processes} processes."
        )


def _own_devices() -> list[Any]:
    """Return the devices of this process: its GPUs, or else its processors."""
    name = backend_name()
    if name == "jax":
        import jax

        return jax.local_devices()
    if name == "tensorflow":
        import tensorflow as tf

        return tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [None]


def _count(devices: str | int, found: list[Any]) -> int:
    if devices == "auto":
        first = found[0]
        kind = getattr(first, "platform", None) or getattr(first, "device_type", "cpu")
        # Processors that pretend to be several are for tests, and are asked for by number.
        return 1 if kind.lower() == "cpu" else len(found)
    if devices > 1 and backend_name() == "torch":
        raise ConfigError(
            "On PyTorch a run has one device; set KERAS_BACKEND=jax or tensorflow for more. "
            f"Received: devices={devices}."
        )
    if devices > len(found):
        raise ConfigError(
            f"This process has {len(found)} devices that {backend_name()} can use. Allowed: "
            f"devices from 1 to {len(found)}, or auto. Received: devices={devices}."
        )
    return devices


def _distribution(count: int, team: Team) -> Any:
    if backend_name() == "tensorflow":
        return _mirrored(tuple(device.name for device in _own_devices()[:count])).scope()
    import jax
    from keras import distribution

    names: list[str] = []
    for process in range(team.processes):
        own = [device for device in jax.devices() if device.process_index == process]
        chosen = sorted(own, key=lambda device: device.id)[:count]
        names += [f"{device.platform}:{device.id}" for device in chosen]
    return distribution.DataParallel(devices=names, auto_shard_dataset=False).scope()


@functools.cache
def _mirrored(names: tuple[str, ...]) -> Any:
    """Return the one strategy over these devices.

    Each counts its exchanges between devices from the same number on, and TensorFlow refuses one
    that has another shape than that of the same number had before, in an earlier run.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names))


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
            "(measured). Train with `precision: float32` (--precision float32).",
            half,
            cost,
        )


def seconds_of_convolution(dtype: str) -> float:
    """Return how long a convolution of 3 x 3 over 64 channels and its gradient take, at best of 3.

    The gradient by the images is a transposed convolution; some back ends emulate that alone.
    """
    images = keras.ops.ones(SHAPE, dtype)
    kernel = keras.ops.ones((3, 3, SHAPE[-1], CHANNELS), dtype)
    best = float("inf")
    for _ in range(TIMES + 1):  # the first one is slower, as it chooses how to do it
        begun = time.perf_counter()
        for convolution in (keras.ops.conv, keras.ops.conv_transpose):
            made = convolution(images, kernel, padding="same")
            keras.ops.convert_to_numpy(made[:1, :1, :1, :1])
        best = min(best, time.perf_counter() - begun)
    return best
