"""Numbers as cells of a table, each with its interval below it."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_dldl.evaluation.confidence import COVERAGE
from keras_dldl.evaluation.numbers import THRESHOLDS
from keras_dldl.html_marks import Html, escaped, table

Interval = Sequence[float] | None
NOTHING = Html("&ndash;")


def with_interval(number: float | None, interval: Interval, form: str, unit: str = "") -> Html:
    """Return a number and its interval.

    Args:
        number: None is shown as "-".
        interval: (low, high), or None where there is none.
        form: how to format all three, such as "+.2f".
        unit: after the number.
    """
    if number is None:
        return NOTHING
    text = f"{number:{form}}{unit}"
    return Html(escaped(text) + interval_below(interval, form))


def interval_below(interval: Interval, form: str) -> Html:
    """Return an interval as the small second line of a cell, nothing where there is none."""
    if interval is None:
        return Html("")
    low, high = interval
    return Html(f'<small class="interval">{low:{form}} &hellip; {high:{form}}</small>')


def numbers_table(first: str, entries: Mapping[str, dict[str, Any]], unit: str) -> Html:
    """Return a table with a row a summary, numbers with intervals where they have some.

    Args:
        first: heading of the rows' names.
        entries: summaries by name, as `metrics.json` has them.
        unit: of the labels.

    A column that is empty in all rows (the epsilon-error, without sigmas) is left out.
    """
    rows = [_cells(numbers, decimals(unit)) for numbers in entries.values()]
    heads = _headings(unit)
    kept = [k for k in range(len(heads)) if any(row[k] != NOTHING for row in rows)]
    return table(
        [first, *(heads[k] for k in kept)],
        [[name, *(row[k] for k in kept)] for name, row in zip(entries, rows, strict=True)],
    )


def decimals(unit: str) -> int:
    """Return how many decimals errors are shown with."""
    return 2 if unit == "years" else 3


def _headings(unit: str) -> list[str]:
    scores = [f"CS@{t}, %" for t in THRESHOLDS]
    return [
        "faces", f"MAE, {unit}", f"bias, {unit}", *scores, "RMSE", "PC", "\u03b5-error",
        "90 % holds, %",
    ]  # fmt: skip


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


def p_value(p: float | None) -> str:
    """Return a p-value as text.

    >>> p_value(0.00009), p_value(0.0421), p_value(None)
    ('< 0.001', '0.042', '-')
    """
    if p is None:
        return "-"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
