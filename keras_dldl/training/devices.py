"""Training on several devices: how many, and what the back end needs to be told."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from keras_dldl.backends import backend_name
from keras_dldl.errors import ConfigError
from keras_dldl.training.checks import check_shared
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.places import Places
from keras_dldl.training.team import Team


@contextmanager
def spread(config: TrainConfig, team: Team) -> Iterator[Places]:
    """Have all that is built and trained inside the block use the devices of `config`.

    Raises:
        ConfigError: there are fewer devices, they cannot share a batch evenly, or the back
            end or another setting does not go with them.
    """
    places = places_of(config, team)
    if places.devices == 1:
        yield places
        return
    with _distribution(places.devices // places.processes, team):
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
        # Processors that pretend to be several are for tests, and are asked for by number.
        return 1 if _is_processor(found[0]) else len(found)
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


def _is_processor(device: Any) -> bool:
    kind = getattr(device, "platform", None) or getattr(device, "device_type", "cpu")
    return kind.lower() == "cpu"


def _distribution(count: int, team: Team) -> Any:
    if backend_name() == "tensorflow":
        return _mirrored(tuple(device.name for device in _own_devices()[:count])).scope()
    import jax
    from keras import distribution

    chosen = [
        device
        for process in range(team.processes)
        for device in _of_process(jax.devices(), process)[:count]
    ]
    names = [f"{device.platform}:{device.id}" for device in chosen]
    return distribution.DataParallel(devices=names, auto_shard_dataset=False).scope()


@functools.cache
def _mirrored(names: tuple[str, ...]) -> Any:
    """Return the one strategy over these devices.

    Each counts its exchanges between devices from the same number on, and TensorFlow refuses one
    that has another shape than that of the same number had before, in an earlier run.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(list(names))


def _of_process(devices: list[Any], process: int) -> list[Any]:
    own = [device for device in devices if device.process_index == process]
    return sorted(own, key=lambda device: device.id)
