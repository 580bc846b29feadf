"""Models behind HTTP: the server of `keras-dldl serve`, and the client of any such server.

The names are loaded on first use: the server needs the extra `serve`, the client does not.
"""

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "Client": "client",
    "ServerOptions": "options",
    "create_app": "app",
    "load_models": "registry",
    "serve": "server",
}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
