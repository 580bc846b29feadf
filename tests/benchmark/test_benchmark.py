"""Measuring models in every engine."""

import json

import keras
import numpy as np
import pytest
from click.testing import CliRunner

from keras_dldl import LabelGrid, build_model
from keras_dldl.benchmark import BenchmarkOptions, markdown, run_benchmark, text
from keras_dldl.benchmark.engines import ENGINES, Engine, Subject, multiply_adds, subject
from keras_dldl.benchmark.run import Timing, timed
from keras_dldl.cli.main import cli
from keras_dldl.errors import ConfigError, ModelFileError
from keras_dldl.models import FaceModel
from tests.models.given import backbone, flat_squares, squares


@pytest.fixture(scope="module")
def tiny_baseline():
    """A baseline of two layers in the place of VGG-16, which takes seconds a call here."""
    with backbone(lambda x: squares(x, 4, 4)) as name:
        return FaceModel(name, LabelGrid.age(), input_size=32)


@pytest.fixture(scope="module")
def result(tiny_baseline):
    from keras_dldl.benchmark import run

    def small(name):
        return Subject(name, tiny_baseline, False) if name == "vgg16" else subject(name)

    broken = Engine("Broken", "float32", lambda model, setting: 1 / 0)
    absent = Engine("Absent", "float32", lambda *_: None, ("no_such_package",), "nothing")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "subject", small)
        patch.setitem(ENGINES, "broken", broken)
        patch.setitem(ENGINES, "absent", absent)
        engines = ("keras", "litert", "onnx", "litert-int8", "saved-model", "broken", "absent")
        options = BenchmarkOptions(["tiny-age@32"], engines, quick=True)
        found = run_benchmark(options)
        return found, text(found), markdown(found)


def test_every_engine_that_is_there_is_measured(result):
    baseline, model = result[0]["models"]
    assert list(baseline["engines"]) == ["keras"]
    assert list(model["engines"]) == ["keras", "litert", "onnx", "litert-int8", "saved-model"]
    for found in (*baseline["engines"].values(), *model["engines"].values()):
        assert found["milliseconds"] > 0
        assert found["images_per_second"] > 0
        assert 0 < found["share_of_peak"] < 1.5
    assert baseline["engines"]["keras"]["ratio"] == 1
    assert model["parameters"] == 936_981
    assert model["trained"]


def test_what_cannot_be_measured_is_listed_with_the_reason(result):
    missing = {one["engine"]: one["reason"] for one in result[0]["not_measured"]}
    assert missing["absent"] == "no_such_package not installed: pip install nothing"
    assert missing["broken"].startswith("ZeroDivisionError")
    assert "not measured: broken, ZeroDivisionError" in result[1]


def test_engines_are_as_near_to_keras_as_exports_must_be(result):
    engines = result[0]["models"][1]["engines"]
    assert engines["keras"]["difference"] is None
    for name in ("litert", "onnx", "saved-model"):
        assert engines[name]["difference"]["most"] <= 0.01
    assert 0 < engines["litert-int8"]["difference"]["mean"]


def test_tables_and_json_hold_every_row(result):
    found, plain, marked = result
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert plain.count("tiny-age@32  ") == 5
    rows = [line for line in marked.splitlines() if line.startswith("| tiny-age@32")]
    assert len(rows) == 5
    assert all(line.count("|") == 11 for line in rows)


def test_a_call_is_timed_beside_the_others():
    order = []
    calls = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    found = timed(calls, range(2), repeats=2)
    assert "".join(order) == "aaabbb" * 2
    assert len(found["a"].seconds) == 2


def test_ratios_are_taken_within_a_round():
    # The second round was ten times as slow for both.
    ours, theirs = Timing((1.0, 10.0, 1.0)), Timing((3.0, 30.0, 3.0))
    assert ours.times_faster(theirs) == 3
    assert Timing((2.0,)).quartiles == (2.0, 2.0)


def test_multiply_adds_against_a_count_by_hand():
    inputs = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(6, 3, padding="same")(inputs)  # 64 places, 3 x 3 x 4 x 6
    x = keras.layers.DepthwiseConv2D(3, strides=2, padding="same")(x)  # 16 places, 3 x 3 x 6
    x = keras.layers.SeparableConv2D(5, 1)(x)  # 16 places, 6 and 6 x 5
    x = keras.layers.Dense(2)(keras.layers.Flatten()(x))  # 80 x 2
    by_hand = 64 * 9 * 24 + 16 * 9 * 6 + 16 * (6 + 30) + 160
    assert multiply_adds(keras.Model(inputs, x)) == by_hand


def test_a_model_at_another_size_has_the_same_weights():
    small, large = subject("tiny-age"), subject("tiny-age@64")
    assert large.model.input_size == 64
    for mine, other in zip(small.model.get_weights(), large.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_an_untrained_model_gets_the_statistics_of_faces():
    model = subject("tiny-age-net@32").model
    norms = [one for one in model.layers if isinstance(one, keras.layers.BatchNormalization)]
    assert all(np.any(np.asarray(layer.moving_mean)) for layer in norms)
    assert all(layer.momentum == 0.9 for layer in norms)


@pytest.mark.parametrize(
    ("name", "error"),
    [("tiny-age-net@x", ConfigError), ("tiny-age-net@8", ConfigError), ("nosuch", ModelFileError)],
)
def test_wrong_models_are_refused(name, error):
    with pytest.raises(error, match="Received"):
        subject(name)


def test_fully_connected_layers_keep_their_size(tmp_path):
    path = tmp_path / "model.keras"
    with backbone(flat_squares) as name:
        FaceModel(name, LabelGrid.age(), input_size=32).save(path)
        with pytest.raises(ConfigError, match="one input size"):
            subject(f"{path}@40")


@pytest.mark.parametrize(
    "arguments", [["--engines", "abacus"], ["--engines", ","], ["--models", " "], ["--rounds", "0"]]
)
def test_wrong_options_exit_with_2(arguments):
    done = CliRunner().invoke(cli, ["benchmark", *arguments])
    assert done.exit_code == 2
    assert "Traceback" not in done.output


@pytest.mark.parametrize("backbone", ["tiny-age-net", "keras:MobileNetV3Small"])
def test_normalisation_by_rows_gives_the_same_numbers(backbone):
    from keras_dldl.export.conversion import normalized_by_rows

    model = build_model(backbone, LabelGrid.age(), input_size=32)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.float32)
    expected = np.asarray(model(images, training=False))
    np.testing.assert_allclose(normalized_by_rows(model)(images), expected, rtol=1e-5, atol=1e-7)
