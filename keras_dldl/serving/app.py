"""The application: its routes, and what happens around every request.

That is its number, its headers, its line in the log, its counters, and the answers to errors.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from keras_dldl._version import __version__
from keras_dldl.faces.detectors import Detector, as_detector
from keras_dldl.serving import photos, rest
from keras_dldl.serving.logs import log
from keras_dldl.serving.options import ServerOptions
from keras_dldl.serving.origins import foreign
from keras_dldl.serving.refusals import ClientGone, Refusal
from keras_dldl.serving.registry import as_table
from keras_dldl.serving.service import Service

PAGE = Path(__file__).parent / "page"
ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ABOUT = (
    "Faces in photos, and what models make of them. For aligned face crops there is TensorFlow "
    "Serving's REST protocol besides, under /v1/models/. Estimates are for research, not for "
    "decisions about people."
)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# What is not one of these is counted as "other": strangers must not make counters.
ROUTES = {
    "/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics",
    "/api/models", "/api/faces", "/api/attention",
}  # fmt: skip
CLIENT_CLOSED = 499


def create_app(
    models: Any, options: ServerOptions | None = None, detector: Detector | str | None = None
) -> FastAPI:
    """Return the ASGI application that serves `models`; `keras-dldl serve` runs it.

    To run it under a server of your own; `app.state.service` has its parts. Its queues and threads
    end with its lifespan.

    Args:
        models: what `load_models` gave, or names with `FaceModel`s or `Network`s of your own.
        options: limits; default `ServerOptions()`.
        detector: what finds faces in photos, see `predict_age`; default: what each model's training
            faces were found by.

    Raises:
        ConfigError: a model's name cannot stand in an address, or there is no model, or no such
            detector.

    >>> from keras_dldl.serving import load_models
    >>> create_app(load_models(["nano-age"])).title
    'keras-dldl'
    """
    if detector is not None:
        detector = as_detector(detector)  # an error here, not in the answer to every photo
    service = Service(as_table(models), options or ServerOptions(), detector)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.close)
        log("closed")

    async def protocol(request: Request) -> Response:
        return await rest.handle(service, request)

    app = FastAPI(
        title="keras-dldl",
        version=__version__,
        description=ABOUT,
        docs_url=None,  # its pages load scripts from elsewhere; ours is page/docs.html
        redoc_url=None,
        openapi_url="/openapi.json",
        lifespan=lifespan,
        exception_handlers=handlers(service),
    )
    app.state.service = service
    app.add_api_route("/v1/{path:path}", protocol, methods=ANY_METHOD, include_in_schema=False)
    _add_photos(app, service)
    _add_probes(app, service)
    _add_page(app)
    if service.options.cors:
        origins = list(service.options.cors)
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
        )
    app.add_middleware(Edge, service=service)  # added last: the outermost
    return app


def _add_photos(app: FastAPI, service: Service) -> None:
    @app.get("/api/models", openapi_extra=photos.MODELS)
    async def models() -> Response:
        """List the models, their labels, and what is known of their errors."""
        return photos.models(service)

    @app.post("/api/faces", openapi_extra=photos.FACES)
    async def faces(request: Request) -> Response:
        """Find the faces in a photo, from left to right.

        The answer has for each its number, value, interval, box, landmarks, warnings, and
        distribution over the labels.
        """
        return await photos.faces(service, request)

    @app.post("/api/attention", openapi_extra=photos.ATTENTION)
    async def attention(request: Request) -> Response:
        """Show where in a face the evidence lies: rows of numbers in [0, 1].

        The corners of the square that they cover are in pixels of the photo.
        """
        return await photos.attention(service, request)


def _add_probes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    async def alive() -> Response:
        """Tell that the process lives."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def ready() -> Response:
        """Tell whether new requests are welcome: status 200, or 503."""
        status = "ok" if service.ready else "stopping"
        return JSONResponse({"status": status}, 200 if service.ready else 503)

    @app.get(
        "/monitoring/prometheus/metrics", include_in_schema=False
    )  # where TensorFlow Serving has it
    @app.get("/metrics")
    async def metrics() -> Response:
        """Give the counters in Prometheus's format."""
        return Response(service.metrics.page(), media_type=METRICS_TYPE)


def _add_page(app: FastAPI) -> None:
    for path, file in (("/", "index.html"), ("/docs", "docs.html")):
        answer = partial(FileResponse, PAGE / file, headers={"Cache-Control": "no-cache"})
        app.add_route(path, lambda request, answer=answer: answer(), include_in_schema=False)

    app.mount("/static", StaticFiles(directory=PAGE), name="static")


class Edge:
    """The outermost layer of the application, around `app`."""

    def __init__(self, app: Any, service: Service):
        self.app = app
        self.service = service

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        """Pass a request inside, and see to it that it gets an answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, seen = time.perf_counter(), {"status": 0, "bytes": 0}
        number = secrets.token_hex(8)

        async def outward(message: dict) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                self._add_headers(MutableHeaders(scope=message), number)
            seen["bytes"] += len(message.get("body", b""))
            await send(message)

        self.service.metrics.in_progress.inc()
        try:
            refusal = foreign(scope, self.service.options)
            answer = refused(self.service, refusal) if refusal else self.app
            await answer(scope, receive, outward)
        except ClientGone:
            seen["status"] = CLIENT_CLOSED
            self.service.metrics.disconnected.inc()
        except Exception as error:
            log("failed", logging.ERROR, exc_info=error, id=number)
            if not seen["status"]:
                refusal = Refusal(500, f"Internal error, number {number}", "failed")
                await refused(self.service, refusal)(scope, receive, outward)
        finally:
            self.service.metrics.in_progress.dec()
            self._finish(scope, seen, time.perf_counter() - start, number)

    def _add_headers(self, headers: MutableHeaders, number: str) -> None:
        headers.update({"X-Request-ID": number, **SECURITY_HEADERS})
        headers.setdefault("Cache-Control", "no-store")
        if self.service.draining:
            headers["Connection"] = "close"

    def _finish(self, scope: dict, seen: dict, seconds: float, number: str) -> None:
        route = _route(scope["path"])
        self.service.metrics.requests.labels(route, str(seen["status"])).inc()
        self.service.metrics.seconds.labels(route).observe(seconds)
        quiet = scope["path"] in ("/healthz", "/readyz", "/metrics")
        log(
            "request",
            logging.DEBUG if quiet else logging.INFO,
            id=number,
            method=scope["method"],
            path=scope["path"],
            status=seen["status"],
            seconds=round(seconds, 4),
            bytes=seen["bytes"],
            model=scope.get("served_model"),
        )


def _route(path: str) -> str:
    if path in ROUTES:
        return path
    for start in ("/v1/", "/static/"):
        if path.startswith(start):
            _, colon, method = path.rpartition(":")
            known = colon and method in ("predict", "classify", "regress")
            return f"{start}:{method}" if known else start
    return "other"


def refused(service: Service, refusal: Refusal) -> JSONResponse:
    """Return the answer to a request that is refused, and count it."""
    service.metrics.refused.labels(refusal.reason).inc()
    return JSONResponse({"error": refusal.message}, refusal.status, refusal.headers)


def handlers(service: Service) -> dict[Any, Any]:
    """Return what turns errors inside the application into answers."""

    async def refuse(request: Request, refusal: Refusal) -> JSONResponse:
        return refused(service, refusal)

    async def not_there(request: Request, error: HTTPException) -> JSONResponse:
        message = f"{error.detail}: {request.method} {request.url.path[:200]}"
        answer = refused(service, Refusal(error.status_code, message, "not_found"))
        answer.headers.update(error.headers or {})
        return answer

    return {Refusal: refuse, HTTPException: not_there}
