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


def test_the_logits_are_the_mean_of_both():
    first, second, weight = made(1), made(2), 0.8
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


@pytest.mark.parametrize("weight", [0.8, 0.0])
def test_the_weights_are_the_mean(weight):
    first, second = made(1), made(2)
    averaged = average_models(first, second, weight)
    assert averaged.backbone_name == "tiny-age-net" and averaged.calibration is None
    for a, b, c in zip(*(m.get_weights() for m in (first, second, averaged)), strict=True):
        expected = weight * a.astype("float64") + (1 - weight) * b.astype("float64")
        np.testing.assert_allclose(c, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("combined", "others", "weight", "said"),
    [
        (join_models, {"grid": LabelGrid.age()}, 0.5, "joined must have the same .*grid"),
        (join_models, {"name": "nano-age-net"}, 0.5, "tiny-age-net and nano-age-net"),
        (join_models, {"method": "dex"}, 0.5, "method"),
        (join_models, {"pooling": "average"}, 0.5, "pooling"),
        (join_models, {}, 1.5, "a share, 0 ... 1"),
        (average_models, {"input_size": 64}, 0.5, "averaged must .*input_size 48 and 64"),
        (average_models, {}, 1.5, "a share, 0 ... 1"),
        (average_models, {}, -1, "weight"),
    ],
)
def test_what_cannot_be_combined_is_refused(combined, others, weight, said):
    with pytest.raises(ConfigError, match=said):
        combined(made(1), made(2, **others), weight)


def test_a_backbone_without_a_wider_one_is_refused():
    with pytest.raises(ConfigError, match="Only models with a backbone.*thin-age-net"):
        join_models(made(1, name="thin-age-net"), made(2, name="thin-age-net"))
