"""The album that docs/your-own-data.md shows the output of."""

import csv

from PIL import Image

from tests.docs.test_links import ROOT
from tests.scripts_case import load_script


def test_the_album_is_the_one_of_the_page(tmp_path):
    load_script("draw_album").draw_album(tmp_path, people=2)
    with open(tmp_path / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["subject"] for row in rows] == ["p000", "p000", "p001", "p001"]
    for row in rows:
        with Image.open(tmp_path / "photos" / row["path"]) as image:
            assert image.size == (200, 200)
    assert float(rows[1]["label"]) == float(rows[0]["label"]) + 1
    page = (ROOT / "docs" / "your-own-data.md").read_text("utf-8")
    for row in (rows[0], rows[2]):
        assert f"\n{','.join(row.values())}\n" in page
