"""Folders as data sets unpack into: finding files in them, and saying what is missing."""

import os
from collections.abc import Sequence
from pathlib import Path

from keras_dldl._utils.arguments import first_few
from keras_dldl.errors import DataError

SAMPLED_IMAGES = 200


def files_below(root: Path) -> list[str]:
    """Return the paths of the files below `root`, relative, with `/`, in order of name.

    Hidden files are left out.

    Raises:
        DataError: a folder cannot be read.
    """
    found = []
    for folder, _, names in os.walk(root, onerror=_refuse):
        within = Path(folder).relative_to(root).as_posix()
        prefix = "" if within == "." else f"{within}/"
        found += [prefix + name for name in names if name[0] != "."]
    return sorted(found, key=lambda path: path.split("/"))


def _refuse(error: OSError) -> None:
    raise DataError(
        "Every folder of the data set must be readable. "
        f"Received: {error.filename} ({error.strerror})"
    ) from error


def as_utf8(path: str) -> str:
    r"""Return `path` with escapes for what is not Unicode, as old file names may hold.

    >>> as_utf8("Zoë.jpg"), as_utf8("Zo\udceb.jpg")
    ('Zoë.jpg', 'Zo\\udceb.jpg')
    """
    return path.encode("utf-8", "backslashreplace").decode()


def find_near(root: Path, name: str, depth: int = 2) -> list[Path]:
    """Return the files of this name (or pattern) in `root`, or where there are none, below it.

    Data sets unpack into a folder or two of their own, so people name one of three folders.

    Args:
        root: a folder.
        name: a path relative to the folder sought; may hold `*` and `?`.
        depth: how many folders down to look.
    """
    for level in range(depth + 1):
        found = sorted(root.glob("*/" * level + name))
        if found:
            return found
    return []


def only_one(found: list[Path]) -> Path:
    """Return the only one of the files found, at least one.

    Raises:
        DataError: there are several.
    """
    if len(found) > 1:
        raise DataError(
            "The folder must hold the data set once; name the folder of the one to read. Received: "
            + ", ".join(str(path) for path in found)
        )
    return found[0]


def only_file(
    root: Path, patterns: Sequence[str], wanted: str, option: str = "", given: object = None
) -> Path:
    """Return the only file below `root` whose name matches one of `patterns`.

    Args:
        root: the data set's folder.
        patterns: as of `Path.rglob`.
        wanted: what is looked for, for the error message.
        option: the option that names the file instead, if there is one.
        given: the file that this option names; it is then returned.

    Raises:
        DataError: there is none, or more than one.
    """
    if given:
        return Path(given)
    found = sorted({path for pattern in patterns for path in root.rglob(pattern) if path.is_file()})
    if len(found) == 1:
        return found[0]
    remedy = f" Name it with {option}, or keep exactly one." if option else ""
    state = f"a folder with {entries(root)}"
    if found:
        state = "several: " + first_few([str(path.relative_to(root)) for path in found])
    raise DataError(f"Looked for {wanted}.{remedy} Received: {root}, {state}")


def entries(root: Path) -> str:
    """Return the first few names in a folder, for error messages."""
    return first_few(sorted(path.name for path in root.iterdir())) or "nothing in it"


def not_here(root: Path, wanted: str) -> DataError:
    """Return the error for a folder that does not hold the data set: says what it does hold."""
    try:
        there = entries(root)
    except OSError as error:
        return DataError(f"The folder must be readable. Received: {root} ({error.strerror})")
    return DataError(
        f"The data set is not in this folder. Looked for: {wanted}. Received: {root} with {there}"
    )


def check_images(root: Path, paths: Sequence[str], listing: Path) -> None:
    """Raise a DataError where none of the listed images is there, judging by some hundred of them.

    Single ones may be missing: the row is kept, and `prepare` lists it as unreadable.
    """
    sample = paths[:: max(1, len(paths) // SAMPLED_IMAGES)]
    if not any(os.path.isfile(root / path) for path in sample):
        raise DataError(
            f"The images that {listing.name} lists must be below the root. "
            f"Looked for: {', '.join(sample[:3])} and others. Received: {root} without any of them"
        )
