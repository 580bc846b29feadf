"""The report: one file, complete, escaped, with nothing to fetch."""

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.evaluation import figures, tables
from keras_dldl.evaluation.evaluate import Evaluation
from keras_dldl.evaluation.groups import group_summaries
from keras_dldl.evaluation.numbers import summary
from keras_dldl.evaluation.report import report_html
from keras_dldl.labels import LabelGrid


def made(count=40, grid=None, name="<b>x&y</b>"):
    grid = grid or LabelGrid.age()
    random = np.random.default_rng(0)
    label = random.uniform(grid.start, grid.stop, count)
    value = np.clip(label + random.normal(0, 3, count), grid.start, grid.stop)
    rows = pd.DataFrame({"path": "a.png", "label": label, "value": value, "std": 1.0, "g": name})
    numbers = summary(label, value)
    metrics = {
        **numbers,
        "views": {"image": numbers, "mirror": numbers},
        "groups": group_summaries(rows, value, ["g"], grid.task),
        "interval_90_coverage": 87.5,
        "detection": {"found": count - 1, "whole": 1},
        "unreadable": [{"path": "<i>.png", "line": 7, "reason": "cut & short"}],
        "task": grid.task,
        "input_size": 224,
        "parameters": 936981,
        "model": {
            "path": None,
            "backbone": "tiny-age-net",
            "method": {"name": "dldl-v2", "options": {}},
            "grid": grid.get_config(),
        },
        "data": {"kind": "manifest", "manifest": "m.csv", "root": "r", "split": "all"},
        "versions": {"numpy": "2"},
    }
    return Evaluation(metrics, rows)


def html_of(evaluation):
    return report_html(evaluation.metrics, evaluation.predictions)


@pytest.fixture(scope="module")
def page():
    return html_of(made())


def test_nothing_is_fetched_from_elsewhere(page):
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 4
    assert all(source.startswith("data:image/png;base64,") for source in sources)


def test_figures_are_pictures(page):
    for data in re.findall(r"base64,([^\"]*)", page):
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        assert image.format == "PNG" and image.width > 300
        assert np.asarray(image.convert("L")).std() > 5


def test_names_from_the_data_are_escaped(page):
    assert "<b>x" not in page and "&lt;b&gt;x&amp;y&lt;/b&gt;" in page
    assert "<i>.png" not in page and "cut &amp; short" in page


def test_numbers_and_provenance_are_in_it(page):
    found = made().metrics
    for text in (f"{found['mae']:.3f}", f"{found['pearson']:.4f}", "87.5", "936,981", "m.csv"):
        assert text in page
    assert "$" not in page


def test_single_faces_and_points_can_be_drawn():
    assert "data:image/png" in html_of(made(1))
    assert "MAE (points)" in html_of(made(5, LabelGrid.scut_fbp()))


def test_more_points_than_the_scatter_shows_are_thinned():
    label = np.zeros(figures.MAX_POINTS + 5)
    assert figures.predicted_against_true(label, label + 1, "years").startswith(b"\x89PNG")


def test_terminal_table_lines_up_and_notes_follow():
    lines = tables.text_report(made().metrics).splitlines()
    assert lines[0] == "split all of m.csv, images in r"
    assert len({len(line) for line in lines[1:5]}) == 1
    assert [line.split("  ")[0] for line in lines[2:5]] == [
        "average of both",
        "image",
        "mirror image",
    ]
    assert lines[5].startswith("note: epsilon_error needs a sigma")
    assert lines[-1].startswith("note: rows left out (image unreadable, or label off the grid): 1,")
