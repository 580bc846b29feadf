"""`prepare --strict`: nothing is left out in silence; the first thing that would be, stops it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from keras_dldl.data.sources.base import Skipped
from keras_dldl.errors import DataError

SHOWN = 5


def refuse_skipped(skipped: Sequence[Skipped]) -> None:
    """Raise a DataError that names what was skipped, if anything was."""
    if not skipped:
        return
    named = "; ".join(f"{item.path}: {item.reason}" for item in skipped[:SHOWN])
    more = f"; and {len(skipped) - SHOWN:,} more" if len(skipped) > SHOWN else ""
    raise DataError(
        "With --strict, every image of the data set must be usable; mend or remove those that are "
        f"not, or call without --strict to leave them out. Received: {named}{more}"
    )


def refuse_missing(root: Path, paths: Iterable[str]) -> None:
    """Raise a DataError if there is no file at one of the paths below `root`."""
    refuse_skipped([Skipped(path, "no such file") for path in paths if not (root / path).is_file()])
