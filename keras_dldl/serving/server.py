"""The process: a socket, signals, and an end that leaves no accepted request unanswered."""

import asyncio
import errno
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import h11
import numpy as np
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from keras_dldl.faces.aligner import FaceAligner
from keras_dldl.faces.detectors import Detector, as_detector
from keras_dldl.serving.app import create_app
from keras_dldl.serving.logs import log, write_json_logs
from keras_dldl.serving.options import DEFAULT_HOST, DEFAULT_PORT, ServerOptions
from keras_dldl.serving.registry import as_table, load_models
from keras_dldl.serving.service import Service

KEEP_ALIVE_SECONDS = 30
# Connections that were begun before the server ends are taken in this time.
LAST_CONNECTIONS_SECONDS = 0.1
GRACE_SECONDS = 5.0
# A request that was sent before its sender could know that the server ends is read in this time.
LAST_REQUEST_SECONDS = 1.0


def serve(
    models: Any,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    options: ServerOptions | None = None,
    labels: Sequence[str] = (),
    all_versions: bool = False,
    detector: Detector | str | None = None,
    on_ready: Callable[[str], Any] | None = None,
) -> None:
    """Serve models until SIGTERM or Ctrl-C; what was accepted by then is answered.

    Args:
        models: see `load_models`; or what `create_app` takes.
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
    detector = None if detector is None else as_detector(detector)  # before a model is loaded
    if ":" not in host:  # of IPv6: its number is known without
        options = replace(options, allow_hosts=(*options.allow_hosts, host))
    listener = _bound(host, port)
    try:
        is_named = isinstance(models, (list, tuple))
        table = load_models(models, labels, all_versions) if is_named else as_table(models)
        for one in table.all():
            one.warm_up(options.max_batch)
            log("loaded", model=one.name, version=one.version, task=one.network.card.grid.task)
        app = create_app(table, options, detector)
        nobody = np.zeros((48, 48, 3), np.uint8)
        for one in table.all():
            FaceAligner(one.network.card.alignment, detector).detect([nobody])
        config = _config(app, options)
        _run(_Server(config, app.state.service, on_ready), listener)
    finally:
        listener.close()


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
        http=type("Connection", (_Connection,), {"head_timeout": options.body_timeout}),
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


class _Connection(H11Protocol):
    """A connection; seconds that the head of a request may take to arrive are the class's."""

    head_timeout = 10.0
    _timer: Any = None

    def connection_made(self, transport: Any) -> None:
        """Begin to watch the time."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop watching."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass data on, and watch the time of what may be the beginning of a head."""
        super().data_received(data)
        if self._in_request():
            self._unwatch()
        elif self._timer is None:
            self._watch()

    def shutdown(self) -> None:
        """End when what is being asked is answered; wait a moment for what is on its way."""
        if self._in_request():
            super().shutdown()
        else:
            self.loop.call_later(LAST_REQUEST_SECONDS, self._end)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(400, msg)

    def _end(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()

    def _in_request(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        self._timer = self.loop.call_later(self.head_timeout, self._too_slow)

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self.transport.is_closing() or self._in_request():
            return
        if self.conn.trailing_data[0]:  # part of a head
            self._refuse(408, "The head of the request did not arrive in time")
        elif self.cycle is None:  # after an answer, uvicorn's own timer watches
            self.transport.close()

    def _refuse(self, status: int, message: str) -> None:
        body = json.dumps({"error": message}).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        try:
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event))
        except h11.LocalProtocolError:  # in the middle of an answer: nothing more can be said
            pass
        self.transport.close()


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
            listener.listen(0)  # closing it resets the connections that wait to be taken
        await asyncio.sleep(LAST_CONNECTIONS_SECONDS)
        await super().shutdown(sockets)
        log("stopped")


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
