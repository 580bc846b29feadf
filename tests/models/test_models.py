"""Models: sizes, shapes, dtypes, files."""

import numpy as np
import pytest

from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.faces.alignment import Alignment
from keras_dldl.labels import LabelGrid
from keras_dldl.models import FaceModel, build_model, load_model
from keras_dldl.runtime.networks import KerasNetwork


def parameters(widths, labels):
    """Count by hand: kernels, four numbers a channel for batch normalisation, the linear layer."""
    total, before = 0, 3
    for width, count in zip(widths, (2, 2, 3, 3, 3), strict=True):
        for _ in range(count):
            total += 9 * before * width + 4 * width
            before = width
    return total + before * labels + labels


@pytest.fixture(scope="module")
def model():
    return build_model("tiny-age-net", LabelGrid.age(), input_size=32, alignment=Alignment(0.3))


def faces(count=3, size=32):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "widths", "millions"),
    [
        ("tiny-age-net", (16, 32, 64, 128, 128), 0.94),
        ("thin-age-net", (32, 64, 128, 256, 256), 3.71),
    ],
)
def test_parameter_counts(name, widths, millions):
    count = build_model(name, LabelGrid.age()).count_params()
    assert count == parameters(widths, 101)
    assert round(count / 1e6, 2) == millions


def test_nano_age_net_has_under_100_thousand_parameters():
    plain = [(3, 16), (16, 24), (24, 32), (32, 32), (32, 64)]
    separable = [(64, 64)] * 3 + [(64, 104)] + [(104, 104)] * 2
    expected = sum(9 * a * b + 4 * b for a, b in plain)
    expected += sum(9 * a + a * b + 4 * b for a, b in separable) + 104 * 101 + 101
    assert build_model("nano-age-net", LabelGrid.age(), input_size=64).count_params() == expected
    assert expected < 100_000


def test_baseline_has_the_paper_s_size():
    from keras import backend

    count = build_model("vgg16", LabelGrid.age(), input_size=224).count_params()
    backend.clear_session()
    convolutions = sum(
        9 * a * b + b
        for a, b in zip(
            (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512),
            (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512),
            strict=True,
        )
    )
    linear = (7 * 7 * 512 * 4096 + 4096) + (4096 * 4096 + 4096) + (4096 * 101 + 101)
    assert count == convolutions + linear
    assert round(count / 1e6, 1) == 134.7


@pytest.mark.parametrize("name", ["tiny-age-net", "nano-age-net"])
@pytest.mark.parametrize("size", [32, 47, 96])
def test_any_input_size_gives_distributions(name, size):
    model = build_model(name, LabelGrid.scut_fbp(), input_size=size)
    p = np.asarray(model(faces(2, size)))
    assert p.shape == (2, 41) and p.dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)


def test_uint8_and_float_inputs_agree(model):
    np.testing.assert_array_equal(model(faces()), model(faces().astype("float32")))


def test_views_are_image_and_mirror_image(model):
    image, mirror = KerasNetwork(model).views(faces(5), batch_size=2)
    np.testing.assert_allclose(image, model(faces(5)), atol=1e-6)
    np.testing.assert_allclose(mirror, model(faces(5)[:, :, ::-1]), atol=1e-6)
    assert KerasNetwork(model).views(faces(0))[0].shape == (0, 101)


def test_a_file_holds_all_that_is_needed(model, tmp_path):
    model.card["training"] = {"images": 3}
    model.save(tmp_path / "model.keras")
    for place in (tmp_path / "model.keras", tmp_path):
        again = load_model(place)
        assert isinstance(again, FaceModel)
        assert again.get_config() == model.get_config()
        assert again.grid == model.grid and again.alignment == Alignment(0.3)
        assert (again.task, again.input_size, again.method.name) == ("age", 32, "dldl-v2")
        np.testing.assert_array_equal(again(faces()), model(faces()))


def test_config_covers_the_constructor():
    import inspect

    arguments = set(inspect.signature(FaceModel.__init__).parameters) - {
        "self",
        "arguments",
        "kwargs",
    }
    model = build_model("tiny-age-net", LabelGrid.cfd(), "er", 40, Alignment(0.1), 0.25, "gem")
    assert arguments <= set(model.get_config())
    assert FaceModel.from_config(model.get_config()).get_config() == model.get_config()


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_model(content, tmp_path):
    path = tmp_path / "a.keras"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"keras-dldl train.*Received: .*a\.keras"):
        load_model(path)


def test_a_model_of_another_package_and_no_file(tmp_path):
    import keras

    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(ModelFileError, match="Sequential of another package"):
        load_model(tmp_path / "other.keras")
    with pytest.raises(ModelFileError, match="which is none"):
        load_model(tmp_path / "missing.keras")
    with pytest.raises(ModelFileError, match="Received: None"):
        load_model(None)
    with pytest.raises(ModelFileError, match="a run folder"):
        load_model("no-such-shipped-model")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            {"name": "huge"},
            "one of 'tiny-age-net', .*, 'nano-age-net', 'vgg16', or .*. Received: 'huge'",
        ),
        ({"name": ["x"]}, r"Received: \['x'\]"),
        ({"input_size": 16}, "not below 32. Received: input_size=16"),
        ({"input_size": 40.5}, "whole number of pixels"),
        ({"input_size": None}, "Received: input_size=None"),
        ({"dropout": 1.0}, r"in \[0, 1\)"),
        ({"grid": 101}, "must be a LabelGrid"),
        ({"alignment": "wide"}, "must be a faces.Alignment"),
        ({"method": "magic"}, "A method must be one of dldl-v2"),
    ],
)
def test_bad_arguments(arguments, reason):
    arguments = {"name": "tiny-age-net", "grid": LabelGrid.age(), **arguments}
    with pytest.raises(ConfigError, match=reason):
        build_model(**arguments)
