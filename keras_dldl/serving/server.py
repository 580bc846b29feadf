"""The process: a socket, signals, and an end that leaves no accepted request unanswered."""

import asyncio
import ctypes
import errno
import os
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import uvicorn

from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.serving.app import create_app
from keras_dldl.serving.connections import connection_class
from keras_dldl.serving.logs import log, write_json_logs
from keras_dldl.serving.options import ServerOptions
from keras_dldl.serving.registry import ModelTable, load_models
from keras_dldl.serving.service import Service

DEFAULT_HOST = "127.0.0.1"
# TensorFlow Serving's own port for REST.
DEFAULT_PORT = 8501
KEEP_ALIVE_SECONDS = 30
# Connections that were begun before the server ends are made and taken in this time.
LAST_CONNECTIONS_SECONDS = 0.1
# Linux's socket filter (socket(7)) of five instructions (linux/filter.h: code, two jumps, operand)
# over a TCP header: of the flags at byte 13, SYN without ACK is dropped, all else let through.
SO_ATTACH_FILTER = 26
NO_NEW_CONNECTIONS = (
    (0x30, 0, 0, 13),  # load the byte
    (0x54, 0, 0, 0x12),  # of it SYN and ACK
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),  # drop
    (0x06, 0, 0, 0xFFFFFFFF),  # keep
)
GRACE_SECONDS = 5.0


def serve(
    models: Sequence[str],
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    options: ServerOptions | None = None,
    labels: Sequence[str] = (),
    all_versions: bool = False,
    detector: Any = None,
    on_ready: Callable[[str], Any] | None = None,
) -> None:
    """Serve models until SIGTERM or Ctrl-C; what was accepted by then is answered.

    Args:
        models: see `load_models`.
        host: the address to listen at. The default takes requests from this machine alone.
        port: the port; 0 for any that is free, which the log names.
        options: limits; default `ServerOptions()`.
        labels: see `load_models`.
        all_versions: see `load_models`.
        detector: what finds faces, see `predict_age`; default: each model's own.
        on_ready: is called with the address, once requests are taken.

    Raises:
        ConfigError: a model, a label, a detector or an option is not as it must be.
        ModelFileError: there is no such model.
        OSError: the address is taken, or is not this machine's.
    """
    write_json_logs()
    options = options or ServerOptions()
    if ":" not in host:  # of IPv6: its number is known without
        options = replace(options, allow_hosts=(*options.allow_hosts, host))
    listener = _bound(host, port)
    try:
        table = load_models(models, labels, all_versions)
        _warm_up(table, options.max_batch)
        app = create_app(table, options, detector)
        for one in table.all():
            FaceAligner(one.network.card.alignment, detector).detect([_nobody()])
        config = _config(app, options)
        _run(_Server(config, app.state.service, on_ready), listener)
    finally:
        listener.close()


def _warm_up(table: ModelTable, max_batch: int) -> None:
    for one in table.all():
        one.warm_up(max_batch)
        log("loaded", model=one.name, version=one.version, task=one.network.card.grid.task)


def _nobody() -> Any:
    import numpy as np

    return np.zeros((48, 48, 3), np.uint8)


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; it listens only once the models are loaded."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), f"{host}:{port}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        listener.close()
        number = getattr(error, "errno", None) or errno.EINVAL
        raise OSError(number, os.strerror(number), f"{host}:{port}") from error
    return listener


def _config(app: Any, options: ServerOptions) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=connection_class(options.body_timeout),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(options.timeout + options.body_timeout + GRACE_SECONDS),
        backlog=1024,
    )


class _Server(uvicorn.Server):
    """uvicorn's server, with an end of its own."""

    def __init__(
        self,
        config: uvicorn.Config,
        service: Service,
        on_ready: Callable[[str], Any] | None = None,
    ):
        super().__init__(config)
        self.service = service
        self.on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = sockets[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{port}/"
        log("ready", url=url, pid=os.getpid())
        if self.on_ready:
            self.on_ready(url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log("stopping", requests=len(self.server_state.tasks))
        self.service.draining = True  # from now on every answer closes its connection
        for listener in sockets or []:
            _begin_no_more(listener)
        await asyncio.sleep(LAST_CONNECTIONS_SECONDS)
        await super().shutdown(sockets)
        log("stopped")


def _begin_no_more(listener: socket.socket) -> None:
    """Have no more connections begun: closing a listener resets those that wait to be taken.

    On Linux a client that comes now asks again after a second, and finds the port closed. Elsewhere
    one connection may still wait, and be reset.
    """
    listener.listen(0)
    if sys.platform == "linux":
        program = b"".join(struct.pack("HBBI", *step) for step in NO_NEW_CONNECTIONS)
        kept = ctypes.create_string_buffer(program)
        given = struct.pack("HP", len(NO_NEW_CONNECTIONS), ctypes.addressof(kept))
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, given)


def _run(server: _Server, listener: socket.socket) -> None:
    """Run until a signal. SIGTERM ends in a return, Ctrl-C in KeyboardInterrupt."""

    def stop(number: int, frame: Any) -> None:
        # uvicorn passes the signal on when all is done, which must not end the process by it.
        server.should_exit = True

    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, stop) if is_main else None
    try:
        server.run(sockets=[listener])
    finally:
        if is_main:
            signal.signal(signal.SIGTERM, before)
