"""The last part of the report: what was left out, and where the numbers come from."""

import json
from collections.abc import Sequence
from typing import Any

from keras_dldl.evaluation import tables
from keras_dldl.html_marks import Html, paragraph, table

SHOWN_UNREADABLE = 50


def unreadable_part(items: Sequence[dict[str, Any]]) -> Html:
    """Return the rows that were left out, and why; nothing where there are none."""
    if not items:
        return Html("")
    rows = [[str(item["line"]), item["path"], item["reason"]] for item in items[:SHOWN_UNREADABLE]]
    more = len(items) - len(rows)
    rest = paragraph(f"and {more:,} more, listed in metrics.json") if more else ""
    return Html(table(["line", "path", "reason"], rows, text=True) + rest)


def provenance_part(metrics: dict[str, Any]) -> Html:
    """Return all that tells this evaluation from another one."""
    sure = metrics["confidence"]
    rows = [
        *([["parameters", f"{metrics['parameters']:,}"]] if metrics["parameters"] else []),
        ["input", f"{metrics['input_size']} x {metrics['input_size']} pixels"],
        *_rows("model", metrics["model"]),
        *_rows("other model", metrics.get("against_model") or {}),
        *_rows("data", metrics["data"]),
        ["leak check", tables.leak_sentence(metrics["leak_check"])],
        [
            "bootstrap",
            f"{sure['replicates']:,} replicates, drawn by {sure['by']}, seed {sure['seed']}",
        ],
        *_rows("program:", metrics["versions"]),
    ]
    return table([], rows, text=True)


def _rows(part: str, values: dict[str, Any]) -> list[list[str]]:
    return [[f"{part} {name}", _text(value)] for name, value in values.items() if value is not None]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
