"""Folders as data sets unpack into: finding files in them, and saying what is missing."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_dldl.errors import DataError

SHOWN_ENTRIES = 5
SAMPLED_IMAGES = 200


def files_below(root: Path) -> list[str]:
    """Return the files below `root`, hidden ones left out, in order of name.

    Args:
        root: a folder.

    Returns:
        Paths relative to `root`, with `/`.

    Raises:
        DataError: a folder cannot be read.
    """
    found = []
    for folder, _, names in os.walk(root, onerror=_refuse):
        within = Path(folder).relative_to(root).as_posix()
        prefix = "" if within == "." else f"{within}/"
        found += [prefix + name for name in names if name[0] != "."]
    return sorted(found, key=lambda path: path.split("/"))


def as_utf8(path: str) -> str:
    r"""Return `path` with escapes for what is not Unicode, as old file names may hold.

    >>> as_utf8("Zoë.jpg"), as_utf8("Zo\udceb.jpg")
    ('Zoë.jpg', 'Zo\\udceb.jpg')
    """
    return path.encode("utf-8", "backslashreplace").decode()


def _refuse(error: OSError) -> None:
    raise DataError(
        "Every folder of the data set must be readable. "
        f"Received: {error.filename} ({error.strerror})"
    ) from error


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


def listings_of_parts(root: Path, names: Mapping[str, str], wanted: str) -> list[tuple[str, Path]]:
    """Return the part and the place of each listing of a data set that lists its parts apart.

    Args:
        root: a folder.
        names: part to the name of its listing, as for `find_near`; some parts may be missing.
        wanted: what should be there, for the error message.

    Raises:
        DataError: there is no such listing, or one of them is there several times.
    """
    found = {part: find_near(root, name) for part, name in names.items()}
    listings = [(part, only_one(places)) for part, places in found.items() if places]
    if not listings:
        raise not_here(root, wanted)
    return listings


def not_here(root: Path, wanted: str) -> DataError:
    """Return the error for a folder that does not hold the data set: says what it does hold."""
    try:
        entries = sorted(path.name for path in root.iterdir())
    except OSError as error:
        return DataError(f"The folder must be readable. Received: {root} ({error.strerror})")
    shown = ", ".join(entries[:SHOWN_ENTRIES]) if entries else "nothing in it"
    more = f" and {len(entries) - SHOWN_ENTRIES} more" if len(entries) > SHOWN_ENTRIES else ""
    return DataError(
        f"The data set is not in this folder. Looked for: {wanted}. "
        f"Received: {root} with {shown}{more}"
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
