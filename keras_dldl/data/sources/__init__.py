"""The one table of the data sets that `prepare` reads, and how a source of one's own is found."""

from keras_dldl._utils.arguments import did_you_mean
from keras_dldl._utils.imports import load_class
from keras_dldl.data.sources.aaf import AllAgeFaces
from keras_dldl.data.sources.afad import AFAD
from keras_dldl.data.sources.agedb import AgeDB
from keras_dldl.data.sources.appa_real import AppaReal
from keras_dldl.data.sources.base import Skipped, Source, SourceRows
from keras_dldl.data.sources.benchmark import Benchmark
from keras_dldl.data.sources.cacd import CACD2000
from keras_dldl.data.sources.cfd import CFD
from keras_dldl.data.sources.chalearn import ChaLearn15, ChaLearn16
from keras_dldl.data.sources.fgnet import FGNet
from keras_dldl.data.sources.imdb_clean import ImdbClean
from keras_dldl.data.sources.imdb_wiki import ImdbWiki
from keras_dldl.data.sources.megaage import MegaAgeAsian
from keras_dldl.data.sources.morph import Morph
from keras_dldl.data.sources.own_images import CsvSource, ImageFolder
from keras_dldl.data.sources.scut_fbp import ScutFBP
from keras_dldl.data.sources.scut_fbp5500 import ScutFBP5500
from keras_dldl.data.sources.synthetic import SyntheticSource
from keras_dldl.data.sources.utkface import UTKFace
from keras_dldl.errors import ConfigError

__all__ = ["SOURCES", "Skipped", "Source", "SourceRows", "find_source", "sources_by_group"]

SOURCES: dict[str, type[Source]] = {
    source.name: source
    for source in (
        UTKFace,
        AllAgeFaces,
        ChaLearn15,
        ChaLearn16,
        FGNet,
        Morph,
        AFAD,
        AgeDB,
        CACD2000,
        AppaReal,
        ImdbWiki,
        ImdbClean,
        MegaAgeAsian,
        Benchmark,
        ScutFBP,
        ScutFBP5500,
        CFD,
        ImageFolder,
        CsvSource,
        SyntheticSource,
    )
}


def sources_by_group() -> dict[str, list[str]]:
    """Return the names of the sources by task; those for any images are a group of their own."""
    groups: dict[str, list[str]] = {}
    for name, source in SOURCES.items():
        if source.draws_root:
            group = "drawn faces"
        else:
            group = "your own images" if "grid" in source.options else source().grid().task
        groups.setdefault(group, []).append(name)
    return groups


def find_source(name: str) -> type[Source]:
    """Return the source of this name, or a class `module:Class` of the user's own.

    The module is looked for in the current folder too.

    Raises:
        ConfigError: there is no such source, module or class, or it is not a `Source`.

    >>> find_source("utkface").__name__
    'UTKFace'
    """
    if name in SOURCES:
        return SOURCES[name]
    if ":" not in name:
        raise ConfigError(
            f"A source must be one of {', '.join(SOURCES)}, or `module:Class` for one of your own."
            f"{did_you_mean(name, SOURCES)} Received: {name!r}"
        )
    return load_class(name, Source, "source", "keras_dldl.data.sources.Source")
