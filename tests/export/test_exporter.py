"""ONNX and LiteRT files: right numbers, limits, precisions, places, faces to compare on."""

import numpy as np
import pytest
from PIL import Image

from keras_dldl.data.synthetic import draw_faces
from keras_dldl.errors import ConfigError, DataError
from keras_dldl.export import ParityError, export_model, exporter
from keras_dldl.export.conversion import to_litert
from keras_dldl.export.exporter import FileFormat
from keras_dldl.export.faces import drawn_faces, faces_of
from keras_dldl.export.parity import Limits, compare, keras_outputs, limits_of
from keras_dldl.labels import LabelGrid
from keras_dldl.layers.normalization import image_normalization
from keras_dldl.runtime import open_network
from keras_dldl.runtime.card import read_litert_card
from tests.evaluation.given import tiny_model, write_images, write_prepared
from tests.models.given import backbone, squares


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for k, face in enumerate(draw_faces(8, size=96)):
        Image.fromarray(face.image).save(folder / f"{k}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.mark.parametrize(("format", "mirror"), [("onnx", True), ("litert", False)])
def test_files_give_the_numbers_of_keras_at_every_batch_size(model, tmp_path, format, mirror):
    result = export_model(model, format, tmp_path, mirror=mirror)
    assert result.path.parent == tmp_path and result.size == result.path.stat().st_size
    assert result.parity.value < 1e-3 and 0 < result.parity.mean <= result.parity.value
    light = open_network(result.path)
    assert light.card.mirror_averaged is mirror
    for count in (1, 3, 7):
        images = drawn_faces(model, count)
        outputs = light._network(images.astype(np.float32))
        assert outputs.keys() == {"value", "std", "distribution"}
        for name, wanted in keras_outputs(model, images, mirror).items():
            np.testing.assert_allclose(outputs[name], wanted, atol=1e-3)


def test_a_network_of_reversed_colours_keeps_its_numbers(tmp_path):
    """As those that came from Caffe want them."""

    def reversed_colours(images):
        return squares(image_normalization((0.1, 0.2, 0.3), (1, 2, 3), reverse=True)(images))

    with backbone(reversed_colours) as name:
        model = tiny_model(backbone=name)
    images = drawn_faces(model, 1)
    values = [keras_outputs(model, of, False)["value"] for of in (images, images[..., ::-1])]
    assert abs(values[0] - values[1]) > 0.1
    assert export_model(model, "litert", tmp_path, mirror=False).parity.value < 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float16", "int8-dynamic", "int8"])
def test_precisions_are_small_and_near(model, photos, tmp_path, precision):
    given = {"precision": precision, "calibrate": photos if precision == "int8" else None}
    result = export_model(model, "litert", tmp_path / "m.tflite", images=photos, **given)
    whole = sum(variable.numpy().nbytes for variable in model.variables)
    assert result.size < 0.6 * whole
    assert 0 < result.parity.mean < 0.5 and result.parity.images == 8
    card = read_litert_card(result.path.read_bytes())
    assert card["precision"] == precision


def test_limits_are_in_proportion_to_the_grid():
    assert limits_of("float32", LabelGrid.age()) == Limits(largest=0.01)
    assert limits_of("int8-dynamic", LabelGrid.age()) == Limits(mean=0.5)
    assert limits_of("float16", LabelGrid.scut_fbp()).mean == pytest.approx(0.0004)


def test_a_mean_past_its_limit_is_refused(model):
    def run(batches):
        outputs = [keras_outputs(model, images, True) for images in batches]
        return [one | {"value": one["value"] + 0.6} for one in outputs]

    with pytest.raises(ParityError, match="0.5 in the mean.*0.6 in `value`"):
        compare(run, model, tolerance=limits_of("int8", model.grid))
    assert compare(run, model, tolerance=Limits(mean=0.7)).mean == pytest.approx(0.6)


@pytest.fixture
def quick_onnx(model, monkeypatch):
    """Writes ONNX files of a few bytes, that give the numbers of Keras and `error`."""

    class Network:
        input_dtype, error = "uint8", 0.0

        def __call__(self, images):
            outputs = keras_outputs(model, images, mirror=True)
            return outputs | {"value": outputs["value"] + self.error}

    network = Network()
    quick = FileFormat(
        ".onnx", ("float32",), lambda *_: b"file", lambda file, _: file, lambda _: network
    )
    monkeypatch.setitem(exporter.FILE_FORMATS, "onnx", quick)
    return network


@pytest.mark.parametrize(
    ("precision", "reason"), [("int4", "`precision` is not valid"), ("int8", "faces to calibrate")]
)
def test_the_converter_refuses_what_it_cannot_write(model, precision, reason):
    with pytest.raises(ConfigError, match=reason):
        to_litert(model, mirror=False, precision=precision)


def test_nothing_is_left_of_a_file_past_its_limit(model, tmp_path, quick_onnx):
    quick_onnx.error = 0.02
    with pytest.raises(ParityError, match="agree with Keras to 0.01"):
        export_model(model, "onnx", tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_places(model, tmp_path, quick_onnx):
    file = tmp_path / "new" / "m.onnx"
    export_model(model, "onnx", file)
    first = file.stat().st_mtime_ns
    with pytest.raises(FileExistsError, match="--force"):
        export_model(model, "onnx", file)
    export_model(model, "onnx", file, force=True)
    assert file.stat().st_mtime_ns > first
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(FileExistsError, match="must not be a folder"):
        export_model(model, "onnx", tmp_path / "folder.onnx", force=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"format": "onnx", "precision": "float16"}, "`precision` is not valid"),
        ({"format": "litert", "precision": "int4"}, "`precision` is not valid"),
        ({"format": "litert", "precision": "int8"}, "--calibrate"),
        ({"format": "litert", "version": 1}, "`version` is for SavedModels"),
        ({"format": "saved-model", "precision": "float16"}, "for the formats onnx and litert"),
        ({"format": "openvino"}, "`format` .* must be one of"),
    ],
)
def test_settings_that_do_not_go_together(model, tmp_path, given, message):
    with pytest.raises(ConfigError, match=message):
        export_model(model, out=tmp_path / "m", **given)
    assert list(tmp_path.iterdir()) == []


def test_faces_from_folders_manifests_and_prepared_data(model, photos, tmp_path):
    found = faces_of(photos, model, 100)
    assert found.shape == (8, 32, 32, 3) and found.dtype == np.uint8
    assert len(faces_of(photos, model, 3)) == 3
    write_images(tmp_path, 3)
    (tmp_path / "images" / "manifest.csv").write_bytes((tmp_path / "manifest.csv").read_bytes())
    assert len(faces_of(tmp_path / "images" / "manifest.csv", model, 9)) == 3
    images = write_prepared(tmp_path / "prepared", {"train": 3, "val": 2})
    given = faces_of(tmp_path / "prepared", model, 9)
    kept = [image for image in images.values()][-2:]
    assert len(given) == 2 and np.abs(given.astype(int) - kept).mean() < 10


@pytest.mark.parametrize("name", ["nope", "empty"])
def test_no_faces(model, tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="Faces must come from"):
        faces_of(tmp_path / name, model, 3)
