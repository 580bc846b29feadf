"""The SavedModel: read by TensorFlow alone, the numbers of prediction, any image size."""

import json

import numpy as np
import pytest

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.export import ParityError, export_model, saved_model
from keras_dldl.export.parity import generated_images, keras_outputs
from keras_dldl.predict import predict_age
from keras_dldl.runtime.keras_network import KerasNetwork
from tests.evaluation.given import noise, tiny_model

tf = pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def model():
    return tiny_model()


@pytest.fixture(scope="module")
def serve(exported):
    loaded = tf.saved_model.load(str(exported.path))
    signature = loaded.signatures["images"]
    signature.keep = loaded  # the signature does not keep the weights alive
    return signature


def test_it_lies_where_a_server_looks_agrees_with_keras_and_tells_how_to_feed_it(model, exported):
    assert exported.path.name == "2"
    assert (exported.path / "saved_model.pb").is_file()
    assert 0 <= exported.parity.value < 1e-4
    names = sorted(entry.name for entry in exported.path.parent.iterdir())
    assert names == ["2", "batching.config", "docker-compose.yml", "models.config"]
    card = json.loads((exported.path / "assets.extra" / "keras_dldl.json").read_text())
    assert card["input_size"] == 32 and card["task"] == "age" and card["unit"] == "years"
    assert card["labels"] == list(range(101))
    assert np.allclose(card["alignment"]["five_points"], model.alignment.template(32))


def test_weights_are_stored_once(model, exported):
    weights = sum(path.stat().st_size for path in (exported.path / "variables").iterdir())
    assert weights < 4 * model.count_params() + 20_000


@pytest.mark.parametrize("count", [1, 2, 7])
def test_numbers_are_those_of_prediction(model, serve, count):
    faces = noise(count, seed=count)
    served = serve(images=tf.constant(faces))
    predicted = predict_age(list(faces), model=model, detect=False)
    assert np.abs(served["value"].numpy() - [float(p) for p in predicted]).max() < 1e-4
    assert np.abs(served["std"].numpy() - [p.std for p in predicted]).max() < 1e-4
    distributions = np.stack([p.distribution for p in predicted])
    # Float32 sums in another order; some processors' come to 1.1e-6.
    assert np.abs(served["distribution"].numpy() - distributions).max() < 2e-6


@pytest.mark.parametrize("shape", [(64, 64), (47, 90), (20, 25)])
def test_other_sizes_are_resized_as_at_prediction(model, serve, shape):
    image = generated_images(1, 96, seed=5)[0][: shape[0], : shape[1]]
    served = serve(images=tf.constant(image[None]))["value"].numpy()[0]
    # Pillow rounds once more, between the two directions.
    assert served == pytest.approx(float(predict_age(image, model=model, detect=False)), abs=0.05)


def test_without_mirror_only_the_image_counts(model, tmp_path, in_process):
    export_model(model, "saved-model", tmp_path / "m", mirror=False)
    loaded = tf.saved_model.load(str(tmp_path / "m"))
    faces = noise(3, seed=9)
    served = loaded.signatures["images"](images=tf.constant(faces))
    image, _ = KerasNetwork(model, is_fast=True).views(faces)  # folded alike
    assert np.abs(served["distribution"].numpy() - image).max() < 1e-6
    card = json.loads((tmp_path / "m" / "assets.extra" / "keras_dldl.json").read_text())
    assert card["mirror_averaged"] is False


def test_the_other_process_cannot_import_keras(tmp_path, monkeypatch):
    program = saved_model.TENSORFLOW_ALONE.read_text()
    probe = tmp_path / "probe.py"
    probe.write_text(program.replace("    import numpy as np", "    import keras"))
    monkeypatch.setattr(saved_model, "TENSORFLOW_ALONE", probe)
    with pytest.raises(ParityError, match="import of keras halted.*exit status 1"):
        saved_model.run_alone(tmp_path, [])


def test_a_model_that_does_not_agree_is_not_kept(model, tmp_path, monkeypatch):
    def other_numbers(folder, batches):
        assert (folder / "saved_model.pb").is_file()
        outputs = [keras_outputs(model, images, True) for images in batches]
        return [o | {"value": o["value"] + 0.01} for o in outputs]

    monkeypatch.setattr(saved_model, "run_alone", other_numbers)
    with pytest.raises(ParityError, match="0.01 in `value`"):
        export_model(model, "saved-model", tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("onnx-runtime", "m"), "`format` .* must be one of .*litert"),
        (("saved-model", "m", 0), "`version` .* whole number, 1 or more"),
        (("saved-model", "m", 1.5), "`version`"),
        (("saved-model", "m", "1"), "`version`"),
        (("saved-model", "m", "next"), "`version`"),
    ],
)
def test_wrong_arguments_are_refused(model, tmp_path, arguments, message):
    format, name, *version = arguments
    with pytest.raises(ConfigError, match=message):
        export_model(model, format, tmp_path / name, version=version[0] if version else None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_signature_that_disagrees_is_not_kept(model, tmp_path, monkeypatch):
    def coarser(file):  # than the decoder that the other signatures' images have gone through
        return tf.io.decode_png(file, channels=3) // 16 * 16

    monkeypatch.setattr("keras_dldl.export.encoded_images._png_pixels", coarser)
    with pytest.raises(ParityError, match="serving_default differs from that of images by"):
        export_model(model, "saved-model", tmp_path / "m", version=1)
    assert list(tmp_path.rglob("*")) == [tmp_path / "m"]


def test_a_missing_model_leaves_no_folder(tmp_path):
    with pytest.raises(ModelFileError):
        export_model(tmp_path / "missing.keras", "saved-model", tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_plain_error(tmp_path, monkeypatch):
    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "part-0; No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(OSError, match="No space left on device: '.*out'"):
        export_model(tiny_model(), "saved-model", tmp_path / "out")
    assert not list(tmp_path.iterdir())
