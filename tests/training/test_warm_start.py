import sys

import keras
import numpy as np
import pytest

from keras_dldl import LabelGrid, build_model
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.models import load_model
from keras_dldl.models.backbones import applications
from keras_dldl.training.config import TrainConfig
from keras_dldl.training.warm_start import copy_matching_layers, load_backbone_weights, start_from
from tests.models.given import backbone

CFD = LabelGrid.cfd()
SMALL = "keras:MobileNetV3Small"


def weights(model, layer):
    return [np.asarray(value) for value in model.get_layer(layer).get_weights()]


def test_backbone_is_copied_and_another_head_kept():
    source = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    target = build_model("tiny-age-net", LabelGrid.scut_fbp(), input_size=48)
    head = weights(target, "logits")
    report = copy_matching_layers(target, source)
    assert report.left == ("logits",)
    assert len(report.copied) == 26  # 13 convolutions and their normalisations
    for layer in ("stage1_conv1", "stage5_conv3_bn"):
        for got, wanted in zip(weights(target, layer), weights(source, layer), strict=True):
            np.testing.assert_array_equal(got, wanted)
    np.testing.assert_array_equal(weights(target, "logits")[0], head[0])
    assert str(report) == "26 of 27 layers, not logits"


def test_same_head_is_copied_too():
    source = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    target = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    assert copy_matching_layers(target, source).left == ()
    np.testing.assert_array_equal(weights(target, "logits")[0], weights(source, "logits")[0])


def test_nothing_in_common_is_an_error():
    source = build_model("thin-age-net", LabelGrid.scut_fbp(), input_size=32)
    target = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    with pytest.raises(ConfigError, match="no layer that fits.*Received: thin_age_net"):
        copy_matching_layers(target, source)


def test_a_start_model_of_another_backbone_gives_a_warning(tmp_path, caplog):
    build_model("nano-age-net", LabelGrid.age(), input_size=32).save(tmp_path / "nano.keras")
    target = build_model("tiny-age-net", LabelGrid.age(), input_size=32)
    start_from(target, TrainConfig(data=["d"], init=str(tmp_path / "nano.keras")))
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "19 of 26 layers of the backbone tiny-age-net" in warning.message
    assert "--model nano-age-net" in warning.message


def unnamed(x):
    for width in (4, 6):
        x = keras.layers.ReLU()(keras.layers.Conv2D(width, 3, 2)(x))
    return x


def test_layers_without_a_name_of_their_own_are_matched_by_their_place():
    # Keras names them conv2d, conv2d_1 ..., counted over all that a process ever made.
    with backbone(unnamed, "unnamed") as name:
        source = build_model(name, LabelGrid.age(), input_size=32)
        target = build_model(name, CFD, input_size=32)
    assert copy_matching_layers(target, source).left == ("logits",)
    maps = [keras.Model(model.input, model.features)(faces()) for model in (source, target)]
    np.testing.assert_allclose(*maps, rtol=1e-5, atol=1e-6)


def faces():
    return np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return build_model(SMALL, CFD, input_size=32)


def test_weights_of_a_file_are_taken_once(model, tmp_path):
    for suffix in (".weights.h5", ".keras"):
        keras.utils.set_random_seed(5)
        donor = applications.new_network(SMALL, 32)
        path = tmp_path / f"net{suffix}"
        donor.save(path) if suffix == ".keras" else donor.save_weights(path)
        target = build_model(SMALL, CFD, input_size=32)
        load_backbone_weights(target, str(path))
        family = applications.family_of(SMALL)
        layer = applications.image_normalization(family.mean, family.std)
        found = keras.Model(target.input, target.feature_map)(faces())
        np.testing.assert_allclose(found, donor(layer(faces())), rtol=1e-4, atol=1e-5)
        target.save(tmp_path / "model.keras")
        path.unlink()  # the saved model has its own
        np.testing.assert_array_equal(load_model(tmp_path)(faces()), target(faces()))


def normalization_of(network):
    return next(x for x in network.layers if isinstance(x, keras.layers.Normalization))


def test_efficientnet_does_not_normalise_twice(tmp_path):
    donor = applications.new_network("keras:EfficientNetB0", 32)
    normalization_of(donor).set_weights([np.array([0.4] * 3), np.array([0.2] * 3), np.array(0)])
    donor.save(tmp_path / "net.keras")
    target = build_model("keras:EfficientNetB0", CFD, input_size=32)
    network = next(layer for layer in target.layers if isinstance(layer, keras.Model))
    before = normalization_of(network).get_weights()
    load_backbone_weights(target, str(tmp_path / "net.keras"))
    for was, now in zip(before, normalization_of(network).get_weights(), strict=True):
        np.testing.assert_array_equal(now, was)
    kernels = [each.get_layer("stem_conv").get_weights()[0] for each in (donor, network)]
    np.testing.assert_array_equal(*kernels)


def test_a_failed_download_says_what_to_do(model, monkeypatch, capsys):
    def fail(**kwargs):
        sys.stdout.write("Downloading data from somewhere")  # as Keras does
        raise Exception("URL fetch failure on somewhere: None -- no name")

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", fail)
    with pytest.raises(ModelFileError, match="could not be fetched.*Received: URL fetch failure"):
        load_backbone_weights(model, "imagenet")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("backbone", "weights", "reason"),
    [
        ("nano-age-net", "imagenet", "there is `init`. Received: weights='imagenet' for nano"),
        (SMALL, "no-file.weights.h5", "'no-file.weights.h5', which is no file"),
        (SMALL, "imagnet", "'imagnet', of another kind"),
    ],
)
def test_bad_weights(backbone, weights, reason):
    with pytest.raises(ConfigError, match=reason):
        load_backbone_weights(build_model(backbone, CFD, input_size=32), weights)


def test_weights_of_another_network_are_refused(model, tmp_path):
    other = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(2, 3)])
    for suffix in (".weights.h5", ".keras"):
        path = tmp_path / f"other{suffix}"
        other.save(path) if suffix == ".keras" else other.save_weights(path)
        with pytest.raises(ModelFileError, match="of the network keras:MobileNetV3Small"):
            load_backbone_weights(model, str(path))
    (tmp_path / "x.keras").write_bytes(b"nothing")
    with pytest.raises(ModelFileError, match="does not fit"):
        load_backbone_weights(model, str(tmp_path / "x.keras"))
