"""The pages of the Python reference: which names stand where. Docstrings say the rest."""

from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from keras_dldl.data.sources import SOURCES
from website.pages import ROOT

if TYPE_CHECKING:  # of the extra `docs`
    import griffe

# A page: its title, and of each module the names it shows; None: all public ones.
PAGES: dict[str, tuple[str, dict[str, tuple[str, ...] | None]]] = {
    "predict": (
        "Predicting",
        {"predict": None, "predict.drawing": ("annotate", "plot_distribution")},
    ),
    "labels": (
        "Label grids and label maths",
        {"labels": ("LabelGrid",), "ops": None, "ranking": None},
    ),
    "losses": ("Losses", {"losses": None}),
    "metrics": ("Metrics", {"metrics": None}),
    "layers": ("Layers", {"layers": None}),
    "methods": ("Methods", {"methods": None}),
    "models": ("Models", {"models": None}),
    "faces": ("Faces", {"faces": None}),
    "data": (
        "Data",
        {
            "data.manifest": ("read_manifest", "write_manifest"),
            "data.prepare": None,
            "data.prepared": ("PreparedData",),
            "data.sources": ("Source", "SourceRows", "Skipped", "find_source"),
            "data.pipeline": ("training_dataset", "evaluation_dataset"),
            "data.augment": None,
            "data.augment.layer": ("FaceAugmentation",),
            "data.synthetic": None,
            "data.people": None,
            "check": None,
        },
    ),
    "sources": (
        "Published data sets",
        {
            module.removeprefix("keras_dldl."): tuple(source.__name__ for source in sources)
            for module, sources in groupby(SOURCES.values(), attrgetter("__module__"))
        },
    ),
    "training": ("Training", {"training": None}),
    "comparison": ("Comparing", {"comparison": None}),
    "evaluation": ("Evaluation and calibration", {"evaluation": None, "calibration": None}),
    "explain": ("Explaining", {"explain": None}),
    "export": ("Export and import", {"export": None, "importing": None}),
    "runtime": ("Networks and what runs them", {"runtime": None}),
    "serving": (
        "Serving",
        {
            "serving.client": ("Client",),
            "serving.options": ("ServerOptions",),
            "serving.app": ("create_app",),
            "serving.registry": ("load_models",),
            "serving.server": ("serve",),
        },
    ),
    "benchmark": ("Benchmark", {"benchmark": None}),
    "errors": ("Errors", {"errors": None}),
}


def reference_pages() -> dict[str, str]:
    """Return the pages by their paths on the site."""
    pages = {f"reference/{name}.md": page(*content) for name, content in PAGES.items()}
    return {"reference/index.md": index(), **pages}


def page(title: str, modules: dict[str, tuple[str, ...] | None]) -> str:
    """Return a page: what each module is for, and a line a name, which mkdocstrings fills in."""
    lines = [f"# {title}\n"]
    for module, wanted in modules.items():
        about = loaded(module).docstring
        lines += [f"`keras_dldl.{module}`: {about.value.splitlines()[0]}\n" if about else ""]
        lines += [f"::: {path_of(module, name)}\n" for name in wanted or public(module)]
    return "\n".join(lines)


def index() -> str:
    """Return the page of the names that `import keras_dldl` offers, and of all other pages."""
    rows = [f"| [`{name}`][{paths()[name]}] | {summary(paths()[name])} |" for name in top_names()]
    pages = [f"- [{title}]({name}.md)" for name, (title, _) in PAGES.items()]
    return "\n".join(
        [
            "# Python reference\n",
            "Written from the docstrings. `import keras_dldl` offers these names, and loads what",
            "is behind each on first use:\n",
            "| name | |\n|---|---|",
            *rows,
            "\nThe rest is grouped as the folders of the package are:\n",
            *pages,
            "",
        ]
    )


@cache
def paths() -> dict[str, str]:
    """Return the full path of every name that the reference has, by the name alone."""
    return {
        name: path_of(module, name)
        for _, modules in PAGES.values()
        for module, wanted in modules.items()
        for name in wanted or public(module)
    }


def top_names() -> list[str]:
    """Return `keras_dldl.__all__` without the version."""
    import keras_dldl

    return [name for name in keras_dldl.__all__ if name != "__version__"]


def public(module: str) -> tuple[str, ...]:
    """Return the names of `__all__`, or else the functions and classes made in the module."""
    found = loaded(module)
    if found.exports:
        return tuple(str(name) for name in found.exports)
    own = [*found.classes.values(), *found.functions.values()]
    return tuple(item.name for item in own if item.is_public and not item.is_alias)


def path_of(module: str, name: str) -> str:
    """Return the path by which a name is best imported: from the top, if it is offered there.

    Of a file and of what is in it under the same name, the second is meant.
    """
    if name in top_names():
        return f"keras_dldl.{name}"
    is_file = loaded(module).members[name].is_module
    return f"keras_dldl.{module}.{name}" + (f".{name}" if is_file else "")


def summary(path: str) -> str:
    """Return the first line of a docstring."""
    found = package()[path.removeprefix("keras_dldl.")].docstring
    return found.value.splitlines()[0] if found else ""


def loaded(module: str) -> "griffe.Module":
    """Return what griffe reads of a module."""
    return package()[module]


@cache
def package() -> "griffe.Module":
    """Return the package as griffe reads it, without importing it."""
    import griffe

    return griffe.load("keras_dldl", search_paths=[str(ROOT)], resolve_aliases=True)
