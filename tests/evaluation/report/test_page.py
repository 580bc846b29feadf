"""The report: one file, complete, escaped, with nothing to fetch."""

import base64
import html
import io
import re

import numpy as np
import pytest
from PIL import Image

from keras_dldl.evaluation import tables
from keras_dldl.evaluation.report import report_html, sections
from keras_dldl.labels import LabelGrid
from tests.evaluation.made_up import made_up, rows_of
from tests.html_case import Page

NAME = "<b>x&y</b>"
LEFT_OUT = [{"path": "<i>.png", "line": 7, "reason": "cut & short"}]


def html_of(evaluation):
    return report_html(
        evaluation.metrics, evaluation.predictions, evaluation.pictures, evaluation.run
    )


@pytest.fixture(scope="module")
def made():
    groups = {"g": [NAME] * 20 + ["other"] * 40, "race": ["r", "s"] * 30}
    rows = rows_of(60, **groups)
    rows["label"] = np.repeat([5.0, 25.0, 45.0], 20)
    origins = np.array(["first"] * 30 + ["second"] * 30, object)
    return made_up(rows, against=True, pictures=True, origins=origins, unreadable=LEFT_OUT)


@pytest.fixture(scope="module")
def page(made):
    return html_of(made)


def test_nothing_is_fetched_from_elsewhere(page):
    assert not re.search(r"https?://|<script|<link|@import|url\(", page)
    sources = re.findall(r'src="([^"]*)"', page)
    assert all(re.match(r"data:image/(png|jpeg);base64,", source) for source in sources)


def test_tags_are_closed_and_links_lead_somewhere(page):
    found = Page(page)
    ids, links = found.values("id"), {link.removeprefix("#") for link in found.values("href")}
    assert found.open == [] and len(set(ids)) == len(ids)
    assert links and links <= set(ids)


def test_names_of_columns_are_escaped():
    page = html_of(made_up(rows_of(60, **{NAME: ["a", "b"] * 30})))
    assert NAME not in page and f"by-{NAME}" in Page(page).values("id")


def test_pictures_are_pictures(page):
    found = re.findall(r"data:image/(png|jpeg);base64,([^\"]*)", page)
    # Bias, CS, scatter, errors, calibration; two each for g and race, one for decade; four faces.
    assert [kind for kind, _ in found].count("png") == 5 + 2 * 2 + 1
    assert [kind for kind, _ in found].count("jpeg") == 4
    for kind, data in found:
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        assert image.format == kind.upper()
        if kind == "png":
            assert image.width > 300 and np.asarray(image.convert("L")).std() > 5


def test_numbers_intervals_names_faces_and_provenance_are_in_it(page, made):
    found, row = made.metrics, made.predictions.iloc[made.pictures.worst[0][0]]
    low, high = found["confidence"]["mae"]
    gap = found["fairness"]["columns"]["race"]["mae"]
    for text in (
        f"{found['mae']:.2f}",
        f"{low:.2f} &hellip; {high:.2f}",
        f"{found['pearson']:.3f}",
        f"{found['against']['mae_difference']:+.3f}",
        f"{gap['highest']} over {gap['lowest']}",
        f"<b>{row['value']:.1f}</b> for {row['label']:g}",
        f"{row['low']:.1f} &hellip; {row['high']:.1f}",
        "&lt;b&gt;x&amp;y&lt;/b&gt;",
        "cut &amp; short",
        "936,981",
        "m.csv",
        "2,000 replicates, drawn by face, seed 0",
        "Leak check not run: the faces are drawn.",
    ):
        assert text in page, text
    assert not any(text in page for text in ("$", "<b>x", "<i>.png"))


@pytest.mark.parametrize(
    ("copies", "seen", "complete", "kind", "said"),
    [
        (0, 0, True, "good", "was trained on 0 of these very images."),
        (0, 0, False, "unknown", "0 of these very images, and on others that it does not name."),
        (0, None, False, "unknown", "is not known: its file holds no fingerprints"),
        (0, 37, True, "bad", "was trained on 37 of these very images."),
        (
            3,
            None,
            False,
            "bad",
            "no fingerprints of its training images. MAE of the other faces: 4.500.",
        ),
    ],
)
def test_no_copies_are_good_only_where_the_models_training_is_known(
    copies, seen, complete, kind, said
):
    found = sections.leak_verdict({
        "checked": True, "split": "test", "faces": 37, "train_faces": 1200,
        "faces_in_train": copies, "subjects_in_train": None, "unreadable": 0,
        "mae_without": 4.5 if copies else None, "faces_seen": seen, "seen_complete": complete,
    })  # fmt: skip
    assert found.startswith(f'<p class="verdict {kind}">Leak check: {copies} of 37 faces of test')
    assert said in found


@pytest.mark.parametrize("count", [1, 2, 12])
def test_few_faces_can_be_shown_and_what_there_is_not_has_no_section(count):
    page = html_of(made_up(rows_of(count), against=count < 12))
    optional = ("against", "data-sets", "faces", "left-out", "training")
    shown = [name for name in optional if f'id="{name}"' in page]
    assert shown == (["against"] if count < 12 else [])
    assert "data:image/png" in page and "No column has two groups of at least 30 faces" in page


def test_points_have_no_decades():
    grid = LabelGrid.scut_fbp()
    page = html_of(made_up(rows_of(30, grid), grid))
    assert "(points)" in page and "decade" not in page.split("</details>")[0].split("<dl>")[0]


def test_the_bias_by_band_of_points_is_that_of_its_faces():
    label = np.repeat([1.0, 1.4, 1.5, 2.9], [10, 10, 19, 20])
    found = sections.label_bands(label, label + np.repeat([1, -3, 9, 0.5], [10, 10, 19, 20]), 0.5)
    assert found == {
        "1-1.5": {"n": 20, "mae": 2.0, "bias": -1.0},
        "2.5-3": {"n": 20, "mae": pytest.approx(0.5), "bias": pytest.approx(0.5)},
    }


def test_terms_are_explained_where_they_stand(page):
    tiles = page.split('class="tiles"')[1].split("<section")[0]
    for term in ("MAE", "balanced MAE", "bias", "CS@5", "Pearson", "90 % coverage"):
        assert f"<h3>{term}</h3>" in tiles and html.escape(tables.TERMS[term]) in tiles
    for term in ("RMSE", "epsilon-error"):
        assert f"<dt>{term}</dt><dd>{html.escape(tables.TERMS[term])}</dd>" in page


def test_the_words_stand_first(page, made):
    body = page.split("</header>")[1]
    first = body.index('class="box words"')
    said = re.sub("</?code>", "`", body)
    assert all(html.escape(text) in said for text in made.metrics["summary"].values())
    assert first < body.index('class="tiles"') < body.index('id="bias"') < body.index("<nav>")


def test_terminal_table_lines_up_and_notes_follow():
    rows = rows_of(40)
    lines = tables.text_report(made_up(rows, unreadable=LEFT_OUT).metrics).splitlines()
    assert lines[0] == "split all of m.csv, images in r"
    lines = lines[lines.index("", 2) + 1 :]
    assert len({len(line) for line in lines[0:4]}) == 1
    assert [line.split("  ")[0] for line in lines[1:4]] == [
        "average of both",
        "image",
        "mirror image",
    ]
    assert lines[4].startswith("MAE, 95 % interval: ")
    assert lines[5].startswith("balanced MAE, the mean over decades: ")
    assert lines[6].startswith("Leak check not run: the faces are drawn. Whether the model was")
    assert not any("epsilon" in line for line in lines)  # no face has a sigma
    assert lines[-1].startswith("note: rows left out (image unreadable, or row not usable): 1,")


def test_terminal_shows_data_sets_and_the_other_model(made):
    lines = tables.text_report(made.metrics).splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("data set"))
    assert len({len(line) for line in lines[start : start + 3]}) == 1
    assert [line.split()[0] for line in lines[start + 1 : start + 3]] == ["first", "second"]
    (against,) = (line for line in lines if line.startswith("against other"))
    assert f"difference {made.metrics['against']['mae_difference']:+.3f}" in against


def test_of_few_faces_the_terminal_says_why_there_is_no_interval():
    lines = tables.text_report(made_up(rows_of(5), against=True).metrics).splitlines()
    (mae,) = (line for line in lines if line.startswith("MAE, 95 %"))
    assert "none, too few (bootstrap over 5 faces)" in mae
    (against,) = (line for line in lines if line.startswith("against other"))
    assert ", -" not in against and "; p - (permutation)" in against


def test_a_report_of_one_face_says_so():
    page = html_of(made_up(rows_of(1), pictures=True))
    assert "<p>1 face: " in page and "<h3>The largest error</h3>" in page
    assert "1 faces" not in page and "1 errors" not in page and "1 largest" not in page
    assert "bootstrap replicates: " not in page  # no number has an interval


def test_bands_of_ratings_have_no_interval_and_claim_none():
    rows = rows_of(60)
    rows["label"] = np.repeat([2.0, 3.0, 4.0], 20)
    page = html_of(made_up(rows, grid=LabelGrid.scut_fbp()))
    assert "Bias by true label" in page and "with its 95 % interval" not in page
