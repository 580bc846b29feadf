"""Rows of a listing, checked a column at a time, so that large ones take seconds."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.data.annotations.objects import OLDEST
from keras_dldl.data.annotations.reading import numbers_in
from keras_dldl.data.sources.base import Skipped, SourceRows
from keras_dldl.data.sources.skipped import in_words
from keras_dldl.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

log = logging.getLogger(__name__)


class Rows:
    """The rows of a listing; those found bad are left out, each with the first fault found.

    Args:
        columns: of the manifest, `path` among them, of one length; None for what is not known.
        listing: the file they come from, for messages.
        lines: the line of the listing on which each row stands, where it has lines.
    """

    def __init__(self, columns: dict[str, Any], listing: Path, lines: Sequence[int] | None = None):
        import pandas as pd

        self.table = pd.DataFrame(columns)
        self.listing = listing
        self.lines = lines
        self._faults: dict[int, str] = {}

    def note(self, bad: "np.ndarray | pd.Series", fault: str | Sequence[str]) -> None:
        """Note `fault`, one text or one for each row, where `bad` is true."""
        import numpy as np

        for i in np.flatnonzero(np.asarray(bad, bool)).tolist():
            self._faults.setdefault(i, fault if isinstance(fault, str) else fault[i])

    def read_numbers(self, column: str, texts: Sequence[str], what: str) -> None:
        """Fill a column with the numbers that `texts` hold; note those that hold none."""
        self.table[column] = numbers = numbers_in(texts)
        bad = numbers.isna()
        self.note(bad, [f"{what} is not a number: {text!r}" for text in texts] if bad.any() else "")

    def check_ages(self) -> None:
        """Note labels that no age in years can have."""
        ages = self.table["label"]
        bad = ~ages.between(0, OLDEST)
        texts = [f"age {age:g} is outside 0...{OLDEST:g}" for age in ages] if bad.any() else ""
        self.note(bad, texts)

    def result(self) -> SourceRows:
        """Return the good rows, without columns of which nothing is known, and the bad ones.

        Raises:
            DataError: there is no good row; says what is wrong with the others.
        """
        skipped = [self._skipped(i, fault) for i, fault in sorted(self._faults.items())]
        good = self.table.drop(index=list(self._faults)).reset_index(drop=True)
        if good.empty:
            raise DataError(f"{self.listing}: no usable row. Received: {in_words(skipped)}")
        return SourceRows(good.dropna(axis="columns", how="all"), skipped)

    def _skipped(self, i: int, fault: str) -> Skipped:
        where = "" if self.lines is None else f"line {self.lines[i]}: "
        return Skipped(str(self.table["path"].iat[i]), where + fault)


def joined(parts: Sequence[SourceRows]) -> SourceRows:
    """Return the rows of several listings, one after the other."""
    import pandas as pd

    table = pd.concat([part.table for part in parts], ignore_index=True)
    return SourceRows(table, [item for part in parts for item in part.skipped])


def without_torn_subjects(rows: SourceRows) -> SourceRows:
    """Leave out the column `subject` where people are in several of the parts given.

    Official parts go first: with such subjects the rows could not be split at all.
    """
    pairs = rows.table[["subject", "split"]].dropna().drop_duplicates()
    torn = int(pairs["subject"].duplicated().sum())
    if torn == 0:
        return rows
    log.warning(
        "%d people are in more than one official part; the parts are kept as they are, and the "
        "column `subject` is left out.", torn,
    )  # fmt: skip
    return SourceRows(rows.table.drop(columns="subject"), rows.skipped)
