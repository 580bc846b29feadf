"""Any images, described by a CSV file in the form of a manifest."""

from pathlib import Path

from keras_dldl.data.manifest import (
    line_number,
    read_manifest,
    read_table,
    row_problems,
    typed,
)
from keras_dldl.data.sources.base import Skipped, Source, SourceRows, check_folder
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.labels import LabelGrid, grid_named


class CsvSource(Source):
    """Images below a root, listed in a CSV file with the columns `path` and `label`.

    Optional columns: `sigma` (the annotators' standard deviation), `split` (train, val, test),
    `subject` (an identity; one subject never stands in two parts), `landmarks` (x1 y1 ... x5 y5,
    see `data.given_landmarks`), any others (kept for groups).

    Args:
        csv: the file; default: the only `.csv` file in the root.
        grid: the grid the labels must lie on: "age", "scut-fbp", "cfd", or a `LabelGrid`.
        on_bad_row: "fail" stops at bad rows, "skip" leaves them out and lists them.
    """

    name = "csv"
    summary = "any images, with a CSV file of path,label[,sigma,split,subject,...]"
    licence = "your own images"
    options = ("csv", "grid", "on_bad_row")

    def __init__(
        self,
        csv: str | Path | None = None,
        grid: LabelGrid | str = "age",
        on_bad_row: str = "fail",
    ):
        if on_bad_row not in ("fail", "skip"):
            raise ConfigError(f"`on_bad_row` must be fail or skip. Received: {on_bad_row!r}")
        self.csv = csv
        self.on_bad_row = on_bad_row
        self._grid = grid_named(grid) if isinstance(grid, str) else grid

    def grid(self) -> LabelGrid:
        """Return the grid given."""
        return self._grid

    def read(self, root: Path) -> SourceRows:
        """Return the rows of the CSV file; bad ones are an error unless told to skip them."""
        check_folder(root, "the images that the CSV file names")
        path = Path(self.csv) if self.csv else _only_csv(root)
        if self.on_bad_row == "fail":
            table = read_manifest(path, self._grid)
            _check_not_empty(path, len(table))
            return SourceRows(table.reset_index(drop=True))
        return self._without_bad_rows(path)

    def _without_bad_rows(self, path: Path) -> SourceRows:
        table = read_table(path)
        problems = row_problems(table, self._grid)
        good = table.drop(index=list(problems)).reset_index(drop=True)
        _check_not_empty(path, len(good))
        skipped = [
            Skipped(str(table["path"][i]), f"line {line_number(i)}: {reason}")
            for i, reason in sorted(problems.items())
        ]
        return SourceRows(typed(good), skipped)


def _check_not_empty(path: Path, count: int) -> None:
    if count == 0:
        raise DataError(f"A CSV file must have at least one usable row. Received: {path} with none")


def _only_csv(root: Path) -> Path:
    found = sorted(root.glob("*.csv"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise DataError(
            "Name the CSV file with --csv, or keep exactly one in the root. "
            f"Received: {names} in {root}"
        )
    return found[0]
