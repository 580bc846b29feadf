"""What a data set source is: it reads a published layout and returns rows, and what it left out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl.errors import DataError
from keras_dldl.labels import LabelGrid

if TYPE_CHECKING:
    import pandas as pd

LINE = re.compile(r"^line \d+(?: of [^:]+)?: ")
DETAILS = re.compile(r"[:.;] ")
VARYING = re.compile(r"'[^']*'|-?\d+(?:\.\d+)?")
VARIED = "…"
SHOWN_KINDS = 3


@dataclass(frozen=True)
class Skipped:
    """A file or row that was left out, and why.

    Args:
        path: of the image, relative to the root; "" of a row without one.
        reason: the kind of fault, and after a colon what is particular to this row: rows are
            counted by kind, see `kinds_of`. May begin with `line <number>: `, or
            `line <number> of <file>: `.

    >>> print(Skipped("a.jpg", "label 110 is off the grid"), Skipped("", "line 9: path is empty"))
    a.jpg: label 110 is off the grid line 9: path is empty
    """

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


@dataclass
class SourceRows:
    """What a source found: the rows of a manifest, and what it left out.

    Args:
        table: columns as in `manifest.csv`; `path` relative to the root. A column `landmarks` may
            hold, for some images, the ten numbers of `data.given_landmarks`.
        skipped: what was left out, with a reason each.

    Raises:
        DataError: there are no rows, or no column `path` or `label`.
    """

    table: "pd.DataFrame"
    skipped: list[Skipped] = field(default_factory=list)

    def __post_init__(self):
        if self.table.empty or not {"path", "label"} <= set(self.table.columns):
            raise DataError(
                "A source must return at least one row, with the columns path and label. Received: "
                f"{len(self.table)} rows with the columns {', '.join(self.table.columns) or 'none'}"
            )

    @classmethod
    def from_dicts(
        cls, rows: Iterable[dict[str, Any]], skipped: Iterable[Skipped] = ()
    ) -> "SourceRows":
        """Make rows from one dictionary a face; what no row knows is no column."""
        import pandas as pd

        table = pd.DataFrame(list(rows)).dropna(axis="columns", how="all")
        return cls(table, list(skipped))


class Source:
    """Reads one data set. Subclasses set the class attributes and write `read`.

    Attributes:
        name: the word after `keras-dldl prepare`.
        summary: one line for the list of sources. What the data are, and who made them, says the
            first line of the source's module.
        licence: the terms of use in a few words; what the data set itself says holds.
        options: names of the constructor's arguments, which are options of `prepare` of the same
            name; those of a source of the user's own come by `--source-option`. All have defaults.
        draws_root: whether `read` makes the images itself, so that the root is this package's.
    """

    name = ""
    summary = ""
    licence = ""
    options: tuple[str, ...] = ()
    draws_root = False

    def grid(self) -> LabelGrid:
        """Return the label grid of this data set's labels."""
        return LabelGrid.age()

    def read(self, root: Path) -> SourceRows:
        """Return a row for every usable image below `root`.

        Raises:
            DataError: `root` does not hold this data set; says what was looked for and found.
        """
        raise NotImplementedError(
            "A source must have a method `read(root)`, which returns `SourceRows`. "
            f"Received: {type(self).__name__}, which has none"
        )


@dataclass(frozen=True)
class SkippedKind:
    """Rows left out for one kind of fault: a text of the fault, how many, and the first of them.

    That is named by its path, or where it has none by its line.
    """

    fault: str
    count: int
    example: str


def kinds_of(skipped: Iterable[Skipped]) -> list[SkippedKind]:
    """Return the kinds of fault, the most frequent first.

    Reasons are of one kind where they differ in nothing but the line, numbers, quoted names, and
    what follows the first colon or sentence. A number or name that all share is kept.

    >>> rows = [Skipped("a.jpg", "label 110 is off the grid 0...100"),
    ...         Skipped("b.jpg", "label 116 is off the grid 0...100")]
    >>> kinds_of(rows)
    [SkippedKind(fault='label … is off the grid 0...100', count=2, example='a.jpg')]
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for item in skipped:
        fault = DETAILS.split(LINE.sub("", item.reason), maxsplit=1)[0]
        line = LINE.match(item.reason)
        place = item.path or (line[0].removesuffix(": ") if line else "")
        groups.setdefault(VARYING.sub(VARIED, fault), []).append((fault, place))
    kinds = []
    for found in groups.values():
        # A mark for each number or name in which they differ.
        values = zip(*(VARYING.findall(fault) for fault, _ in found), strict=True)
        shown = iter([same[0] if len(set(same)) == 1 else VARIED for same in values])
        (fault, path), count = found[0], len(found)
        kinds.append(SkippedKind(VARYING.sub(lambda _, it=shown: next(it), fault), count, path))
    return sorted(kinds, key=lambda kind: (-kind.count, kind.fault))


def in_words(skipped: Sequence[Skipped]) -> str:
    """Return how many rows were left out, and for what, in one line.

    >>> in_words([Skipped("a.jpg", "label 110 is off the grid 0...100")])
    '1 rows: 1 label 110 is off the grid 0...100 (first: a.jpg)'
    """
    kinds = [f"{k.count:,} {k.fault} (first: {k.example})" for k in kinds_of(skipped)[:SHOWN_KINDS]]
    return f"{len(skipped):,} rows: {'; '.join(kinds) or 'none'}"
