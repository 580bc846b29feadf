"""`manifest.csv`: a row a face, with path, label and whatever else a data set says of it."""

import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from keras_dldl import files
from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

REQUIRED = ("path", "label")
KNOWN = ("path", "label", "sigma", "split", "subject")
SPLITS = ("train", "val", "test")
SHOWN_PROBLEMS = 10


def read_manifest(path: str | os.PathLike, grid: LabelGrid | None = None) -> "pd.DataFrame":
    """Read a manifest and check every row.

    Args:
        path: a CSV file with the columns `path` (relative to the data set's root, with `/`),
            `label`, optionally `sigma`, `split` (train, val, test), `subject`, and any others.
        grid: where given, labels must lie on its range.

    Returns:
        A frame with `path` str, `label` float64, `sigma` float64 where present, the rest as text
        or numbers.

    Raises:
        DataError: the file cannot be read, a column is missing, or rows are bad; names the lines.
    """
    table = read_table(path)
    problems = row_problems(table, grid)
    if problems:
        raise DataError(_listing(path, problems))
    return _typed(table)


def read_table(path: str | os.PathLike) -> "pd.DataFrame":
    """Read the CSV file as it is, checking only that it is one and has the required columns."""
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype={"path": str, "subject": str, "split": str})
    except FileNotFoundError:
        raise DataError(
            f"There is no manifest at this place. Received: {os.fspath(path)}"
        ) from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(
            "A manifest must be a UTF-8 CSV file with a header line. "
            f"Received: {os.fspath(path)} ({error})"
        ) from error
    missing = [name for name in REQUIRED if name not in table.columns]
    if missing:
        raise DataError(
            f"{os.fspath(path)}: column missing: {', '.join(missing)}. A manifest needs path and "
            "label. "
            f"Received: columns {', '.join(map(str, table.columns))}"
        )
    return table


def row_problems(table: "pd.DataFrame", grid: LabelGrid | None = None) -> dict[int, str]:
    """Return what is wrong with each bad row: index in `table` -> reason (first fault only)."""
    import pandas as pd

    labels = pd.to_numeric(table["label"], errors="coerce")
    problems: dict[int, str] = {}

    def note(mask, reason: Callable[[int], str]) -> None:
        for i in table.index[mask.to_numpy(bool)]:
            problems.setdefault(i, reason(i))

    note(table["path"].isna(), lambda i: "path is empty")
    paths = table["path"].fillna("")
    note(paths.map(_leaves_root), lambda i: f"path leaves the root: {paths[i]!r}")
    note(labels.isna(), lambda i: f"label is not a number: {table['label'][i]!r}")
    if grid is not None:
        outside = ~labels.between(grid.start, grid.stop)
        note(
            outside, lambda i: f"label {labels[i]:g} is off the grid {grid.start:g}...{grid.stop:g}"
        )
    if "sigma" in table:
        sigma = pd.to_numeric(table["sigma"], errors="coerce")
        bad = table["sigma"].notna() & ~(sigma >= 0)
        note(bad, lambda i: f"sigma must be a number >= 0 or empty: {table['sigma'][i]!r}")
    if "split" in table:
        bad = ~(table["split"].isin(SPLITS) | table["split"].isna())
        note(bad, lambda i: f"split must be one of {', '.join(SPLITS)}: {table['split'][i]!r}")
    note(paths.duplicated(), lambda i: f"path occurs twice: {paths[i]!r}")
    return problems


def line_number(index: int) -> int:
    """Return the line of the CSV file that holds row `index`; line 1 is the header."""
    return index + 2


def write_manifest(table: "pd.DataFrame", path: str | os.PathLike) -> None:
    """Write `table` as a manifest, the known columns first, whole or not at all."""
    first = [name for name in KNOWN if name in table.columns]
    rest = [name for name in table.columns if name not in first]
    with files.atomic_path(path) as temporary:
        table[first + rest].to_csv(temporary, index=False, lineterminator="\n")


def _leaves_root(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/"))
    return parts.is_absolute() or ".." in parts.parts or Path(path).is_absolute()


def _listing(path: str | os.PathLike, problems: dict[int, str]) -> str:
    lines = [f"line {line_number(i)}: {why}" for i, why in sorted(problems.items())]
    more = f"; and {len(lines) - SHOWN_PROBLEMS} more" if len(lines) > SHOWN_PROBLEMS else ""
    count = f"{len(lines)} bad row" + ("s" if len(lines) > 1 else "")
    return f"{os.fspath(path)}: {count}: {'; '.join(lines[:SHOWN_PROBLEMS])}{more}"


def _typed(table: "pd.DataFrame") -> "pd.DataFrame":
    numbers = {name: "float64" for name in ("label", "sigma") if name in table}
    return table.astype(numbers)
