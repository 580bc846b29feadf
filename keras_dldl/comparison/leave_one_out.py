"""Each data set left out of training in turn: how well a model does on photos of another kind."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_dldl._utils import files
from keras_dldl._utils.text_tables import markdown_table
from keras_dldl.comparison.plan import Plan, check_distinct
from keras_dldl.errors import ConfigError

NUMBERS = {"mae": "MAE", "bias": "bias", "balanced_mae": "balanced MAE"}
SIGNS = {"mae": "", "bias": "+", "balanced_mae": ""}
LEAST = 2


def parts_of(plan: Plan, out: Path) -> dict[str, tuple[Plan, Path]]:
    """Return the comparison of each data set that is left out, and its folder, by the set's name.

    Raises:
        ConfigError: there are fewer than two data sets, two have one name, or a run is given.
    """
    data = plan.base.data
    names = [Path(folder).resolve().name for folder in data]
    if len(data) < LEAST:
        raise ConfigError(
            "To leave out one data set, at least two are needed: --data DIR for each. "
            f"Received: {', '.join(data) or 'none'}."
        )
    if any(variant.folders for variant in plan.variants) or plan.test_data:
        raise ConfigError(
            "A plan that leaves out each data set in turn trains all its runs and measures them on "
            "what is left out. Allowed: neither `runs` nor `test_data`. Received: one of them."
        )
    check_distinct(names)
    parts = {}
    for k, name in enumerate(names):
        base = plan.base.updated({"data": [*data[:k], *data[k + 1 :]]})
        part = replace(plan, base=base, test_data=(data[k],), leave_one_out=False)
        parts[name] = (part, out / name)
    return parts


def rows(contents: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each variant and data set, and its mean over them where there are all."""
    found = []
    for entries in zip(*(content["variants"] for content in contents.values()), strict=True):
        own = [
            {"variant": entry["name"], "left_out": name, "seeds": len(entry["seeds"])}
            | {number: entry[number]["mean"] for number in NUMBERS}
            for name, entry in zip(contents, entries, strict=True)
        ]
        found += own
        if all(row["seeds"] for row in own):
            mean = {"variant": own[0]["variant"], "left_out": "mean", "seeds": own[0]["seeds"]}
            for number in NUMBERS:
                values = [row[number] for row in own]
                mean[number] = None if None in values else sum(values) / len(values)
            found.append(mean)
    return found


def write(out: Path, contents: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Write `table.md` and `comparison.json` over all data sets; return the content of the latter.

    `contents` is that of `comparison.json` by the data set that was left out.
    """
    first = next(iter(contents.values()))
    content = {
        "unit": first["unit"],
        "split": first["split"],
        "rows": rows(contents),
        "left_out": dict(contents),
    }
    head, *lines = table(content)
    files.write_text(out / "table.md", markdown_table(head, lines) + "\n")
    files.write_json(out / "comparison.json", content)
    return content


def table(content: Mapping[str, Any]) -> list[list[str]]:
    """Return headings and rows of the table; "bias" is predicted minus true."""
    head = ["", "left out", "seeds", *(f"{name} ({content['unit']})" for name in NUMBERS.values())]
    return [head] + [
        [row["variant"], row["left_out"], str(row["seeds"])]
        + ["-" if row[name] is None else f"{row[name]:{SIGNS[name]}.2f}" for name in NUMBERS]
        for row in content["rows"]
    ]
