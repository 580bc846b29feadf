"""What a server allows: sizes, waiting times, queues."""

from dataclasses import dataclass

from keras_dldl._utils.arguments import check_integer, check_number
from keras_dldl.errors import ConfigError

DEFAULT_HOST = "127.0.0.1"
# TensorFlow Serving's own port for REST.
DEFAULT_PORT = 8501
# A quarter of what `predict` reads: a server decodes pictures from strangers, several at a time.
MAX_PIXELS = 25_000_000
# What JPEG files in the largest body have; PNG files of one colour could have 100 times as many.
MAX_REQUEST_PIXELS = 4 * MAX_PIXELS
MEGABYTE = 1_000_000
# What all requests together may hold of bodies that wait.
BODIES_HELD = 16


@dataclass(frozen=True)
class ServerOptions:
    """The limits of a server.

    Args:
        max_body_bytes: largest request body.
        max_pixels: largest picture that is decoded.
        max_request_pixels: of all pictures of one request together.
        max_batch: faces in one forward pass.
        batch_window: seconds that the first face of a batch waits for others.
        queue: faces that wait for one model; also the most instances of one request.
        photo_queue: photos that wait for the face detector, small and large ones each.
        decoders: threads that read requests and decode pictures.
        timeout: seconds from a request's last byte to its answer.
        body_timeout: seconds that a request's head, and then its body, may take to arrive; a body
            has a second more for every 50 kB that have come.
        cors: origins whose pages may call this server; "*" for all, default none.
        allow_hosts: names, without a port, by which this server may be called besides those of this
            machine; "*" for all.

    Raises:
        ConfigError: a number is out of range, or a name is an address.
    """

    max_body_bytes: int = 20 * MEGABYTE
    max_pixels: int = MAX_PIXELS
    max_request_pixels: int = MAX_REQUEST_PIXELS
    max_batch: int = 32
    batch_window: float = 0.002
    queue: int = 256
    photo_queue: int = 16
    decoders: int = 2
    timeout: float = 30.0
    body_timeout: float = 10.0
    cors: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()

    def __post_init__(self):
        for name in ("max_body_bytes", "max_pixels", "max_request_pixels", "max_batch", "queue",
                     "photo_queue", "decoders"):  # fmt: skip
            check_integer(name, getattr(self, name), minimum=1)
        check_number("batch_window", self.batch_window, minimum=0)
        for name in ("timeout", "body_timeout"):
            check_number(name, getattr(self, name), minimum=0, exclusive=True)
        for name in self.allow_hosts:
            if not name or set(name) & set("/: "):
                raise ConfigError(
                    "`allow_hosts` must be names alone, as faces.example.org, or *. "
                    f"Received: {name!r}"
                )
