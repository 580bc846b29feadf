"""What the routes of a server share: models, queues, counters, and waiting for an answer."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import partial
from typing import Any

import numpy as np
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.requests import Request

from keras_dldl.faces.detectors import Detector
from keras_dldl.faces.images import declared_pixels
from keras_dldl.runtime import Network
from keras_dldl.serving.bodies import BodyReader, disconnected
from keras_dldl.serving.options import ServerOptions
from keras_dldl.serving.queues import WorkQueue, job_done, run_jobs
from keras_dldl.serving.refusals import ClientGone, Refusal
from keras_dldl.serving.registry import ModelTable, Servable

# Finding faces in a photo of more pixels takes seconds, for which small ones do not wait.
LARGE_PHOTO = 500_000
# The borders of histograms.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The counters of one server, which has a registry of its own."""

    def __init__(self):
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        own = {"namespace": "keras_dldl", "registry": registry}
        self.requests = Counter("requests", "Answered requests", ["route", "status"], **own)
        self.seconds = Histogram(
            "request_seconds",
            "Seconds from first byte to answer",
            ["route"],
            buckets=SECONDS,
            **own,
        )
        self.refused = Counter("refused", "Requests refused", ["reason"], **own)
        self.disconnected = Counter("disconnected", "Clients that left before their answer", **own)
        self.batches = Histogram(
            "batch_faces", "Faces in a forward pass", ["model"], buckets=BATCHES, **own
        )
        self.in_progress = Gauge("requests_in_progress", "Requests being answered", **own)
        self._queues = Gauge("queue_length", "Faces, photos or bytes that wait", ["queue"], **own)

    def watch_queue(self, name: str, length: Callable[[], int]) -> None:
        """Show the length of a queue."""
        self._queues.labels(name).set_function(length)

    def page(self) -> bytes:
        """Return the page that Prometheus reads."""
        return generate_latest(self._registry)


class Service:
    """The parts of a running server.

    A few threads read requests and decode their pictures. One searches small photos for faces and
    another large ones, so that small photos never wait for these. Each version of a model runs in
    one of its own, on batches. Each has a bounded queue, from which the smallest work is taken
    first.

    Args:
        models: what is served.
        options: its limits.
        detector: what finds faces in photos, see `predict_age`; None for each model's own.
    """

    def __init__(self, models: ModelTable, options: ServerOptions, detector: Detector | str | None):
        self.models = models
        self.options = options
        self.detector = detector
        self.metrics = Metrics()
        self.bodies = BodyReader(options)
        self.draining = False
        self._decoding = WorkQueue("decoding", run_jobs, options.queue, threads=options.decoders)
        self._photos = WorkQueue("photos", run_jobs, options.photo_queue)
        self._large_photos = WorkQueue("large photos", run_jobs, options.photo_queue)
        self._networks = {(one.name, one.version): self._network_queue(one) for one in models.all()}
        for queue in self._queues():
            self.metrics.watch_queue(queue.name, lambda queue=queue: queue.waiting)
        self.metrics.watch_queue("bodies_bytes", lambda: self.bodies.held)

    @property
    def ready(self) -> bool:
        """Whether new requests are welcome."""
        return not self.draining and all(queue.alive for queue in self._queues())

    def close(self) -> None:
        """Finish what was accepted, and end all threads."""
        for queue in self._queues():
            queue.close()

    async def decode(self, job: Callable[[Callable[[], None]], Any], cost: int) -> Any:
        """Do a job in a thread for reading requests, and return what it gives.

        Args:
            job: calls what it is given between its steps; see `job_done`.
            cost: the bytes to read or the pixels to decode.
        """
        return await job_done(job, self._decoding, cost)

    async def look_at_photo(self, picture: bytes, job: Callable[[Callable[[], None]], Any]) -> Any:
        """Do a job over a photo's file in the thread for its size; see `decode`."""
        most = self.options.max_pixels
        pixels = await self.decode(lambda _: declared_pixels(picture, most), cost=len(picture))
        queue = self._photos if pixels <= LARGE_PHOTO else self._large_photos
        return await job_done(job, queue, pixels)

    async def distributions(self, model: Servable, faces: np.ndarray) -> np.ndarray:
        """Return the distributions, (B, K), of (B, S, S, 3) faces, which go in batches."""
        if not len(faces):
            return np.empty((0, model.network.card.grid.size))
        queue, size = self._networks[model.name, model.version], self.options.max_batch
        parts: list[Future] = []
        try:
            for first in range(0, len(faces), size):
                part = faces[first : first + size]
                parts.append(queue.submit(part, len(part), cost=len(faces)))
            return np.concatenate(await asyncio.gather(*map(asyncio.wrap_future, parts)))
        finally:
            for future in parts:  # where the queue is full, or nobody waits any more
                future.cancel()

    async def answer(self, request: Request, work: Coroutine) -> Any:
        """Wait for work that answers a request, as long as the client waits and time allows.

        Raises:
            Refusal: time is up (504), or what `work` raises.
            ClientGone: the client left.
        """
        task, gone = asyncio.ensure_future(work), asyncio.ensure_future(disconnected(request))
        try:
            await asyncio.wait(
                {task, gone}, timeout=self.options.timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if task.done():
                return task.result()
        finally:
            task.cancel()
            gone.cancel()
        if gone.done() and not gone.cancelled():
            raise ClientGone("The client left before its answer")
        raise Refusal(504, f"No answer within {self.options.timeout:g} seconds", "timeout")

    def _queues(self) -> list[WorkQueue]:
        return [self._decoding, self._photos, self._large_photos, *self._networks.values()]

    def _network_queue(self, model: Servable) -> WorkQueue:
        size = self.options.max_batch
        counter = self.metrics.batches.labels(model.name)
        return WorkQueue(
            f"the model {model.name} version {model.version}",
            partial(_run_network, model.network, counter.observe),
            self.options.queue,
            max_batch=size,
            window=self.options.batch_window,
        )


def _run_network(
    network: Network, observe: Callable[[float], None], requests: list[np.ndarray]
) -> list[np.ndarray]:
    """Run the faces of several requests together; return the distributions of each request."""
    faces = np.concatenate(requests)
    observe(len(faces))
    ends = np.cumsum([len(request) for request in requests])[:-1]
    return np.split(network.distributions(faces, len(faces)), ends)
