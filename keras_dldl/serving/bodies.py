"""Reading request bodies: not too large, not too slow, not too many at a time; their pictures."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from keras_dldl.serving.options import BODIES_HELD, ServerOptions
from keras_dldl.serving.refusals import ClientGone, Refusal, bad_request, busy

# A sender gains a second per this many bytes: slower ones are cut off.
SLOWEST_BYTES_PER_SECOND = 50_000
# One whose body is refused must be faster to be read to its end, and is read no further than that.
DROPPED_BYTES_PER_SECOND = 2_000_000
MOST_DROPPED = 200_000_000
# Says on stderr what we answer to the sender, between the lines of our log.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())
FORM = "multipart/form-data"
FIELDS = ("image", "file", "photo")
MOST_PARTS = 1000  # of a form: Python reads each
AS_A_FORM = "it must be multipart/form-data, as `curl -F image=@photo.jpg` sends it."


@dataclass
class _Taken:
    """Bytes of one body: those that were kept, and those read for the sender's sake alone."""

    kept: int = 0
    dropped: int = 0

    def seconds_more(self) -> float:
        """Return the seconds that a sender has earned by what it sent."""
        dropped = min(self.dropped, MOST_DROPPED)
        return self.kept / SLOWEST_BYTES_PER_SECOND + dropped / DROPPED_BYTES_PER_SECOND


class BodyReader:
    """Reads the bodies of all requests of a server, and knows how many bytes of them it holds.

    Args:
        options: the limits.
    """

    def __init__(self, options: ServerOptions):
        self._most = options.max_body_bytes
        self._seconds = options.body_timeout
        self._room = BODIES_HELD * options.max_body_bytes
        self.held = 0

    @asynccontextmanager
    async def body(self, request: Request) -> AsyncIterator[bytes]:
        """Give the body of a request, and count its bytes as held until the block ends.

        Raises:
            Refusal: it is too large (413), comes too slowly (408), is encoded (415), has a length
                that is no number (400), or there is no room for it now (503).
            ClientGone: the connection was closed before all of it had come.
        """
        encoding = request.headers.get("content-encoding", "identity")
        if encoding.lower() not in ("identity", ""):
            message = f"A body must be sent as it is. Received: Content-Encoding {encoding[:40]}"
            raise Refusal(415, message, close=True)
        taken = _Taken()
        try:
            yield await self._read(request, taken)
        finally:
            self.held -= taken.kept

    async def _read(self, request: Request, taken: _Taken) -> bytes:
        declared = _declared_length(request)
        expects = request.headers.get("expect", "").lower() == "100-continue"
        if declared > self._most and expects:
            raise self._too_large()  # before it is sent
        refusal = self._too_large() if declared > self._most else None
        chunks: list[bytes] = []
        try:
            async for chunk in self._chunks(request, taken):
                if refusal is None:
                    refusal = self._no_room(taken.kept, len(chunk))
                if refusal is None:
                    self.held += len(chunk)
                    taken.kept += len(chunk)
                    chunks.append(chunk)
                else:
                    # Read on, keeping nothing: who still sends would not see the answer.
                    taken.dropped += len(chunk)
                    chunks.clear()
        except Refusal as slow:
            raise refusal or slow from None
        if refusal is not None:
            raise refusal
        return b"".join(chunks)

    async def _chunks(self, request: Request, taken: _Taken) -> AsyncIterator[bytes]:
        start, more = time.monotonic(), True
        while more:
            end = start + self._seconds + taken.seconds_more()
            try:
                message = await asyncio.wait_for(request.receive(), end - time.monotonic())
            except asyncio.TimeoutError:
                message = (
                    f"The body must arrive in {self._seconds:g} seconds and those that its size "
                    f"takes; it did not arrive in time. Received: {taken.kept} bytes"
                )
                raise Refusal(408, message, "slow", close=True) from None
            if message["type"] == "http.disconnect":
                raise ClientGone("The client left while it sent its request")
            more = message.get("more_body", False)
            yield message.get("body", b"")

    def _no_room(self, taken: int, more: int) -> Refusal | None:
        if taken + more > self._most:
            return self._too_large()
        return busy("The memory for bodies") if self.held + more > self._room else None

    def _too_large(self) -> Refusal:
        text = (
            f"A body may have {self._most} bytes. Send a smaller picture, or less at once, or "
            "start the server with a larger --max-body. Received: more"
        )
        return Refusal(413, text, "too_large", close=True)


def _declared_length(request: Request) -> int:
    text = request.headers.get("content-length", "0")
    if not text.isdecimal():
        raise bad_request(f"Content-Length must be a number. Received: {text[:40]}")
    return int(text)


async def disconnected(request: Request) -> None:
    """Wait until the client of a request whose body is read goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def picture_in(request: Request, body: bytes) -> bytes:
    """Return the bytes of the picture in a body; nothing is written to a disk.

    Of a form (multipart/form-data) it is the field `image`, `file` or `photo`; any other body is
    the picture itself.

    Raises:
        Refusal: the form is damaged, or has no such field.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != FORM.encode():
        return body
    boundary = options.get(b"boundary", b"")
    parts = body.count(b"--" + boundary)
    if parts > MOST_PARTS:
        raise bad_request(f"A form may have {MOST_PARTS} parts. Received: {parts} boundaries")
    fields: dict[str, bytes] = {}
    ended: list[bool] = []

    def keep(field: Any, content: bytes | None) -> None:
        fields.setdefault((field.field_name or b"").decode("utf-8", "replace"), content or b"")

    def keep_file(file: Any) -> None:
        file.file_object.seek(0)
        keep(file, file.file_object.read())

    try:
        parser = FormParser(
            FORM,
            lambda field: keep(field, field.value),
            keep_file,
            lambda: ended.append(True),
            boundary,
            config={"MAX_MEMORY_FILE_SIZE": math.inf},
        )
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise bad_request(f"The form is damaged; {AS_A_FORM} Received: {error}") from None
    if not ended:
        raise bad_request(
            f"The form is cut short; {AS_A_FORM} Received: {len(body)} bytes without the last "
            "boundary"
        )
    for name in FIELDS:
        if name in fields:
            return fields[name]
    raise bad_request(
        f"A form must have a field named {', '.join(FIELDS)} with a picture. "
        f"Received: {len(fields)} other fields"
    )
