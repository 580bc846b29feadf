"""The one table of sources, and the way to a source of the user's own."""

from keras_dldl.classes import load_class
from keras_dldl.data.sources.aaf import AllAgeFaces
from keras_dldl.data.sources.base import Source
from keras_dldl.data.sources.csv_file import CsvSource
from keras_dldl.data.sources.synthetic import SyntheticSource
from keras_dldl.data.sources.utkface import UTKFace
from keras_dldl.errors import ConfigError

SOURCES: dict[str, type[Source]] = {
    source.name: source for source in (UTKFace, AllAgeFaces, CsvSource, SyntheticSource)
}


def find_source(name: str) -> type[Source]:
    """Return the source of this name, or a class `module:Class` of the user's own.

    The module is looked for in the current folder too.

    Raises:
        ConfigError: there is no such source, module or class, or it is not a `Source`.
    """
    if name in SOURCES:
        return SOURCES[name]
    if ":" not in name:
        raise ConfigError(
            f"A source must be one of {', '.join(SOURCES)}, or `module:Class` for one of your own. "
            f"Received: {name!r}"
        )
    return load_class(name, Source, "source", "keras_dldl.data.sources.Source")
