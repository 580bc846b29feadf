"""Numbers as cells of a table, each with its interval below it."""

from collections.abc import Sequence
from typing import Any

from keras_dldl.evaluation.confidence import COVERAGE
from keras_dldl.evaluation.numbers import THRESHOLDS
from keras_dldl.evaluation.report.marks import Html, escaped

Interval = Sequence[float] | None


def with_interval(number: float | None, interval: Interval, form: str, unit: str = "") -> Html:
    """Return a number and its interval.

    Args:
        number: None is shown as "-".
        interval: (low, high), or None where there is none.
        form: how to format all three, such as "+.2f".
        unit: after the number.
    """
    if number is None:
        return Html("&ndash;")
    text = f"{number:{form}}{unit}"
    return Html(escaped(text) + interval_below(interval, form))


def interval_below(interval: Interval, form: str) -> Html:
    """Return an interval as the small second line of a cell, nothing where there is none."""
    if interval is None:
        return Html("")
    low, high = interval
    return Html(f'<small class="interval">{low:{form}} &hellip; {high:{form}}</small>')


def headings(unit: str) -> list[str]:
    """Return the headings of what `cells` returns."""
    scores = [f"CS@{t}, %" for t in THRESHOLDS]
    return [
        "faces", f"MAE, {unit}", f"bias, {unit}", *scores, "RMSE", "PC", "\u03b5-error",
        "90 % covers, %",
    ]  # fmt: skip


def cells(numbers: dict[str, Any]) -> list[str]:
    """Return a row of one summary, as `metrics.json` has it, with intervals where it has some."""
    sure = numbers.get("confidence") or {}
    scores = [
        with_interval(numbers["cs"][str(t)], (sure.get("cs") or {}).get(str(t)), ".1f")
        for t in THRESHOLDS
    ]

    def cell(name: str, form: str) -> Html:
        return with_interval(numbers.get(name), sure.get(name), form)

    return [
        f"{numbers['n']:,}",
        cell("mae", ".3f"),
        cell("bias", "+.3f"),
        *scores,
        cell("rmse", ".3f"),
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
