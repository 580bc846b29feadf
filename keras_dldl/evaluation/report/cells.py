"""Numbers as cells of a table, each with its interval below it."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_dldl._utils.html_marks import Html, escaped, table
from keras_dldl.evaluation import tables
from keras_dldl.evaluation.confidence import COVERAGE
from keras_dldl.evaluation.numbers import THRESHOLDS

Interval = Sequence[float] | None
NOTHING = Html("&ndash;")


def with_interval(number: float | None, interval: Interval, form: str) -> Html:
    """Return a number and its interval, in a form such as "+.2f"; None is shown as "-"."""
    if number is None:
        return NOTHING
    return Html(f"{number:{form}}" + interval_below(interval, form))


def interval_below(interval: Interval, form: str) -> Html:
    """Return an interval as the small second line of a cell, nothing where there is none."""
    if interval is None:
        return Html("")
    low, high = interval
    return Html(f'<small class="interval">{low:{form}} &hellip; {high:{form}}</small>')


def numbers_table(first: str, entries: Mapping[str, dict[str, Any]], unit: str) -> Html:
    """Return a table with a row a summary, numbers with intervals where they have some.

    A column that is empty in all rows (the epsilon-error, without sigmas) is left out.
    """
    rows = [_cells(numbers, decimals(unit)) for numbers in entries.values()]
    heads = [explained(name) for name in (*tables.headings(unit), "90 % coverage (%)")]
    kept = [k for k in range(len(heads)) if any(row[k] != NOTHING for row in rows)]
    return table(
        [first, *(heads[k] for k in kept)],
        [[name, *(row[k] for k in kept)] for name, row in zip(entries, rows, strict=True)],
    )


def decimals(unit: str) -> int:
    """Return how many decimals errors are shown with."""
    return 2 if unit == "years" else 3


def explained(name: str) -> Html:
    """Return a term with its meaning, which is shown where the pointer rests on it."""
    term = name.partition(" (")[0]
    meaning = tables.TERMS.get(term)
    if meaning is None:
        return Html(escaped(name))
    return Html(
        f'<abbr title="{escaped(meaning)}">{escaped(term)}</abbr>{escaped(name[len(term) :])}'
    )


def _cells(numbers: dict[str, Any], places: int) -> list[str]:
    sure = numbers.get("confidence") or {}
    scores = [
        with_interval(numbers["cs"][str(t)], (sure.get("cs") or {}).get(str(t)), ".1f")
        for t in THRESHOLDS
    ]

    def cell(name: str, form: str) -> Html:
        return with_interval(numbers.get(name), sure.get(name), form)

    return [
        f"{numbers['n']:,}",
        cell("mae", f".{places}f"),
        cell("bias", f"+.{places}f"),
        *scores,
        cell("rmse", f".{places}f"),
        cell("pearson", ".3f"),
        cell("epsilon_error", ".3f"),
        cell(COVERAGE, ".1f"),
    ]
