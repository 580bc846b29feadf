"""Several processes, on one machine or several, that train one model together: JAX alone."""

import atexit
import hashlib
import inspect
import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_dldl._utils.arguments import message_of
from keras_dldl.errors import ConfigError, TrainingError

_LOGGER = logging.getLogger(__name__)
VARIABLES = {
    "coordinator": "KERAS_DLDL_COORDINATOR",
    "processes": "KERAS_DLDL_PROCESSES",
    "process": "KERAS_DLDL_PROCESS",
}
WAIT_SECONDS = 300  # for all processes to be there
HEARTBEAT_SECONDS = 30  # a machine that is silent for so long is gone
LEAVE_SECONDS = 10
_NOTHING, _CONTENT, _ERROR = b"0", b"1", b"2"


@dataclass(frozen=True)
class Team:
    """The processes of a run and which of them this one is.

    Args:
        coordinator: "HOST:PORT" where process 0 can be reached by all.
        processes: how many there are.
        process: the number of this one, from 0. Process 0 writes the run folder.

    Raises:
        ConfigError: a number is out of range, or the address has no port.

    >>> Team("10.0.0.1:9876", 2, 2)
    Traceback (most recent call last):
    keras_dldl.errors.ConfigError: `process` must be from 0 to 1, one for each of 2 processes. \
Received: process=2
    """

    coordinator: str = ""
    processes: int = 1
    process: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.process < self.processes:
            raise ConfigError(
                f"`process` must be from 0 to {self.processes - 1}, one for each of "
                f"{self.processes} processes. Received: process={self.process}"
            )
        host, _, port = self.coordinator.rpartition(":")
        if self.processes > 1 and not (host and port.isascii() and port.isdigit()):
            raise ConfigError(
                "`coordinator` must be HOST:PORT of process 0, the same for all processes. "
                f"Received: coordinator={self.coordinator!r}"
            )

    def check_backend(self) -> None:
        """Raise a ConfigError if the back end of Keras does not train in several processes."""
        from keras_dldl._utils.backends import backend_name

        if self.processes == 1 or backend_name() == "jax":
            return
        raise ConfigError(
            "Several processes need Keras on JAX: set KERAS_BACKEND=jax. On TensorFlow Keras 3 "
            "cannot (MultiWorkerMirroredStrategy, keras issue 20585), on PyTorch this package does "
            f"not. Received: KERAS_BACKEND={backend_name()}."
        )

    def agree(self, found: Callable[[], bytes | None]) -> bytes | None:
        """Return to all processes what `found` returns in process 0; also its TrainingError."""
        if self.processes == 1:
            return found()
        message = b""
        if self.process == 0:
            try:
                content = found()
                message = _NOTHING if content is None else _CONTENT + content
            except TrainingError as error:
                message = _ERROR + str(error).encode("utf-8")
        kind, content = _told_by_the_first(message)
        if kind == _ERROR:
            raise TrainingError(content.decode("utf-8"))
        return None if kind == _NOTHING else content

    def check_same(self, facts: Mapping[str, Any]) -> None:
        """Raise a ConfigError in all processes if their facts (plain values by name) differ."""
        if self.processes == 1:
            return
        digests = _gathered(
            [hashlib.sha256(json.dumps(value).encode()).digest() for value in facts.values()]
        )
        differ = [name for k, name in enumerate(facts) if len({row[k] for row in digests}) > 1]
        if differ:
            raise ConfigError(
                "All processes of a run must have the same settings and data. "
                f"Received: others in process {self.process} or another: {', '.join(differ)}."
            )


def team_of(
    coordinator: str | None = None, processes: int | None = None, process: int | None = None
) -> Team:
    """Return the team that the arguments, or else the environment variables, describe.

    Raises:
        ConfigError: some of the three are given and others not, or a value is wrong.
    """
    given = {"coordinator": coordinator, "processes": processes, "process": process}
    for name, variable in VARIABLES.items():
        if given[name] is None:
            given[name] = os.environ.get(variable) or None
    lacking = [name for name, value in given.items() if value is None]
    if len(lacking) == len(given):
        return Team()
    if lacking:
        raise ConfigError(
            "Several processes need `coordinator`, `processes` and `process`, as options or as "
            f"the environment variables {', '.join(VARIABLES.values())}. "
            f"Received: no {', no '.join(lacking)}."
        )
    for name in ("processes", "process"):
        try:
            given[name] = int(given[name])
        except ValueError:
            raise ConfigError(
                f"`{name}` must be a whole number. Received: {name}={given[name]!r}"
            ) from None
    return Team(**given)


@contextmanager
def joined(team: Team) -> Iterator[None]:
    """Connect this process with the others for the time of the block.

    Raises:
        ConfigError: Keras does not run on JAX.
        TrainingError: the others were not there in time, or one of them was lost.
    """
    if team.processes == 1:
        yield
        return
    team.check_backend()
    jax = _connect(team)
    try:
        yield
    except BaseException as error:
        atexit.register(_leave_at_once)
        if not _tells_of_a_lost_process(error, jax):
            raise
        raise TrainingError(
            "A process of this run was lost, so all stop. Start all of them again with --resume: "
            "they go on from the last checkpoint. "
            f"Received: {message_of(error)}"
        ) from error
    jax.distributed.shutdown()


def _tells_of_a_lost_process(error: BaseException, jax: Any) -> bool:
    # Which kind it is depends on what was under way, but the text names the library that connects.
    kinds = (jax.errors.JaxRuntimeError, RuntimeError, ValueError)
    words = ("gloo", "nccl", "coordination service", "connection closed", "connection reset")
    return isinstance(error, kinds) and any(word in str(error).lower() for word in words)


def _leave_at_once() -> None:
    """End the process, as a connection to a process that is lost cannot be closed in order.

    At its own end JAX would wait for that process, and then abort this one.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


def _connect(team: Team) -> Any:
    import jax

    # Between processors; between GPUs JAX takes NCCL, whatever this says.
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    limits = {
        "initialization_timeout": WAIT_SECONDS,
        "heartbeat_timeout_seconds": HEARTBEAT_SECONDS,
        "shutdown_timeout_seconds": LEAVE_SECONDS,
    }
    known = inspect.signature(jax.distributed.initialize).parameters
    _LOGGER.info("Process %d waits for %d processes.", team.process, team.processes)
    try:
        jax.distributed.initialize(
            team.coordinator,
            team.processes,
            team.process,
            **{name: value for name, value in limits.items() if name in known},
        )
    except RuntimeError as error:
        raise TrainingError(
            f"All {team.processes} processes must be started within {WAIT_SECONDS} seconds, with "
            f"the same coordinator. Received: {message_of(error)}"
        ) from error
    return jax


@contextmanager
def folder_of(team: Team, out: Path) -> Iterator[Path]:
    """Give the folder to write: `out` for process 0; for the others one that is thrown away."""
    if team.process == 0:
        yield out
        return
    with tempfile.TemporaryDirectory(prefix="keras-dldl-") as folder:
        yield Path(folder) / "run"


def _told_by_the_first(message: bytes) -> tuple[bytes, bytes]:
    import numpy as np
    from jax.experimental.multihost_utils import broadcast_one_to_all

    size = int(broadcast_one_to_all(np.int32(len(message))))
    content = np.zeros(size, np.uint8)
    if message:
        content[:] = np.frombuffer(message, np.uint8)
    received = np.asarray(broadcast_one_to_all(content)).astype(np.uint8).tobytes()
    return received[:1], received[1:]


def _gathered(digests: list[bytes]) -> list[list[bytes]]:
    import numpy as np
    from jax.experimental.multihost_utils import process_allgather

    own = np.stack([np.frombuffer(digest, np.uint8) for digest in digests])
    return [[row.tobytes() for row in rows] for rows in np.asarray(process_allgather(own))]
