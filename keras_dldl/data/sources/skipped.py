"""What was left out of a data set, counted by the kind of fault."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keras_dldl.data.sources.base import Skipped

LINE = re.compile(r"^line \d+: ")
DETAILS = re.compile(r"[:.;] ")
VARYING = re.compile(r"'[^']*'|-?\d+(?:\.\d+)?")
VARIED = "…"
SHOWN_KINDS = 3


@dataclass(frozen=True)
class SkippedKind:
    """Rows left out for one kind of fault: the fault in words, how many rows, and one of them."""

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
    groups: dict[str, list[Skipped]] = {}
    for item in skipped:
        groups.setdefault(VARYING.sub(VARIED, _fault(item.reason)), []).append(item)
    kinds = [SkippedKind(_wording(items), len(items), items[0].path) for items in groups.values()]
    return sorted(kinds, key=lambda kind: (-kind.count, kind.fault))


def in_words(skipped: Sequence[Skipped]) -> str:
    """Return how many rows were left out, and for what, in one line.

    >>> in_words([Skipped("a.jpg", "label 110 is off the grid 0...100")])
    '1 rows: 1 label 110 is off the grid 0...100 (first: a.jpg)'
    """
    kinds = [f"{k.count:,} {k.fault} (first: {k.example})" for k in kinds_of(skipped)[:SHOWN_KINDS]]
    return f"{len(skipped):,} rows: {'; '.join(kinds) or 'none'}"


def _fault(reason: str) -> str:
    return DETAILS.split(LINE.sub("", reason), maxsplit=1)[0]


def _wording(items: list[Skipped]) -> str:
    """Return the fault of `items`, with a mark for each number or name in which they differ."""
    found = zip(*(VARYING.findall(_fault(item.reason)) for item in items), strict=True)
    shown = iter([values[0] if len(set(values)) == 1 else VARIED for values in found])
    return VARYING.sub(lambda _: next(shown), _fault(items[0].reason))
