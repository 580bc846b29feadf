"""Importing by name: classes of the user's own, and what surrounds the import of a package."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from keras_dldl._utils.arguments import did_you_mean, first_few
from keras_dldl.errors import ConfigError, KerasDLDLError


def load_class(name: str, base: type, kind: str, public: str) -> type:
    """Return the class that `name`, `module:Class`, means; the current folder is searched, too.

    Args:
        name: `module:Class`.
        base: what the class must be derived from, else a ConfigError is raised.
        kind: what it is, for the messages: "source", "method".
        public: the full name of `base` under which users import it, for the messages.

    >>> load_class("keras_dldl.errors:DataError", Exception, "problem", "Exception").__name__
    'DataError'
    """
    place, _, attribute = name.partition(":")
    module = _module(place, name, kind)
    found = getattr(module, attribute, None)
    if not (isinstance(found, type) and issubclass(found, base)):
        derived = "" if base is object else f" derived from {public}"
        there = [
            one
            for one, value in vars(module).items()
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == place
        ]
        what = f"which is {found!r}"
        if not hasattr(module, attribute):
            classes = f"{place} has the classes: {first_few(there) or 'none'}"
            what = f"but there is no {attribute!r} in {place}; {classes}"
        raise ConfigError(
            f"A {kind} of your own must be a class{derived}.{did_you_mean(attribute, there)} "
            f"Received: {name!r}, {what}"
        )
    return found


def make(found: type, kind: str, **options: Any) -> Any:
    """Return an object of a class of the user's own.

    Raises:
        ConfigError: it cannot be made.
        KerasDLDLError: an error of this package that its own code raised.
    """
    try:
        return found(**options)
    except KerasDLDLError:
        raise
    except (Exception, SystemExit) as error:  # `sys.exit` must not end the command unheard
        by = f"by {', '.join(options)}" if options else "without arguments"
        raise ConfigError(
            f"The class of a {kind} must be made {by}. Received: "
            f"{found.__module__}:{found.__qualname__}, whose __init__ failed "
            f"({type(error).__name__}: {error})"
        ) from error


def _module(module: str, name: str, kind: str) -> ModuleType:
    sys.path.insert(0, "")  # the current folder, as for `python -m`
    try:
        return import_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's own code raises
        why = str(error)
        if not isinstance(error, (ImportError, ValueError)) or not why:
            why = f"{type(error).__name__}: {error}".removesuffix(": ")
        if isinstance(error, ModuleNotFoundError) and error.name == module.partition(".")[0]:
            why += "; the current folder and the folders of PYTHONPATH were searched"
        raise ConfigError(
            f"The module of a {kind} must be importable. Received: {name!r} ({why})"
        ) from error
    finally:
        sys.path.remove("")


def around_import(package: str, context: Callable[[], AbstractContextManager]) -> None:
    """Have `package` loaded inside `context()` once it is imported; do not load it now."""
    known = (one for one in sys.meta_path if isinstance(one, _Finder))
    if not any(finder.package == package for finder in known):
        sys.meta_path.insert(0, _Finder(package, context))


class _Finder:
    """Finds a package as the other finders do, and has it loaded inside a context."""

    def __init__(self, package: str, context: Callable[[], AbstractContextManager]):
        self.package, self._context = package, context

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.package:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_inside(module: ModuleType) -> None:
                with self._context():
                    load(module)

            spec.loader.exec_module = load_inside
        return spec
