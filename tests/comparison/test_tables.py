import csv
import io
import re

import numpy as np
import pytest
from PIL import Image

from keras_dldl.comparison import Plan, pictures, tables
from tests.comparison.made_up import report

PLAN = {
    "settings": {"epochs": 5},
    "grid": {"method": ["dldl-v2", "dldl", "er", "mr-l1", "dex"]},
    "seeds": 2,
    "groups": [{"grid": {"expectation_weight": [0, 0.1, 10]}, "seeds": 1}],
}
SHIFTS = {
    "dldl-v2": 4.0, "dldl": 5.0, "er": 4.5, "mr-l1": 30.0,
    "dldl-v2 lambda=0": 5.0, "dldl-v2 lambda=0.1": 4.2, "dldl-v2 lambda=10": 6.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return report(Plan.from_dict(PLAN), tmp_path_factory.mktemp("cells"), SHIFTS)


def test_text_report(content):
    lines = tables.text_report(content).splitlines()
    assert lines[0].split() == (
        "seeds MAE (years) CS@5 (%) RMSE from dldl-v2 95 % interval p (Holm)".split()
    )
    assert lines[1].startswith("dldl-v2  ")
    assert " 2  " in lines[2] and "+1.00" in lines[2]
    table = lines[: len(content["variants"]) + 1]
    assert len({len(line) for line in table}) == 1  # columns stand under each other
    assert "note: settings of all: epochs=5" in lines


def test_markdown_has_every_table(content):
    text = tables.markdown(content)
    blocks = text.split("\n\n")
    assert blocks[0].splitlines()[0].startswith("|  | seeds | MAE (years) |")
    assert "The parts of the loss of dldl-v2:" in blocks
    assert "`expectation_weight` of dldl-v2:" in blocks
    ablation = blocks[blocks.index("The parts of the loss of dldl-v2:") + 1].splitlines()
    assert [line.split(" | ")[:3] for line in ablation[2:]] == [
        ["| dldl", "yes (sum)", "-"],
        ["| er", "-", "yes"],
        ["| dldl-v2", "yes (sum)", "yes"],
    ]
    curve = blocks[blocks.index("`expectation_weight` of dldl-v2:") + 1].splitlines()
    assert [line.split(" | ")[0] for line in curve[2:]] == ["| 0", "| 0.1", "| 1", "| 10"]
    assert len({line.count("|") for line in blocks[0].splitlines()}) == 1


def test_csv_has_all_digits_and_one_seed_no_p(content):
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(tables.csv_text(content)))}
    entry = next(e for e in content["variants"] if e["name"] == "dldl")
    assert float(rows["dldl"]["mae"]) == entry["mae"]["mean"]
    assert float(rows["dldl"]["difference_high"]) == entry["difference"]["interval"][1]
    assert rows["dldl"]["seeds"] == "0 1"
    assert rows["dex"]["mae"] == rows["dldl-v2"]["difference"] == ""
    assert rows["dldl-v2 lambda=10"]["p"] == rows["dldl-v2 lambda=10"]["p_holm"] == ""
    lines = tables.text_report(content).splitlines()
    (line,) = (line for line in lines if line.startswith("dldl-v2 lambda=10 "))
    assert line.endswith(" -") and "+2.0" in line


def test_pictures_are_drawn(content, tmp_path):
    pictures.draw_comparison(tmp_path / "comparison.png", content)
    pictures.draw_sensitivity(tmp_path / "sensitivity.png", content)
    for name, width in (("comparison", 1210), ("sensitivity", 572)):
        picture = np.asarray(Image.open(tmp_path / f"{name}.png").convert("L"))
        assert picture.shape[1] == width
        assert 0.01 < np.mean(picture < 200) < 0.3  # neither empty nor full


def test_pictures_of_the_page_keep_a_width_at_which_they_are_read(content, tmp_path):
    pictures.draw_comparison(tmp_path / "comparison.png", content)
    page = tables.page_html(content, [tmp_path / "comparison.png"])
    (least,) = re.findall(r"min-width: (\d+)px", page.partition("<body>")[2])
    # Letters are 9 points or more, at 110 pixels an inch: so many are left of them.
    assert int(least) / 1210 * 9 * 110 / 72 >= 9


def test_the_page_explains_terms_and_marks_settings_as_code(content):
    page = tables.page_html(content, []).partition("<body>")[2]
    assert "<h2><code>expectation_weight</code> of dldl-v2</h2>" in page and "`" not in page
    assert '<abbr title="mean absolute error: how far predictions are off on average">MAE' in page


def test_only_curves_with_two_points_are_drawn(content):
    assert [axis["setting"] for axis in pictures.drawable(content)] == ["expectation_weight"]
    some = {**content, "variants": [e for e in content["variants"] if "lambda" not in e["name"]]}
    assert pictures.drawable(some) == []


def test_a_variant_far_off_does_not_squeeze_the_others(content):
    from matplotlib.figure import Figure

    entries = sorted((e for e in content["variants"] if e["seeds"]), key=lambda e: e["mae"]["mean"])
    axes, mae = Figure().subplots(), {y: entry["mae"] for y, entry in enumerate(entries)}
    pictures.leave_out_far(axes, entries, mae, "mean")
    assert [text.get_text() for text in axes.texts] in (["30.0 →"], ["30.1 →"])
    assert axes.get_xlim()[1] < 10
