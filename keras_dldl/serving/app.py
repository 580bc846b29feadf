"""The application: its routes, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware

from keras_dldl.serving import photos, rest
from keras_dldl.serving.edge import Edge, handlers
from keras_dldl.serving.logs import log
from keras_dldl.serving.options import ServerOptions
from keras_dldl.serving.registry import as_table
from keras_dldl.serving.service import Service

PAGE = Path(__file__).parent / "page"
ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def create_app(models: Any, options: ServerOptions | None = None, detector: Any = None) -> FastAPI:
    """Return the ASGI application that serves `models`; `keras-dldl serve` runs it.

    To run it under a server of your own; `app.state.service` has its parts. Its queues and threads
    end with its lifespan.

    Args:
        models: what `load_models` gave, or names with `FaceModel`s or engines of your own.
        options: limits; default `ServerOptions()`.
        detector: what finds faces in photos, see `predict_age`; default: what each model's training
            faces were found by.

    Raises:
        ConfigError: a model's name cannot stand in an address, or there is no model.
    """
    service = Service(as_table(models), options or ServerOptions(), detector)
    app = FastAPI(
        title="keras-dldl",
        docs_url=None,  # its pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan(service),
        exception_handlers=handlers(service),
    )
    app.state.service = service
    _add_protocol(app, service)
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


def _lifespan(service: Service) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.close)
        log("closed")

    return lifespan


def _add_protocol(app: FastAPI, service: Service) -> None:
    @app.api_route("/v1/{path:path}", methods=ANY_METHOD)
    async def protocol(request: Request) -> Response:
        return await rest.handle(service, request)


def _add_photos(app: FastAPI, service: Service) -> None:
    @app.get("/api/models")
    async def models() -> Response:
        return photos.models(service)

    @app.post("/api/faces")
    async def faces(request: Request) -> Response:
        return await photos.faces(service, request)

    @app.post("/api/attention")
    async def attention(request: Request) -> Response:
        return await photos.attention(service, request)


def _add_probes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    async def alive() -> Response:
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def ready() -> Response:
        status = "ok" if service.ready else "stopping"
        return JSONResponse({"status": status}, 200 if service.ready else 503)

    @app.get("/monitoring/prometheus/metrics")  # where TensorFlow Serving has it
    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(service.metrics.page(), media_type=METRICS_TYPE)


def _add_page(app: FastAPI) -> None:
    @app.get("/")
    async def page() -> Response:
        return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})

    app.mount("/static", StaticFiles(directory=PAGE), name="static")
