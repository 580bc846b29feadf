"""Writes the figures of the comparison in docs/comparison.md, and its pictures, from its JSON file.

python scripts/comparison_figures.py [OUT]

OUT is the folder of a comparison: its comparison.json becomes docs/comparison.json. Without it, the
page and the pictures are made again from the file that is there. Only the text between the marks of
the page is replaced.
"""

import json
import sys
from pathlib import Path
from typing import Any

from marked import replaced

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "docs" / "comparison.json"
PAGE = ROOT / "docs" / "comparison.md"
IMAGES = ROOT / "docs" / "images"
PICTURES = {
    "comparison.png": "MAE by seed, and differences from the baseline",
    "sensitivity.png": "MAE against each setting that varies",
}
BEGIN = "<!-- figures: scripts/comparison_figures.py -->"


def main(arguments: list[str]) -> None:
    """Bring the page and its pictures up to date."""
    from keras_dldl._utils import files
    from keras_dldl.comparison.pictures import draw_pictures

    if arguments:
        found = (Path(arguments[0]) / "comparison.json").read_text(encoding="utf-8")
        files.write_text(SOURCE, found)
    content = read()
    draw_pictures(IMAGES, content)
    files.write_text(PAGE, wanted(PAGE.read_text(encoding="utf-8"), content))


def read() -> dict[str, Any]:
    """Return the comparison that the page shows."""
    return json.loads(SOURCE.read_text(encoding="utf-8"))


def drawn(content: dict[str, Any]) -> list[str]:
    """Return the names of the pictures that `content` has numbers for."""
    from keras_dldl.comparison.pictures import drawable

    return [name for name in PICTURES if name != "sensitivity.png" or drawable(content)]


def wanted(page: str, content: dict[str, Any]) -> str:
    """Return the page with the table of methods and the pictures of `content` between its marks."""
    from keras_dldl.comparison.tables import markdown

    curves = [curve for one in content["sensitivities"] for curve in one["curves"]]
    in_picture = {
        point["variant"]
        for curve in curves
        for point in curve["points"]
        if point["variant"] != curve["name"]
    }
    methods = [entry for entry in content["variants"] if entry["name"] not in in_picture]
    shown = {**content, "variants": methods, "sensitivities": []}
    main_table, *_, notes = markdown(shown).strip().split("\n\n")
    # The plan beside the page has the settings.
    notes = "\n".join(line for line in notes.splitlines() if not line.startswith("- settings"))
    pictures = "\n\n".join(f"![{PICTURES[name]}](images/{name})" for name in drawn(content))
    return replaced(page, BEGIN, f"{main_table}\n\n{notes}\n\n{pictures}")


if __name__ == "__main__":
    main(sys.argv[1:])
