"""Models behind HTTP: the client of a server of exported models.

The names are loaded on first use, so that a client loads nothing of a server.
"""

from importlib import import_module
from typing import Any

_MODULE_OF = {
    "Client": "client",
}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
