"""The application: its routes, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware

from keras_dldl._version import __version__
from keras_dldl.serving import photos, rest
from keras_dldl.serving.edge import Edge, handlers, log
from keras_dldl.serving.options import ServerOptions
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


def create_app(models: Any, options: ServerOptions | None = None, detector: Any = None) -> FastAPI:
    """Return the ASGI application that serves `models`; `keras-dldl serve` runs it.

    To run it under a server of your own; `app.state.service` has its parts. Its queues and threads
    end with its lifespan.

    Args:
        models: what `load_models` gave, or names with `FaceModel`s or `Network`s of your own.
        options: limits; default `ServerOptions()`.
        detector: what finds faces in photos, see `predict_age`; default: what each model's training
            faces were found by.

    Raises:
        ConfigError: a model's name cannot stand in an address, or there is no model.
    """
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
            CORSMiddleware, allow_origins=origins, allow_methods=["GET", "POST"],
            allow_headers=["Content-Type"],
        )  # fmt: skip
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
