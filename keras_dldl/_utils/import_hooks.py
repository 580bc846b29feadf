"""What is done around the import of another package, whoever imports it and when."""

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib.machinery import ModuleSpec
from types import ModuleType


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
