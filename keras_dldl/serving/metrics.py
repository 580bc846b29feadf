"""Counters for Prometheus."""

from collections.abc import Callable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
PREFIX = "keras_dldl"


class Metrics:
    """The counters of one server, which has a registry of its own."""

    def __init__(self):
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self.requests = self._made(Counter, "requests", "Answered requests", "route", "status")
        self.seconds = self._made(
            Histogram, "request_seconds", "Seconds from first byte to answer", "route",
            buckets=SECONDS,
        )  # fmt: skip
        self.refused = self._made(Counter, "refused", "Requests refused", "reason")
        self.disconnected = self._made(
            Counter, "disconnected", "Clients that left before their answer"
        )
        self.batches = self._made(
            Histogram, "batch_faces", "Faces in a forward pass", "model", buckets=BATCHES
        )
        self.in_progress = self._made(Gauge, "requests_in_progress", "Requests being answered")
        self._queues = self._made(
            Gauge, "queue_length", "Faces, photos or bytes that wait", "queue"
        )

    def watch_queue(self, name: str, length: Callable[[], int]) -> None:
        """Show the length of a queue."""
        self._queues.labels(name).set_function(length)

    def page(self) -> bytes:
        """Return the page that Prometheus reads."""
        return generate_latest(self._registry)

    def _made(self, kind: Any, name: str, what: str, *labels: str, **options: Any) -> Any:
        return kind(f"{PREFIX}_{name}", what, labels, registry=self._registry, **options)
