"""Tables of numbers with their intervals: of groups, data sets and models side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from keras_dldl._utils.html_marks import Html, escaped, figure, paragraph, section, table
from keras_dldl.evaluation import tables
from keras_dldl.evaluation.confidence import COVERAGE
from keras_dldl.evaluation.groups import DECADE, OTHERS
from keras_dldl.evaluation.numbers import THRESHOLDS
from keras_dldl.evaluation.report import figures

# More lines than that make a figure that nobody reads.
MOST_DOTS = 20
NOTHING = Html("&ndash;")
Interval = Sequence[float] | None


def group_sections(metrics: dict[str, Any], unit: str) -> Html:
    """Return a section a column: the figure and the table of its groups."""
    found = metrics["groups"]
    single = [
        f"{column} ({', '.join(of)})"
        for column, of in found.items()
        if len(of) == 1 and OTHERS not in of
    ]
    remark = f"All faces have one value of: {'; '.join(single)}."
    several = [_group(column, of, unit) for column, of in found.items() if len(of) > 1]
    return Html((paragraph(remark, "quiet") if single else "") + "".join(several))


def fairness_part(metrics: dict[str, Any], unit: str) -> Html:
    """Return the largest differences between the groups of each column."""
    found = metrics["fairness"]
    least, places = found["min_faces"], decimals(unit)
    rows = [
        [column, f"{len(gap['groups'])}", *(_gap(gap[key], places) for key in ("mae", "bias"))]
        for column, gap in found["columns"].items()
        if gap["mae"]
    ]
    if not rows:
        return paragraph(f"No column has two groups of at least {least} faces to compare.")
    text = (
        f"The largest difference between the groups of a column that have at least {least} faces, "
        "with its interval, and which two groups it lies between. They were chosen for being "
        "furthest apart, so of many small groups some gap is found by chance. A gap in one column "
        "may come from another: groups may differ in age, too."
    )
    head = ["column", "groups", f"gap in MAE ({unit})", f"gap in bias ({unit})"]
    return Html(paragraph(text) + table(head, rows))


def datasets_part(metrics: dict[str, Any], unit: str) -> Html:
    """Return the table of data sets, nothing where there is only one."""
    found = metrics["datasets"]
    if len(found) < 2:
        return Html("")
    return numbers_table("data set", found | {"all together": metrics}, unit)


def against_part(metrics: dict[str, Any], unit: str) -> Html:
    """Return the comparison with another model, nothing where there is none."""
    found = metrics.get("against")
    if not found:
        return Html("")
    rows = [_against_row("all faces", metrics["mae"], found)]
    if len(found["datasets"]) > 1 and "database" not in found["groups"]:
        rows += [
            _against_row(name, metrics["datasets"][name]["mae"], entry)
            for name, entry in found["datasets"].items()
        ]
    rows += [
        _against_row(f"{column}: {name}", metrics["groups"][column][name]["mae"], entry)
        for column, values in found["groups"].items()
        for name, entry in values.items()
        if len(values) > 1
    ]
    other, p = tables.model_name(metrics["against_model"]), tables.p_value(found["p_wilcoxon"])
    text = (
        f"The other model is {other}. Difference: MAE of this model minus that of the other, on "
        "the same faces; below 0, this model is nearer the truth. p: how often a difference as "
        "large arises by chance, if it makes no difference which model gave which answer; for "
        "groups also corrected by Holm for their number. Wilcoxon's signed-rank test over all "
        "faces: "
        f"p {'' if p.startswith('<') else '= '}{p}."
    )
    head = ["", "faces", f"MAE ({unit})", "MAE of the other", "difference", "p", "p, Holm"]
    return Html(paragraph(text) + table(head, rows))


def _against_row(name: str, mae: float, found: dict[str, Any]) -> list[str]:
    return [
        name,
        f"{found['n']:,}",
        f"{mae:.3f}",
        f"{found['mae']:.3f}",
        with_interval(found["mae_difference"], found["confidence"], "+.3f"),
        tables.p_value(found["p_permutation"]),
        tables.p_value(found.get("p_holm")),
    ]


def _group(column: str, groups: dict[str, Any], unit: str) -> str:
    parts = [numbers_table(column, groups, unit)]
    if len(groups) <= MOST_DOTS:
        pictures = (
            figure(
                f"{title} by {column}", figures.group_dots(groups, number, unit), "lines: intervals"
            )
            for number, title in (("mae", "MAE"), ("bias", "Bias"))
            if (column, number) != (DECADE, "bias")  # the report's main picture
        )
        parts.insert(0, Html(f'<div class="figures">{"".join(pictures)}</div>'))
    return section(f"by-{escaped(column)}", f"By {column}", *parts)


def _gap(gap: dict[str, Any], places: int) -> Html:
    between = escaped(f"{gap['highest']} over {gap['lowest']}")
    number = f"{gap['gap']:.{places}f}{interval_below(gap['confidence'], f'.{places}f')}"
    return Html(f"{number}<small>{between}</small>")


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
