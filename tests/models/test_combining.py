"""Two models as one: the mean of the weights of both; or the mean of their logits."""

import numpy as np
import pytest

from keras_dldl.errors import ConfigError
from keras_dldl.labels import LabelGrid
from keras_dldl.models import build_model, load_model
from keras_dldl.models.combining import average_models, join_models
from tests.models.given import shaken

SIZE = 48


def made(seed, **others):
    """Return a small model with weights as after some training, the statistics among them."""
    arguments = {"name": "tiny-age-net", "grid": LabelGrid.scut_fbp(), "input_size": SIZE, **others}
    return shaken(build_model(**arguments), seed)


def faces():
    return np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3)).astype("float32")


def logits(model):
    return np.asarray(model.training_model()(faces()), np.float64)


@pytest.mark.parametrize("weight", [0.5, 0.8])
def test_the_logits_are_the_mean_of_both(weight):
    first, second = made(1), made(2)
    joined = join_models(first, second, weight)
    assert joined.backbone_name == "thin-age-net"
    expected = weight * logits(first) + (1 - weight) * logits(second)
    assert np.ptp(logits(first) - logits(second)) > 0.1 * np.ptp(expected)
    np.testing.assert_allclose(logits(joined), expected, rtol=2e-4, atol=1e-4 * np.ptp(expected))


def test_the_distribution_is_the_geometric_mean(tmp_path):
    first, second = made(3), made(4)
    join_models(first, second).save(tmp_path / "joined.keras")
    p, q = (np.asarray(m(faces()), np.float64) for m in (first, second))
    expected = np.sqrt(p * q)
    expected /= expected.sum(axis=1, keepdims=True)
    got = load_model(tmp_path / "joined.keras")(faces())
    np.testing.assert_allclose(got, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"grid": LabelGrid.age()}, "grid"),
        ({"input_size": 64}, "input_size 48 and 64"),
        ({"name": "nano-age-net"}, "tiny-age-net and nano-age-net"),
        ({"method": "dex"}, "method"),
        ({"pooling": "average"}, "pooling"),
    ],
)
def test_models_that_differ_are_refused(others, said):
    with pytest.raises(ConfigError, match=said):
        join_models(made(1), made(2, **others))


def test_a_weight_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="weight.*1.5"):
        join_models(made(1), made(2), 1.5)


def test_a_backbone_without_a_wider_one_is_refused():
    with pytest.raises(ConfigError, match="Only models with a backbone.*thin-age-net"):
        join_models(made(1, name="thin-age-net"), made(2, name="thin-age-net"))


@pytest.mark.parametrize("method", ["dldl", "ranking-bce", "mr-l1", "coral"])  # of each head
def test_every_method_is_joined_exactly_or_refused(method):
    first, second = made(1, method=method), made(2, method=method)
    try:
        joined = join_models(first, second)
    except ConfigError as error:
        assert "one linear layer" in str(error) and method == "coral"
        return
    p, q = logits(first), logits(second)
    if not method.startswith(("mr", "ranking")):
        np.testing.assert_allclose(logits(joined), (p + q) / 2, rtol=2e-4, atol=1e-4 * np.ptp(p))
    assert np.isfinite(logits(joined)).all()


@pytest.mark.parametrize("weight", [0.5, 0.8, 0.0])
def test_the_weights_are_the_mean(weight):
    first, second = made(1), made(2)
    averaged = average_models(first, second, weight)
    assert averaged.backbone_name == "tiny-age-net" and averaged.calibration is None
    for a, b, c in zip(*(m.get_weights() for m in (first, second, averaged)), strict=True):
        expected = weight * a.astype("float64") + (1 - weight) * b.astype("float64")
        np.testing.assert_allclose(c, expected, rtol=1e-6, atol=1e-7)


def test_a_model_and_itself():
    model = made(3)
    averaged = average_models(model, model, 0.3)
    np.testing.assert_allclose(averaged(faces()), model(faces()), atol=1e-6)


@pytest.mark.parametrize(
    ("others", "weight", "said"),
    [
        ({"input_size": 64}, 0.5, "averaged must have the same .*input_size 48 and 64"),
        ({"name": "thin-age-net"}, 0.5, "backbone_name tiny-age-net and thin-age-net"),
        ({}, 1.5, "a share, 0 ... 1"),
        ({}, -1, "weight"),
    ],
)
def test_what_cannot_be_averaged_is_refused(others, weight, said):
    with pytest.raises(ConfigError, match=said):
        average_models(made(1), made(2, **others), weight)
