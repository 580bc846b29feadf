"""A whole evaluation: against a slow loop over single images, and what it writes."""

import hashlib
import io
import re
import subprocess

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from keras_dldl.data.prepared import PreparedFolder
from keras_dldl.data.sources import CsvSource
from keras_dldl.errors import ConfigError, DataError, ModelFileError
from keras_dldl.evaluation import LabelledImages, PreparedFaces, evaluate
from keras_dldl.evaluation.evaluate import commit
from keras_dldl.evaluation.numbers import summary
from keras_dldl.evaluation.tables import remarks
from keras_dldl.export import export_model
from keras_dldl.faces.alignment import Alignment
from keras_dldl.faces.detectors.mtcnn import MTCNNDetector
from keras_dldl.faces.images import read_image
from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model
from keras_dldl.runtime import open_network
from tests.evaluation.given import FixedDetector, mini_model, write_images, write_prepared

pytestmark = pytest.mark.usefixtures("mini_backbone")

AGE = LabelGrid.age()


@pytest.fixture(scope="module")
def model():
    return mini_model()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    write_prepared(folder, {"train": 4, "val": 7, "test": 11})
    return folder


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """A LiteRT file with the Keras model in it, named as shipped ones are."""
    place = tmp_path_factory.mktemp("ships") / "shipped" / "model.tflite"
    return export_model(model, "litert", place, with_keras=True).path


@pytest.fixture(scope="module")
def evaluation(model, prepared):
    return evaluate(model, prepared, batch_size=4)


def values_one_by_one(model, crops):
    """Values of image and mirror image, by a loop over single images and labels."""
    values = []
    for crop in crops:
        for face in (crop, np.fliplr(crop)):
            (p,) = np.asarray(model(face[None].astype(np.float32)), np.float64)
            values.append(sum(k * p[k] for k in range(101)) / p.sum())
    return np.array(values).reshape(-1, 2).T


def test_numbers_are_those_of_a_loop_over_single_images(model, prepared, evaluation):
    faces = PreparedFolder.open(prepared).records("test")
    crops = [np.asarray(Image.open(io.BytesIO(face))) for face in faces.read(range(len(faces)))]
    rows = PreparedFaces(prepared).rows
    image, mirror = values_one_by_one(model, crops)
    assert np.abs(image - mirror).max() > 0.01, "the two views must differ for this test to tell"
    for found, value in (
        (evaluation.metrics, (image + mirror) / 2),
        (evaluation.metrics["views"]["image"], image),
        (evaluation.metrics["views"]["mirror"], mirror),
    ):
        expected = summary(rows["label"], value, rows["sigma"])
        for name in ("n", "mae", "rmse", "pearson", "epsilon_error"):
            assert found[name] == pytest.approx(expected[name], abs=2e-3), name
    assert np.abs(evaluation.predictions["value"] - (image + mirror) / 2).max() < 2e-3


def test_metrics_and_predictions_tell_what_was_measured(evaluation):
    metrics = evaluation.metrics
    assert metrics["detection"] == {"found": 10, "whole": 1}
    assert metrics["data"]["split"] == "test"
    assert metrics["data"]["detector"] == "auto"
    assert metrics["model"]["grid"] == AGE.get_config()
    assert (metrics["n"], metrics["task"], metrics["input_size"]) == (11, "age", 32)
    assert set(metrics["groups"]) == {"gender", "value", "split", "face", "decade"}
    assert sum(part["n"] for part in metrics["groups"]["gender"].values()) == 11
    assert evaluation.predictions.columns.tolist() == [
        "path", "label", "value", "std", "low", "high", "sigma", "split", "subject", "gender",
        "manifest_value", "face",
    ]  # fmt: skip


def test_batch_size_and_open_data_make_no_difference_and_a_limit_takes_the_first(
    model, prepared, evaluation
):
    again = evaluate(model, PreparedFaces(prepared, split="test"), batch_size=64)
    assert again.metrics["mae"] == pytest.approx(evaluation.metrics["mae"], abs=1e-4)
    first = evaluate(model, PreparedFaces(prepared, limit=3), batch_size=2).predictions
    for found in (again.predictions, first):
        assert found["path"].tolist() == evaluation.predictions["path"].tolist()[: len(found)]
    with pytest.raises(ConfigError, match="limit=-1"):
        PreparedFaces(prepared, limit=-1)


def test_an_export_has_the_numbers_of_its_model(prepared, exported, evaluation, tmp_path):
    again = evaluate(open_network(exported, engine="litert"), prepared)
    again.save(tmp_path)
    assert "litert" in (tmp_path / "report.html").read_text("utf-8")
    for name in ("mae", "rmse", "balanced_mae"):
        assert again.metrics[name] == pytest.approx(evaluation.metrics[name], abs=1e-3)
    facts = again.metrics["model"]
    assert facts["engine"] == "litert"
    assert facts["method"] == evaluation.metrics["model"]["method"]


def test_default_split_is_val_where_there_is_no_test(model, tmp_path):
    write_prepared(tmp_path / "a", {"train": 3, "val": 4})
    assert evaluate(model, tmp_path / "a").metrics["data"]["split"] == "val"
    write_prepared(tmp_path / "b", {"train": 3})
    with pytest.raises(DataError, match="only train"):
        PreparedFaces(tmp_path / "b")
    with pytest.raises(DataError, match="'test'"):
        PreparedFaces(tmp_path / "b", split="test")


def test_several_folders_are_one_data_set(model, tmp_path):
    for seed in (1, 2):
        write_prepared(tmp_path / str(seed), {"test": 3 * seed}, seed=seed)
    both = evaluate(model, PreparedFaces(tmp_path / "1", tmp_path / "2"))
    single = [evaluate(model, tmp_path / name).metrics for name in ("1", "2")]
    assert both.metrics["n"] == 9
    mean = (3 * single[0]["mae"] + 6 * single[1]["mae"]) / 9
    assert both.metrics["mae"] == pytest.approx(mean, abs=1e-4)


def test_the_rows_of_the_manifest_are_what_is_evaluated(model, tmp_path):
    write_prepared(tmp_path, {"test": 5})
    whole = evaluate(model, tmp_path).predictions
    table = pd.read_csv(tmp_path / "manifest.csv").assign(label=[10, 20, 30, 40, 50])
    table.iloc[[3, 1]].to_csv(tmp_path / "manifest.csv", index=False)
    found = evaluate(model, tmp_path).predictions
    assert found["path"].tolist() == whole["path"].iloc[[3, 1]].tolist()
    assert found["label"].tolist() == [40, 20]
    np.testing.assert_allclose(found["value"], whole["value"].iloc[[3, 1]], atol=1e-3)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (LabelGrid.scut_fbp(), "model's task, attractiveness. Received: data of task age"),
        (LabelGrid(0, 1), "0 ... 1 years. Received: 11 that do not; the first, of faces/2-0.png"),
    ],
)
def test_data_of_another_task_or_off_the_grid_are_refused(prepared, grid, message):
    with pytest.raises(DataError, match=message):
        evaluate(mini_model(grid), prepared)


def test_another_model_has_the_numbers_that_it_has_alone(model, prepared, evaluation):
    """Of another step, input size and alignment, so that the faces go by a second time."""
    grid, alignment = LabelGrid(0, 100, 0.5), Alignment(margin=0.3)
    other = build_model("mini", grid, input_size=48, alignment=alignment)
    metrics = evaluate(model, prepared, against=other, batch_size=4).metrics
    assert metrics["mae"] == evaluation.metrics["mae"]
    alone = evaluate(other, prepared).metrics
    assert metrics["against"]["numbers"]["mae"] == pytest.approx(alone["mae"], abs=1e-3)
    assert any("margin=0.3" in note for note in alone["notes"])
    assert any("--against: the faces were not cut out" in note for note in metrics["notes"])
    assert any("differ in step: 1 here, 0.5 in --against" in note for note in metrics["notes"])
    with pytest.raises(DataError, match="task and the range.*Received: age, 0 ... 90"):
        evaluate(model, prepared, against=mini_model(LabelGrid(0, 90)))


@pytest.mark.parametrize("align", [True, False])
def test_labelled_images_are_aligned_as_at_prediction_or_taken_whole(model, tmp_path, align):
    rows = write_images(tmp_path, 6)
    place = tmp_path / "manifest.csv", tmp_path / "images"
    faces = LabelledImages(*place, align=align, detector=FixedDetector())
    found = evaluate(model, faces, batch_size=4)
    cut, images = model.alignment, [read_image(place[1] / path) for path in rows["path"]]
    crops = [
        cut.align(image, FixedDetector.landmarks, 32) if align else cut.whole(image, 32)
        for image in images
    ]
    expected = values_one_by_one(model, crops).mean(axis=0)
    assert np.abs(found.predictions["value"] - expected).max() < 2e-3
    assert found.metrics["detection"] == ({"found": 6, "whole": 0} if align else None)
    own = f"{FixedDetector.__module__}:FixedDetector"
    assert found.metrics["data"]["detector"] == (own if align else None)
    told = f"the faces are found by {own}; the model's training faces were, by auto"
    assert (told in found.metrics["notes"]) == align
    assert any(f"detector: {own}" in remark for remark in remarks(found.metrics)) == align
    assert found.metrics["data"]["split"] == "all"


def test_where_auto_lacks_its_networks_the_detector_that_ran_is_told(model, tmp_path, monkeypatch):
    write_images(tmp_path, 2)
    monkeypatch.setattr("keras_dldl.evaluation.inputs.detector_here", lambda name: "mtcnn")
    monkeypatch.setattr("keras_dldl.faces.aligner.as_detector", lambda *_: MTCNNDetector())
    found = evaluate(model, LabelledImages(tmp_path / "manifest.csv", tmp_path / "images"))
    assert found.metrics["data"]["detector"] == "mtcnn"
    (note,) = [note for note in found.metrics["notes"] if "found by" in note]
    assert note == "the faces are found by mtcnn; the model's training faces were, by auto"


def test_no_face_counts_as_whole_and_unreadable_images_are_left_out(model, tmp_path):
    rows = write_images(tmp_path, 6)
    Image.new("RGB", (48, 48)).save(tmp_path / "images" / rows["path"][1])
    (tmp_path / "images" / rows["path"][3]).write_bytes(b"not an image")
    (tmp_path / "images" / rows["path"][4]).unlink()
    faces = LabelledImages(tmp_path / "manifest.csv", tmp_path / "images", detector=FixedDetector())
    for _ in range(2):  # counts start anew in every run
        metrics = evaluate(model, faces).metrics
        assert metrics["n"] == 4
        assert metrics["detection"] == {"found": 3, "whole": 1}
        assert [item["line"] for item in metrics["unreadable"]] == [5, 6]
        assert metrics["unreadable"][0]["path"] == rows["path"][3]


def test_lines_are_those_of_the_file_when_only_a_split_is_taken(model, tmp_path):
    rows = write_images(tmp_path, 4).assign(split=["train", "test", "train", "test"])
    rows.to_csv(tmp_path / "manifest.csv", index=False)
    (tmp_path / "images" / rows["path"][3]).unlink()
    place = tmp_path / "manifest.csv", tmp_path / "images"
    faces = LabelledImages(*place, align=False, split="test")
    assert evaluate(model, faces).metrics["n"] == 1
    assert faces.unreadable[0].line == 5
    with pytest.raises(DataError, match="test, train. Received: split='val'"):
        LabelledImages(*place, split="val")


def test_a_root_without_the_images_and_a_table_without_rows_say_so(model, tmp_path):
    write_images(tmp_path, 3)
    (tmp_path / "other").mkdir()
    faces = LabelledImages(tmp_path / "manifest.csv", tmp_path / "other")
    with pytest.raises(DataError, match="Received: 3 that are not; the first, line 2"):
        evaluate(model, faces)
    with pytest.raises(DataError, match="`root`"):
        LabelledImages(tmp_path / "manifest.csv", tmp_path / "missing")
    (tmp_path / "manifest.csv").write_text("path,label\n")
    with pytest.raises(DataError, match="must have rows to evaluate. Received:"):
        LabelledImages(tmp_path / "manifest.csv", tmp_path / "other")


def test_labels_off_the_models_grid_are_left_out_and_listed(model, tmp_path, caplog):
    rows = write_images(tmp_path, 3)
    rows.assign(label=[130, 20, -4]).to_csv(tmp_path / "manifest.csv", index=False)
    faces = LabelledImages(tmp_path / "manifest.csv", tmp_path / "images", align=False)
    found = evaluate(model, faces, against=mini_model(seed=5))
    assert found.metrics["n"] == found.metrics["against"]["n"] == 1
    assert found.predictions["label"].tolist() == [20]
    assert [(item["line"], item["path"]) for item in found.metrics["unreadable"]] == [
        (2, rows["path"][0]),
        (4, rows["path"][2]),
    ]
    assert "Received: label 130 of" in found.metrics["unreadable"][0]["reason"]
    said = "2 of 3 rows are left out: 2 with a label off the model's grid"
    assert caplog.text.count("left out") == caplog.text.count(said) == 1
    assert found.metrics["data"]["rows"] == 3
    rows.assign(label=130).to_csv(tmp_path / "manifest.csv", index=False)
    faces = LabelledImages(tmp_path / "manifest.csv", tmp_path / "images", align=False)
    with pytest.raises(DataError, match="No label suits the model.*label 130"):
        evaluate(model, faces)


def test_rows_that_cannot_be_right_are_left_out_as_prepare_leaves_them_out(model, tmp_path):
    rows = write_images(tmp_path, 6)["path"].tolist()
    lines = [
        "path,label,split",
        f"{tmp_path / 'images' / rows[0]},30,test",  # absolute, inside the root
        f"{rows[1]},old,test",
        f",30,test\n{rows[2]},31,test\n{rows[2]},31,test",
        f"/elsewhere/{rows[3]},30,test",
        f"{rows[3]},130,test",
        f"{rows[4]},,train",
        f"{rows[5]},30,test,too,many",
        f"{rows[5]},32,test",
    ]
    (tmp_path / "faces.csv").write_text("\n".join(lines), encoding="utf-8")
    place = tmp_path / "faces.csv", tmp_path / "images"
    source = CsvSource(tmp_path / "faces.csv").read(tmp_path / "images")
    left_out = [int(item.reason.split(":")[0].split()[1]) for item in source.skipped]
    assert left_out == [3, 4, 6, 7, 8, 9, 10]
    found = evaluate(model, LabelledImages(*place, align=False))
    assert [row["line"] for row in found.metrics["unreadable"]] == left_out
    assert found.predictions["path"].tolist() == source.table["path"].tolist()
    assert found.predictions["path"].tolist() == [rows[0], rows[2], rows[5]]
    of_split = evaluate(model, LabelledImages(*place, align=False, split="test"))
    # A row of another split is nobody's business, one that names none may be of this.
    assert [row["line"] for row in of_split.metrics["unreadable"]] == [3, 4, 6, 7, 8, 10]
    first = evaluate(model, LabelledImages(*place, align=False, limit=2))
    assert [row["line"] for row in first.metrics["unreadable"]] == [3, 4]
    (tmp_path / "faces.csv").write_text(f"path,label\n{rows[0]},old\n,3\n")
    with pytest.raises(DataError, match="must have rows.*line 2: label is.*; line 3: path is"):
        LabelledImages(*place)


def test_a_model_that_gives_nan_is_refused(prepared):
    model = mini_model()
    layer = model.get_layer("logits")
    layer.set_weights([weight * np.nan for weight in layer.get_weights()])
    with pytest.raises(ModelFileError, match="damaged"):
        evaluate(model, prepared)


def published(evaluation, out):
    """All text of the three files, but for the pictures."""
    text = "".join(path.read_text() for path in evaluation.save(out))
    return re.sub(r"base64,[^\"]*", "", text)


def test_nothing_published_says_where_things_lie(model, prepared, tmp_path):
    place = tmp_path / "home" / "run"
    place.mkdir(parents=True)
    model.save(place / "model.keras")
    found = evaluate(place, prepared)
    digest = hashlib.sha256((place / "model.keras").read_bytes()).hexdigest()
    assert found.metrics["model"]["name"] == "run/model.keras"
    assert found.metrics["model"]["sha256"] == digest
    assert found.metrics["data"]["folders"] == [prepared.name]
    assert str(tmp_path.parent) not in published(found, tmp_path / "a")

    rows = write_images(place, 4)
    (place / "images" / rows["path"][1]).unlink()
    (place / "images" / rows["path"][2]).write_bytes(b"not an image")
    faces = LabelledImages(place / "manifest.csv", place / "images", align=False)
    found = evaluate(place / "model.keras", faces)
    assert (found.metrics["data"]["manifest"], found.metrics["data"]["root"]) == (
        "manifest.csv",
        "images",
    )
    assert [item["line"] for item in found.metrics["unreadable"]] == [3, 4]
    assert str(tmp_path) not in published(found, tmp_path / "b")


def test_names_of_models(model, prepared, exported, tmp_path, monkeypatch):
    from keras_dldl import saved_models

    few = PreparedFaces(prepared, limit=2)
    (tmp_path / "mine").mkdir()
    model.save(tmp_path / "mine" / "model.keras")
    monkeypatch.setattr(saved_models, "ROOT", exported.parents[1])
    monkeypatch.chdir(tmp_path / "mine")
    for given, name in (
        (model, None),
        ("shipped", "shipped"),
        (exported, "shipped"),
        ("model.keras", "mine/model.keras"),
        (".", "mine/model.keras"),
    ):
        assert evaluate(given, few).metrics["model"]["name"] == name


def test_labels_that_are_not_finite_are_told_by_their_line(model, tmp_path):
    write_images(tmp_path, 4).assign(label=["inf", 20, "-inf", 30]).to_csv(
        tmp_path / "manifest.csv", index=False
    )
    faces = LabelledImages(tmp_path / "manifest.csv", tmp_path / "images", align=False)
    left_out = evaluate(model, faces).metrics["unreadable"]
    assert [(row["line"], row["reason"]) for row in left_out] == [
        (2, "label is not a number: 'inf'"),
        (4, "label is not a number: '-inf'"),
    ]
    write_prepared(tmp_path / "data", {"test": 3})
    table = pd.read_csv(tmp_path / "data" / "manifest.csv").assign(label=[20, np.inf, 30])
    table.to_csv(tmp_path / "data" / "manifest.csv", index=False)
    with pytest.raises(DataError, match="line 3: .*inf"):
        evaluate(model, tmp_path / "data")


def test_large_images_are_left_out_where_a_limit_says_so(model, tmp_path):
    write_images(tmp_path, 2)
    place = tmp_path / "manifest.csv", tmp_path / "images"
    found = evaluate(model, LabelledImages(*place, align=False, max_pixels=48 * 48))
    assert found.metrics["n"] == 2
    with pytest.raises(DataError, match="over the limit of 2,303.*--max-pixels"):
        evaluate(model, LabelledImages(*place, align=False, max_pixels=48 * 48 - 1))
    with pytest.raises(ConfigError, match="max_pixels=0"):
        LabelledImages(*place, max_pixels=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 2.5}, "`batch_size` .* whole number"),
        ({"decoder": "mode"}, "decoder.*mode"),
    ],
)
def test_options_out_of_range(model, prepared, options, message):
    with pytest.raises(ConfigError, match=message):
        evaluate(model, prepared, **options)


def test_groups_of_images_make_no_difference(model, tmp_path, monkeypatch):
    from keras_dldl.evaluation import inputs

    write_images(tmp_path, 5)
    place = tmp_path / "manifest.csv", tmp_path / "images"
    whole = evaluate(model, LabelledImages(*place, align=False)).predictions
    batched, sizes = inputs.batched, []

    def small(pairs):
        for group in batched(pairs, most_images=2):
            sizes.append(len(group))
            yield group

    monkeypatch.setattr(inputs, "batched", small)
    single = evaluate(model, LabelledImages(*place, align=False)).predictions
    assert sizes == [2, 2, 1]
    assert np.allclose(single["value"], whole["value"], atol=1e-4)


def test_the_median_is_the_label_of_least_expected_distance(model, prepared, evaluation):
    found = evaluate(model, prepared, batch_size=4, decoder="median")
    assert (found.metrics["decoder"], evaluation.metrics["decoder"]) == ("median", "expectation")
    value, std = (found.predictions[name].to_numpy() for name in ("value", "std"))
    assert (value == np.rint(value)).all()
    # A median is within a standard deviation of the mean.
    assert (np.abs(value - evaluation.predictions["value"]) <= std).all()
    assert found.metrics["mae"] != evaluation.metrics["mae"]


def git(folder, *arguments):
    name = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", "-C", str(folder), *name, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_checkout_is_told_by_its_commit(tmp_path):
    assert commit(tmp_path) is None
    git(tmp_path, "init")
    assert commit(tmp_path) is None, "no commit yet"
    (tmp_path / "a.txt").write_text("1")
    git(tmp_path, "add", "a.txt")
    git(tmp_path, "commit", "-m", "x")
    head = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "new.txt").write_text("not followed")
    assert commit(tmp_path) == head
    (tmp_path / "a.txt").write_text("2")
    assert commit(tmp_path) == f"{head}-dirty"
    (tmp_path / "inside").mkdir()
    assert commit(tmp_path / "inside") is None, "a repository around it does not count"


def test_versions_and_the_models_training_are_told(model, prepared, tmp_path):
    import keras_dldl

    trained = mini_model()
    trained.card["training"] = {"data": ["utk"], "epoch": 3}
    found = evaluate(trained, PreparedFaces(prepared, limit=2)).metrics
    assert found["model"]["training"]["epoch"] == 3
    expected = {"keras_dldl": keras_dldl.__version__, "keras": keras.__version__}
    assert expected | {"backend": keras.backend.backend()} == {
        name: found["versions"][name] for name in ("keras_dldl", "keras", "backend")
    }
