"""Classes of the user's own, named `module:Class`: one way to find them, whatever they extend."""

import sys
from importlib import import_module
from types import ModuleType

from keras_dldl.errors import ConfigError


def load_class(name: str, base: type, kind: str, public: str) -> type:
    """Return the class that `name` means.

    The module is looked for in the current folder too.

    Args:
        name: `module:Class`.
        base: what the class must be derived from.
        kind: what it is, for the messages: "source", "method".
        public: the full name of `base` under which users import it, for the messages.

    Raises:
        ConfigError: there is no such module or class, or it is not derived from `base`.

    >>> load_class("keras_dldl.errors:DataError", Exception, "problem", "Exception").__name__
    'DataError'
    """
    module, _, attribute = name.partition(":")
    found = getattr(_module(module, name, kind), attribute, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        derived = "" if base is object else f" derived from {public}"
        raise ConfigError(
            f"A {kind} of your own must be a class{derived}. Received: {name!r}, which is {found!r}"
        )
    return found


def _module(module: str, name: str, kind: str) -> ModuleType:
    sys.path.insert(0, "")  # the current folder, as for `python -m`
    try:
        return import_module(module)
    except (ImportError, ValueError) as error:  # ValueError: the name of the module is empty
        raise ConfigError(
            f"The module of a {kind} must be importable. Received: {name!r} ({error})"
        ) from error
    finally:
        sys.path.remove("")
