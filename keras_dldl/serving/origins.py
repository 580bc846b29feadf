"""Who may call: what a web page from elsewhere has a browser send is refused."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from keras_dldl.serving.options import ServerOptions
from keras_dldl.serving.refusals import Refusal

PORTS = {"http": 80, "https": 443}
ELSEWHERE = ("cross-site", "same-site")  # of Sec-Fetch-Site


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
