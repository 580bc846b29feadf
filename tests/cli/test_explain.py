"""`keras-dldl explain`: pictures, arrays, JSON, exit statuses."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_dldl.cli.main import cli
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel
from tests.evaluation.given import noise, write_prepared
from tests.models.given import backbone, flat_squares, squares

SIDE = 32


@pytest.fixture(scope="module", autouse=True)
def backbones():
    with backbone(squares, "squares"), backbone(flat_squares, "flat"):
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with models with and without a pooled feature map, data and crops."""
    folder = tmp_path_factory.mktemp("place")
    for name, grid, kind, pooling in (
        ("maps", LabelGrid.age(), "squares", "average"),
        ("none", LabelGrid.age(), "flat", None),
        ("other", LabelGrid.scut_fbp(), "squares", "average"),
    ):
        model = FaceModel(kind, grid, input_size=SIDE, pooling=pooling)
        model.save(folder / f"{name}.keras")
    write_prepared(folder / "data", {"train": 4, "val": 20})
    for sub in ("a", "b"):
        (folder / sub).mkdir()
        Image.fromarray(noise(1)[0]).save(folder / sub / "face.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    Image.fromarray(np.zeros((60, 60, 3), np.uint8)).save(folder / "black.png")
    return folder


def run(place, *arguments, model="maps"):
    given = ["explain", *arguments, "--model", place / f"{model}.keras"]
    return CliRunner().invoke(cli, list(map(str, given)))


def arrays_of(path):
    with np.load(path) as file:
        return dict(file)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_attention_draws_a_picture_a_face_each_under_a_name_of_its_own(place, tmp_path):
    files = place / "a" / "face.png", place / "b" / "face.png"
    result = run(place, "attention", *files, "--no-detect", "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert names(tmp_path) == ["face-attention-2.png", "face-attention.png"]
    assert result.stdout.count(" years, 90 % interval ") == 2
    # As of `predict`: noise of 32 x 32 pixels is no face.
    assert [line.partition("; warning: ")[2][:7] for line in result.stdout.splitlines()] == [
        "no-face"
    ] * 2
    drawn = np.asarray(Image.open(tmp_path / "face-attention.png").convert("RGB"), int)
    assert np.ptp(drawn, axis=2).max() > 100  # the map's colours


def test_attention_goes_on_past_what_is_no_face(place, tmp_path):
    files = [place / name for name in ("broken.jpg", "black.png", "a/face.png")]
    result = run(place, "attention", *files[:2], "--out", tmp_path)
    assert result.exit_code == 1
    assert "broken.jpg: " in result.stderr and "black.png: no face was found" in result.stderr
    result = run(place, "attention", files[0], files[2], "--no-detect", "--out", tmp_path)
    assert result.exit_code == 1 and names(tmp_path) == ["face-attention.png"]


def test_groups_write_picture_arrays_and_counts(place, tmp_path):
    given = "--data", place / "data", "--split", "val", "--out", tmp_path, "--groups", "50,99.9"
    result = run(place, "groups", *given, "--limit", 15, "--json")
    assert result.exit_code == 0, result.stderr
    content = json.loads(result.stdout)
    assert content == json.loads((tmp_path / "groups.json").read_text())
    assert names(tmp_path) == ["groups.json", "groups.npz", "groups.png"]
    assert content["n"] == 15 == sum(of["n"] for of in content["groups"].values())
    assert len(content["groups"]) == 2 and len(content["empty"]) == 1
    arrays = arrays_of(tmp_path / "groups.npz")
    assert arrays["attention"].shape == (2, 4, 4) and arrays["faces"].shape == (2, SIDE, SIDE, 3)
    assert arrays["counts"].tolist() == [of["n"] for of in content["groups"].values()]


def test_occlusion_is_the_same_again_and_other_faces_with_another_seed(place, tmp_path):
    given = "--data", place / "data", "--split", "val", "--limit", 5, "--out", tmp_path, "--json"
    first, again, other = (
        json.loads(run(place, "occlusion", *given, "--seed", seed).stdout) for seed in (0, 0, 1)
    )
    assert first == again and first["mae"] != other["mae"]
    assert names(tmp_path) == ["occlusion.json", "occlusion.npz", "occlusion.png"]
    assert set(first["covers"]) == {"square", "horizontal", "vertical"} and first["n"] == 5
    arrays = arrays_of(tmp_path / "occlusion.npz")
    assert arrays["square_rise"].shape == arrays["mean_face"].shape[:2] == (SIDE, SIDE)
    np.testing.assert_allclose(arrays["square_mae"], other["covers"]["square"]["mae"])


def test_a_model_without_maps_has_the_rest_written(place, tmp_path):
    data = "--data", place / "data", "--out", tmp_path
    face = run(
        place, "attention", place / "a" / "face.png", "--no-detect", "--out", tmp_path, model="none"
    )
    groups = run(place, "groups", *data, model="none")
    for result in (face, groups):
        assert result.exit_code == 1
        assert "Error: Attention maps need a linear layer" in result.stderr
    assert json.loads((tmp_path / "groups.json").read_text())["attention"]["map"] is None
    occlusion = run(place, "occlusion", *data, "--shape", "vertical", model="none")
    assert occlusion.exit_code == 0, occlusion.stderr
    assert {"face-attention.png", "groups.png", "occlusion.png"} <= set(names(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--split", "test"), 1, "no rows of split 'test'"),
        (("--groups", "60,18"), 2, "Received: 60, 18"),
        (("--groups", "old"), 2, "Received: old"),
        (("--limit", "-1"), 2, "--limit"),
    ],
)
def test_bad_options(place, tmp_path, arguments, status, message):
    result = run(place, "groups", "--data", place / "data", "--out", tmp_path, *arguments)
    assert (result.exit_code, message in result.stderr) == (status, True), result.stderr


def test_bad_places(place, tmp_path):
    other = run(place, "occlusion", "--data", place / "data", "--out", tmp_path, model="other")
    assert other.exit_code == 1 and "task" in other.stderr
    out = place / "broken.jpg"
    for arguments in (("groups", "--data", place / "data"), ("attention", place / "black.png")):
        result = run(place, *arguments, "--out", out)
        assert result.exit_code == 1 and "Not a directory" in result.stderr


def test_labels_of_one_value_are_explained_and_said(place, tmp_path):
    write_prepared(tmp_path / "data", {"val": 3})
    given = "--data", tmp_path / "data", "--limit", 1, "--out", tmp_path / "out"
    for command in ("groups", "occlusion"):
        result = run(place, command, *given, "--json")
        assert result.exit_code == 0, result.stderr
        assert "all labels are" in json.loads(result.stdout)["notes"][0]


@pytest.mark.parametrize("command", ["occlusion", "groups"])
def test_photos_given_where_prepared_data_are_needed(command):
    result = CliRunner().invoke(cli, ["explain", command, "photo.jpg"])
    assert result.exit_code == 2
    assert "`keras-dldl explain attention`. Received: photo.jpg" in result.stderr
