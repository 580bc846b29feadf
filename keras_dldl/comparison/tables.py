"""The numbers of a comparison as text: for the terminal, Markdown, CSV, and the page."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from keras_dldl._utils import html_marks
from keras_dldl._utils.text_tables import Row, aligned, markdown_table
from keras_dldl.comparison.plan import text_of
from keras_dldl.evaluation.report.sections import explained

Content = Mapping[str, Any]
CSV_COLUMNS = (
    "name", "method", "model", "seeds", "mae", "mae_std", "mae_low", "mae_high", "cs3", "cs5",
    "cs8", "rmse", "pearson", "bias", "difference", "difference_low", "difference_high", "p",
    "p_holm", "parameters", "seconds",
)  # fmt: skip


def main_table(content: Content) -> list[Row]:
    """Return the headings, and a row a variant, in the plan's order."""
    unit = content["unit"]
    against = f"from {content['baseline']}"
    head = ["", "seeds", f"MAE ({unit})", "CS@5 (%)", "RMSE", against, "95 % interval", "p (Holm)"]
    return [head] + [
        [
            entry["name"],
            str(len(entry["seeds"])),
            with_spread(entry["mae"], 2),
            with_spread(entry["cs"].get("5"), 1),
            with_spread(entry["rmse"], 2),
            *difference_cells(entry["difference"]),
        ]
        for entry in content["variants"]
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


def all_tables(content: Content) -> Iterator[tuple[str, Row, list[Row]]]:
    """Yield title, headings and rows: all variants, each ablation, each curve of a setting."""
    head, *rows = main_table(content)
    by_name = {entry["name"]: entry for entry in content["variants"]}
    yield "Methods and settings", head, rows
    for ablation in content["ablations"]:
        rows = []
        for row in ablation["rows"]:
            kl = f"yes ({row['kl_reduction']})" if row["distribution_term"] else "-"
            expectation = "yes" if row["expectation_term"] else "-"
            entry = by_name[row["variant"]]
            rows.append([entry["name"], kl, expectation, *_mae_and_difference(entry)])
        terms = ["", "distribution term", "expectation term", head[2], *head[5:]]
        yield f"The parts of the loss of {ablation['joint']}", terms, rows
    for axis in content["sensitivities"]:
        for curve in axis["curves"]:
            points = [(point["value"], by_name[point["variant"]]) for point in curve["points"]]
            rows = [
                [f"{value:g}", str(len(entry["seeds"])), *_mae_and_difference(entry)]
                for value, entry in points
            ]
            title = f"`{axis['setting']}` of {curve['name']}"
            yield title, [axis["setting"], *head[1:3], *head[5:]], rows


def _mae_and_difference(entry: Mapping[str, Any]) -> list[str]:
    return [with_spread(entry["mae"], 2), *difference_cells(entry["difference"])]


def remarks(content: Content) -> list[str]:
    """Return what a reader must know: where the numbers are from, what the intervals are."""
    faces = ", ".join(f"{count:,} {split}" for split, count in content["faces"].items())
    changed = [f"{name}={text_of(value)}" for name, value in content["settings_changed"].items()]
    failed = [f"{f['variant']}, seed {f['seed']}: {f['error']}" for f in content["failed"]]
    of = f" of {', '.join(content['test_data'])} ({content['test_faces']:,} faces)"
    of = of if content["test_data"] else ""
    return [
        f"data: {', '.join(content['data'])} ({faces} faces); measured on {content['split']}{of}, "
        "image and mirror image averaged",
        f"settings of all: {', '.join(changed) or 'all as by default'}",
        "±: standard deviation over seeds",
        f"95 % interval: {content['statistics']['intervals']}",
        "p: two-sided, from the same replicates, corrected by Holm for all rows that have one",
        *content["notes"],
        *(f"failed: {text}" for text in failed),
    ]


def text_report(content: Content) -> str:
    """Return the short table for a terminal."""
    lines = aligned(main_table(content))
    return "\n".join(lines + [f"note: {note}" for note in remarks(content)])


def markdown(content: Content) -> str:
    """Return `table.md`: the main table, the ablation, the sensitivity, the remarks."""
    parts = []
    for title, head, rows in all_tables(content):
        parts += [f"{title}:", markdown_table(head, rows)]
    parts.append("\n".join(f"- {remark}" for remark in remarks(content)))
    return "\n\n".join(parts[1:]) + "\n"  # the main table needs no title


def csv_text(content: Content) -> str:
    """Return `table.csv`: a line a variant, full digits, empty where there is no number."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for entry in content["variants"]:
        row = {name: entry[name] for name in ("name", "method", "model", "parameters", "seconds")}
        row |= {f"cs{t}": values["mean"] for t, values in entry["cs"].items()}
        row |= {name: entry[name]["mean"] for name in ("mae", "rmse", "pearson", "bias")}
        row |= {"seeds": " ".join(map(str, entry["seeds"])), "mae_std": entry["mae"]["std"]}
        row |= zip(("mae_low", "mae_high"), entry["mae"]["interval"] or (), strict=False)
        if found := entry["difference"]:
            low, high = found["interval"]
            row |= {"difference": found["mae"], "difference_low": low, "difference_high": high}
            row |= {"p": found["p"], "p_holm": found["p_holm"]}
        writer.writerow(row)
    return buffer.getvalue()


def _figure(path: Path) -> html_marks.Html:
    """Return a picture that also phones show large enough to read its letters."""
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as picture:
        least = picture.width * 2 // 3
    return html_marks.figure(path.stem, content, least_width=least)


def page_html(content: Content, pictures: Sequence[Path]) -> str:
    """Return `comparison.html`: the tables and pictures of `comparison.json` in one file."""
    main, *others = [
        html_marks.section(
            f"table-{number}", title, html_marks.table([explained(name) for name in head], rows)
        )
        for number, (title, head, rows) in enumerate(all_tables(content))
    ]
    shown = [_figure(path) for path in pictures]
    return html_marks.page(
        f"Comparison: {content['task']}",
        f"data: {', '.join(content['data'])}; measured on {content['split']}",
        main,
        html_marks.section("pictures", "Pictures", *shown),
        *others,
        html_marks.section("notes", "Notes", html_marks.listing(remarks(content))),
    )
