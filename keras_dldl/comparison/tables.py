"""The numbers of a comparison as rows of text: for the terminal, for Markdown and for CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from keras_dldl.comparison.naming import described

Content = Mapping[str, Any]
Row = Sequence[str]
TERMS = {True: "yes", False: "-"}
CSV_COLUMNS = (
    "name", "method", "model", "seeds", "mae", "mae_std", "mae_low", "mae_high", "cs3", "cs5",
    "cs8", "rmse", "pearson", "bias", "difference", "difference_low", "difference_high", "p",
    "p_holm", "parameters", "seconds",
)  # fmt: skip


def headings(content: Content) -> list[str]:
    """Return the headings of the main table."""
    unit = content["unit"]
    against = f"from {content['baseline']}"
    return ["", "seeds", f"MAE ({unit})", "CS@5 (%)", "RMSE", against, "95 % interval", "p (Holm)"]


def main_rows(content: Content) -> list[list[str]]:
    """Return a row a variant, in the plan's order."""
    return [[entry["name"], *_cells(entry)] for entry in content["variants"]]


def _cells(entry: Mapping[str, Any]) -> list[str]:
    return [
        str(len(entry["seeds"])),
        with_spread(entry["mae"], 2),
        with_spread(entry["cs"].get("5"), 1),
        with_spread(entry["rmse"], 2),
        *difference_cells(entry["difference"]),
    ]


def with_spread(spread: Mapping[str, Any] | None, digits: int) -> str:
    """Return mean and standard deviation over seeds, "-" where there is none.

    >>> with_spread({"mean": 6.5, "std": 0.126}, 2), with_spread({"mean": 6.5, "std": None}, 2)
    ('6.50 ± 0.13', '6.50')
    """
    if spread is None or spread["mean"] is None:
        return "-"
    text = f"{spread['mean']:.{digits}f}"
    return text if spread["std"] is None else f"{text} ± {spread['std']:.{digits}f}"


def difference_cells(difference: Mapping[str, Any] | None) -> list[str]:
    """Return a difference in MAE, its interval, and the corrected p."""
    if difference is None:
        return ["-", "-", "-"]
    low, high = difference["interval"]
    return [
        f"{difference['mae']:+.2f}",
        f"{low:+.2f} ... {high:+.2f}",
        "-" if difference["p_holm"] is None else p_text(difference["p_holm"]),
    ]


def p_text(p: float) -> str:
    """Return a p-value with as many digits as it deserves.

    >>> p_text(0.0002), p_text(0.0234), p_text(0.4)
    ('< 0.001', '0.023', '0.40')
    """
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def ablation_rows(content: Content, ablation: Mapping[str, Any]) -> list[list[str]]:
    """Return the rows of one ablation: the terms of the loss, MAE, and what they cost."""
    by_name = _by_name(content)
    rows = []
    for row in ablation["rows"]:
        entry = by_name[row["variant"]]
        kl = TERMS[row["distribution_term"]]
        kl = f"yes ({row['kl_reduction']})" if row["kl_reduction"] else kl
        terms = [row["variant"], kl, TERMS[row["expectation_term"]]]
        rows.append([*terms, with_spread(entry["mae"], 2), *difference_cells(entry["difference"])])
    return rows


def ablation_headings(content: Content) -> list[str]:
    """Return the headings that belong to `ablation_rows`."""
    shown = headings(content)
    return ["", "distribution term", "expectation term", shown[2], *shown[5:]]


def sensitivity_rows(content: Content, curve: Mapping[str, Any]) -> list[list[str]]:
    """Return the rows of one curve: the setting's value, MAE, and the difference."""
    by_name = _by_name(content)
    rows = []
    for point in curve["points"]:
        entry = by_name[point["variant"]]
        cells = difference_cells(entry["difference"])
        rows.append(
            [f"{point['value']:g}", str(len(entry["seeds"])), with_spread(entry["mae"], 2), *cells]
        )
    return rows


def sensitivity_headings(content: Content, setting: str) -> list[str]:
    """Return the headings that belong to `sensitivity_rows`."""
    shown = headings(content)
    return [setting, *shown[1:3], *shown[5:]]


def remarks(content: Content) -> list[str]:
    """Return what a reader must know: where the numbers are from, what the intervals are."""
    faces = ", ".join(f"{count:,} {split}" for split, count in content["faces"].items())
    changed = described(content["settings_changed"]) or "all as by default"
    failed = [f"{f['variant']}, seed {f['seed']}: {f['error']}" for f in content["failed"]]
    of = f" of {', '.join(content['test_data'])} ({content['test_faces']:,} faces)"
    of = of if content["test_data"] else ""
    return [
        f"data: {', '.join(content['data'])} ({faces} faces); measured on {content['split']}{of}, "
        "image and mirror image averaged",
        f"settings of all: {changed}",
        "±: standard deviation over seeds",
        f"95 % interval: {content['statistics']['intervals']}",
        "p: two-sided, from the same replicates, corrected by Holm for all rows that have one",
        *content["notes"],
        *(f"failed: {text}" for text in failed),
    ]


def text_report(content: Content) -> str:
    """Return the short table for a terminal."""
    lines = aligned([headings(content), *main_rows(content)])
    return "\n".join(lines + [f"note: {note}" for note in remarks(content)])


def markdown(content: Content) -> str:
    """Return `table.md`: the main table, the ablation, the sensitivity, the remarks."""
    parts = [markdown_table(headings(content), main_rows(content))]
    for ablation in content["ablations"]:
        parts.append(f"The parts of the loss of {ablation['joint']}:")
        parts.append(markdown_table(ablation_headings(content), ablation_rows(content, ablation)))
    for axis in content["sensitivities"]:
        for curve in axis["curves"]:
            parts.append(f"`{axis['setting']}` of {curve['name']}:")
            head = sensitivity_headings(content, axis["setting"])
            parts.append(markdown_table(head, sensitivity_rows(content, curve)))
    parts.append("\n".join(f"- {remark}" for remark in remarks(content)))
    return "\n\n".join(parts) + "\n"


def markdown_table(head: Row, rows: Sequence[Row]) -> str:
    """Return a Markdown table; the first column is text, the others numbers."""
    lines = ["| " + " | ".join(_escaped(row)) + " |" for row in [head, *rows]]
    return "\n".join([lines[0], "|---" + "|---:" * (len(head) - 1) + "|", *lines[1:]])


def csv_text(content: Content) -> str:
    """Return `table.csv`: a line a variant, full digits, empty where there is no number."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_csv_row(entry) for entry in content["variants"])
    return buffer.getvalue()


def _csv_row(entry: Mapping[str, Any]) -> dict[str, Any]:
    difference = entry["difference"] or {"mae": None, "interval": None, "p": None, "p_holm": None}
    low, high = entry["mae"]["interval"] or (None, None)
    difference_low, difference_high = difference["interval"] or (None, None)
    row = {name: entry[name] for name in ("name", "method", "model", "parameters", "seconds")}
    row |= {f"cs{t}": values["mean"] for t, values in entry["cs"].items()}
    row |= {name: entry[name]["mean"] for name in ("mae", "rmse", "pearson", "bias")}
    row |= {"seeds": " ".join(map(str, entry["seeds"])), "mae_std": entry["mae"]["std"]}
    row |= {"mae_low": low, "mae_high": high, "difference": difference["mae"]}
    row |= {"difference_low": difference_low, "difference_high": difference_high}
    return row | {"p": difference["p"], "p_holm": difference["p_holm"]}


def aligned(rows: Sequence[Row]) -> list[str]:
    """Return rows as lines with columns under each other, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]


def _by_name(content: Content) -> dict[str, Mapping[str, Any]]:
    return {entry["name"]: entry for entry in content["variants"]}


def _escaped(row: Row) -> list[str]:
    return [cell.replace("|", "\\|") for cell in row]
