"""From the finished cells to the files of a comparison."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_dldl._utils import files, html_marks
from keras_dldl.comparison import tables
from keras_dldl.comparison.pictures import draw_pictures
from keras_dldl.comparison.summary import Done, content_of

if TYPE_CHECKING:
    from keras_dldl.comparison.plan import Plan
    from keras_dldl.data.prepared import PreparedData


def write_report(
    plan: "Plan", data: "PreparedData", out: Path, done: Done, measured: "PreparedData"
) -> dict[str, Any]:
    """Write all files of a comparison and return the content of `comparison.json`."""
    content = content_of(plan, data, done, measured)
    files.write_text(out / "table.md", tables.markdown(content))
    files.write_text(out / "table.csv", tables.csv_text(content))
    files.write_text(out / "comparison.html", page_html(content, draw_pictures(out, content)))
    files.write_json(out / "comparison.json", content)
    return content


def page_html(content: dict[str, Any], pictures: Sequence[Path]) -> str:
    """Return `comparison.html`: the tables and pictures of `comparison.json` in one file."""
    main, *others = [
        html_marks.section(f"table-{number}", title, html_marks.table(*rows))
        for number, (title, *rows) in enumerate(tables.all_tables(content))
    ]
    shown = [html_marks.figure(path.stem, path.read_bytes()) for path in pictures]
    return html_marks.page(
        f"Comparison: {content['task']}",
        f"{', '.join(content['data'])}, measured on {content['split']}",
        main,
        html_marks.section("pictures", "Pictures", *shown),
        *others,
        html_marks.section("notes", "Notes", html_marks.listing(tables.remarks(content))),
    )
