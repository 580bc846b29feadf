"""Connections: heads of requests that are not HTTP, or never end, are refused in good form."""

import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

# A request that was sent before its sender could know that the server ends is read in this time.
LAST_REQUEST_SECONDS = 1.0


class Connection(H11Protocol):
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


def connection_class(head_timeout: float) -> type[Connection]:
    """Return the class of connections whose heads may take so many seconds to arrive."""
    return type("Connection", (Connection,), {"head_timeout": head_timeout})
