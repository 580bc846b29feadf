"""What stands around every request: its number, its headers, its line in the log, its counters."""

import json
import logging
import secrets
import sys
import time
from datetime import datetime, timezone
from ipaddress import ip_address
from typing import Any, TextIO
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from keras_dldl.serving.options import ServerOptions
from keras_dldl.serving.refusals import ClientGone, Refusal
from keras_dldl.serving.service import Service

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
PORTS = {"http": 80, "https": 443}
ELSEWHERE = ("cross-site", "same-site")  # of Sec-Fetch-Site
LOGGER = logging.getLogger("keras_dldl.serving")
# Of paths that strangers send, so much is repeated.
LONGEST_TEXT = 200


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


def foreign(scope: dict, options: ServerOptions) -> Refusal | None:
    """Return why a request is refused that a web page from elsewhere may have made; None if not.

    Such a page reaches a server on this machine by a name of its own that stands for 127.0.0.1
    (DNS rebinding), which `Host` tells; or by its right address, and then browsers tell in `Origin`
    where the page is from, or in `Sec-Fetch-Site` that it is from elsewhere. Programs that are no
    browsers send neither.
    """
    headers = Headers(scope=scope)
    host, origin = headers.get("host"), headers.get("origin")
    if host is not None and not _is_ours(host, (scope.get("server") or [None])[0], options):
        return _forbidden(
            "Host must be localhost, this machine's address in numbers, or a name that the server "
            "was started with: keras-dldl serve --allow-host NAME",
            host,
        )
    if {origin, "*"} & set(options.cors):
        return None
    if origin is None:
        return _unasked(scope, headers)
    scheme = origin.partition("://")[0]
    if scheme in PORTS and _place(origin) == _place(f"{scheme}://{host}"):
        own = scope.get("scheme", "http")
        if scheme == own or scheme == "https" and _is_behind_tls(headers, host, options):
            return None
        return _forbidden(
            f"Origin must be this server itself, {own}://{host}, or one given by --cors; a proxy "
            "that speaks TLS must send X-Forwarded-Proto: https, or have a name that is given by "
            "--allow-host",
            origin,
        )
    return _forbidden("Origin must be this server itself, or one given by --cors", origin)


def _unasked(scope: dict, headers: Headers) -> Refusal | None:
    """Refuse what a page from elsewhere embeds; a link may lead here."""
    site = headers.get("sec-fetch-site", "none")
    is_link = headers.get("sec-fetch-mode") == "navigate" and scope.get("method") in ("GET", "HEAD")
    if site not in ELSEWHERE or is_link or not scope["path"].startswith(("/api/", "/v1/")):
        return None
    allowed = "Sec-Fetch-Site must be same-origin or none, unless an Origin is given by --cors"
    return _forbidden(allowed, site)


def _is_behind_tls(headers: Headers, host: str | None, options: ServerOptions) -> bool:
    """Whether a proxy that speaks TLS passed the request on: no page can send these headers."""
    if headers.get("x-forwarded-proto", "").partition(",")[0].strip() == "https":
        return True
    name = _place(f"//{host}")[0].removesuffix(".")
    return not _is_local(name) and bool(_names(options) & {name, "*"})


def _forbidden(allowed: str, received: str) -> Refusal:
    return Refusal(403, f"{allowed}. Received: {received[:100]}", "forbidden", close=True)


def _place(url: str) -> tuple[str, int | None]:
    """Return host and port; "" where there is none, or it is malformed."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return "", None


def _is_ours(host: str, server: str | None, options: ServerOptions) -> bool:
    name = _place(f"//{host}")[0].removesuffix(".")
    if {name, "*"} & _names(options) or name == server or _is_local(name):
        return True
    try:
        # Nobody can make a number stand for another machine. One of another network may be ours
        # where requests from there can come in at all.
        ip_address(name)
        return not ip_address(server).is_loopback
    except ValueError:
        return False


def _names(options: ServerOptions) -> set[str]:
    return {allowed.lower() for allowed in options.allow_hosts}


def _is_local(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


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


class JsonFormatter(logging.Formatter):
    """Writes a record and its `fields` as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        time = datetime.fromtimestamp(record.created, timezone.utc)
        entry = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


def log(event: str, level: int = logging.INFO, exc_info: Any = None, **fields: Any) -> None:
    """Log an event with its fields."""
    short = {
        key: value[:LONGEST_TEXT] if isinstance(value, str) else value
        for key, value in fields.items()
    }
    LOGGER.log(level, event, exc_info=exc_info, extra={"fields": short})


def write_json_logs(stream: TextIO | None = None) -> None:
    """Have this package and uvicorn log JSON lines to `stream`, default stderr."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    package = logging.getLogger("keras_dldl")
    package.handlers = [handler]
    package.propagate = False
    if package.level == logging.NOTSET:
        package.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers = [handler] if name == "uvicorn" else []
        logger.propagate = name != "uvicorn"
        logger.setLevel(logging.WARNING)
